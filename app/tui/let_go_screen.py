"""The attempts that a live session let go to stay within its bound: all that is left of each is a line."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.let_go import let_go_heading, let_go_line
from app.draw.spans import Line, text_of
from app.tui.bars import ActionBar
from app.tui.clipboard import copied
from app.tui.find import FindActions
from app.tui.find_bar import FindBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in
from app.tui.line_view import LineView
from app.tui.pages import PAGE_BINDINGS, TEXT_WIDTH
from app.tui.texts import Text
from app.wording import counted, grouped
from protocol.address import Address

if TYPE_CHECKING:
    from capture.let_go import Ledger

COPIED: Final = 10_000
"""Lines that leave the inspector as text, the newest."""


class LetGoView(LineView):
    """One row for each line, the newest first."""

    DEFAULT_CSS = "LetGoView { height: 1fr; }"

    def __init__(
        self, ledger: Ledger, zone: datetime.tzinfo | None, shown: Callable[[Address], Address] = lambda one: one
    ) -> None:
        super().__init__(id="page")
        self._ledger = ledger
        self._zone = zone
        self._shown = shown
        self.title = f"let go · {counted(ledger.attempts, 'attempt')}, the last to go first"
        if ledger.forgotten:
            self.title += f" · the oldest {grouped(ledger.forgotten)} count in totals alone"

    @property
    def row_count(self) -> int:
        """All lines."""
        return len(self._ledger)

    @property
    def head_height(self) -> int:
        """The column titles."""
        return 1

    def draw_head(self) -> Sequence[Line]:
        """Column titles."""
        return (let_go_heading(self.row_width),)

    def draw_row(self, index: int) -> Line:
        """One attempt."""
        return self.line(index, self.row_width)

    def line(self, index: int, width: int) -> Line:
        """One attempt, in so many cells."""
        return let_go_line(self._ledger.line(len(self._ledger) - 1 - index), width, self._zone, self._shown)


class LetGoScreen(FindActions, ModalScreen[None], inherit_bindings=False):
    """The list of them; no row leads anywhere, as the packets are gone."""

    BINDINGS = PAGE_BINDINGS

    DEFAULT_CSS = """
    LetGoScreen { align: center middle; background: $background; }
    LetGoScreen > Vertical { width: 100%; height: 100%; max-width: 132; background: $background; }
    """

    def __init__(
        self, ledger: Ledger, zone: datetime.tzinfo | None, shown: Callable[[Address], Address] = lambda one: one
    ) -> None:
        super().__init__()
        self._rows = LetGoView(ledger, zone, shown)

    def compose(self) -> ComposeResult:
        """Title, rows, keys."""
        with Vertical():
            yield self._rows
            yield FindBar()
            yield ActionBar()

    def on_mount(self) -> None:
        """Show the rows."""
        self._rows.rows_changed()
        self._rows.focus()
        self.query_one(ActionBar).show(actions_in(Context.PAGE, Context.EVERYWHERE))

    def text_here(self) -> Text:
        """The newest rows for other programs."""
        view = self._rows
        lines = [text_of(let_go_heading(TEXT_WIDTH))]
        lines += [text_of(view.line(index, TEXT_WIDTH)) for index in range(min(COPIED, view.row_count))]
        return Text("let go", "\n".join((view.title, *lines)) + "\n")

    def action_copy(self) -> None:
        """Copy the newest rows to the clipboard."""
        self.app.copy_to_clipboard(self.text_here().text)
        self.notify(copied("page"), markup=False, timeout=4)

    def action_close(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)
