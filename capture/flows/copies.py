"""Every sighting of a datagram, by its primary row."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.model import Sighting
from capture.table import PacketTable


class Copies:
    """Looks up the other sightings of a primary row, and the endpoints they show."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._by_primary: dict[int, list[int]] = defaultdict(list)
        self._done = 0

    def update(self) -> None:
        """Take in the rows appended since the last call."""
        start, stop = self._done, len(self._table)
        self._done = stop
        copies = np.flatnonzero(self._table.copy_of[start:stop] >= 0) + start
        for row, primary in zip(copies.tolist(), self._table.copy_of[copies].tolist(), strict=True):
            self._by_primary[primary].append(row)

    def of(self, row: int) -> list[int]:
        """Rows of the further sightings of a primary row."""
        return self._by_primary.get(row, [])

    def sources(self, row: int, src: int) -> list[int]:
        """Every source endpoint under which the datagram was seen; `src` is that of the row itself."""
        others = self._by_primary.get(row)
        return [src] if others is None else [src, *source_endpoints(self._table, np.asarray(others)).tolist()]

    def destinations(self, row: int, dst: int) -> list[int]:
        """Every destination endpoint under which the datagram was seen; `dst` is that of the row itself."""
        others = self._by_primary.get(row)
        return [dst] if others is None else [dst, *destination_endpoints(self._table, np.asarray(others)).tolist()]

    def sighting(self, row: int) -> Sighting:
        """A row as file and frame number."""
        return Sighting(int(self._table.file[row]), int(self._table.frame[row]), row)

    def sightings(self, row: int) -> tuple[Sighting, ...]:
        """The further sightings of a primary row."""
        return tuple(self.sighting(other) for other in self._by_primary.get(row, ()))
