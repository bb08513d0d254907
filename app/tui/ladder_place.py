"""Finding a place of a ladder again after it has been laid out anew: with more steps, others, or at another level."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from app.draw.ladder_plan import LadderPlan, RowKind, step_of
from capture.model import Sighting


class Place(NamedTuple):
    """A row of a plan, known by what it shows."""

    plan: LadderPlan
    step: int
    kind: RowKind
    part: int
    sighting: Sighting | None
    """The datagram that the row shows."""


def place_of(plan: LadderPlan, index: int) -> Place:
    """What row `index` shows."""
    row = plan.rows[index]
    step = plan.flow.steps[row.step]
    match row.kind:
        case RowKind.MEMBER:
            sighting: Sighting | None = step.members[row.part]
        case RowKind.HOP:
            sighting = row.sighting
        case _:
            sighting = step.sighting
    return Place(plan, row.step, row.kind, row.part, sighting)


def row_at_place(plan: LadderPlan, place: Place) -> int:
    """The row of another plan that shows the same, or else the one nearest it."""
    step = same_step(place.plan, place.step, plan, place.sighting)
    if step is None:
        # What stood there is gone: the last thing that was before it.
        time = place.plan.flow.steps[place.step].time
        step = max(0, bisect_right([one.time for one in plan.flow.steps], time) - 1)
    for index, row in enumerate(plan.rows):
        if row.kind is place.kind and row.step == step and row.part == place.part:
            return index
    return plan.row_of(step)


def same_step(before: LadderPlan, step: int, now: LadderPlan, sighting: Sighting | None = None) -> int | None:
    """The step of a plan that is what `step` was in another; None if it has none.

    Args:
        before: the other plan.
        step: of that plan.
        now: the plan.
        sighting: a datagram of that step that is meant; None is its first.
    """
    steps = now.flow.steps
    if step >= len(before.flow.steps):
        return None
    wanted = before.flow.steps[step]
    if step < len(steps) and (steps[step] is wanted or steps[step] == wanted):
        return step
    sighting = sighting or wanted.sighting
    if sighting is not None:
        return step_of(now.flow, sighting)
    same = (wanted.kind, wanted.label, wanted.round, wanted.from_lane, wanted.to_lane)
    for index, one in enumerate(steps):
        if (one.kind, one.label, one.round, one.from_lane, one.to_lane) == same and one.sighting is None:
            return index
    return None
