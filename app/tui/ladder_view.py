"""The ladder of the selected attempt, or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.message import Message

from app.draw.ladder import Datagrams
from app.draw.ladder_options import LadderOptions
from app.draw.ladder_plan import LadderPlan, RowKind, plan_ladder, step_of
from app.draw.pending import Pending
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.ladder_place import Place, place_of, row_at_place, same_step
from app.tui.ladder_rows import LadderRows
from app.tui.line_view import LineView
from capture.model import FileSummary, Flow, Sighting, Step

MOST_MARKS = 2
"""Steps that can be marked at once: two have a difference."""


class LadderView(LadderRows):
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

    def show_timers(self, timers: tuple[Pending, ...]) -> None:
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
        plan = plan_ladder(self._flows, self.options, self._datagrams, self.touched)
        if before is None or (before.flow.steps == plan.flow.steps):
            return plan
        marked = tuple(step for one in self.options.marked if (step := same_step(before, one, plan)) is not None)
        unfolded = {same_step(before, one, plan) for one in self.options.unfolded}
        if marked == self.options.marked and unfolded == self.options.unfolded:
            return plan
        kept = frozenset(one for one in unfolded if one is not None)
        self.options = replace(self.options, marked=marked, unfolded=kept)
        return plan_ladder(self._flows, self.options, self._datagrams, self.touched)
