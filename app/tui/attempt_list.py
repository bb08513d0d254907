"""The list of attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from textual.events import Click
from textual.message import Message

from app.draw.attempt_columns import PLAIN, Shown
from app.draw.attempts import BY_TIME, AttemptColumns, Order, attempt_columns
from app.draw.spans import Line, Span, Tone
from app.draw.terms import joined
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView
from app.tui.packets_of_story import look_through
from app.wording import day, zone_name
from capture.model import Flow, Outcome

if TYPE_CHECKING:
    from app.tui.session import Session
    from app.tui.sought import Matcher, Sought

LOOKED_AT_FIRST = 100
"""Attempts among which one that failed is looked for when the list is first shown."""


class AttemptList(LineView):
    """One row for each attempt, at first on the first that failed.

    The selection follows its attempt when rows come and go, and when they are sorted.
    """

    BINDINGS = bindings_of(Context.ATTEMPTS)

    class OrderWanted(Message):
        """The user wants the list sorted otherwise."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    def __init__(self, shown: Shown = PLAIN, chosen: Sequence[str] | None = None) -> None:
        super().__init__(id="attempts")
        self._shown = shown
        self._flows: Sequence[Flow] = ()
        self._columns: tuple[int, AttemptColumns] | None = None
        self.chosen = chosen
        """Ids of the columns that the user chose; None leaves it to the width."""
        self.session: Session | None = None
        """Keeps the marks, if there is one."""
        self._marked: frozenset[str] = frozenset()
        self.commented: Callable[[Flow], bool] = lambda _: False
        """Whether an attempt has a comment."""
        self._order = BY_TIME
        self.remark: Callable[[], str] = lambda: ""
        """What the files say of themselves."""
        self.title = "attempts"

    @property
    def marked(self) -> frozenset[str]:
        """Ids of the marked attempts."""
        return self._marked if self.session is None else self.session.notes.attempts

    @marked.setter
    def marked(self, wanted: frozenset[str]) -> None:
        if self.session is None:
            self._marked = wanted
        else:
            self.session.notes = replace(self.session.notes, attempts=wanted)

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

    @property
    def seen(self) -> tuple[Flow, ...]:
        """The attempts whose rows are on screen."""
        top = self.scroll_offset.y
        return tuple(self._flows[top : top + self.page_height]) if self.display else ()

    @property
    def columns(self) -> AttemptColumns:
        """What there is room for."""
        width = self.row_width
        if self._columns is None or self._columns[0] != width:
            self._columns = (width, attempt_columns(width, self.chosen))
        return self._columns[1]

    @property
    def order(self) -> Order:
        """How the rows are sorted; the heading says it."""
        return self._order

    def choose_columns(self, chosen: Sequence[str] | None) -> None:
        """Show these columns; None leaves the choice to the width."""
        self.chosen = chosen
        self._columns = None
        self.rows_changed()

    def show(
        self, flows: Sequence[Flow], select: str | None = None, latest: float | None = None, order: Order = BY_TIME
    ) -> None:
        """Show these attempts; keep the selected one selected, or else what stood there.

        Args:
            flows: what to show.
            select: id of the attempt to select; None keeps the selection.
            latest: when the newest packet of a live source came; None for files.
            order: how they are sorted.
        """
        if flows:
            first = flows[0].started
            zone = self._shown.zone
            self.title = joined((f"attempts · {day(first, zone)}, times in {zone_name(first, zone)}", self.remark()))
        wanted = select or (self.selected.id if self.selected is not None else None)
        self._flows, self._order = flows, order
        if latest != self._shown.latest:
            self._shown = replace(self._shown, latest=latest)
        index = self._find(wanted)
        if wanted is None:
            index = next((i for i, flow in enumerate(flows[:LOOKED_AT_FIRST]) if flow.outcome is Outcome.FAILED), None)
        self.rows_changed()
        if index is not None:
            self.cursor = index

    def _find(self, wanted: str | None) -> int | None:
        """The row of an attempt; looked for from the cursor outwards, as it is mostly near."""
        flows, here = self._flows, min(self.cursor, len(self._flows))
        if wanted is None:
            return None
        if here < len(flows) and flows[here].id == wanted:
            return here
        reach = max(here, len(flows) - here)
        near = chain.from_iterable((here + step, here - step) for step in range(1, reach + 1))
        return next((at for at in near if 0 <= at < len(flows) and flows[at].id == wanted), None)

    async def get_ready(self, what: Sought) -> None:
        """An expression may ask packets."""
        if what.filter is not None and self.session is not None and self.session.feed is None:
            await look_through(what.filter)

    def finder(self, what: Sought) -> Matcher:
        """An expression is asked of the attempts, a text is looked for in what their rows say."""
        return what.for_attempts(self._flows.__getitem__) or super().finder(what)

    def draw_head(self) -> Sequence[Line]:
        """Column titles."""
        return (self.columns.heading(self._order),)

    def draw_row(self, index: int) -> Line:
        """One attempt."""
        flow = self._flows[index]
        line = self.columns.line(flow, self._shown)
        cursor = "▶" if index == self.cursor else " "
        mark = "◆" if flow.id in self.marked else " "
        comment = ";" if self.commented(flow) else " "
        return (Span(cursor + mark + comment, Tone.KEY), *line[1:])

    def on_click(self, event: Click) -> None:
        """A click on a title sorts by it, another one the other way round."""
        if event.y == self.top - 1:
            event.stop()
            event.prevent_default()
            column = self.columns.at(event.x)
            if column is not None and column.key is not None:
                turn = column.id == self._order.column and not self._order.reverse
                self.post_message(self.OrderWanted(Order(column.id, turn)))

    def action_sort_column(self, by: int) -> None:
        """Sort by the column at the right (1) or left (-1) of the one that the list is sorted by."""
        ids = [column.id for column in self.columns.columns if column.key is not None]
        if not ids:
            return
        if self._order.column in ids:
            wanted = ids[(ids.index(self._order.column) + by) % len(ids)]
        else:
            wanted = ids[0] if by > 0 else ids[-1]
        self.post_message(self.OrderWanted(Order(wanted, self._order.reverse)))

    def action_turn_order(self) -> None:
        """Sort the other way round."""
        self.post_message(self.OrderWanted(replace(self._order, reverse=not self._order.reverse)))

    def action_mark(self) -> None:
        """Mark the attempt, or take the mark off, and go on to the next."""
        if self.selected is not None:
            self.marked = self.marked ^ {self.selected.id}
            self.refresh()
            self.action_move(1)
