"""The list of packets: one row for each datagram of the table, decoded when it is on screen."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.message import Message

from app.draw.packets import Link, PacketColumns, PacketTime, packet_columns, time_text
from app.draw.spans import Line, Span, Tone
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView
from app.tui.packet_facts import PacketReader
from app.tui.packets_of_story import look_through
from capture.model import Sighting

if TYPE_CHECKING:
    from app.tui.sought import Matcher, Sought
    from capture.arrays import I64

SETTLE_AFTER: Final = 0.03
"""Seconds after new packets came on screen until their attempts are looked for: not while one scrolls."""
SETTLING: Final = 0.004
"""Seconds that looking for the attempts of packets on screen may take at a time."""


class PacketList(LineView):
    """Packets in capture order. The selection follows its packet when rows come and go."""

    BINDINGS = bindings_of(Context.PACKETS)

    class Marked(Message):
        """The marks changed."""

    def __init__(self, reader: PacketReader, zone: datetime.tzinfo | None, total: int) -> None:
        super().__init__(id="packets")
        self.reader = reader
        self._zone = zone
        self._total = total
        """Packets of the table that may be shown."""
        self._rows: I64 | None = None
        """Rows of the table that pass the filter, in order; None for all."""
        self._columns: tuple[tuple[int, int, bool], PacketColumns] | None = None
        self._digits = self._number_width()
        self._links: dict[int, Link] = {}
        self._attempt = ""
        """Attempt of the selected packet."""
        self._settling = False
        self.marked: tuple[int, ...] = ()
        """Rows of the table, in the order in which they were marked."""
        self.time_mode = PacketTime.START

    @property
    def row_count(self) -> int:
        """One row for each packet shown."""
        return self._total if self._rows is None else len(self._rows)

    @property
    def head_height(self) -> int:
        """The column titles."""
        return 1

    @property
    def selected(self) -> Sighting | None:
        """The packet under the cursor."""
        row = self.row_of(self.cursor)
        return None if row is None else self.reader.sighting(row)

    def row_of(self, index: int) -> int | None:
        """The row of the table that a line shows."""
        if not 0 <= index < self.row_count:
            return None
        return index if self._rows is None else int(self._rows[index])

    def show(self, rows: I64 | None, total: int) -> None:
        """Show these packets; keep the selected one selected, or the nearest one before it.

        Args:
            rows: rows of the table, in order; None for all of them.
            total: how many the table has.
        """
        row = self.row_of(self.cursor)
        self._rows, self._total = rows, total
        self._digits = self._number_width()
        self.reader.forget()
        self.rows_changed()
        if row is not None:
            self.go_to(row)
        self._tie()

    def go_to(self, row: int) -> bool:
        """Select a row of the table; where it is not shown, the nearest one before it, and give False."""
        if not self.row_count:
            return False
        if self._rows is None:
            self.cursor = min(row, self.row_count - 1)
            return row < self.row_count
        at = int(self._rows.searchsorted(row, "right")) - 1
        self.cursor = max(0, at)
        return at >= 0 and int(self._rows[at]) == row

    def show_again(self, reader: PacketReader) -> None:
        """Show the same packets as another reader tells them: names or masks changed."""
        self.reader = reader
        self.reader.forget()
        self._tie()
        self.repaint()

    def centre(self) -> None:
        """Show as much before the selected packet as after it."""
        self.scroll_to(y=max(0, self.cursor - self.page_height // 2), animate=False, force=True)

    def draw_head(self) -> Sequence[Line]:
        """Column titles."""
        return (self._fitting().heading(),)

    def draw_row(self, index: int) -> Line:
        """One packet."""
        row = self.row_of(index)
        if row is None:
            return ()
        facts = self.reader.facts(row)
        if self.reader.waiting and not self._settling:
            self._settling = True
            self.run_worker(self._settle(), group="settle")
        link = self._links.get(row)
        if link is None and self._attempt and facts.attempt == self._attempt:
            link = Link.ATTEMPT
        columns = self._fitting()
        time = self._time(index, facts.time, columns.time)
        line = columns.line(facts, time, link, self.reader.comment(row))
        cursor = Span("▶" if index == self.cursor else " ", Tone.KEY)
        mark = Span("◆" if row in self.marked else " ", Tone.KEY)
        return (cursor, mark, *line[1:])

    async def get_ready(self, what: Sought) -> None:
        """An expression is asked of all packets."""
        if what.filter is not None and not self.reader.grows:
            await look_through(what.filter, attempts=False)

    def finder(self, what: Sought) -> Matcher:
        """An expression is asked of all packets at once; a text is looked for in the lines."""
        if what.filter is None:
            return super().finder(what)
        with self.reader.held():
            mask = what.filter.mask()
        return mask[: self.row_count] if self._rows is None else mask[self._rows]

    def watch_cursor(self, before: int, now: int) -> None:
        """Another packet is selected: what is tied to it is marked."""
        self._tie()
        super().watch_cursor(before, now)

    def action_mark(self) -> None:
        """Mark the packet, or take the mark off, and go on to the next."""
        row = self.row_of(self.cursor)
        if row is None:
            return
        self.marked = tuple(one for one in self.marked if one != row) if row in self.marked else (*self.marked, row)
        self.post_message(self.Marked())
        self.repaint()
        self.action_move(1)

    def next_time(self) -> None:
        """Count time from something else; from a mark only if there is one."""
        modes = list(PacketTime)
        mode = modes[(modes.index(self.time_mode) + 1) % len(modes)]
        self.time_mode = PacketTime.START if mode is PacketTime.MARK and not self.marked else mode
        self.repaint()

    async def _settle(self) -> None:
        """Find the attempts of the packets on screen, a slice at a time, while the list stands still."""
        reader = self.reader
        asked = -1
        while reader.waiting and reader is self.reader:
            if asked != reader.asked:
                asked = reader.asked
                await asyncio.sleep(SETTLE_AFTER)
                continue
            if reader.settle(SETTLING):
                row = self.row_of(self.cursor)
                self._attempt = "" if row is None else reader.facts(row).attempt
                self.repaint()
            await asyncio.sleep(0)
        self._settling = False

    def _tie(self) -> None:
        row = self.row_of(self.cursor)
        self._links = {} if row is None else self.reader.links(row)
        self._attempt = "" if row is None else self.reader.facts(row).attempt

    def _time(self, index: int, time: float, width: int) -> str:
        mode = self.time_mode
        if mode is PacketTime.CLOCK:
            return time_text(time, None, width, self._zone)
        since: int | None = 0
        if mode is PacketTime.MARK and self.marked:
            since = self.marked[-1]
        elif mode is PacketTime.DELTA:
            since = self.row_of(index - 1) if index else self.row_of(index)
        return time_text(time, self.reader.time(since or 0), width, self._zone)

    def _number_width(self) -> int:
        """Cells of the largest packet number."""
        table = self.reader.table
        with self.reader.held():
            most = int(table.frame.max()) if len(table) else 0
        return len(str(most)) + (1 + len(str(len(table.files))) if len(table.files) > 1 else 0)

    def _fitting(self) -> PacketColumns:
        told = self.reader.tells_directions
        key = self.row_width, self._digits, told
        if self._columns is None or self._columns[0] != key:
            self._columns = (key, packet_columns(self.row_width, numbers=self._digits, directions=told))
        return self._columns[1]
