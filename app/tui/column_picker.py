"""The choice of columns of the attempt list: which, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.attempt_columns import COLUMNS, Size
from app.draw.attempts import attempt_columns, default_columns
from app.draw.spans import Line, Span, Tone, cell
from app.tui.bars import ActionBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView

_TITLE_WIDTH = 15
_BINDINGS = [*bindings_of(Context.COLUMNS), *bindings_of(Context.EVERYWHERE, namespace="app.")]


class Chosen(NamedTuple):
    """What the user decided."""

    columns: tuple[str, ...] | None
    """Ids in order; None leaves the choice to the width."""


class ColumnView(LineView):
    """All columns, the chosen ones first, each with a box; under the head the list as it would look."""

    def __init__(self, chosen: Sequence[str] | None, width: int) -> None:
        super().__init__(id="columns")
        self._list_width = width
        self.usual = chosen is None
        """Whether the choice is left to the width."""
        self._rows: list[str] = []
        self._ticked: set[str] = set()
        self._begin(default_columns(width) if chosen is None else chosen)
        self.title = "columns of the attempt list"

    @property
    def row_count(self) -> int:
        """Every column."""
        return len(self._rows)

    @property
    def head_height(self) -> int:
        """What the list would look like, and what does not fit."""
        return 3

    @property
    def chosen(self) -> tuple[str, ...] | None:
        """What is chosen now."""
        return None if self.usual else self._in_order

    @property
    def _in_order(self) -> tuple[str, ...]:
        return tuple(one for one in self._rows if one in self._ticked)

    def draw_head(self) -> Sequence[Line]:
        """The heading of the list."""
        fitted = attempt_columns(self._list_width, self._in_order)
        left_out = fitted.left_out
        says = f"{left_out} of these do not fit into {self._list_width} cells" if left_out else ""
        if self.usual:
            says = f"the usual ones for {self._list_width} cells"
        return fitted.heading(), (Span("   " + says, Tone.WARN if left_out else Tone.DIM),), ()

    def draw_row(self, index: int) -> Line:
        """One column: whether it is chosen, its title and what it says."""
        column = next(one for one in COLUMNS if one.id == self._rows[index])
        ticked = column.id in self._ticked
        width = column.widths[Size.REGULAR]
        return (
            Span("▶ " if index == self.cursor else "  ", Tone.KEY),
            Span("[x] " if ticked else "[ ] ", Tone.GOOD if ticked else Tone.DIM),
            cell(column.titles[Size.REGULAR], _TITLE_WIDTH, Tone.STRONG if ticked else Tone.PLAIN),
            cell(str(width), 3, Tone.DIM, right=True),
            Span("  " + column.help, Tone.DIM),
        )

    def action_tick(self) -> None:
        """Choose the column, or leave it out; the last one stays."""
        here = self._rows[self.cursor]
        if self._ticked != {here}:
            self._ticked ^= {here}
            self.usual = False
            self.rows_changed()

    def action_shift(self, by: int) -> None:
        """Move the column to the right (1) or to the left (-1)."""
        to = self.cursor + by
        if 0 <= to < len(self._rows):
            self._rows[self.cursor], self._rows[to] = self._rows[to], self._rows[self.cursor]
            self.usual = False
            self.rows_changed()
            self.cursor = to

    def action_reset(self) -> None:
        """Leave the choice to the width again."""
        self.usual = True
        self._begin(default_columns(self._list_width))
        self.rows_changed()

    def _begin(self, chosen: Sequence[str]) -> None:
        known = [column.id for column in COLUMNS]
        first = [one for one in dict.fromkeys(chosen) if one in known]
        self._rows = first + [one for one in known if one not in first]
        self._ticked = set(first)


class ColumnScreen(ModalScreen[Chosen | None], inherit_bindings=False):
    """Closes with what the user decided, or None."""

    BINDINGS = _BINDINGS

    DEFAULT_CSS = """
    ColumnScreen { align: center middle; }
    ColumnScreen > Vertical { width: 100%; height: auto; max-height: 100%; background: $background; }
    """

    def __init__(self, chosen: Sequence[str] | None, width: int) -> None:
        super().__init__()
        self._view = ColumnView(chosen, width)

    def compose(self) -> ComposeResult:
        """The columns, and the keys."""
        with Vertical():
            yield self._view
            yield ActionBar()

    def on_mount(self) -> None:
        """Show the columns."""
        self.on_resize()
        self._view.rows_changed()
        self._view.focus()
        self.query_one(ActionBar).show(actions_in(Context.COLUMNS, Context.EVERYWHERE))

    def on_resize(self) -> None:
        """As high as there is room for."""
        self._view.styles.height = min(self._view.row_count + self._view.top, max(5, self.app.size.height - 1))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click is a tick."""
        event.stop()
        self._view.action_tick()

    def action_tick(self) -> None:
        """Choose the column under the cursor, or leave it out."""
        self._view.action_tick()

    def action_shift(self, by: int) -> None:
        """Move the column under the cursor."""
        self._view.action_shift(by)

    def action_reset(self) -> None:
        """The usual columns."""
        self._view.action_reset()

    def action_keep(self) -> None:
        """Show these columns from now on."""
        self.dismiss(Chosen(self._view.chosen))

    def action_close(self) -> None:
        """Leave the list as it was."""
        self.dismiss(None)
