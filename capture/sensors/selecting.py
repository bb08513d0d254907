"""Which rows of a growing table a sensor publishes, each once.

Whether a packet belongs to an attempt is known only after a while: a search is looked at when its handshake comes,
punches when the answers told where they go. So rows are marked when they are published, and the mark stays with the
packet when a bounded table gives its rows other numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from capture.arrays import I64, Bools
from capture.envelopes import Kind
from capture.kept_rows import rows_of_streams
from capture.table import PacketTable

OURS: Final = (Kind.REQUEST, Kind.RESPONSE, Kind.PUNCH, Kind.MALFORMED)
"""What is published without an attempt, if everything is; packets of streams are not."""


WITNESS_NS: Final = 2_000_000_000
"""After so long without a packet that is published, the newest message is, to show that it was listened on: that
nothing came is what some verdicts rest on.
"""
JOINED_WITHIN_NS: Final = 30_000_000_000
"""A message that belongs to no attempt after so long hardly ever comes to."""


class Selection:
    """Remembers which rows were published.

    Args:
        table: the packets; may grow.
        everything: whether messages that belong to no attempt are published too.
    """

    def __init__(self, table: PacketTable, *, everything: bool) -> None:
        self.let_go = 0
        """Messages that went from the table so early that they might have come to belong to an attempt."""
        self._table = table
        self._everything = everything
        self._sent: Bools = np.zeros(0, np.bool_)
        self._looked = 0
        """Rows that were looked at without regard to attempts."""
        self._newest: dict[int, int] = {}
        """Row of the newest message of each source that may be a witness."""
        self._shown_ns: dict[int, int] = {}
        """Time of the newest packet of each source that was published."""

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        old, sent = self._table, self._marks()
        kept = np.isin(_places(old), _places(table))
        if len(old):
            late = old.time_ns > int(old.time_ns.max()) - JOINED_WITHIN_NS
            self.let_go += int((~sent & ~kept & late & np.isin(old.kind, OURS)).sum())
        self._table = table
        self._sent = np.isin(_places(table), _places(old)[sent])
        self._looked = 0
        self._newest.clear()

    def fresh(self, rows: Iterable[int], streams: Iterable[int], *, last: bool = False) -> I64:
        """Rows that are to be published now, in the order of the table; they count as published.

        Args:
            rows: that belong to attempts; copies of them go along.
            streams: ids of streams of theirs.
            last: whether nothing more will come.
        """
        table, sent = self._table, self._marks()
        wanted = np.zeros(len(table), np.bool_)
        wanted[np.fromiter(rows, np.int64)] = True
        ids = set(streams)
        if ids:
            wanted[rows_of_streams(table, ids)] = True
        ours = np.flatnonzero(np.isin(table.kind[self._looked :], OURS)) + self._looked
        self._looked = len(table)
        # A witness must not be taken for the beginning of something.
        idle = ours[(table.kind[ours] == Kind.RESPONSE) | table.asked_internally(ours)]
        self._newest |= dict(zip(table.file[idle].tolist(), idle.tolist(), strict=True))
        if self._everything:
            wanted[ours] = True
        copy_of = table.copy_of
        primary = np.where(copy_of >= 0, copy_of, np.arange(len(table)))
        shown = np.zeros(len(table), np.bool_)
        shown[primary[wanted | sent]] = True
        wanted = shown[primary]
        for file, row in self._newest.items():
            mine = np.flatnonzero(wanted & ~sent & (table.file == file))
            if mine.size:
                newest_ns = int(table.time_ns[mine].max())
                self._shown_ns[file] = max(newest_ns, self._shown_ns.get(file, newest_ns))
            since = table.time_ns.item(row) - self._shown_ns.get(file, 0)
            if since >= WITNESS_NS or (last and since > 0):
                wanted |= primary == primary[row]
                self._shown_ns[file] = table.time_ns.item(row)
        found = np.flatnonzero(wanted & ~sent)
        sent[found] = True
        return found

    def _marks(self) -> Bools:
        missing = len(self._table) - self._sent.size
        if missing:
            self._sent = np.concatenate((self._sent, np.zeros(missing, np.bool_)))
        return self._sent


def _places(table: PacketTable) -> I64:
    """File and frame of each row, in one number."""
    places: I64 = table.file.astype(np.int64) << 32 | table.frame
    return places
