"""How many requests may be under way at once: a window that counts the sends of the last four intervals.

A send counts until it is answered or until its interval, of 0.75 s, is three intervals old.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from typing import Final

DRAIN_INTERVAL: Final = 0.75
"""Seconds between two calls of `drain`."""
MAX_WINDOW: Final = 80
"""Sends in one interval; all four together may have twice as many."""

_INTERVALS: Final = 4


class CongestionWindow:
    """Counts sends and answers; full when the current interval or all four together have too many."""

    def __init__(self, max_window: int = MAX_WINDOW) -> None:
        self._max_window = max_window
        self._sent = [0] * _INTERVALS
        self._current = 0

    @property
    def total(self) -> int:
        """Sends that still count."""
        return sum(self._sent)

    @property
    def is_full(self) -> bool:
        """Whether the next send has to wait."""
        return self.total >= 2 * self._max_window or self._sent[self._current] >= self._max_window

    def sent(self) -> None:
        """Count a datagram that was sent."""
        self._sent[self._current] += 1

    def answered(self) -> None:
        """Take back a send of the current interval: it was answered, or given up."""
        if self._sent[self._current] > 0:
            self._sent[self._current] -= 1

    def clear(self) -> None:
        """Forget all sends."""
        self._sent = [0] * _INTERVALS
        self._current = 0

    def drain(self) -> None:
        """Begin the next interval and forget the oldest one."""
        self._current = (self._current + 1) % _INTERVALS
        self._sent[self._current] = 0
