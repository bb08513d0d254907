"""The list of attempts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from app.draw.attempts import AttemptColumns, attempt_columns
from app.draw.spans import Line, Span, Tone
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView
from app.wording import day, zone_name
from capture.model import Flow, Outcome

LOOKED_AT_FIRST = 100
"""Attempts among which one that failed is looked for when the list is first shown."""


class AttemptList(LineView):
    """One row for each attempt, oldest first, at first on the first that failed.

    The selection follows its attempt when rows come and go.
    """

    BINDINGS = bindings_of(Context.ATTEMPTS)

    def __init__(self, zone: datetime.tzinfo | None) -> None:
        super().__init__(id="attempts")
        self._zone = zone
        self._flows: Sequence[Flow] = ()
        self._columns: tuple[int, AttemptColumns] | None = None
        self._latest: float | None = None
        self.marked: frozenset[str] = frozenset()
        self.title = "attempts"

    @property
    def row_count(self) -> int:
        """One row for each attempt shown."""
        return len(self._flows)

    @property
    def head_height(self) -> int:
        """The column titles."""
        return 1

    @property
    def selected(self) -> Flow | None:
        """The attempt under the cursor."""
        return self._flows[self.cursor] if self.cursor < len(self._flows) else None

    def show(self, flows: Sequence[Flow], select: str | None = None, latest: float | None = None) -> None:
        """Show these attempts; keep the selected one selected.

        Args:
            flows: what to show.
            select: id of the attempt to select; None keeps the selection.
            latest: when the newest packet of a live source came; None for files.
        """
        if flows:
            first = flows[0].started
            self.title = f"attempts · {day(first, self._zone)}, times in {zone_name(first, self._zone)}"
        wanted = select or (self.selected.id if self.selected is not None else None)
        self._flows = flows
        self._latest = latest
        here = self.cursor
        if wanted is not None and here < len(flows) and flows[here].id == wanted:
            index: int | None = here
        else:
            index = next((i for i, flow in enumerate(flows) if flow.id == wanted), None)
        if wanted is None:
            index = next((i for i, flow in enumerate(flows[:LOOKED_AT_FIRST]) if flow.outcome is Outcome.FAILED), None)
        self.rows_changed()
        if index is not None:
            self.cursor = index

    def draw_head(self) -> Sequence[Line]:
        """Column titles."""
        return (self._fitting().heading(),)

    def draw_row(self, index: int) -> Line:
        """One attempt."""
        flow = self._flows[index]
        line = self._fitting().line(flow, self._latest)
        cursor = Span("▶" if index == self.cursor else " ", Tone.KEY)
        mark = Span("◆ " if flow.id in self.marked else "  ", Tone.KEY)
        return (cursor, mark, *line[1:])

    def action_mark(self) -> None:
        """Mark the attempt, or take the mark off, and go on to the next."""
        if self.selected is not None:
            self.marked = self.marked ^ {self.selected.id}
            self.refresh()
            self.action_move(1)

    def _fitting(self) -> AttemptColumns:
        width = self.row_width
        if self._columns is None or self._columns[0] != width:
            self._columns = (width, attempt_columns(width, self._zone))
        return self._columns[1]
