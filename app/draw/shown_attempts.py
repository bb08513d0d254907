"""Attempts as one ladder shows them: a single one as it is, several merged in order of time on lanes they share.

What is merged is a `Flow` like any other, so all that draws a flow draws it, and each of its steps knows which attempt
it is of. Participants share a lane where they are the same: relays and blind relays by address, servers by the key
that was asked for, clients and others by host. A relay that is the client's in one attempt and the server's in another
is drawn as both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Final

from capture.model import Flow, FlowMessage, Lane, Note, Role, Round, Step

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RELAYS: Final = frozenset({Role.RELAY, Role.CLIENT_RELAY, Role.SERVER_RELAY})
_ORDER: Final = {
    Role.CLIENT: 0,
    Role.CLIENT_RELAY: 1,
    Role.RELAY: 2,
    Role.SERVER_RELAY: 3,
    Role.BLIND_RELAY: 4,
    Role.SERVER: 5,
    Role.NODE: 6,
}
_SHORT: Final = {Role.BLIND_RELAY: "blind", Role.NODE: "nodes"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a shown step is from."""

    attempt: int
    """Index into `ShownAttempts.flows`."""
    step: int | None
    """Index into that attempt's steps; None for a datagram that is no step of it by itself."""


@dataclass(frozen=True, slots=True)
class ShownAttempts:
    """One or several attempts, and the flow that shows them."""

    flows: tuple[Flow, ...]
    flow: Flow
    """All of them in one; the attempt itself where there is only one."""
    origins: tuple[Origin, ...]
    """Of each step of `flow`."""

    @property
    def merged(self) -> bool:
        """Whether there are several."""
        return len(self.flows) > 1

    def letter(self, step: int) -> str:
        """Of the attempt that a step is of."""
        return letter(self.origins[step].attempt)

    def attempt_of(self, step: int) -> Flow:
        """The attempt that a step is of."""
        return self.flows[self.origins[step].attempt]


def letter(attempt: int) -> str:
    """``A`` to ``Z``, then ``a2`` and so on."""
    return LETTERS[attempt] if attempt < len(LETTERS) else "+"


def shown_attempts(flows: Sequence[Flow]) -> ShownAttempts:
    """One ladder of these attempts, at least one, in order of time."""
    if len(flows) == 1:
        origins = tuple(Origin(0, index) for index in range(len(flows[0].steps)))
        return ShownAttempts((flows[0],), flows[0], origins)
    ordered = tuple(sorted(flows, key=lambda flow: (flow.started, flow.id)))
    shared = _SharedLanes()
    messages: list[FlowMessage] = []
    rounds: list[Round] = []
    found: list[tuple[float, int, int, Step]] = []
    for attempt, flow in enumerate(ordered):
        servers = proxies_of_server(flow.lanes)
        lane_of = {lane.id: shared.take(lane, flow.target, of_server=lane.id in servers) for lane in flow.lanes}
        for index, step in enumerate(flow.steps):
            found.append((step.time, attempt, index, _moved(step, lane_of, len(messages), len(rounds))))
        messages += flow.messages
        rounds += flow.rounds
    found.sort(key=lambda one: one[:3])
    first = ordered[0]
    flow = changed(
        first,
        duration=max(flow.ended for flow in ordered) - first.started,
        relays=tuple(dict.fromkeys(relay for flow in ordered for relay in flow.relays)),
        lanes=shared.all(),
        messages=tuple(messages),
        rounds=tuple(rounds),
        steps=tuple(step for *_, step in found),
    )
    return ShownAttempts(ordered, flow, tuple(Origin(attempt, index) for _, attempt, index, _ in found))


def proxies_of_server(lanes: Sequence[Lane]) -> set[str]:
    """Ids of the proxies that stand in the server's place: their lanes are right of its own."""
    servers = [index for index, lane in enumerate(lanes) if lane.role is Role.SERVER]
    return {lane.id for lane in lanes[servers[0] if servers else len(lanes) :] if lane.role is Role.PROXY}


def on_the_right(lanes: Sequence[Lane]) -> set[str]:
    """Ids of the servers' lanes, and of those who stand in their place."""
    return {lane.id for lane in lanes if lane.role is Role.SERVER} | proxies_of_server(lanes)


