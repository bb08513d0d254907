"""The rows of a ladder: drawn, found in, and scrolled both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.geometry import Size

from app.draw.ladder import Datagrams, Ladder, columns_of
from app.draw.ladder_options import LadderOptions
from app.draw.ladder_plan import LadderPlan, Row, RowKind
from app.draw.pending import Pending, pending_row
from app.draw.spans import Line, Span, Tone
from app.draw.touched import TouchRows
from app.tui.line_view import LineView
from capture.model import FileSummary, Flow, Sighting
from capture.notes import NO_NOTES, Notes

if TYPE_CHECKING:
    from app.tui.sought import Matcher, Sought

_SIDEWAYS = 8


class LadderRows(LineView):
    """What is planned, as lines under the heads of the lanes."""

    def __init__(self, options: LadderOptions) -> None:
        super().__init__(id="ladder")
        self.noted: Callable[[], Notes] = lambda: NO_NOTES
        """Gives the marks and comments on packets."""
        self.touched: TouchRows | None = None
        """Tells what our node did to a packet."""
        self.signed: Callable[[Sighting], str] = lambda _: " "
        """Gives the sign of what it did."""
        self.options = options
        self._flows: tuple[Flow, ...] = ()
        self._plan: LadderPlan | None = None
        self._datagrams: Datagrams | None = None
        self._files: Sequence[FileSummary] = ()
        self._drawn: tuple[int, Ladder] | None = None
        self._countdowns: tuple[Pending, ...] = ()
        self.short = False
        """Leave out the inside addresses of the head: few lines."""
        self.growing = False
        """The head keeps its height, whatever is learnt of the lanes."""
        self.title = "ladder"

    @property
    def flow(self) -> Flow | None:
        """The attempt shown; of several that of the selected step."""
        if self._plan is None:
            return None
        shown = self._plan.shown
        if not shown.merged or not self._plan.rows:
            return shown.flows[0]
        return shown.attempt_of(self._plan.rows[min(self.cursor, len(self._plan.rows) - 1)].step)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts shown."""
        return self._flows

    @property
    def merged(self) -> bool:
        """Whether several attempts are shown in one ladder."""
        return len(self._flows) > 1

    @property
    def row_count(self) -> int:
        """Rows of the plan, then countdowns of what it waits for."""
        return 0 if self._plan is None else len(self._plan.rows) + len(self._countdowns)

    @property
    def head_height(self) -> int:
        """Legend, titles of the lanes and their addresses."""
        ladder = self._ladder()
        if ladder is None:
            return 0
        titles = 2 if self.short else 3 if self.growing else min(len(ladder.header()), 3)
        return titles + len(self._legend(ladder))

    def can_stand_on(self, index: int) -> bool:
        """Headings and notes can't be selected."""
        return (
            self._plan is not None
            and 0 <= index < len(self._plan.rows)
            and self._plan.rows[index].kind in {RowKind.STEP, RowKind.MEMBER, RowKind.HOP}
        )

    def finder(self, what: Sought) -> Matcher:
        """A text is looked for in what a row shows and in all that its step says, an expression in its datagrams."""
        shown = super().finder(what)
        plan = self._plan
        if plan is None:
            return shown
        steps, rows = plan.flow.steps, plan.rows

        def datagrams(index: int) -> tuple[Sighting, ...]:
            if not self.can_stand_on(index):
                return ()
            row = rows[index]
            step = steps[row.step]
            if row.kind is RowKind.MEMBER:
                return (step.members[row.part],)
            if row.kind is RowKind.HOP:
                return () if row.sighting is None else (row.sighting,)
            return step.members or (() if step.sighting is None else (step.sighting,))

        def says(index: int) -> bool:
            told = self.can_stand_on(index) and what.in_text(steps[rows[index].step].label)
            return told or (callable(shown) and shown(index))

        return what.for_packets(datagrams) or says

    def draw_head(self) -> Sequence[Line]:
        """What letters and signs mean, titles of the lanes and their addresses."""
        ladder = self._ladder()
        if ladder is None:
            return ()
        legend = self._legend(ladder)
        rest = self.head_height - len(legend)
        lines = [columns_of(drawn, self.row_width, self.scroll_offset.x) for drawn in ladder.header()[:rest]]
        lines += [()] * (rest - len(lines))
        return [*legend, *lines]

    def draw_row(self, index: int) -> Line:
        """One row."""
        ladder = self._ladder()
        if ladder is None or self._plan is None:
            return ()
        if index >= len(self._plan.rows):
            timer = self._countdowns[index - len(self._plan.rows)]
            return columns_of(pending_row(ladder, timer), self.row_width, self.scroll_offset.x)
        line = columns_of(ladder.row(index), self.row_width, self.scroll_offset.x)
        row = self._plan.rows[index]
        cursor = Span("▶" if index == self.cursor and self.can_stand_on(index) else " ", Tone.KEY)
        mark = Span(self._sign(row), Tone.KEY)
        return (cursor, mark, *line[1:])

    def _sign(self, row: Row) -> str:
        """Marked to be compared, with a comment, or marked."""
        assert self._plan is not None
        if row.kind is RowKind.STEP and row.step in self.options.marked:
            return "◆"
        if row.kind not in (RowKind.STEP, RowKind.MEMBER):
            return " "
        notes, step = self.noted(), self._plan.flow.steps[row.step]
        sighting = step.sighting if row.kind is RowKind.STEP else step.members[row.part]
        touched = " " if sighting is None else self.signed(sighting)
        if touched != " " or not notes:
            return touched
        return ";" if notes.on(sighting) else "◇" if notes.marks(sighting) else " "

    def watch_cursor(self, before: int, now: int) -> None:
        """The lanes of the selected step come into view by themselves."""
        super().watch_cursor(before, now)
        self._show_lanes()

    def on_resize(self) -> None:
        """The same at any size."""
        super().on_resize()
        self._show_lanes()

    def action_sideways(self, times: int) -> None:
        """Scroll the lanes."""
        self.scroll_to(x=self.scroll_offset.x + times * _SIDEWAYS, animate=False, force=True)
        self.refresh()

    def action_lane(self, lanes: int) -> None:
        """Scroll by lanes."""
        ladder = self._ladder()
        if ladder is not None:
            self.scroll_to(x=self.scroll_offset.x + lanes * ladder.gap, animate=False, force=True)
            self.refresh()

    def action_lanes_end(self, end: int) -> None:
        """Scroll to the first lane or to the last."""
        self.scroll_to(x=self.max_scroll_x if end > 0 else 0, animate=False, force=True)
        self.refresh()

    def _show_lanes(self) -> None:
        """Scroll sideways as little as needed for both lanes of the selected step to be seen, the sender first."""
        ladder = self._ladder()
        if ladder is None or self._plan is None or not self._plan.rows or self.max_scroll_x == 0:
            return
        step = self._plan.flow.steps[self._plan.rows[min(self.cursor, len(self._plan.rows) - 1)].step]
        ends = [x for lane in (step.from_lane, step.to_lane) if (x := ladder.lane_x(lane)) is not None]
        if not ends:
            return
        room = self.row_width - ladder.columns_width
        first, last = min(ends) - 2, max(ends) + 3
        x = self.scroll_offset.x
        if last - first > room:
            first, last = (first, first + room) if ends[0] == min(ends) else (last - room, last)
        wanted = first if x > first else max(x, last - room)
        if wanted != x:
            self.scroll_to(x=max(0, wanted), animate=False, force=True)
            self.refresh()

    def _reach(self, size: Size) -> None:
        """Lanes may take more than the width of the view."""
        ladder = self._ladder()
        super()._reach(size if ladder is None else Size(ladder.columns_width + ladder.body_width, size.height))

    def _legend(self, ladder: Ladder) -> list[Line]:
        """What letters and signs mean; where there are few lines, of attempts only."""
        lines = ladder.legend()
        return lines[: self.merged] if self.short else lines

    def _ladder(self) -> Ladder | None:
        """The drawing for the present width."""
        if self._plan is None or self._datagrams is None:
            return None
        width = self.row_width
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, Ladder(self._plan, width, self._datagrams, self._files))
        return self._drawn[1]
