"""Timers of one machine: what is to be done when.

Cancelled timers stay in the heap until they are due or make up most of it.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

_FEW: Final = 64


class Timer:
    """One thing to do at a time."""

    __slots__ = ("_agenda", "action", "at")

    def __init__(self, agenda: Agenda, at: float, action: Callable[[float], None]) -> None:
        self.at = at
        self.action: Callable[[float], None] | None = action
        self._agenda = agenda

    def cancel(self) -> None:
        """Don't do it; allowed at any time."""
        if self.action is not None:
            self.action = None
            self._agenda.cancelled()


class Agenda:
    """What is to be done, in order of time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._dead = 0

    def __len__(self) -> int:
        """Timers that are running."""
        return len(self._heap) - self._dead

    def call_at(self, at: float, action: Callable[[float], None]) -> Timer:
        """Call `action` with the time when `at` has come."""
        timer = Timer(self, at, action)
        self._count += 1
        heappush(self._heap, (at, self._count, timer))
        return timer

    def next_timeout(self) -> float | None:
        """When the next timer is due."""
        self._drop_dead()
        return self._heap[0][0] if self._heap else None

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        while self._heap and self._heap[0][0] <= now:
            timer = heappop(self._heap)[2]
            action, timer.action = timer.action, None
            if action is None:
                self._dead -= 1
            else:
                action(now)

    def clear(self) -> None:
        """Cancel everything."""
        for _, _, timer in self._heap:
            timer.action = None
        self._heap.clear()
        self._dead = 0

    def cancelled(self) -> None:
        """One of the timers was cancelled."""
        self._dead += 1
        if self._dead > _FEW and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapify(self._heap)
            self._dead = 0

    def _drop_dead(self) -> None:
        while self._heap and self._heap[0][2].action is None:
            heappop(self._heap)
            self._dead -= 1
