"""Rows drawn on demand: the base of every list, ladder, tree and page. Any number of rows costs what is on screen."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.message_pump import _MessagePumpMeta
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from app.draw.spans import Line, rule, text_of
from app.terminal_text import safe_text
from app.tui.kept_lines import KeptLines
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.palette import palette_of
from app.tui.scroll_edge import ScrollEdge

if TYPE_CHECKING:
    from textual.scrollbar import ScrollBar

    from app.tui.sought import Matcher, Sought


class ShowsCursor(Enum):
    """When a view shows which row is selected."""

    ALWAYS = auto()
    WITH_FOCUS = auto()
    NEVER = auto()


class _Drawn(NamedTuple):
    """What one screen line says."""

    line: Line
    cursor: bool = False
    """Whether it is the row of the cursor, and shows that."""


class AbstractViewMeta(_MessagePumpMeta, ABCMeta):
    """Textual's widgets have a metaclass of their own; with this one Python also refuses to make an abstract view."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False, metaclass=AbstractViewMeta):
    """A scrolling view of rows under a fixed head, with a cursor.

    Subclasses give `row_count`, `draw_row` and perhaps `draw_head`, and call `rows_changed` when rows change, or
    `repaint` where only what they say did. Both cost what is on screen, and only lines that say something else than
    before are painted: a live view changes ten times a second, mostly in a line or two.
    """

    BINDINGS = bindings_of(Context.ROWS)
    SHOWS_CURSOR: ClassVar = ShowsCursor.ALWAYS

    DEFAULT_CSS = """
    LineView { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    _title = ""
    _fitted: tuple[Size | None, int] = (None, 0)
    """Size that the view had when its `row_width` was worked out, which is asked for with every line."""
    _sought: Sought | None = None
    """What is looked for in the rows; lit where a row says it."""

    class Moved(Message):
        """The cursor went to another row."""

        def __init__(self, view: LineView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LineView:
            """The view, for selectors."""
            return self.view

    class Chosen(Message):
        """Enter or a double click on a row."""

        def __init__(self, view: LineView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LineView:
            """The view, for selectors."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        self._painted: dict[int, _Drawn] = {}
        """What stands on each screen line."""
        self._pending: dict[int, _Drawn] = {}
        """Screen lines that were drawn to see whether they changed, and have not been painted since."""
        super().__init__(id=id)
        self._styles_cache = KeptLines()

    @property
    @abstractmethod
    def row_count(self) -> int:
        """Rows below the head."""

    @property
    def head_height(self) -> int:
        """Fixed lines above the rows."""
        return 0

    @property
    def row_width(self) -> int:
        """Cells of a line, beside the scroll bar."""
        if self._fitted[0] is not self._size:
            self._fitted = (self._size, self.scrollable_content_region.width)
        return self._fitted[1]

    @property
    def cursor_shown(self) -> bool:
        """Whether the selected row is marked now."""
        return self.SHOWS_CURSOR is ShowsCursor.ALWAYS or (
            self.SHOWS_CURSOR is ShowsCursor.WITH_FOCUS and self.has_focus
        )

    @property
    def title(self) -> str:
        """What stands on the rule above the rows; no rule if empty."""
        return self._title

    @title.setter
    def title(self, text: str) -> None:
        shown = safe_text(text)
        if shown != self._title:
            self._title = shown
            self.repaint()

    @property
    def top(self) -> int:
        """Lines above the rows: the rule with the title, and the head."""
        return bool(self._title) + self.head_height

    def draw_head(self) -> Sequence[Line]:
        """The fixed lines."""
        return ()

    @abstractmethod
    def draw_row(self, index: int) -> Line:
        """A row of the present width; the view colours the cursor's row, the row itself shows its sign."""

    def can_stand_on(self, index: int) -> bool:
        """Whether the cursor may stop on a row."""
        return 0 <= index < self.row_count

    def finder(self, what: Sought) -> Matcher:
        """Which rows match what is looked for: those that say it, where a view knows nothing better.

        Returns:
            A function that is asked row by row, or a mask over all rows.
        """
        return lambda index: what.in_text(text_of(self.draw_row(index)))

    async def get_ready(self, what: Sought) -> None:
        """Work out, between keys, what `finder` would take long for."""

    def show_sought(self, what: Sought | None) -> None:
        """Light what is looked for in the rows, or nothing."""
        self._sought = what
        self.repaint()

    def reveal(self, index: int) -> None:
        """Go to a row; where the cursor can't stand on it, bring it into view."""
        if self.can_stand_on(index):
            self.cursor = index
            self.show_cursor()
        elif 0 <= index < self.row_count:
            top = self.scroll_offset.y
            if not top <= index < top + self.page_height:
                self.scroll_to(y=max(0, index - self.page_height // 2), animate=False, force=True)
            self.repaint()

    def rows_changed(self) -> None:
        """Adapt the scroll range and the cursor to new rows and repaint."""
        self._reach(Size(self.row_width, self.row_count + self.top))
        self.cursor = self._nearest(min(self.cursor, max(0, self.row_count - 1)), 1)
        self.repaint()

    def repaint(self) -> None:
        """Paint the lines that say something else than what stands there."""
        width, height = self.scrollable_content_region.size
        if self._painted and self.display and height:
            head = self.draw_head()
            drawn = {y: self._draw(y, head) for y in range(height)}
            changed = [Region(0, y, width, 1) for y, line in drawn.items() if self._painted.get(y) != line]
            if changed:
                self.refresh(*changed)
            self._pending = drawn
        else:
            self.refresh()

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint everything, or regions, whether it changed or not."""
        self._pending = {}
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scroll bar, made when it is first asked for."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = bar = ScrollEdge("vertical", self.scrollbar_size_vertical)
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    @property
    def page_height(self) -> int:
        """Rows that fit below the head."""
        return max(1, self.scrollable_content_region.height - self.top)

    def render_line(self, y: int) -> Strip:
        """One screen line."""
        palette = palette_of(self.app)
        drawn = self._pending.pop(y, None)
        if drawn is None:
            drawn = self._draw(y, self.draw_head() if y < self.top else ())
        self._painted[y] = drawn
        under = None
        if drawn.cursor:
            under = palette.cursor if self.has_focus else palette.cursor_away
        return palette.strip(drawn.line, self.row_width, under)

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint both rows, keep the cursor in view, and tell."""
        top = self.scroll_offset.y
        self.show_cursor()
        if self.scroll_offset.y == top:
            # A view that scrolls is painted anyway.
            self.repaint()
        if before != now:
            self.post_message(self.Moved(self))

    def show_cursor(self) -> None:
        """Scroll as little as needed for the cursor to be seen; from the first row also show what is above it."""
        if not self.can_stand_on(self.cursor):
            return
        top = self.scroll_offset.y
        if self.cursor < top or self._nearest(0, 1) == self.cursor:
            self.scroll_to(y=0 if self._nearest(0, 1) == self.cursor else self.cursor, animate=False, force=True)
        elif self.cursor >= top + self.page_height:
            self.scroll_to(y=self.cursor - self.page_height + 1, animate=False, force=True)

    def on_show(self) -> None:
        """What changed while it was hidden was not painted."""
        self.refresh()

    def on_resize(self) -> None:
        """Keep the selection in view at any size."""
        self.rows_changed()
        self.show_cursor()

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without focus."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Select the row under the mouse; a second click opens it."""
        index = self.row_at(event.y)
        if index is None or not self.can_stand_on(index):
            return
        self.cursor = index
        if event.chain >= 2:
            self.post_message(self.Chosen(self))

    def row_at(self, y: int) -> int | None:
        """The row on screen line `y`."""
        index = y - self.top + self.scroll_offset.y
        return index if y >= self.top and index < self.row_count else None

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + rows, 1 if rows > 0 else -1)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self._go(self.cursor + pages * max(1, self.page_height - 1), pages)

    def action_half(self, halves: int) -> None:
        """Move by half pages."""
        self._go(self.cursor + halves * max(1, self.page_height // 2), halves)

    def action_first(self) -> None:
        """Go to the first row."""
        self._go(0, 1)

    def action_last(self) -> None:
        """Go to the last row."""
        self._go(self.row_count - 1, -1)

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.row_count:
            self.post_message(self.Chosen(self))

    def _draw(self, y: int, head: Sequence[Line]) -> _Drawn:
        if self._title and y == 0:
            return _Drawn(rule(self._title, self.row_width, strong=self.has_focus))
        if y < self.top:
            return _Drawn(head[y - bool(self._title)])
        index = y - self.top + self.scroll_offset.y
        if index >= self.row_count:
            return _Drawn(())
        marked = self.cursor_shown and index == self.cursor and self.can_stand_on(index)
        line = self.draw_row(index)
        return _Drawn(line if self._sought is None else self._sought.lit(line), marked)

    def _reach(self, size: Size) -> None:
        """Adapt the scroll range; where only the number of rows changed, without arranging the whole screen again."""
        if size.width == self.virtual_size.width and self.display:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    def _go(self, index: int, direction: int) -> None:
        if self.row_count:
            self.cursor = self._nearest(min(max(index, 0), self.row_count - 1), direction)

    def _nearest(self, index: int, direction: int) -> int:
        """The nearest row that the cursor may stand on, looking in `direction` first, then back."""
        for towards in (direction, -direction):
            at = index
            while 0 <= at < self.row_count:
                if self.can_stand_on(at):
                    return at
                at += towards
        return max(0, index)
