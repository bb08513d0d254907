"""Which of the newest rows of several live sources show a datagram that another of them has shown, or shows now.

Looked at is what came within the longest way between two vantages, and of that only what is equal to something new. So
the cost for each new row does not depend on how many came before. What cannot be said without changing older rows, as
that a sighting nearer the sender came later, is counted: a new table is made then (`capture.several.remaking`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I64
from capture.several.excerpt import excerpt
from capture.sightings import TELLING_LENGTH
from capture.table import Kind, PacketTable
from capture.vantages import WINDOW_NS, Learned, Matcher

LOOK_BACK_ROWS: Final = 1 << 17
MOST_PUNCHES: Final = 4096
"""Packets without content that are looked at together; a flood has more."""


class Across:
    """Joins new rows to those of other files."""

    def __init__(self) -> None:
        self.misplaced = 0
        """Rows that only a new table can put right, counted from the beginning."""
        self._learned: Learned | None = None
        self._proved = 0

    def forget(self) -> None:
        """The table is another one now: what was proved is asked of its files again."""
        self._learned = None

    def mark(self, table: PacketTable, first_new: int) -> None:
        """Set `copy_of` of the rows from `first_new` on; the files have marked their own copies."""
        rows = self._alike(table, first_new)
        if rows.size and bool((table.file[rows] != table.file[rows[0]]).any()):
            self._join(table, rows, first_new)
        _settle_chains(table, first_new)

    def _alike(self, table: PacketTable, first_new: int) -> I64:
        """New rows, and those of the last moments that have their content."""
        start = max(0, first_new - LOOK_BACK_ROWS)
        since = int(table.time_ns[first_new:].min()) - WINDOW_NS
        recent = start + np.flatnonzero(table.time_ns[start:first_new] >= since)
        content, kind = table.content, table.kind
        telling = table.wire_length[first_new:] >= TELLING_LENGTH
        wanted = content[first_new:][telling | (kind[first_new:] == Kind.PUNCH)]
        rows = np.concatenate((recent, np.arange(first_new, len(table))))
        rows = rows[np.isin(content[rows], wanted)]
        weak = np.flatnonzero(table.wire_length[rows] < TELLING_LENGTH)
        if weak.size > MOST_PUNCHES:
            self.misplaced += weak.size - MOST_PUNCHES
            rows = np.delete(rows, weak[:-MOST_PUNCHES])
        return rows

    def _join(self, table: PacketTable, rows: I64, first_new: int) -> None:
        before = table.copy_of[rows].astype(np.int64)
        known = np.where(before < 0, rows, before)
        part = excerpt(table, rows)
        matcher = Matcher(part, self._what_is_proved(table))
        matcher.match(telling=True)
        matcher.match(telling=False)
        matcher.mark()
        copy_of = part.copy_of.astype(np.int64)
        group = np.where(copy_of < 0, np.arange(rows.size), copy_of)
        # What is known of an older row stays: whoever reads the table has seen it.
        older = rows < first_new
        target = np.full(rows.size, len(table), np.int64)
        np.minimum.at(target, group[older], known[older])
        fresh = target == len(table)
        target[fresh] = rows[fresh]
        found = target[group]
        self.misplaced += int((older & (found != known)).sum() + (~older[group] & (found < first_new)).sum())
        new = ~older
        table.copy_of[rows[new]] = np.where(found[new] == rows[new], -1, found[new])

    def _what_is_proved(self, table: PacketTable) -> Learned:
        """What the files have proved too: asked again whenever they know twice as much."""
        proved = sum(len(file.knowledge) for file in table.files)
        if self._learned is None:
            self._learned, self._proved = Learned(table.files), proved
        elif proved >= 2 * self._proved + 8:
            again = Learned(table.files)
            again.ways, again.doubles = self._learned.ways, self._learned.doubles
            self._learned, self._proved = again, proved
        return self._learned


def _settle_chains(table: PacketTable, first_new: int) -> None:
    """Copies of what turned out to be a copy show what that one shows."""
    copy_of = table.copy_of
    for _ in range(2):
        copies = first_new + np.flatnonzero(copy_of[first_new:] >= 0)
        further = copy_of[copy_of[copies]]
        copy_of[copies[further >= 0]] = further[further >= 0]
