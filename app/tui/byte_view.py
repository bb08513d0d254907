"""The bytes of a datagram and of its plaintext, as rows of hex."""

from __future__ import annotations

from textual.events import Click
from textual.message import Message

from app.draw.hexdump import byte_at, bytes_per_row, hex_row, row_count
from app.draw.message import DATAGRAM, MessageView
from app.draw.spans import Line, Span, Tone
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView, ShowsCursor
from app.wording import counted


class ByteView(LineView):
    """The bytes of a datagram and of its plaintext; the selected field's bytes are lit."""

    BINDINGS = bindings_of(Context.BYTES)
    SHOWS_CURSOR = ShowsCursor.NEVER

    class Stepped(Message):
        """Another byte was selected."""

        def __init__(self, part: int, offset: int) -> None:
            super().__init__()
            self.part = part
            self.offset = offset

    def __init__(self) -> None:
        super().__init__(id="bytes")
        self._parts: tuple[bytes, ...] = ()
        self._rows: list[tuple[int, int | None]] = []
        self._lit: dict[int, tuple[int, int]] = {}
        """The range that is lit in each part."""
        self._at: tuple[int, int] = (DATAGRAM, 0)
        self.title = "bytes"

    @property
    def row_count(self) -> int:
        """Hex rows with a title above each part."""
        return len(self._rows)

    def show(self, view: MessageView | None) -> None:
        """Show the bytes of a datagram."""
        self._parts = () if view is None else view.parts
        self._lit = {}
        self.rows_changed()

    def light(self, *ranges: tuple[int, int, int]) -> None:
        """Light ranges (part, first byte, one past the last) and bring the first one's first byte into view."""
        part, start, _ = ranges[0]
        self._lit = {one: (first, end) for one, first, end in ranges}
        if not self.has_focus:
            self._at = (part, start)
        row = next((i for i, shown in enumerate(self._rows) if shown == (part, start // self._per_row)), None)
        if row is not None:
            self.cursor = row
        self.refresh()

    def can_stand_on(self, index: int) -> bool:
        """Hex rows."""
        return 0 <= index < len(self._rows) and self._rows[index][1] is not None

    def draw_row(self, index: int) -> Line:
        """A title or a row of hex."""
        part, row = self._rows[index]
        if row is None:
            what = "datagram" if part == DATAGRAM else "plaintext"
            return (Span(f" {what}  {counted(len(self._parts[part]), 'byte')}", Tone.DIM),)
        return (Span(" "), *hex_row(self._parts[part], row, self._per_row, self._lit.get(part)))

    def rows_changed(self) -> None:
        """Lay the bytes out for the present width."""
        self._rows = []
        for part, content in enumerate(self._parts):
            self._rows.append((part, None))
            self._rows += [(part, row) for row in range(row_count(content, self._per_row))]
        super().rows_changed()

    def action_step(self, by: int) -> None:
        """Go to a neighbouring byte."""
        self._step(by)

    def action_move(self, rows: int) -> None:
        """Go to the byte above or below."""
        self._step(rows * self._per_row)

    def on_click(self, event: Click) -> None:
        """Select the byte under the mouse."""
        index = self.row_at(event.y)
        if index is None:
            return
        part, row = self._rows[index]
        offset = None if row is None else byte_at(event.x - 1, row, self._per_row)
        if offset is not None and offset < len(self._parts[part]):
            self._at = (part, offset)
            self.post_message(self.Stepped(part, offset))

    @property
    def _per_row(self) -> int:
        return bytes_per_row(max(1, self.row_width - 1))

    def _step(self, by: int) -> None:
        part, offset = self._at
        if part >= len(self._parts):
            return
        offset += by
        if offset < 0 and part > 0:
            part, offset = part - 1, len(self._parts[part - 1]) - 1
        elif offset >= len(self._parts[part]) and part + 1 < len(self._parts):
            part, offset = part + 1, 0
        self._at = (part, min(max(offset, 0), max(0, len(self._parts[part]) - 1)))
        self.post_message(self.Stepped(*self._at))
