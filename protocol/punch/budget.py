"""What all attempts of one peer share: how often it punches at random, and counts of what was tried.

Punching at random sends up to 1750 datagrams, or opens 256 sockets, so only one attempt does it at a time, and the next
may begin 20 s after the last has ended.

Addresses that a peer named without proof may be anybody's. All attempts together punch them only so often.

Source: npm hyperdht 6.34.0 (index.js, lib/holepuncher.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.dht.limits import Budgets

RANDOM_PUNCHES: Final = 1
"""At once."""
RANDOM_INTERVAL: Final = 20.0
"""Seconds from the end of one to the next."""
STRANGER_RATE: Final = 10.0
"""Punches in a second to one host without proof; not limited by the reference, nor are the following."""
STRANGER_BURST: Final = 200.0
STRANGERS_RATE: Final = 200.0
"""Punches in a second to all hosts without proof."""
STRANGERS_BURST: Final = 2000.0

_HOSTS: Final = 4096


class PunchBudget:
    """Whether an attempt may punch at random now.

    Args:
        limit: attempts at once.
        interval: seconds from the end of one to the next.
        deferred_since: a time at which to behave as if one had just ended.
    """

    def __init__(
        self, limit: int = RANDOM_PUNCHES, interval: float = RANDOM_INTERVAL, deferred_since: float | None = None
    ) -> None:
        self.running = 0
        """Attempts that punch at random now, or are about to."""
        self.consistent = 0
        """Attempts in which both NATs were consistent; these, and the following, since the start."""
        self.random = 0
        """Attempts in which one NAT was random."""
        self.open = 0
        """Connected without punching, since one side is reachable."""
        self.try_later = 0
        """Refused, since another one was punching at random."""
        self.try_later_relayed = 0
        """Of these, handshakes that have a relay to wait on, each once."""
        self.echoes_refused = 0
        """Punches that were not answered, since one attempt had too many; not counted by the reference."""
        self.strangers_refused = 0
        """Punches that were not sent, since too many went to addresses without proof; not counted by the reference."""
        self._stranger = Budgets(STRANGER_RATE, STRANGER_BURST, _HOSTS)
        self._strangers = Budgets(STRANGERS_RATE, STRANGERS_BURST, 1)
        self.limit = limit
        self.interval = interval
        self._ended = deferred_since

    def admits_stranger(self, host: str, now: float) -> bool:
        """Whether one more punch may go to this host, which has not proved itself."""
        admitted = self._stranger.take(host, 1, now) and self._strangers.take("", 1, now)
        self.strangers_refused += not admitted
        return admitted

    def may_start(self, now: float) -> bool:
        """Whether one more may begin."""
        return self.running < self.limit and (self._ended is None or now - self._ended >= self.interval)

    def next_at(self, now: float) -> float | None:
        """When the next may begin, as far as is known: None while one is running."""
        if self.running >= self.limit:
            return None
        return now if self._ended is None else max(now, self._ended + self.interval)

    def reserve(self) -> Callable[[], None]:
        """Take a place before it is sure that it will be used; what is returned gives it back, as if it never was."""
        self.running += 1
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self.running -= 1

        return release

    def begin(self) -> None:
        """An attempt begins."""
        self.running += 1

    def end(self, now: float) -> None:
        """It has ended; the interval begins."""
        self.running -= 1
        self._ended = now
