"""The ladder of the selected attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.geometry import Size

from app.draw.ladder import Datagrams, Ladder, columns_of
from app.draw.ladder_plan import LadderOptions, LadderPlan, RowKind, plan_ladder, step_of
from app.draw.pending import pending_row
from app.draw.spans import Line, Span, Tone
from app.node_status import Timer
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView
from capture.model import Flow, Sighting, Step

_SIDEWAYS = 8


class LadderView(LineView):
    """Steps of one attempt. It keeps the selected step selected, and where it is on screen, while the attempt grows."""

    BINDINGS = bindings_of(Context.LADDER)

    DEFAULT_CSS = """
    LadderView { overflow-x: auto; scrollbar-size-horizontal: 1; }
    """

    def __init__(self, options: LadderOptions) -> None:
        super().__init__(id="ladder")
        self.options = options
        self._plan: LadderPlan | None = None
        self._datagrams: Datagrams | None = None
        self._drawn: tuple[int, Ladder] | None = None
        self._countdowns: tuple[Timer, ...] = ()
        self.short = False
        """Leave out the inside addresses of the head: few lines."""
        self.title = "ladder"

    @property
    def flow(self) -> Flow | None:
        """The attempt shown."""
        return None if self._plan is None else self._plan.flow

    @property
    def row_count(self) -> int:
        """Rows of the plan, then countdowns of what it waits for."""
        return 0 if self._plan is None else len(self._plan.rows) + len(self._countdowns)

    @property
    def head_height(self) -> int:
        """Titles of the lanes and their addresses."""
        ladder = self._ladder()
        return 0 if ladder is None else min(len(ladder.header()), 2 if self.short else 3)

    @property
    def selected(self) -> tuple[Step, Sighting | None] | None:
        """The step under the cursor and the datagram of it that is meant."""
        if self._plan is None or not self.row_count:
            return None
        row = self._plan.rows[self.cursor]
        step = self._plan.flow.steps[row.step]
        return step, step.members[row.part] if row.kind is RowKind.MEMBER else step.sighting

    def show(self, flow: Flow | None, datagrams: Datagrams | None) -> None:
        """Show an attempt; if it is the one shown already, keep the place."""
        before = self._plan
        same = before is not None and flow is not None and before.flow.id == flow.id
        if not same:
            self._countdowns = ()
            self.options = replace(self.options, unfolded=frozenset(), marked=None)
        self._datagrams = datagrams
        self._replan(flow, keep=same)
        if not same:
            self.scroll_to(x=0, y=0, animate=False, force=True)
            self.cursor = self._nearest(0, 1)
            self.post_message(self.Moved(self))

    def show_timers(self, timers: tuple[Timer, ...]) -> None:
        """Show what the attempt waits for, under its steps; kept in view where the last step is selected."""
        if self._plan is None or timers == self._countdowns:
            return
        more = len(timers) != len(self._countdowns)
        self._countdowns = timers
        if not more:
            self.repaint()
            return
        self.rows_changed()
        if self.cursor == self._nearest(self.row_count - 1, -1):
            self.scroll_to(y=max(0, self.row_count - self.page_height), animate=False, force=True)

    def set_options(self, options: LadderOptions) -> None:
        """Look at the attempt another way, from the same step."""
        self.options = options
        self._replan(self.flow, keep=True)

    def go_to(self, sighting: Sighting) -> bool:
        """Select the step that shows a datagram; False if none does."""
        if self._plan is None:
            return False
        step = step_of(self._plan.flow, sighting)
        if step is None:
            return False
        self.cursor = self._plan.row_of(step)
        return True

    def go_to_end(self) -> None:
        """Select the last step, with what follows it in view."""
        self._go(self.row_count - 1, -1)
        self.scroll_to(y=max(0, self.row_count - self.page_height), animate=False, force=True)

    def can_stand_on(self, index: int) -> bool:
        """Headings and notes can't be selected."""
        return (
            self._plan is not None
            and 0 <= index < len(self._plan.rows)
            and self._plan.rows[index].kind in {RowKind.STEP, RowKind.MEMBER}
        )

    def draw_head(self) -> Sequence[Line]:
        """Titles of the lanes and their addresses."""
        ladder = self._ladder()
        if ladder is None:
            return ()
        header = ladder.header()[: self.head_height]
        return [columns_of(drawn, self.row_width, self.scroll_offset.x) for drawn in header]

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
        mark = Span("◆" if row.kind is RowKind.STEP and row.step == self.options.marked else " ", Tone.KEY)
        return (cursor, mark, *line[1:])

    def rows_changed(self) -> None:
        """Adapt both scroll ranges."""
        super().rows_changed()
        ladder = self._ladder()
        if ladder is not None:
            self.virtual_size = Size(ladder.columns_width + ladder.body_width, self.row_count + self.top)

    def action_mark(self) -> None:
        """Count time from the selected step, or stop doing so."""
        if self._plan is not None and self.row_count:
            step = self._plan.rows[self.cursor].step
            self.set_options(replace(self.options, marked=None if self.options.marked == step else step))

    def action_sideways(self, times: int) -> None:
        """Scroll the lanes."""
        self.scroll_to(x=self.scroll_offset.x + times * _SIDEWAYS, animate=False, force=True)
        self.refresh()

    def action_next_evidence(self) -> None:
        """Go to the next step that proves the verdict, round and round."""
        if self._plan is None or not self._plan.evidence:
            return
        here = self._plan.rows[self.cursor].step
        steps = sorted(self._plan.evidence)
        following = next((step for step in steps if step > here), steps[0])
        self.cursor = self._plan.row_of(following)

    def fold_or_unfold(self) -> bool:
        """On a burst: show its datagrams one by one, or fold them again. False where there is nothing to unfold."""
        if self._plan is None or not self.row_count:
            return False
        index = self._plan.rows[self.cursor].step
        if len(self._plan.flow.steps[index].members) < 2:
            return False
        self.set_options(replace(self.options, unfolded=self.options.unfolded ^ {index}))
        return True

    def _replan(self, flow: Flow | None, *, keep: bool) -> None:
        """Lay out the rows anew; if `keep`, with the same step at the same height."""
        before = self._plan
        place = before.rows[self.cursor] if keep and before is not None and self.row_count else None
        height = self.cursor - self.scroll_offset.y
        self._plan = None if flow is None else plan_ladder(flow, self.options)
        self._drawn = None
        self.rows_changed()
        if place is None or before is None or self._plan is None or flow is None:
            return
        step = before.flow.steps[place.step]
        index = place.step
        if before.flow is not flow:
            found = None if step.sighting is None else step_of(flow, step.sighting)
            index = found if found is not None else min(index, len(flow.steps) - 1)
        wanted = (place.kind, index, place.part)
        at = next((i for i, row in enumerate(self._plan.rows) if (row.kind, row.step, row.part) == wanted), None)
        self.set_reactive(LineView.cursor, self._plan.row_of(index) if at is None else at)
        self.scroll_to(y=max(0, self.cursor - height), animate=False, force=True)
        self.show_cursor()
        self.post_message(self.Moved(self))

    def _ladder(self) -> Ladder | None:
        """The drawing for the present width."""
        if self._plan is None or self._datagrams is None:
            return None
        width = self.row_width
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, Ladder(self._plan, width, self._datagrams))
        return self._drawn[1]
