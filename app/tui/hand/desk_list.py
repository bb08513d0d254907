"""The list of steps on the desk: attempts, their steps, and what is yet to come."""

from __future__ import annotations

from collections.abc import Callable

from app.draw.desk import Mask, plain, row_line
from app.draw.spans import Line, Span, Tone
from app.hand.desk import DeskView
from app.hand.desk_rows import DeskRow, RowKind, rows_of
from app.tui.line_view import LineView
from protocol.peer.desk import is_over
from protocol.peer.steps import Attempt


class DeskList(LineView):
    """Keeps the selected row selected while steps come and go; a step that is sent gives way to the next that waits."""

    DEFAULT_CSS = """
    DeskList { height: 1fr; }
    """

    def __init__(self, mask: Callable[[], Mask] = lambda: plain) -> None:
        super().__init__(id="desk")
        self.view = DeskView()
        self.rows: tuple[DeskRow, ...] = ()
        self.following = True
        """Whether the cursor goes to what waits."""
        self._mask = mask
        self._turned: set[int] = set()
        self._wants_new = False
        self._placing = False
        self.title = "steps"

    @property
    def row_count(self) -> int:
        """Every row."""
        return len(self.rows)

    @property
    def selected(self) -> DeskRow | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def draw_row(self, index: int) -> Line:
        """One row."""
        sign = Span("▶" if index == self.cursor else " ", Tone.KEY)
        return (sign, *row_line(self.rows[index], self.view, self._mask()))

    def show(self, view: DeskView) -> bool:
        """Show the desk as it is now; whether another row is selected, or the selected one is another."""
        before = self.selected
        known = {held.number for held in self.view.held}
        news = any(held.number not in known for held in view.held)
        self.view = view
        rows = rows_of(view, self._turned)
        changed = rows != self.rows
        self.rows = rows
        self._placing = True
        try:
            if changed:
                self.rows_changed()
            else:
                self.repaint()
            at = self._place(before, news=news)
            if at is not None:
                self.cursor = at
        finally:
            self._placing = False
        return changed or self.selected is not before

    def await_new(self) -> None:
        """Go to the next step that comes, of whatever attempt."""
        self.following = self._wants_new = True

    def fold_or_unfold(self) -> bool:
        """Show the steps of the selected attempt, or not; False where no attempt is selected."""
        row = self.selected
        if row is None or row.kind is not RowKind.ATTEMPT:
            return False
        self._turned ^= {id(row.connection)}
        self.show(self.view)
        return True

    def show_cursor(self) -> None:
        """From the top of the list, if that shows the cursor."""
        if self.cursor < self.page_height:
            self.scroll_to(y=0, animate=False, force=True)
        else:
            super().show_cursor()

    def watch_cursor(self, before: int, now: int) -> None:
        """Who leaves what waits wants to look at something else; who comes back wants to go on."""
        super().watch_cursor(before, now)
        row = self.selected
        if not self._placing and row is not None:
            self.following = row.held is not None or row.kind is RowKind.COMING

    def _place(self, before: DeskRow | None, *, news: bool) -> int | None:
        """Where the cursor belongs now; None to leave it. From a step that was put off it goes on to a new one."""
        at = None if before is None else next((n for n, row in enumerate(self.rows) if row.key == before.key), None)
        here = None if at is None else self.rows[at]
        stays = here is not None and here.held is not None and not (here.held.put_off and news)
        if here is not None and (stays or not self.following):
            return at
        if self._wants_new and news:
            self._wants_new = False
            return max((n for n, row in enumerate(self.rows) if row.held is not None), default=at)
        if before is None or is_over(before.connection) or getattr(before.connection, "opened", False):
            return self._next_held(None, -1 if at is None else at) if at is None or news else at
        # Among several attempts the cursor stays with one: the next key must not hit another one's step.
        next_held = self._next_held(before.connection, -1 if at is None else at)
        return at if next_held is None else next_held

    def action_next_held(self) -> None:
        """To the next step that waits, of whatever attempt, round and round."""
        at = self._next_held(None, self.cursor)
        if at is not None:
            self.cursor = at

    def _next_held(self, connection: Attempt | None, after: int) -> int | None:
        """The next step that waits, of one attempt or of any; those that were put off come last."""
        rows = [n for n, row in enumerate(self.rows) if row.held and connection in (None, row.connection)]
        held = [n for n in rows if not _is_put_off(self.rows[n])] or rows
        return next((n for n in held if n > after), held[0] if held else None)


def _is_put_off(row: DeskRow) -> bool:
    return row.held is not None and row.held.put_off
