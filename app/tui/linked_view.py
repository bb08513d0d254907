"""Lines of text, some of which lead to a packet: the verdict panel and the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.draw.linked import Linked
from app.draw.spans import Line, Span, Tone
from app.tui.line_view import LineView, ShowsCursor
from capture.model import Sighting

Content = Callable[[int], Sequence[Linked]]
"""Gives the lines for a width in cells."""


class LinkedView(LineView):
    """A page of lines. The cursor stops on lines that lead somewhere, or on all if none does."""

    SHOWS_CURSOR = ShowsCursor.WITH_FOCUS

    def __init__(self, id_: str, title: str = "") -> None:
        super().__init__(id=id_)
        self._content: Content | None = None
        self._lines: Sequence[Linked] = ()
        self.title = title

    @property
    def row_count(self) -> int:
        """All lines."""
        return len(self._lines)

    @property
    def link(self) -> Sighting | None:
        """The packet that the line under the cursor speaks of."""
        return self._lines[self.cursor].link if self.cursor < len(self._lines) else None

    def show(self, content: Content | None) -> None:
        """Show other lines, from the top."""
        self._content = content
        self._lines = ()
        self.rows_changed()
        self.scroll_to(y=0, animate=False)
        self.cursor = self._nearest(0, 1)

    def lines_at(self, width: int) -> int:
        """How many lines there are at some width."""
        return 0 if self._content is None else len(self._content(max(20, width - 2)))

    def can_stand_on(self, index: int) -> bool:
        """Lines that lead to a packet."""
        if not 0 <= index < len(self._lines):
            return False
        return self._lines[index].link is not None or not any(line.link for line in self._lines)

    def draw_row(self, index: int) -> Line:
        """One line, with a sign where the cursor is."""
        linked = self._lines[index]
        here = self.cursor_shown and index == self.cursor and linked.link is not None
        return (Span("▶" if here else " ", Tone.KEY), *linked.line)

    def rows_changed(self) -> None:
        """Wrap the lines anew; stay on the same link."""
        before = [index for index, line in enumerate(self._lines) if line.link is not None]
        ordinal = before.index(self.cursor) if self.cursor in before else None
        self._lines = () if self._content is None else self._content(max(20, self.row_width - 2))
        now = [index for index, line in enumerate(self._lines) if line.link is not None]
        if ordinal is not None and ordinal < len(now):
            self.set_reactive(LinkedView.cursor, now[ordinal])
        super().rows_changed()

    def action_move(self, rows: int) -> None:
        """To the next line that leads somewhere; beyond the last one, scroll."""
        before = self.cursor
        super().action_move(rows)
        if self.cursor == before or (self.cursor - before) * rows < 0:
            self.cursor = before
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False)
            self.refresh()
