"""Every sighting of a datagram, by its primary row."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from capture.arrays import I64
from capture.flow import Sighting
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.table import PacketTable


class Copies:
    """Looks up the other sightings of a primary row, and the endpoints they show."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._by_primary: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        """Row, source and destination of every copy."""
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
        sources, destinations = source_endpoints(table, rows).tolist(), destination_endpoints(table, rows).tolist()
        for row, primary, src, dst in zip(
            rows.tolist(), table.copy_of[rows].tolist(), sources, destinations, strict=True
        ):
            self._by_primary[primary].append((row, src, dst))
            if primary < start:
                self.late.append((row, primary))

    def sources(self, row: int, src: int) -> list[int]:
        """Every source endpoint under which the datagram was seen; `src` is that of the row itself."""
        copies = self._by_primary.get(row)
        return [src] if copies is None else [src, *[copy[1] for copy in copies]]

    def destinations(self, row: int, dst: int) -> list[int]:
        """Every destination endpoint under which the datagram was seen; `dst` is that of the row itself."""
        copies = self._by_primary.get(row)
        return [dst] if copies is None else [dst, *[copy[2] for copy in copies]]

    def fullest(self, rows: I64) -> I64:
        """For each primary row the sighting of which most bytes were captured: itself, unless it was cut."""
        table = self._table
        cut = np.flatnonzero(table.wire_length[rows] > table.length[rows])
        if not len(cut):
            return rows
        fullest = rows.copy()
        for index in cut.tolist():
            sightings = [int(rows[index]), *[copy[0] for copy in self._by_primary.get(int(rows[index]), ())]]
            fullest[index] = max(sightings, key=lambda row: int(table.length[row]))
        return fullest

    def sighting(self, row: int) -> Sighting:
        """A row as file and frame number."""
        return Sighting(int(self._table.file[row]), int(self._table.frame[row]), row)

    def sightings(self, row: int) -> tuple[Sighting, ...]:
        """The further sightings of a primary row."""
        return tuple(self.sighting(other) for other, _, _ in self._by_primary.get(row, ()))
