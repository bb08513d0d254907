"""More and less of an attempt than its ladder usually shows: every datagram by itself, or what the ends say alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from app.draw import terms
from app.draw.shown_attempts import Origin, ShownAttempts, changed
from capture.model import Flow, FlowMessage, Lane, NatSample, Role, Sighting, Step, StepKind
from protocol.messages import Address

_FOLDED: Final = frozenset({StepKind.FIND_PEER, StepKind.SAMPLE})
"""Steps that fold DHT traffic: one arrow for many nodes."""
_ENDS: Final = frozenset({Role.CLIENT, Role.SERVER, Role.PROXY})
_ASKING: Final = ("FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY")
_ANSWERING: Final = ("REPLY", "FROM_SERVER")


class Times(Protocol):
    """What has to be known of single datagrams."""

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        ...

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        ...


@runtime_checkable
class Asked(Protocol):
    """Knows what answers what."""

    def asked(self, answer: Sighting) -> Sighting | None:
        """The request that a response answers, as it was seen nearest its sender; None if it was not seen."""
        ...


def in_full(shown: ShownAttempts, datagrams: Times) -> ShownAttempts:
    """Every datagram of searches and samples as a step of its own, and every DHT node on a lane of its own."""
    return _InFull(shown, datagrams).result()


class _InFull:
    def __init__(self, shown: ShownAttempts, datagrams: Times) -> None:
        self._shown = shown
        self._flow = shown.flow
        self._datagrams = datagrams
        self._sides = {lane.id for lane in self._flow.lanes if lane.role in _ENDS}
        self._nodes = {lane.id for lane in self._flow.lanes if lane.role is Role.NODE}
        self._lane_of = {
            address: lane.id
            for lane in self._flow.lanes
            if lane.id not in self._sides and lane.id not in self._nodes
            for address in lane.addresses
        }
        self._node_lanes: dict[Address, Lane] = {}
        self._messages = {
            sighting: index
            for index, message in enumerate(self._flow.messages)
            for sighting in (message.sighting, *message.copies)
        }
        self._samples = {sample.sighting: sample for flow in shown.flows for sample in _samples(flow)}
        self._known = {address for lane in self._flow.lanes if lane.id in self._nodes for address in lane.addresses}

    def result(self) -> ShownAttempts:
        placed: list[tuple[float, int, Step, Origin]] = []
        latest = 0.0
        legs = {step.sighting for step in self._flow.steps if step.kind not in _FOLDED}
        asked = legs | {message.sighting for message in self._flow.messages}
        for step, origin in zip(self._flow.steps, self._shown.origins, strict=True):
            latest = max(latest, step.time)
            if step.kind in _FOLDED and step.members:
                # An answer that is also a sample is shown as what it answers.
                for sighting in (one for one in step.members if one not in legs):
                    one = self._single(step, sighting)
                    placed.append((one.time, len(placed), one, origin))
                    request = self._request(one, asked) if step.kind is StepKind.SAMPLE else None
                    if request is not None:
                        asked.add(request.sighting)
                        placed.append((request.time, len(placed), request, origin))
            else:
                placed.append((latest, len(placed), self._on_own_lane(step), origin))
        for one, origin in self._others():
            placed.append((one.time, len(placed), one, origin))
        placed.sort(key=lambda one: one[:2])
        used = {lane for _, _, step, _ in placed for lane in (step.from_lane, step.to_lane)}
        lanes = [lane for lane in self._flow.lanes if lane.id not in self._nodes or lane.id in used]
        flow = changed(
            self._flow, lanes=(*lanes, *self._node_lanes.values()), steps=tuple(step for _, _, step, _ in placed)
        )
        return ShownAttempts(self._shown.flows, flow, tuple(origin for *_, origin in placed))

    def _single(self, step: Step, sighting: Sighting) -> Step:
        """One datagram of a folded step."""
        side = step.from_lane if step.from_lane in self._sides else step.to_lane
        return self._datagram(step, sighting, side, self._messages.get(sighting))

    def _request(self, answer: Step, shown: set[Sighting | None]) -> Step | None:
        """The request that a sample came as answer to, where that is shown by nothing else."""
        if not isinstance(self._datagrams, Asked) or not answer.dashed or answer.sighting is None:
            return None
        sighting = self._datagrams.asked(answer.sighting)
        if sighting is None or sighting in shown:
            return None
        name = "request" if answer.message is None else self._flow.messages[answer.message].command
        request = replace(answer, dashed=False, retransmission=False)
        return replace(self._datagram(request, sighting, answer.to_lane, None), label=name)

    def _datagram(self, like: Step, sighting: Sighting, side: str, index: int | None) -> Step:
        src, dst = self._datagrams.endpoints(sighting)
        message = None if index is None else self._flow.messages[index]
        answer = message.kind == "response" if message is not None else like.dashed
        far = self._lane_at(src if answer else dst)
        return replace(
            like,
            time=self._datagrams.packet_time(sighting),
            from_lane=far if answer else side,
            to_lane=side if answer else far,
            label=_words(message, self._samples.get(sighting)),
            sighting=sighting,
            src=src,
            dst=dst,
            message=index,
            dashed=answer,
            count=1,
            span=0.0,
            ports=0,
            members=(sighting,),
            notes=(),
        )

    def _on_own_lane(self, step: Step) -> Step:
        """A step to or from the DHT nodes goes to the one it is."""
        if step.from_lane in self._nodes and step.src is not None:
            return replace(step, from_lane=self._lane_at(step.src))
        if step.to_lane in self._nodes and step.dst is not None:
            return replace(step, to_lane=self._lane_at(step.dst))
        return step

    def _others(self) -> Iterator[tuple[Step, Origin]]:
        """Messages that belong to an attempt and are no part of any of its steps."""
        shown = {sighting for step in self._flow.steps for sighting in (step.sighting, *step.members)}
        drawn = {step.message for step in self._flow.steps}
        at = 0
        for attempt, flow in enumerate(self._shown.flows):
            for index, message in enumerate(flow.messages, at):
                if message.sighting in shown or index in drawn or not shown.isdisjoint(message.copies):
                    continue
                answer = message.kind == "response"
                role = message.to_role if answer else message.from_role
                side = next((lane.id for lane in self._flow.lanes if lane.role is role), "")
                kind = StepKind.FIND_PEER if message.command == "FIND_PEER" else StepKind.SAMPLE
                like = Step(kind, message.time, side, side, "", message.sighting, dashed=answer)
                yield self._datagram(like, message.sighting, side, index), Origin(attempt, None)
            at += len(flow.messages)

    def _lane_at(self, address: Address) -> str:
        known = self._lane_of.get(address)
        if known is not None:
            return known
        lane = self._node_lanes.get(address)
        if lane is None:
            lane = Lane(f"node{len(self._node_lanes) + 1}", Role.NODE, (address,))
            self._node_lanes[address] = lane
        return lane.id


def _samples(flow: Flow) -> Iterable[NatSample]:
    return (
        *(flow.client_nat.samples if flow.client_nat else ()),
        *(flow.server_nat.samples if flow.server_nat else ()),
    )


def _words(message: FlowMessage | None, sample: NatSample | None) -> str:
    said = "" if sample is None else f"seen as {terms.address(sample.seen_as)}"
    if message is None:
        return said or "datagram"
    return terms.joined((f"{message.command} reply" if message.kind == "response" else message.command, said))


def in_gist(shown: ShownAttempts) -> ShownAttempts:
    """Requests and answers end to end, each once and without notes: relays, copies of a send and samples left out."""
    flow = shown.flow
    client = next((lane.id for lane in flow.lanes if lane.role is Role.CLIENT), None)
    server = next((lane.id for lane in flow.lanes if lane.role is Role.SERVER), None)
    if client is None or server is None:
        return shown
    said: set[tuple[int, str, int, bool]] = set()
    kept: list[tuple[Step, Origin]] = []
    missing: dict[tuple[int, int | None], int] = {}
    answered = _answers_seen(shown)
    spoken = _ends_of_exchanges(shown, client, server)
    for step, origin in zip(flow.steps, shown.origins, strict=True):
        message = None if step.message is None else flow.messages[step.message]
        ends = _ends_of(shown, origin.attempt, client, server)
        if step.kind is StepKind.SAMPLE:
            continue
        if step.kind is StepKind.FIND_PEER:
            # Asked and found, each once.
            search = (origin.attempt, step.kind.name, 0, step.dashed)
            if search not in said:
                said.add(search)
                kept.append((replace(step, notes=()), origin))
            continue
        if step.kind is StepKind.MISSING:
            place = origin.attempt, step.round
            if place not in missing:
                missing[place] = len(kept)
                kept.append((replace(step, from_lane=ends[1], to_lane=ends[0]), origin))
            continue
        if message is None or message.mode is None:
            kept.append((replace(step, notes=()), origin))
            continue
        asks = message.mode in _ASKING
        exchange = (origin.attempt, message.command, message.tid, asks)
        if exchange in said or (not asks and message.mode != "REPLY" and exchange in answered):
            continue
        said.add(exchange)
        ends = spoken.get(exchange, ends)
        ends = ends if asks else (ends[1], ends[0])
        kept.append((replace(step, from_lane=ends[0], to_lane=ends[1], dashed=not asks, notes=()), origin))
    steps, origins = tuple(step for step, _ in kept), tuple(origin for _, origin in kept)
    return ShownAttempts(shown.flows, changed(flow, steps=steps), origins)


def _ends_of_exchanges(
    shown: ShownAttempts, client: str, server: str
) -> dict[tuple[int, str, int, bool], tuple[str, str]]:
    """Where requests and answers begin and end that a proxy sends or gets in the place of a side."""
    flow = shown.flow
    proxies = {lane.id for lane in flow.lanes if lane.role is Role.PROXY}
    found: dict[tuple[int, str, int, bool], tuple[str, str]] = {}
    for step, origin in zip(flow.steps, shown.origins, strict=True) if proxies else ():
        message = None if step.message is None else flow.messages[step.message]
        if message is None or message.mode is None:
            continue
        asks = message.mode in _ASKING
        exchange = (origin.attempt, message.command, message.tid, asks)
        ends = found.get(exchange, _ends_of(shown, origin.attempt, client, server))
        lane = step.from_lane if message.mode in ("FROM_CLIENT", "FROM_SERVER") else step.to_lane
        if lane in proxies:
            of_client = message.mode in ("FROM_CLIENT", "REPLY")
            found[exchange] = (lane, ends[1]) if of_client else (ends[0], lane)
    return found


def _answers_seen(shown: ShownAttempts) -> set[tuple[int, str, int, bool]]:
    """Exchanges of which the last leg was seen."""
    found = set()
    for step, origin in zip(shown.flow.steps, shown.origins, strict=True):
        message = None if step.message is None else shown.flow.messages[step.message]
        if message is not None and message.mode == "REPLY":
            found.add((origin.attempt, message.command, message.tid, False))
    return found


def _ends_of(shown: ShownAttempts, attempt: int, client: str, server: str) -> tuple[str, str]:
    """Lanes of an attempt's client and server among those shown."""
    if not shown.merged:
        return client, server
    lanes = {lane.role: lane for lane in shown.flows[attempt].lanes}
    found = []
    for role, otherwise in ((Role.CLIENT, client), (Role.SERVER, server)):
        own = set(lanes[role].addresses) if role in lanes else set()
        match = (lane.id for lane in shown.flow.lanes if lane.role is role and own & set(lane.addresses))
        found.append(next(match, otherwise))
    return found[0], found[1]