def changed(flow: Flow, **values: Any) -> Flow:
    """A flow with other values in some fields, for drawing: what a flow can do without is left out, not worked out."""
    needed = (one.name for one in fields(Flow) if one.default is MISSING and one.default_factory is MISSING)
    known = {name: getattr(flow, name) for name in needed if name not in values}
    return Flow(**known, **values)


def same_pair(one: Flow, other: Flow) -> bool:
    """Whether two attempts are of the same client, by its hosts, on the same server."""
    if one.target != other.target or one.client is None or other.client is None:
        return False
    if one.client.host != other.client.host:
        return False
    # Behind one NAT there may be several.
    inside = [
        {address.host for lane in flow.lanes if lane.role is Role.CLIENT for address in lane.inside}
        for flow in (one, other)
    ]
    return not all(inside) or not inside[0].isdisjoint(inside[1])


class _SharedLanes:
    """Lanes of several attempts, each participant once."""

    def __init__(self) -> None:
        self._lanes: list[Lane] = []
        self._targets: dict[str, bytes] = {}
        self._of_servers: set[str] = set()

    def take(self, lane: Lane, target: bytes, *, of_server: bool = False) -> str:
        """The id of the shared lane of a participant; `of_server` is for a proxy, which stands beside its side."""
        for index, known in enumerate(self._lanes):
            if self._same(known, lane, target):
                self._lanes[index] = _joined(known, lane)
                return known.id
        name = "relay" if lane.role in _RELAYS else _SHORT.get(lane.role, str(lane.role))
        number = 1 + sum(known.id.rstrip("0123456789") == name for known in self._lanes)
        new = replace(lane, id=f"{name}{number}")
        self._lanes.append(new)
        self._targets[new.id] = target
        if of_server:
            self._of_servers.add(new.id)
        return new.id

    def all(self) -> tuple[Lane, ...]:
        """From left to right; proxies beside the side that they stand for."""

        def place(lane: Lane) -> tuple[int, bool]:
            if lane.role is Role.PROXY:
                return _ORDER[Role.SERVER if lane.id in self._of_servers else Role.CLIENT], True
            return _ORDER[lane.role], False

        return tuple(sorted(self._lanes, key=place))

    def _same(self, known: Lane, lane: Lane, target: bytes) -> bool:
        if lane.role in _RELAYS or lane.role is Role.BLIND_RELAY:
            same_kind = known.role in _RELAYS if lane.role in _RELAYS else known.role is lane.role
            return same_kind and not set(known.addresses).isdisjoint(lane.addresses)
        if known.role is not lane.role:
            return False
        if lane.role is Role.NODE:
            return True
        if lane.role is Role.SERVER and self._targets[known.id] == target:
            return True
        inside = {one.host for one in known.inside}, {one.host for one in lane.inside}
        if all(inside):
            return not inside[0].isdisjoint(inside[1])
        outside = {one.host for one in known.addresses}, {one.host for one in lane.addresses}
        return not outside[0].isdisjoint(outside[1])


def _joined(known: Lane, lane: Lane) -> Lane:
    role = known.role if known.role is lane.role else Role.RELAY
    addresses = tuple(dict.fromkeys((*known.addresses, *lane.addresses)))
    inside = tuple(dict.fromkeys((*known.inside, *lane.inside)))
    sockets = max(known.sockets, lane.sockets, len(inside) or len(addresses))
    return replace(known, role=role, addresses=addresses, inside=inside, sockets=sockets)


def _moved(step: Step, lane_of: dict[str, str], messages: int, rounds: int) -> Step:
    """The step among those of other attempts: shared lanes, and indexes past their messages and rounds."""
    notes = tuple(Note(lane_of.get(note.lane, note.lane), note.text, note.token) for note in step.notes)
    return replace(
        step,
        from_lane=lane_of.get(step.from_lane, step.from_lane),
        to_lane=lane_of.get(step.to_lane, step.to_lane),
        message=None if step.message is None else step.message + messages,
        round=None if step.round is None else step.round + rounds,
        notes=notes if step.notes else (),
    )
