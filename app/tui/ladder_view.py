"""The ladder of the selected attempt, or of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.message import Message

from app.draw.ladder import Datagrams, Ladder, columns_of
from app.draw.ladder_options import LadderOptions
from app.draw.ladder_plan import LadderPlan, Row, RowKind, plan_ladder, step_of
from app.draw.pending import pending_row
from app.draw.spans import Line, Span, Tone
from app.node_status import Timer
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.ladder_place import Place, place_of, row_at_place, same_step
from app.tui.line_view import LineView
from capture.model import FileSummary, Flow, Sighting, Step
from capture.notes import NO_NOTES, Notes

if TYPE_CHECKING:
    from app.tui.sought import Matcher, Sought

_SIDEWAYS = 8
MOST_MARKS = 2
"""Steps that can be marked at once: two have a difference."""


class LadderView(LineView):
    """Steps of attempts. It keeps the selected step selected, and where it is on screen, while they grow."""

    BINDINGS = bindings_of(Context.LADDER)

    DEFAULT_CSS = """
    LadderView { overflow-x: auto; scrollbar-size-horizontal: 1; }
    """

    class Marked(Message):
        """A step was marked, or is no more."""

        def __init__(self, sighting: Sighting | None, wanted: bool) -> None:
            super().__init__()
            self.sighting = sighting
            self.wanted = wanted

    def __init__(self, options: LadderOptions) -> None:
        super().__init__(id="ladder")
        self.noted: Callable[[], Notes] = lambda: NO_NOTES
        """Gives the marks and comments on packets."""
        self.options = options
        self._flows: tuple[Flow, ...] = ()
        self._plan: LadderPlan | None = None
        self._datagrams: Datagrams | None = None
        self._files: Sequence[FileSummary] = ()
        self._drawn: tuple[int, Ladder] | None = None
        self._countdowns: tuple[Timer, ...] = ()
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
        return titles + self._has_legend(ladder)

    @property
    def selected(self) -> tuple[Step, Sighting | None] | None:
        """The step under the cursor and the datagram of it that is meant."""
        if self._plan is None or not self._plan.rows:
            return None
        row = self._plan.rows[min(self.cursor, len(self._plan.rows) - 1)]
        step = self._plan.flow.steps[row.step]
        match row.kind:
            case RowKind.MEMBER:
                return self._original(row.step), step.members[row.part]
            case RowKind.HOP:
                return self._original(row.step), row.sighting
            case _:
                return self._original(row.step), step.sighting

    @property
    def marked_steps(self) -> list[tuple[Flow, Step]]:
        """The marked steps with the attempts that they are of, in the order of their marks."""
        if self._plan is None:
            return []
        shown, steps = self._plan.shown, self._plan.flow.steps
        return [(shown.attempt_of(step), self._original(step)) for step in self.options.marked if step < len(steps)]

    def show(
        self,
        flow: Flow | None,
        datagrams: Datagrams | None,
        files: Sequence[FileSummary] = (),
        others: Sequence[Flow] = (),
    ) -> None:
        """Show an attempt, or several; if they are shown already, keep the place.

        Args:
            flow: the attempt; None shows nothing.
            datagrams: asked about single datagrams.
            files: the captures; with several it is shown which of them saw a datagram.
            others: attempts shown in the same ladder.
        """
        flows = () if flow is None else (flow, *others)
        same = bool(flows) and {one.id for one in flows} == {one.id for one in self._flows}
        if not same:
            self._countdowns = ()
            self.options = replace(self.options, unfolded=frozenset(), marked=())
        self._datagrams, self._files = datagrams, files
        self._replan(flows, keep=same)
        if not same:
            self.scroll_to(x=0, y=0, animate=False, force=True)
            self.cursor = self._nearest(0, 1)
            self.post_message(self.Moved(self))

    def show_time(self, now: float | None) -> None:
        """Take in that time goes on: what was awaited until now is missing.

        Args:
            now: when the newest packet of a live source came, epoch seconds; None where nothing more will come.
        """
        self.options = replace(self.options, now=now)
        due = None if self._plan is None else self._plan.next_due
        if due is not None and (now is None or now >= due):
            self._replan(self._flows, keep=True)

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
        """Look at the attempts another way, from the same step."""
        self.options = options
        self._replan(self._flows, keep=True)

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
        legend = ladder.legend() if self._has_legend(ladder) else None
        rest = self.head_height - (legend is not None)
        lines = [columns_of(drawn, self.row_width, self.scroll_offset.x) for drawn in ladder.header()[:rest]]
        lines += [()] * (rest - len(lines))
        return lines if legend is None else [legend, *lines]

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
        if not notes:
            return " "
        sighting = step.sighting if row.kind is RowKind.STEP else step.members[row.part]
        return ";" if notes.on(sighting) else "◇" if notes.marks(sighting) else " "

    def rows_changed(self) -> None:
        """Adapt both scroll ranges."""
        super().rows_changed()
        ladder = self._ladder()
        if ladder is not None:
            self.virtual_size = Size(ladder.columns_width + ladder.body_width, self.row_count + self.top)

    def watch_cursor(self, before: int, now: int) -> None:
        """The lanes of the selected step come into view by themselves."""
        super().watch_cursor(before, now)
        self._show_lanes()

    def on_resize(self) -> None:
        """The same at any size."""
        super().on_resize()
        self._show_lanes()

    def action_mark(self) -> None:
        """Mark the selected step, or take its mark off; the oldest mark goes where there are too many."""
        if self._plan is None or not self._plan.rows:
            return
        step = self._plan.rows[self.cursor].step
        marked = tuple(one for one in self.options.marked if one != step)
        if len(marked) == len(self.options.marked):
            marked = (*marked, step)[-MOST_MARKS:]
        self.set_options(replace(self.options, marked=marked))
        self.post_message(self.Marked(self._original(step).sighting, step in marked))

    def action_sideways(self, times: int) -> None:
        """Scroll the lanes."""
        self.scroll_to(x=self.scroll_offset.x + times * _SIDEWAYS, animate=False, force=True)
        self.refresh()

    def action_lanes_end(self, end: int) -> None:
        """Scroll to the first lane or to the last."""
        self.scroll_to(x=self.max_scroll_x if end > 0 else 0, animate=False, force=True)
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
        if self._plan is None or not self._plan.rows:
            return False
        index = self._plan.rows[self.cursor].step
        if len(self._plan.flow.steps[index].members) < 2:
            return False
        self.set_options(replace(self.options, unfolded=self.options.unfolded ^ {index}))
        return True

    def _original(self, step: int) -> Step:
        """The step as its attempt has it; one that only this level of detail shows, as it is shown."""
        assert self._plan is not None
        shown = self._plan.shown
        origin = shown.origins[step]
        drawn = shown.flow.steps[step]
        if origin.step is None:
            return drawn
        original = shown.flows[origin.attempt].steps[origin.step]
        return original if original.sighting == drawn.sighting else drawn

    def _replan(self, flows: tuple[Flow, ...], *, keep: bool) -> None:
        """Lay out the rows anew; if `keep`, with the same step at the same height, and the same steps marked."""
        before, self._flows = self._plan, flows
        place: Place | None = None
        if keep and before is not None and before.rows:
            place = place_of(before, min(self.cursor, len(before.rows) - 1))
        height = self.cursor - self.scroll_offset.y + self.top
        self._plan = self._planned(before if keep else None)
        self._drawn = None
        self.rows_changed()
        if place is None or self._plan is None:
            return
        self.set_reactive(LineView.cursor, self._nearest(row_at_place(self._plan, place), 1))
        self.scroll_to(y=max(0, self.cursor - height + self.top), animate=False, force=True)
        self.show_cursor()
        self.post_message(self.Moved(self))

    def _planned(self, before: LadderPlan | None) -> LadderPlan | None:
        """The plan, with marks and unfolded bursts on the steps that they were on."""
        if not self._flows:
            return None
        plan = plan_ladder(self._flows, self.options, self._datagrams)
        if before is None or (before.flow.steps == plan.flow.steps):
            return plan
        marked = tuple(step for one in self.options.marked if (step := same_step(before, one, plan)) is not None)
        unfolded = {same_step(before, one, plan) for one in self.options.unfolded}
        if marked == self.options.marked and unfolded == self.options.unfolded:
            return plan
        kept = frozenset(one for one in unfolded if one is not None)
        self.options = replace(self.options, marked=marked, unfolded=kept)
        return plan_ladder(self._flows, self.options, self._datagrams)

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

    def _has_legend(self, ladder: Ladder) -> bool:
        return (self.merged or (len(self._files) > 1 and not self.short)) and ladder.legend() is not None

    def _ladder(self) -> Ladder | None:
        """The drawing for the present width."""
        if self._plan is None or self._datagrams is None:
            return None
        width = self.row_width
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, Ladder(self._plan, width, self._datagrams, self._files))
        return self._drawn[1]
