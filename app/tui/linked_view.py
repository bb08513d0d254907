"""Lines of text, some of which lead to a packet: the verdict panel and the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.draw.linked import Linked
from app.draw.spans import Line, Span, Tone
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView, ShowsCursor
from capture.model import Sighting

Content = Callable[[int], Sequence[Linked]]
"""Gives the lines for a width in cells."""


class LinkedView(LineView):
    """A page of lines. The cursor stops on lines that lead somewhere; where none does, keys scroll."""

    BINDINGS = bindings_of(Context.LINKS)
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

    @property
    def expression(self) -> str:
        """The filter that the attempts of the line under the cursor pass; empty where it speaks of none."""
        return self._lines[self.cursor].expression if self.cursor < len(self._lines) else ""

    def show(self, content: Content | None, *, keep: bool = False) -> None:
        """Show other lines, from the top; if `keep`, those of a changed thing, from where the view is."""
        self._content = content
        if keep:
            self.rows_changed()
            return
        self._lines = ()
        self.rows_changed()
        self.scroll_to(y=0, animate=False, force=True)
        self.cursor = self._nearest(0, 1)

    def can_stand_on(self, index: int) -> bool:
        """Lines that lead somewhere."""
        return 0 <= index < len(self._lines) and self._lines[index].leads

    def draw_row(self, index: int) -> Line:
        """One line, with a sign where the cursor is."""
        linked = self._lines[index]
        here = self.cursor_shown and index == self.cursor and linked.leads
        return (Span("▶ " if here else "  ", Tone.KEY), *linked.line)

    def rows_changed(self) -> None:
        """Wrap the lines anew; stay on the same link."""
        before = [index for index, line in enumerate(self._lines) if line.leads]
        ordinal = before.index(self.cursor) if self.cursor in before else None
        self._lines = () if self._content is None else self._content(max(20, self.row_width - 3))
        now = [index for index, line in enumerate(self._lines) if line.leads]
        if ordinal is not None and ordinal < len(now):
            self.set_reactive(LinkedView.cursor, now[ordinal])
        super().rows_changed()

    @property
    def leads_somewhere(self) -> bool:
        """Whether any line has a packet, or attempts."""
        return any(line.leads for line in self._lines)

    def action_move(self, rows: int) -> None:
        """To the next line that leads somewhere if it is in reach, else scroll."""
        step = 1 if rows > 0 else -1
        at = self.cursor + step
        while 0 <= at < self.row_count and not self.can_stand_on(at):
            at += step
        if self.can_stand_on(at) and self.can_stand_on(self.cursor):
            self.cursor = at
        else:
            self._scroll_rows(rows)

    def action_page(self, pages: int) -> None:
        """A page, with the cursor on a line that is then in view."""
        self._scroll_rows(pages * max(1, self.page_height - 1))

    def action_half(self, halves: int) -> None:
        """Half a page."""
        self._scroll_rows(halves * max(1, self.page_height // 2))

    def action_first(self) -> None:
        """To the top."""
        super().action_first()
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh()

    def action_last(self) -> None:
        """To the bottom."""
        super().action_last()
        self.scroll_to(y=self.row_count, animate=False, force=True)
        self.refresh()

    def _scroll_rows(self, rows: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, force=True)
        top = self.scroll_offset.y
        inside = [at for at in range(top, min(top + self.page_height, self.row_count)) if self.can_stand_on(at)]
        if inside and self.cursor not in inside:
            self.set_reactive(LinkedView.cursor, inside[0] if rows > 0 else inside[-1])
        self.refresh()
