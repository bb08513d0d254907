"""The ways between the vantages of several captures, as datagrams with content went them: hops and delays."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from capture.arrays import I64
from capture.table import PacketTable

_KEPT: Final = 64
"""Delays kept for each way, the latest."""
_MARGIN_NS: Final = 3_000_000


class Way:
    """The way from one file's vantage to another's."""

    __slots__ = ("delays", "steps")

    def __init__(self) -> None:
        self.steps: set[int] = set()
        """By how much the TTL fell."""
        self.delays: deque[int] = deque(maxlen=_KEPT)
        """Nanoseconds it took."""

    def takes(self, delay_ns: int) -> bool:
        """Whether a datagram may take this long: little more or less than others did."""
        low, high = min(self.delays), max(self.delays)
        margin = _MARGIN_NS + (high - low) // 4
        return low - margin <= delay_ns <= high + margin


class Ways:
    """All ways between files, each in the direction in which TTLs fall."""

    def __init__(self) -> None:
        self._ways: dict[tuple[int, int], Way] = {}

    def between(self, near: int, far: int) -> Way | None:
        """The way from one file to another, if any datagram went it."""
        return self._ways.get((near, far))

    def note(self, near: int, far: int, step: int, delay_ns: int) -> None:
        """One datagram was seen in file `near`, and `step` hops further on in file `far`."""
        way = self._ways.get((near, far))
        if way is None:
            way = self._ways[near, far] = Way()
        way.steps.add(step)
        way.delays.append(delay_ns)

    def note_all(self, table: PacketTable, rows: I64, number: I64) -> None:
        """Note what datagrams went, each of which is a run of `rows` with one `number`."""
        largest = int(np.bincount(number).max(initial=1))
        for apart in range(1, largest):
            same = np.flatnonzero(number[apart:] == number[:-apart])
            a, b = rows[same], rows[same + apart]
            step = table.ttl[a].astype(np.int64) - table.ttl[b]
            for sign in (1, -1):
                falls = np.flatnonzero(sign * step >= 0)
                near, far = (a, b) if sign > 0 else (b, a)
                self._note_pairs(table, near[falls], far[falls], sign * step[falls])

    def _note_pairs(self, table: PacketTable, near: I64, far: I64, step: I64) -> None:
        # One note for each pair of files and step says all about the steps; the latest few say enough about delays.
        pair = (table.file[near].astype(np.int64) << 24) | (table.file[far].astype(np.int64) << 8) | step
        order = np.argsort(pair, kind="stable")
        last = np.flatnonzero(np.diff(pair[order], append=-1) != 0)
        counts = np.diff(last, prepend=-1)
        for end, count in zip(last.tolist(), counts.tolist(), strict=True):
            for index in order[end + 1 - min(count, _KEPT) : end + 1].tolist():
                x, y = near[index], far[index]
                delay = table.time_ns.item(y) - table.time_ns.item(x)
                self.note(table.file.item(x), table.file.item(y), int(step[index]), delay)
