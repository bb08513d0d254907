"""Spreads packets over time: a bucket that fills at the pacing rate.

A program's timers are not finer than about a millisecond, so the bucket holds the bytes of two of them, but at least
four full packets, and asks to be woken only when half of it is there: bursts small enough for any router, and few
enough wake-ups for a program.
"""

from __future__ import annotations

from typing import Final

from protocol.stream.packet import MAX_PAYLOAD

BURST_TIME: Final = 0.002
"""Seconds of sending that may go out at once."""
MIN_BURST: Final = 4 * MAX_PAYLOAD


class Pacer:
    """How many bytes may be sent now.

    Attributes:
        rate: bytes per second.
    """

    __slots__ = ("_credit", "_filled_at", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._credit = float(MIN_BURST)
        self._filled_at: float | None = None

    def may_send(self, now: float) -> bool:
        """Whether a packet may go out; one may overdraw the bucket."""
        if self._filled_at is None:
            self._filled_at = now
        elif now > self._filled_at:
            self._credit = min(self._credit + (now - self._filled_at) * self.rate, self._burst())
            self._filled_at = now
        return self._credit > 0

    def spend(self, size: int) -> None:
        """A packet of `size` bytes went out."""
        self._credit -= size

    def ready_at(self, now: float) -> float:
        """When it pays to try again, after `may_send` said no."""
        return now + (self._burst() / 2 - self._credit) / self.rate

    def _burst(self) -> float:
        return max(self.rate * BURST_TIME, MIN_BURST)
