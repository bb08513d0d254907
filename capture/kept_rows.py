"""Rows that stay with an attempt, and tables that are made of some rows of another one, part by part."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np

from capture.arrays import I64, U32, Bools, distinct
from capture.model import Flow
from capture.raw import Raw
from capture.table import Kind, PacketTable, Piece

OF_A_STREAM: Final = 1000
"""Packets of each stream of an attempt that stay with it."""


class Picking:
    """A table of some rows of another one, with copies of their frames, that grows part by part.

    Args:
        table: where they are; may grow meanwhile.
    """

    def __init__(self, table: PacketTable) -> None:
        self.new = PacketTable()
        """The table that they go to; its files are to be added."""
        self.new.reserve(table.capacity)
        self._table = table
        self._place = np.empty(0, np.int64)
        """For each row its place in the new table; -1 for those that have none."""

    def add(self, rows: I64) -> None:
        """Take over rows, ascending and later than those before; a copy needs its primary."""
        if not len(rows):
            return
        table, new = self._table, self.new
        if len(self._place) < len(table):
            more = np.full(2 * len(table) - len(self._place), -1, np.int64)
            self._place = np.concatenate((self._place, more))
        self._place[rows] = np.arange(len(new), len(new) + len(rows))
        columns = {name: table.stored(name)[rows] for name in table.columns}
        six = np.flatnonzero(columns["family6"])
        for end in ("src", "dst") if six.size else ():
            known = distinct(columns[end][six])
            numbers = new.host6_numbers(table.hosts6[number] for number in known.tolist())
            columns[end][six] = np.array(numbers, np.uint32)[np.searchsorted(known, columns[end][six])]
        again = columns["copy_of"] >= 0
        columns["copy_of"][again] = self._place[columns["copy_of"][again]]
        frames = _frames(table, columns["segment"], columns["frame_at"], columns["frame_length"])
        sizes = np.fromiter(map(len, frames), np.int64, len(frames))
        segment = len(new.segments)
        columns["segment"][:] = segment
        columns["frame_at"][:] = np.cumsum(sizes) - sizes
        at = int(sizes.sum())
        for row in sorted(table.pieces.keys() & set(rows.tolist())) if table.pieces else ():
            moved = []
            for piece in table.pieces[row]:
                frames.append(bytes(table.segments[piece.segment].buffer[piece.at : piece.at + piece.length]))
                moved.append(Piece(segment, at, *piece[2:]))
                at += piece.length
            place = int(self._place[row])
            new.pieces[place] = moved
            new.assembled[place] = table.assembled[row]
        new.segments.append(Raw(b"".join(frames)))
        new.append(**columns)


def _frames(table: PacketTable, segment: U32, start: I64, length: U32) -> list[bytes]:
    """Captured frames of many rows."""
    end = start + length
    buffers = {number: table.segments[number].buffer for number in distinct(segment).tolist()}
    return [buffers[of][a:b] for of, a, b in zip(segment.tolist(), start.tolist(), end.tolist(), strict=True)]


def picked(table: PacketTable, rows: I64) -> PacketTable:
    """A table of some rows, with copies of their frames. Its files are to be added; a copy needs its primary.

    Args:
        table: where they are.
        rows: ascending.
    """
    picking = Picking(table)
    picking.add(rows)
    return picking.new


def rows_of(flow: Flow) -> tuple[set[int], set[int]]:
    """Rows of the packets that an attempt shows or rests on, without further sightings of them, and ids of its streams.

    The packets of streams are left out; see `rows_of_streams`.
    """
    members = flow.members()
    rows = {member.row for member in members.packets}
    rows.update(one.sighting.row for one in flow.verdict.evidence)
    if flow.key.proof is not None:
        rows.add(flow.key.proof.row)
    return rows, {stream.udx_id for stream in members.streams}


def ends_of(rows: Collection[int], most: int) -> Collection[int]:
    """The rows, or the first and the last of them where they are more than `most`.

    Nothing but a bound: somebody may send for ever what looks like one attempt.
    """
    if len(rows) <= most:
        return rows
    ordered = sorted(rows)
    return ordered[: most // 2] + ordered[-(most // 2) :]


def rows_of_streams(table: PacketTable, ids: Iterable[int]) -> I64:
    """Rows of the first `OF_A_STREAM` packets with each of some stream ids.

    A stream may be that of a blind relay, and tell that another path came later.
    """
    of_streams: Bools = (table.kind == Kind.UDX) & np.isin(table.udx_id, np.fromiter(ids, np.uint32))
    rows = np.flatnonzero(of_streams)
    order = np.argsort(table.udx_id[rows], kind="stable")
    sorted_ids = table.udx_id[rows[order]]
    nth = np.arange(len(order)) - np.searchsorted(sorted_ids, sorted_ids)
    found: I64 = np.sort(rows[order[nth < OF_A_STREAM]])
    return found
