"""One of several live sources, with a small table of its own from which rows are released into the table of all."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

import numpy as np

from capture.arrays import I64, Array
from capture.candidates import FORWARD_WINDOW_NS
from capture.clock_curve import Curve
from capture.kept_rows import Picking
from capture.live import LiveSource
from capture.table import PacketTable, Piece

HOLD: Final = 0.25
"""Seconds that a packet waits for those of other sources that may have been earlier; most come within them."""
TRIM: Final = 1 << 16
"""Released rows after which the small table is made anew."""
_NOWHERE: Final = -1


class Staged:
    """A source whose rows wait for those of the others.

    Args:
        source: has one file; may have collected rows already.
        number: of its file in the table of all.
        table: that one.
    """

    def __init__(self, source: LiveSource, number: int, table: PacketTable) -> None:
        self.source = source
        self.number = number
        self.curve = Curve.constant(0)
        """By how much its clock is ahead, as far as is known."""
        self.ended = False
        self._table = table
        self._released = 0
        """Rows of its own table that are in the table of all."""
        self._place = np.empty(0, np.int64)
        """Where those are."""
        self._arrived: deque[tuple[float, int]] = deque()
        """When some rows came, and how many there were then."""
        self._segments: dict[int, int] = {}
        self._stage(0)
        if self.held:
            self._arrived.append((-inf, self.held))

    @property
    def held(self) -> int:
        """Rows that wait."""
        return len(self.source.table) - self._released

    @property
    def newest_ns(self) -> int | None:
        """Time of its last packet, corrected; None before there is one."""
        times = self.source.table.time_ns
        return None if not times.size else int(times[-1]) - self.curve.once(int(times[-1]))

    def collect(self, now: float) -> int:
        """Have the source move what came into its own table; how many rows that were."""
        rows = self.source.collect()
        if rows:
            self._arrived.append((now, rows.stop))
        return len(rows)

    def due(self, now: float, until_ns: int | None) -> int:
        """How many of the rows that wait need not wait any longer.

        Args:
            now: seconds, as given to `collect`.
            until_ns: time before which nothing comes from others any more, as far as anybody can tell; None: all.
        """
        table = self.source.table
        if until_ns is None:
            return self.held
        waited = self._released
        for since, stop in self._arrived:
            if now - since < HOLD:
                break
            waited = stop
        times = table.time_ns[self._released :]
        later = np.flatnonzero(times - self.curve.at(times) > until_ns)
        passed = self._released + (int(later[0]) if later.size else times.size)
        return max(waited, passed) - self._released

    def columns(self, count: int) -> dict[str, Array]:
        """The next rows as they go into the table of all; see `released`. What they copy is told by `copies`."""
        own, table = self.source.table, self._table
        rows = slice(self._released, self._released + count)
        found = {name: own.stored(name)[rows].copy() for name in own.columns}
        found["file"][:] = self.number
        ahead = self.curve.at(found["time_ns"])
        found["time_ns"] -= ahead
        found["ahead_ns"][:] = ahead
        for segment in np.unique(found["segment"]).tolist():
            if segment not in self._segments:
                self._segments[segment] = len(table.segments)
                table.segments.append(own.segments[segment])
        lookup = np.array([self._segments[one] for one in sorted(self._segments)], np.uint32)
        found["segment"] = lookup[np.searchsorted(np.array(sorted(self._segments)), found["segment"])]
        return found

    def released(self, count: int, places: I64) -> None:
        """The next rows are in the table of all, at these places."""
        own, table = self.source.table, self._table
        start, stop = self._released, self._released + count
        self._place = np.concatenate((self._place, places))
        for row in [row for row in own.assembled if start <= row < stop] if own.assembled else ():
            place = int(self._place[row])
            table.assembled[place] = own.assembled[row]
            table.pieces[place] = [self._moved(piece) for piece in own.pieces[row]]
        copies = own.copy_of[start:stop].astype(np.int64)
        again = np.flatnonzero(copies >= 0)
        primary = self._place[copies[again]]
        known = np.flatnonzero(primary >= 0)
        table.copy_of[places[again[known]]] = primary[known]
        self._released = stop
        while self._arrived and self._arrived[0][1] <= stop:
            self._arrived.popleft()
        if self._released >= self._trim_at:
            self._stage(self._recent())

    def move(self, table: PacketTable) -> None:
        """The table of all is another one, with some of its rows at other places."""
        self._table = table
        mine = np.flatnonzero(table.file == self.number)
        frames = table.frame[mine]
        order = np.argsort(frames, kind="stable")
        mine, frames = mine[order], frames[order]
        wanted = self.source.table.frame[: self._released]
        at = np.searchsorted(frames, wanted)
        self._place = np.full(wanted.size, _NOWHERE, np.int64)
        found = np.flatnonzero(at < frames.size)
        found = found[frames[at[found]] == wanted[found]]
        self._place[found] = mine[at[found]]
        self._segments.clear()
        self._stage(self._recent())

    def _recent(self) -> int:
        """First row that may still be shown again, or that rows which wait are copies of."""
        table = self.source.table
        times = table.time_ns[: self._released]
        if not times.size:
            return 0
        late = np.flatnonzero(times >= times[-1] - FORWARD_WINDOW_NS)
        first = int(late[0]) if late.size else self._released
        primaries = table.copy_of[self._released :]
        primaries = primaries[primaries >= 0]
        return min(first, int(primaries.min())) if primaries.size else first

    def _stage(self, first: int) -> None:
        """Go on with a table that has the rows from `first` on, and numbers IPv6 hosts as the table of all does."""
        old = self.source.table
        picking = Picking(old)
        picking.new.share_hosts6(self._table)
        picking.new.files = old.files
        picking.add(np.arange(first, len(old)))
        self.source.move(picking.new)
        self._released = max(0, self._released - first)
        self._place = self._place[first:]
        self._arrived = deque((since, stop - first) for since, stop in self._arrived)
        self._segments.clear()
        self._trim_at = max(TRIM, 4 * self._released)

    def _moved(self, piece: Piece) -> Piece:
        if piece.segment not in self._segments:
            self._segments[piece.segment] = len(self._table.segments)
            self._table.segments.append(self.source.table.segments[piece.segment])
        return piece._replace(segment=self._segments[piece.segment])
