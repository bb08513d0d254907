"""Which rows the ladder of an attempt has under the view's options: headings, steps, unfolded bursts, notes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from app.draw import saying
from capture.model import Flow, Lane, Role, Sighting, Step, StepKind


class TimeMode(Enum):
    """What the time column counts from."""

    RELATIVE = "since the start of the attempt"
    CLOCK = "time of day"
    MARK = "since the marked step"


class ColourMode(Enum):
    """What the colour of an arrow stands for. Words and glyphs say the same."""

    PHASE = "phase"
    SIDE = "sender"
    TOKEN = "tokens"


class Bursts(Enum):
    """How one-byte punches are shown."""

    FOLDED = "folded"
    UNFOLDED = "one by one"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """How to look at a ladder."""

    time: TimeMode = TimeMode.RELATIVE
    colour: ColourMode = ColourMode.PHASE
    bursts: Bursts = Bursts.FOLDED
    compressed: bool = False
    """Relays and other nodes share one lane."""
    unfolded: frozenset[int] = frozenset()
    """Steps shown one by one whatever `bursts` says."""
    marked: int | None = None
    """Step that `TimeMode.MARK` counts from."""
    zone: datetime.tzinfo | None = None
    """Time zone of `TimeMode.CLOCK`; None is the machine's own."""


class RowKind(Enum):
    """What a row of the ladder is."""

    PHASE = auto()
    STEP = auto()
    MEMBER = auto()
    NOTE = auto()


class Row(NamedTuple):
    """One row. `step` is the step it belongs to (a heading: the step below it); `part` counts members and notes."""

    kind: RowKind
    step: int
    part: int = 0
    texts: tuple[str, ...] = ()
    """A heading's text, from long to short."""


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """The rows and lanes of one attempt under some options."""

    flow: Flow
    options: LadderOptions
    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    lane_at: dict[str, int]
    """Index into `lanes` of every lane id of the flow: several ids share one when compressed."""
    evidence: dict[int, str]
    """Steps that prove the verdict: step to the first number of its evidence, from 1, and ``+`` if it has more."""
    previous: dict[int, int]
    """The step shown before each shown step."""

    def row_of(self, step: int) -> int:
        """The row on which a step begins, or the nearest one before it that is shown."""
        best = 0
        for index, row in enumerate(self.rows):
            if row.kind is RowKind.STEP:
                if row.step > step:
                    break
                best = index
        return best


def plan_ladder(flow: Flow, options: LadderOptions) -> LadderPlan:
    """Lay out the rows of `flow`."""
    rows: list[Row] = []
    headings: set[str] = set()
    previous: dict[int, int] = {}
    last: int | None = None
    for index, step in enumerate(flow.steps):
        if _hidden(step, options):
            continue
        heading = _heading(flow, step)
        if heading is not None and heading[0] not in headings:
            headings.add(heading[0])
            rows.append(Row(RowKind.PHASE, index, texts=heading[1]))
        rows.append(Row(RowKind.STEP, index))
        if last is not None:
            previous[index] = last
        last = index
        if len(step.members) > 1 and (
            index in options.unfolded or (options.bursts is Bursts.UNFOLDED and step.kind is not StepKind.SAMPLE)
        ):
            rows += [Row(RowKind.MEMBER, index, part) for part in range(len(step.members))]
        rows += [Row(RowKind.NOTE, index, part) for part in range(len(step.notes))]
    lanes, lane_at = _lanes(flow, options.compressed)
    return LadderPlan(flow, options, tuple(rows), lanes, lane_at, evidence_steps(flow), previous)


def step_of(flow: Flow, sighting: Sighting) -> int | None:
    """The step that shows a datagram, be it folded or a copy of the one shown."""
    message = next(
        (i for i, one in enumerate(flow.messages) if one.sighting == sighting or sighting in one.copies), None
    )
    for index, step in enumerate(flow.steps):
        if sighting in (step.sighting, step.first_hit) or (message is not None and step.message == message):
            return index
    for index, step in enumerate(flow.steps):
        if sighting in step.members:
            return index
    if message is not None:
        shown = flow.messages[message].sighting
        return next((i for i, step in enumerate(flow.steps) if shown in step.members), None)
    return None


def evidence_steps(flow: Flow) -> dict[int, str]:
    """Steps that prove the verdict, each with the number of its evidence, from 1, and ``+`` where there is more."""
    found: dict[int, str] = {}
    for number, evidence in enumerate(flow.verdict.evidence, 1):
        step = step_of(flow, evidence.sighting)
        if step is not None:
            found[step] = f"{found[step][0]}+" if step in found else str(number)
    return found


def _hidden(step: Step, options: LadderOptions) -> bool:
    return options.bursts is Bursts.HIDDEN and step.kind in {StepKind.PUNCH, StepKind.OPENER}


def _heading(flow: Flow, step: Step) -> tuple[str, tuple[str, ...]] | None:
    """Key and texts of the heading under which a step falls, None for steps that belong to any phase."""
    match step.kind:
        case StepKind.FIND_PEER:
            return "find", ("find the server",)
        case StepKind.HANDSHAKE:
            return "handshake", ("handshake through relays",)
        case StepKind.STREAM:
            return "stream", ("stream",)
        case StepKind.RELAY_LINK:
            return "relay link", ("through a blind relay",)
        case StepKind.LAN_PING:
            return "lan", ("same network?",)
        case StepKind.PROBE | StepKind.PUNCH_ROUND | StepKind.ABORT if step.round is not None:
            if step.round < len(flow.rounds):
                return f"round {step.round}", saying.round_titles(flow.rounds[step.round])
    return None


def _lanes(flow: Flow, compressed: bool) -> tuple[tuple[Lane, ...], dict[str, int]]:
    """The lanes to draw, and where each lane id of the flow lands. Lanes that no step touches are left out."""
    if not compressed:
        used = {lane for step in flow.steps for lane in (step.from_lane, step.to_lane)}
        drawn = tuple(lane for lane in flow.lanes if lane.id in used or lane.role in {Role.CLIENT, Role.SERVER})
        return drawn, {lane.id: index for index, lane in enumerate(drawn)}
    ends = {Role.CLIENT: 0, Role.SERVER: 2}
    between = [lane for lane in flow.lanes if lane.role not in ends]
    shown = [lane for role in ends for lane in flow.lanes if lane.role is role]
    if between:
        addresses = tuple(dict.fromkeys(address for lane in between for address in lane.addresses))
        folded = Lane("between", Role.RELAY, addresses, (), len(addresses))
        shown.insert(1 if shown and shown[0].role is Role.CLIENT else 0, folded)
    index_of = {lane.role: index for index, lane in enumerate(shown)}
    middle = index_of.get(Role.RELAY, 0)
    return tuple(shown), {lane.id: index_of.get(lane.role, middle) for lane in flow.lanes}
