"""Which rows the ladder of attempts has under the view's options: headings, steps, unfolded bursts, hops, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple, Protocol

from app.draw import saying
from app.draw.ladder_detail import Times, in_full, in_gist
from app.draw.ladder_options import Bursts, ColourMode, LadderOptions, Level, TimeMode
from app.draw.shown_attempts import ShownAttempts, proxies_of_server, shown_attempts
from app.draw.touched import TouchRows, touched_of_step
from capture.model import Flow, Lane, Path, Role, Sighting, Step, StepKind

__all__ = (
    "Bursts",
    "ColourMode",
    "Hops",
    "LadderOptions",
    "LadderPlan",
    "Level",
    "Row",
    "RowKind",
    "TimeMode",
    "evidence_steps",
    "plan_ladder",
    "step_of",
)


class Hops(Times, Protocol):
    """What a plan asks about single datagrams, where every hop is to be shown."""

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows, nearest its sender first."""
        ...


class RowKind(Enum):
    """What a row of the ladder is."""

    PHASE = auto()
    STEP = auto()
    MEMBER = auto()
    NOTE = auto()
    TOUCH = auto()
    """What our node did to the datagram on its way."""
    HOP = auto()
    """The same datagram where it was seen next."""


class Row(NamedTuple):
    """One row. `step` is the step it belongs to (a heading: the step below it); `part` counts members, notes, hops.

    Of a touch `part` is 1 where the datagram left our node, 0 where it came in.
    """

    kind: RowKind
    step: int
    part: int = 0
    texts: tuple[str, ...] = ()
    """A heading's or a touch's text, from long to short."""
    sighting: Sighting | None = None
    """Of a hop."""


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """The rows and lanes of one or several attempts under some options."""

    shown: ShownAttempts
    options: LadderOptions
    rows: tuple[Row, ...]
    lanes: tuple[Lane, ...]
    lane_at: dict[str, int]
    """Index into `lanes` of every lane id of the flow: several ids share one when compressed."""
    evidence: dict[int, str]
    """Steps that prove a verdict: step to the first number of its evidence, from 1, and ``+`` if it has more."""
    previous: dict[int, int]
    """The step shown before each shown step."""
    next_due: float | None = None
    """When the first entry that may still come is overdue, epoch seconds."""

    @property
    def flow(self) -> Flow:
        """The attempt, or all attempts in one."""
        return self.shown.flow

    def row_of(self, step: int) -> int:
        """The row on which a step begins, or the nearest one before it that is shown."""
        best = 0
        for index, row in enumerate(self.rows):
            if row.kind is RowKind.STEP:
                if row.step > step:
                    break
                best = index
        return best


def plan_ladder(
    flows: Flow | Sequence[Flow],
    options: LadderOptions,
    datagrams: Hops | None = None,
    touched: TouchRows | None = None,
) -> LadderPlan:
    """Lay out the rows of one attempt, or of several in one ladder.

    Args:
        flows: the attempts.
        options: how to look at them.
        datagrams: asked about single datagrams by `Level.EXTENDED`, which without it shows no more than lanes.
        touched: tells what our node did to a datagram.
    """
    shown = shown_attempts([flows] if isinstance(flows, Flow) else flows)
    if options.level is Level.EXTENDED and datagrams is not None:
        shown = in_full(shown, datagrams)
    elif options.level is Level.GIST:
        shown = in_gist(shown)
    flow = shown.flow
    rows: list[Row] = []
    headings: set[tuple[int, str]] = set()
    previous: dict[int, int] = {}
    waiting: list[float] = []
    last: int | None = None
    for index, step in enumerate(flow.steps):
        if saying.awaited(shown.attempt_of(index), step, options.now):
            waiting.append(step.due or 0.0)
            continue
        if _hidden(step, options):
            continue
        heading = _heading(shown, index)
        attempt = shown.origins[index].attempt
        if heading is not None and (attempt, heading[0]) not in headings:
            headings.add((attempt, heading[0]))
            letter = f"{shown.letter(index)} · " if shown.merged else ""
            rows.append(Row(RowKind.PHASE, index, texts=tuple(letter + text for text in heading[1])))
        rows.append(Row(RowKind.STEP, index))
        if last is not None:
            previous[index] = last
        last = index
        if len(step.members) > 1 and (
            index in options.unfolded or (options.bursts is Bursts.UNFOLDED and step.kind is not StepKind.SAMPLE)
        ):
            rows += [Row(RowKind.MEMBER, index, part) for part in range(len(step.members))]
        elif options.level is Level.EXTENDED and datagrams is not None and step.sighting is not None:
            rows += _hops(index, datagrams.sightings(step.sighting))
        if touched is not None:
            rows += _touches(index, step, touched, shown.attempt_of(index))
        if options.level is not Level.GIST:
            rows += [Row(RowKind.NOTE, index, part) for part in range(len(step.notes))]
    lanes, lane_at = _lanes(flow, options.level)
    evidence = {step: number for one in shown.flows for step, number in evidence_steps(flow, one).items()}
    return LadderPlan(shown, options, tuple(rows), lanes, lane_at, evidence, previous, min(waiting, default=None))


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


