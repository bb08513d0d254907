"""The table of several live sources, merged once more from all its rows, as files that are opened together are.

The rows get other times, where clocks turned out to be otherwise, other copies, and another order. The table that is
made so is handed out part by part, so that a story can be made of it while the sources go on; what comes meanwhile is
added behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from capture.arrays import I64
from capture.clock_curve import Curve
from capture.clocks import Offset
from capture.duplicates import mark_copies
from capture.knowledge import Knowledge
from capture.several.excerpt import own_copies
from capture.table import PacketTable
from capture.vantages import merge_vantages

_UNMOVED: Final = Curve.constant(0)


def by_file(table: PacketTable, *, afresh: bool) -> tuple[PacketTable, I64]:
    """All rows, each file's by itself in the order of its frames, with the times of its own clock.

    Args:
        table: merged.
        afresh: whether to look for the copies that each file shows of its own once more, with all its packets there.

    Returns:
        The table, and for each of its rows the one that it was.
    """
    order = np.lexsort((np.arange(len(table)), table.frame, table.file))
    new = PacketTable()
    new.files, new.segments = table.files, list(table.segments)
    new.host6_numbers(table.hosts6)
    columns = {name: table.stored(name)[order] for name in table.columns}
    columns["time_ns"] += columns["ahead_ns"]
    columns["ahead_ns"][:] = 0
    place = np.empty(len(table), np.int64)
    place[order] = np.arange(len(table))
    own = own_copies(np.arange(len(table)), table.copy_of.astype(np.int64), table.file.astype(np.int64))
    columns["copy_of"] = np.where(own < 0, -1, place[own])[order] if not afresh else np.full(len(table), -1)
    if len(table):
        new.append(**columns)
    new.assembled = {int(place[row]): payload for row, payload in table.assembled.items()}
    new.pieces = {int(place[row]): pieces for row, pieces in table.pieces.items()}
    if afresh:
        edges = np.searchsorted(new.file, np.arange(len(new.files) + 1)).tolist()
        for number, file in enumerate(new.files):
            file.knowledge = Knowledge()
            file.duplicates = mark_copies(new, edges[number], edges[number + 1], edges[number], file.knowledge)
    return new, order


class Remaking:
    """Merges a table once more.

    Args:
        table: merged, of live sources; goes on growing.
        given_ns: clocks that the user knows, by file.
        before: estimates to keep where the table no longer tells, by file.
        afresh: as for `by_file`.
    """

    def __init__(
        self, table: PacketTable, given_ns: Mapping[int, int], before: Mapping[int, Offset], *, afresh: bool
    ) -> None:
        whole, order = by_file(table, afresh=afresh)
        merged = merge_vantages(whole, given_ns, before)
        self.offsets = merged.offsets
        """The clocks as they were found now, by file."""
        self.new = PacketTable()
        """The new table, with as many rows as were added to it."""
        self.new.files, self.new.segments = whole.files, whole.segments
        self.new.share_hosts6(whole)
        self.new.assembled, self.new.pieces = whole.assembled, whole.pieces
        self.curves = {number: offset.curve for number, offset in merged.offsets.items()}
        """By how much the clocks are ahead."""
        self.curves |= {number: Curve.constant(ahead_ns) for number, ahead_ns in given_ns.items()}
        self._old = table
        self._whole: PacketTable | None = whole
        self._place = np.empty(len(table), np.int64)
        self._place[order[merged.order]] = np.arange(len(table))
        # A copy may stand before what it copies: these are not to come in different parts.
        self._needed = np.maximum.accumulate(np.maximum(whole.copy_of, np.arange(len(whole))))

    @property
    def complete(self) -> bool:
        """Whether it has all that the other table has."""
        return self._whole is None and len(self._place) == len(self._old)

    def add(self, most: int) -> int:
        """Add about so many rows; how many there were, 0 once it has all that the other table has."""
        whole = self._whole
        if whole is None:
            return self._add_late()
        start = len(self.new)
        stop = min(start + most, len(whole))
        while stop < len(whole) and stop <= self._needed[stop - 1]:
            stop = int(self._needed[stop - 1]) + 1
        if stop > start:
            self.new.append(**{name: whole.stored(name)[start:stop] for name in whole.columns})
        if stop >= len(whole):
            self._whole = None
        return stop - start or self._add_late()

    def _add_late(self) -> int:
        """Add what has come since the new table was made."""
        old, new = self._old, self.new
        start, stop = len(self._place), len(old)
        if start == stop:
            return 0
        rows = np.arange(start, stop)
        columns = {name: old.stored(name)[rows] for name in old.columns}
        new.segments += old.segments[len(new.segments) :]
        new.host6_numbers(old.hosts6)
        for number in np.unique(columns["file"]).tolist():
            mine = columns["file"] == number
            own_times = columns["time_ns"][mine] + columns["ahead_ns"][mine]
            ahead = self.curves.get(number, _UNMOVED).at(own_times)
            columns["time_ns"][mine], columns["ahead_ns"][mine] = own_times - ahead, ahead
        first = len(new)
        self._place = np.concatenate((self._place, np.arange(first, first + rows.size)))
        copies = np.flatnonzero(columns["copy_of"] >= 0)
        known = self._place[columns["copy_of"][copies]]
        columns["copy_of"][copies] = known
        new.append(**columns)
        further = new.copy_of[known]
        new.copy_of[first + copies[further >= 0]] = further[further >= 0]
        for row in [row for row in old.assembled if row >= start] if old.assembled else ():
            new.assembled[int(self._place[row])] = old.assembled[row]
            new.pieces[int(self._place[row])] = old.pieces[row]
        return int(rows.size)
