"""Every sighting of a datagram, by its primary row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final

import numpy as np

from capture.arrays import I64
from capture.flow import Sighting
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.table import PacketTable

NEXT_ROWS: Final = 4096
"""How many rows are looked at to see whether a capture goes on."""


class Copies:
    """Looks up the other sightings of a primary row, and the endpoints they show."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self.sighting: Callable[[int], Sighting] = lru_cache(maxsize=4096)(partial(_sighting, table))
        """A row as file and frame number; who looks at an attempt asks for each of its rows several times."""
        self._rows: list[int] = []
        """Rows of all copies; those of one primary that came in one batch side by side, in their order."""
        self._sources: list[int] = []
        self._destinations: list[int] = []
        self._by_primary: dict[int, Sequence[int]] = {}
        """Where the copies of a row are in those lists. Most have no more than a range, which is made in no time."""
        self.done = 0
        """How many rows were taken in."""
        self.late: list[tuple[int, int]] = []
        """Copies that came in a later batch than what they show again, with its primary row; of the last batch."""

    def update(self) -> None:
        """Take in the rows appended since the last call."""
        table = self._table
        start, stop = self.done, len(table)
        self.done = stop
        self.late.clear()
        rows = np.flatnonzero(table.copy_of[start:stop] >= 0) + start
        if not len(rows):
            return
        primaries = table.copy_of[rows]
        late = primaries < start
        self.late += zip(rows[late].tolist(), primaries[late].tolist(), strict=True)
        order = np.argsort(primaries, kind="stable")
        rows, primaries = rows[order], primaries[order]
        known = len(self._rows)
        self._rows += rows.tolist()
        self._sources += source_endpoints(table, rows).tolist()
        self._destinations += destination_endpoints(table, rows).tolist()
        heads = np.flatnonzero(np.concatenate(([True], primaries[1:] != primaries[:-1])))
        ends = np.append(heads[1:], len(rows)) + known
        found = dict(zip(primaries[heads].tolist(), map(range, (heads + known).tolist(), ends.tolist()), strict=True))
        for primary in found.keys() & self._by_primary.keys() if start else ():
            self._by_primary[primary] = [*self._by_primary[primary], *found.pop(primary)]
        self._by_primary.update(found)

    def sources(self, row: int, src: int) -> list[int]:
        """Every source endpoint under which the datagram was seen; `src` is that of the row itself."""
        copies = self._by_primary.get(row)
        return [src] if copies is None else [src, *[self._sources[copy] for copy in copies]]

    def destinations(self, row: int, dst: int) -> list[int]:
        """Every destination endpoint under which the datagram was seen; `dst` is that of the row itself."""
        copies = self._by_primary.get(row)
        return [dst] if copies is None else [dst, *[self._destinations[copy] for copy in copies]]

    def fullest(self, rows: I64) -> I64:
        """For each primary row the sighting of which most bytes were captured: itself, unless it was cut."""
        table = self._table
        cut = np.flatnonzero(table.wire_length[rows] > table.length[rows])
        if not len(cut):
            return rows
        fullest = rows.copy()
        for index in cut.tolist():
            row = int(rows[index])
            sightings = [row, *[self._rows[copy] for copy in self._by_primary.get(row, ())]]
            fullest[index] = max(sightings, key=lambda row: int(table.length[row]))
        return fullest

    def files(self, row: int) -> set[int]:
        """The captures that show a datagram, by its primary row."""
        file = self._table.file
        return {int(file[row]), *(int(file[self._rows[copy]]) for copy in self._by_primary.get(row, ()))}

    def goes_on(self, file: int, row: int) -> bool:
        """Whether a capture shows something among the next rows behind one."""
        return bool((self._table.file[row + 1 : row + 1 + NEXT_ROWS] == file).any())

    def sightings(self, row: int) -> tuple[Sighting, ...]:
        """The further sightings of a primary row."""
        copies = self._by_primary.get(row)
        return () if copies is None else tuple([self.sighting(self._rows[copy]) for copy in copies])


def _sighting(table: PacketTable, row: int) -> Sighting:
    return Sighting(table.file.item(row), table.frame.item(row), row)