def evidence_steps(flow: Flow, judged: Flow | None = None) -> dict[int, str]:
    """Steps that prove a verdict, each with the number of its evidence, from 1, and ``+`` where there is more.

    Args:
        flow: whose steps.
        judged: whose verdict; None is that of `flow`.
    """
    found: dict[int, str] = {}
    for number, evidence in enumerate((judged or flow).verdict.evidence, 1):
        step = step_of(flow, evidence.sighting)
        if step is not None:
            found[step] = f"{found[step][0]}+" if step in found else str(number)
    return found


def _hops(index: int, sightings: tuple[Sighting, ...]) -> list[Row]:
    """A row for every further place where a datagram was seen."""
    return [Row(RowKind.HOP, index, part, sighting=one) for part, one in enumerate(sightings[1:], 1)]


def _touches(index: int, step: Step, touched: TouchRows, flow: Flow) -> Iterator[Row]:
    """A row for everything that was done to a datagram of a step."""
    for sighting, one in touched_of_step(step, touched, flow):
        yield Row(RowKind.TOUCH, index, int(one.sent), one.texts, sighting)


def _hidden(step: Step, options: LadderOptions) -> bool:
    return options.bursts is Bursts.HIDDEN and step.kind in {StepKind.PUNCH, StepKind.OPENER}


def _heading(shown: ShownAttempts, index: int) -> tuple[str, tuple[str, ...]] | None:
    """Key and texts of the heading under which a step falls, None for steps that belong to any phase."""
    flow, step = shown.flow, shown.flow.steps[index]
    match step.kind:
        case StepKind.FIND_PEER:
            return "find", ("find the server",)
        case StepKind.HANDSHAKE:
            return "handshake", ("handshake through relays",)
        case StepKind.STREAM:
            if shown.attempt_of(index).path is Path.UPGRADED:
                return "stream", ("upgraded: from the relay to a direct path", "relayed → direct", "direct")
            return "stream", ("stream",)
        case StepKind.RELAY_LINK:
            if any(flow.lane(lane).role is Role.PROXY for lane in (step.from_lane, step.to_lane)):
                return "stream", ("stream, passed on by the proxy", "stream")
            return "relay link", ("through a blind relay",)
        case StepKind.HANDOFF if step.round is None:
            return "handoff", ("handed over to a proxy", "to a proxy")
        case StepKind.LAN_PING:
            return "lan", ("same network?",)
        case StepKind.PROBE | StepKind.PUNCH_ROUND | StepKind.ABORT | StepKind.HANDOFF if step.round is not None:
            if step.round < len(flow.rounds):
                return f"round {step.round}", saying.round_titles(flow.rounds[step.round])
    return None


def _lanes(flow: Flow, level: Level) -> tuple[tuple[Lane, ...], dict[str, int]]:
    """The lanes to draw, and where each lane id of the flow lands. Lanes that no step touches are left out."""
    if level is not Level.COMPRESSED:
        used = {lane for step in flow.steps for lane in (step.from_lane, step.to_lane)}
        drawn = tuple(
            lane
            for lane in flow.lanes
            if lane.id in used or lane.role in {Role.CLIENT, Role.SERVER} or level is Level.EXTENDED
        )
        return drawn, {lane.id: index for index, lane in enumerate(drawn)}
    ends = {Role.CLIENT, Role.SERVER, Role.PROXY}
    of_server = proxies_of_server(flow.lanes)
    between = [lane for lane in flow.lanes if lane.role not in ends]
    shown = [lane for lane in flow.lanes if lane.role in ends - {Role.SERVER} and lane.id not in of_server]
    if between:
        addresses = tuple(dict.fromkeys(address for lane in between for address in lane.addresses))
        shown.append(replace(between[0], id="between", role=Role.RELAY, addresses=addresses, inside=()))
    middle = max(0, len(shown) - 1)
    shown += [lane for lane in flow.lanes if lane.role is Role.SERVER or lane.id in of_server]
    index_of = {lane.id: index for index, lane in enumerate(shown)}
    return tuple(shown), {lane.id: index_of.get(lane.id, middle) for lane in flow.lanes}
