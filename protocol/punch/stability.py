"""Whether the NAT in front of an attempt's socket can be punched with, and other sockets where it can not.

On some networks, mobile ones for example, one socket is mapped consistently and the next one is not.

Source: npm hyperdht 6.34.0 (lib/holepuncher.js: analyze, _reopen).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from protocol.constants import Firewall
from protocol.punch.nat_analysis import NatAnalysis

MAX_REOPENS: Final = 3

OnStable = Callable[[bool, float], None]


class Reopenable(Protocol):
    """An attempt that can take another socket."""

    @property
    def nat(self) -> NatAnalysis:
        """The analysis of its socket of the moment."""

    @property
    def remote_firewall(self) -> int:
        """The class of the peer's NAT."""

    @property
    def is_settled(self) -> bool:
        """Whether its socket must stay: it punches, is connected, or is over."""

    def reopen(self, now: float) -> None:
        """Take another socket."""


class Stability:
    """Waits for the analysis of one attempt, and reopens."""

    def __init__(self, attempt: Reopenable) -> None:
        self.reopened = 0
        """How often another socket was taken."""
        self._attempt = attempt
        self._result: bool | None = None
        self._waiting: list[OnStable] | None = None

    def analyze(self, allow_reopen: bool, now: float, on_done: OnStable) -> None:
        """Tell whether the NAT can be punched with; see `Puncher.analyze`."""

        def analyzed(now: float) -> None:
            if not self._is_unstable:
                on_done(True, now)
            elif not allow_reopen:
                on_done(False, now)
            else:
                self._reopen(now, on_done)

        self._attempt.nat.when_analyzed(now, analyzed)

    @property
    def _is_unstable(self) -> bool:
        ours, theirs = self._attempt.nat.firewall, self._attempt.remote_firewall
        return ours == Firewall.UNKNOWN or (ours >= Firewall.RANDOM and theirs >= Firewall.RANDOM)

    def _reopen(self, now: float, on_done: OnStable) -> None:
        """Take other sockets until one is better; all who ask get the same answer."""
        if self._result is not None:
            on_done(self._result, now)
        elif self._waiting is not None:
            self._waiting.append(on_done)
        else:
            self._waiting = [on_done]
            self._reopen_once(now)

    def _reopen_once(self, now: float) -> None:
        if self._is_unstable and self.reopened < MAX_REOPENS and not self._attempt.is_settled:
            self.reopened += 1
            self._attempt.reopen(now)
            self._attempt.nat.when_analyzed(now, self._reopen_once)
            return
        self._result = coerced(self._attempt.nat.firewall) == Firewall.CONSISTENT
        waiting, self._waiting = self._waiting or [], None
        for told in waiting:
            told(self._result, now)


def coerced(firewall: int) -> int:
    """An open side punches as a consistent one does."""
    return Firewall.CONSISTENT if firewall == Firewall.OPEN else firewall


def known_class(firewall: int) -> Firewall:
    """The class that a number from the wire counts as: whatever is beyond RANDOM is punched as RANDOM is."""
    return Firewall(min(firewall, Firewall.RANDOM))
