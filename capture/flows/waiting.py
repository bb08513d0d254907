"""Attempts that changed and wait for their turn to be worked out anew.

Where hundreds begin in a second, each of them changes with every look at the source, and to work all of them out each
time would take several processors. So a look in haste takes some: those that somebody sees, then those that have been
quiet for a moment or have waited long, the longest first. Where few changed, none of them waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from capture.flows.attempt import Attempt

QUIET_NS: Final = 400_000_000
"""An attempt without a relayed message for so long may be over, or in a longer pause."""
PATIENCE_NS: Final = 1_000_000_000
"""How long one that goes on waits while others change more slowly."""


class Haste(NamedTuple):
    """How much may be done at once."""

    most: int
    """Attempts that are worked out, besides those that somebody sees."""
    seen: Collection[str] = ()
    """Ids of those."""
    again: bool = False
    """Whether nobody looked for new packets since the last time."""


class Waiting:
    """Noise message 1 of attempts, in the order in which they changed."""

    def __init__(self, attempts: Mapping[bytes, Attempt]) -> None:
        self._attempts = attempts
        self._since_ns: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._since_ns)

    def __contains__(self, noise1: object) -> bool:
        return noise1 in self._since_ns

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._since_ns)

    def add(self, changed: Iterable[bytes], now_ns: int) -> None:
        """Let attempts wait, unless they do."""
        for noise1 in changed:
            self._since_ns.setdefault(noise1, now_ns)

    def discard(self, noise1: bytes) -> None:
        """It is no more."""
        self._since_ns.pop(noise1, None)

    def take(self, now_ns: int, haste: Haste | None, *, idle: bool) -> dict[bytes, None]:
        """Those whose turn it is; they wait no longer.

        Args:
            now_ns: when the last packet came.
            haste: how much may be done; None: all.
            idle: whether nothing came since the last time, so that whoever waits would wait for ever.
        """
        waiting = self._since_ns
        if haste is None or len(waiting) <= haste.most:
            self._since_ns = {}
            return dict.fromkeys(waiting)
        seen = set(map(bytes.fromhex, haste.seen))
        chosen = {one: None for one in waiting if self._attempts[one].id in seen} if seen else {}
        left = haste.most
        for noise1, since_ns in waiting.items():
            # Something was heard of whoever began to wait; the others began later still.
            if not left or (now_ns - since_ns < QUIET_NS and not idle):
                break
            patient = idle or now_ns - since_ns >= PATIENCE_NS
            if (patient or now_ns - self._attempts[noise1].last_ns >= QUIET_NS) and noise1 not in chosen:
                chosen[noise1] = None
                left -= 1
        for noise1 in chosen:
            del waiting[noise1]
        return chosen
