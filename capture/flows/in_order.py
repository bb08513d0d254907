"""Flows in the order in which they began, kept so while some of them are replaced."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from capture.flow import Flow

_MANY: Final = 8
"""Where more than one in so many changes, all of them are sorted anew."""


class InOrder:
    """Every flow, oldest first.

    A live story changes a few of them with each look, mostly the newest. To sort all of a hundred thousand takes
    longer than everything else that a look does.
    """

    def __init__(self) -> None:
        self._sorted: list[Flow] | None = None
        self._told: tuple[Flow, ...] | None = None

    def all(self, *everything: Iterable[Flow]) -> tuple[Flow, ...]:
        """Every flow; the same tuple until something changes.

        Args:
            everything: all flows that there are, in any order.
        """
        if self._sorted is None:
            self._sorted = sorted(chain.from_iterable(everything), key=_key)
        if self._told is None:
            self._told = tuple(self._sorted)
        return self._told

    def change(self, gone: Sequence[Flow], fresh: Sequence[Flow]) -> None:
        """Take flows out and put others in; one that was replaced is among both."""
        if not gone and not fresh:
            return
        self._told = None
        known = self._sorted
        if known is None or (len(gone) + len(fresh)) * _MANY > len(known):
            self._sorted = None
            return
        for flow in gone:
            at = bisect_left(known, _key(flow), key=_key)
            while known[at] is not flow:
                at += 1
            del known[at]
        for flow in fresh:
            insort(known, flow, key=_key)


def _key(flow: Flow) -> tuple[float, str]:
    return flow.started, flow.id
