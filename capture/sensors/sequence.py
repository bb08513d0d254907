"""Which numbers of a count have come, when they may come late, twice, or never."""

from __future__ import annotations

from typing import Final

MOST_GAPS: Final = 256
"""Gaps that are remembered; of older ones nothing is expected any more."""


class Sequence:
    """Numbers from 0 on, each of which is to come once.

    Args:
        first: the first that is expected; None: whichever comes first.
    """

    def __init__(self, first: int | None = 0) -> None:
        self._next = first
        self._gaps: list[tuple[int, int]] = []
        """First number and the one behind the last, in order."""
        self._given_up = 0

    @property
    def missing(self) -> int:
        """Numbers that have not come although later ones have."""
        return self._given_up + sum(end - start for start, end in self._gaps)

    def take(self, number: int) -> bool:
        """Note that a number has come; whether it comes for the first time."""
        if self._next is None:
            self._next = number
        if number < self._next:
            return self._take_late(number)
        if number > self._next:
            self._gaps.append((self._next, number))
            if len(self._gaps) > MOST_GAPS:
                start, end = self._gaps.pop(0)
                self._given_up += end - start
        self._next = number + 1
        return True

    def _take_late(self, number: int) -> bool:
        for place, (start, end) in enumerate(self._gaps):
            if start <= number < end:
                self._gaps[place : place + 1] = [
                    (low, high) for low, high in ((start, number), (number + 1, end)) if low < high
                ]
                return True
        return False
