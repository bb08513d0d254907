"""An attempt, or one of its rounds, as a Mermaid sequence diagram in the manner of the protocol's own documentation.

A round is drawn with the participants, arrows and fields of hyperdht's diagrams: ``c`` the client, ``sr`` the server's
relay, ``cr`` the client's relay, ``s`` the server. Of a payload those fields are named that carry a token for the first
time or echo one, by the side that wrote it; a leg that forwards such a payload names just ``payload``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from app.draw import saying, terms
from app.draw.shown_attempts import letter, proxies_of_server, shown_attempts
from app.draw.touched import TouchRows, touched_of_step
from app.mermaid_text import mermaid_text
from app.wording import OUTCOME_GLYPHS, date_and_clock, error_name
from capture.model import Flow, FlowMessage, Lane, Role, Round, Step, StepKind, TokenState

SERVER_VERIFIES: Final = "server can now verify that address of client is correct based on remote token"
CLIENT_VERIFIES: Final = "client can now verify that address of server is correct based on remote token"

_REQUEST_LEGS: Final = ("FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY")
_INDENT: Final = "    "


class Actor(NamedTuple):
    """A participant of a diagram."""

    id: str
    title: str


CLIENT: Final = Actor("c", "client node")
SERVER: Final = Actor("s", "server node")
SERVER_RELAY: Final = Actor("sr", "server relay node")
CLIENT_RELAY: Final = Actor("cr", "client relay node (dht)")
BOTH_RELAYS: Final = Actor("r", "client and server relay node")
PROXY: Final = Actor("p", "proxy node")
BLIND_RELAY: Final = Actor("br", "blind relay node")
NODES: Final = Actor("n", "DHT nodes")

_OF_ROLE: Final = {
    Role.CLIENT: CLIENT,
    Role.SERVER: SERVER,
    Role.SERVER_RELAY: SERVER_RELAY,
    Role.CLIENT_RELAY: CLIENT_RELAY,
    Role.RELAY: BOTH_RELAYS,
    Role.PROXY: PROXY,
    Role.BLIND_RELAY: BLIND_RELAY,
    Role.NODE: NODES,
}


def mermaid_round(flow: Flow, index: int, now: float | None = None) -> str:
    """One PEER_HOLEPUNCH round, each leg once.

    A node that is relay of both sides is drawn as the server's relay in a probing round and as the client's in a
    punching one, as hyperdht draws them.

    Args:
        flow: the attempt.
        index: which of `flow.rounds`.
        now: when the newest packet of the source came, epoch seconds: what may still come then is not missing.
    """
    return _diagram(_joined(_round(flow, index, now)))


def mermaid_branches(begun: Flow, handed: Flow, index: int, now: float | None = None) -> str:
    """One round of two attempts that differ in when a proxy took over: what only one of them has is a branch.

    ``opt unless proxied`` holds what only `begun` has, where `handed` has nothing in its place; ``alt unless proxied``
    and ``else`` what each has where they differ.

    Args:
        begun: an attempt whose proxy takes over with this round.
        handed: an attempt whose proxy has taken over before.
        index: which of their rounds.
        now: as for `mermaid_round`.

    Raises:
        ValueError: the second has steps where the first has none, or other participants: they are no such pair.
    """
    unless, proxied = _round(begun, index, now), _round(handed, index, now)
    if PROXY not in proxied.actors or [one for one in unless.actors if one in proxied.actors] != list(proxied.actors):
        raise ValueError("the attempts have no proxy, or other participants")
    first, second = ([line for line in one.lines if line] for one in (unless, proxied))
    start, most = 0, min(len(first), len(second))
    while start < most and first[start] == second[start]:
        start += 1
    end = 0
    while end < most - start and first[-1 - end] == second[-1 - end]:
        end += 1
    ours, theirs = first[start : len(first) - end], second[start : len(second) - end]
    if theirs and not ours:
        raise ValueError("only the attempt that was handed over before has some of the steps")
    lines = first[:start]
    if ours:
        lines += ["alt unless proxied" if theirs else "opt unless proxied", *ours]
        lines += ["else", *theirs, "end"] if theirs else ["end"]
    return _diagram(_joined(Drawn(unless.actors, lines + first[len(first) - end :])))


class Drawn(NamedTuple):
    """A round: who takes part, and what happens."""

    actors: tuple[Actor, ...]
    lines: list[str]


def _joined(drawn: Drawn) -> list[str]:
    return [*_declarations(drawn.actors), "", *drawn.lines]


def _round(flow: Flow, index: int, now: float | None) -> Drawn:
    one = flow.rounds[index]
    steps = [step for step in flow.steps if step.round == index and not step.retransmission]
    steps = [step for step in steps if not saying.awaited(flow, step, now)]
    actors: dict[str, Actor] = {}
    for lane in _lanes_in_order(flow, steps):
        actor = _OF_ROLE[lane.role]
        if actor is BOTH_RELAYS:
            actor = CLIENT_RELAY if one.punching else SERVER_RELAY
        actors[lane.id] = _numbered(actor, actors)
    lines: list[str] = []
    last_request = _last_leg(flow, steps, _REQUEST_LEGS)
    last_reply = _last_leg(flow, steps, ("REPLY", "FROM_SERVER"))
    # What a proxy's token proves is the address of the proxy, not of the peer that it stands for.
    by_themselves = PROXY not in actors.values()
    for step in steps:
        lines.append(_arrow(flow, step, actors))
        if by_themselves and step is last_request and server_can_verify(flow, index):
            lines += ["", f"note left of {_actor_of(flow, actors, Role.SERVER)}: {SERVER_VERIFIES}", ""]
        if by_themselves and step is last_reply and client_can_verify(flow, index):
            lines += ["", f"note right of {_actor_of(flow, actors, Role.CLIENT)}: {CLIENT_VERIFIES}"]
    return Drawn(tuple(actors.values()), lines)


def mermaid_attempt(flows: Flow | Sequence[Flow], now: float | None = None, touched: TouchRows | None = None) -> str:
    """The whole attempt: every step of the ladder, round headings, the life of its tokens and the verdict.

    Args:
        flows: the attempt, or those that are drawn as one, each arrow with the letter of its attempt.
        now: when the newest packet of the source came, epoch seconds: what may still come then is not missing.
        touched: tells what a node of ours did to a datagram.
    """
    shown = shown_attempts([flows] if isinstance(flows, Flow) else flows)
    letters = [f"{letter(index)} " if shown.merged else "" for index in range(len(shown.flows))]
    flow = shown.flow
    lanes = _lanes_in_order(flow, flow.steps)
    actors: dict[str, Actor] = {}
    for lane in lanes:
        actors[lane.id] = _numbered(_OF_ROLE[lane.role], actors)
    lines = [
        f"%% {sign}hole-punch attempt {one.id}, {date_and_clock(one.started)}"
        for sign, one in zip(letters, shown.flows, strict=True)
    ]
    for lane in lanes:
        actor = actors[lane.id]
        hosts = ", ".join(dict.fromkeys(terms.host(address) for address in lane.addresses[:3]))
        lines.append(f"actor {actor.id} as {actor.title}" + (f"<br/>{mermaid_text(hosts)}" if hosts else ""))
    lines.append("")
    ends = [actors[lane.id].id for lane in (lanes[0], lanes[-1])] if lanes else []
    over = ",".join(dict.fromkeys(ends))
    heading: int | None = None
    for index, step in enumerate(flow.steps):
        if saying.awaited(flow, step, now):
            continue
        sign = letters[shown.origins[index].attempt]
        if step.round is not None and step.round != heading and step.round < len(flow.rounds):
            heading = step.round
            lines.append(f"note over {over}: {sign}{mermaid_text(saying.round_titles(flow.rounds[heading])[0])}")
        arrow, _, label = _arrow(flow, step, actors).partition(": ")
        lines.append(f"{arrow}: {sign}{label}")
        if touched is not None:
            for _, touch in touched_of_step(step, touched, shown.attempt_of(index)):
                at = actors[step.from_lane if touch.sent else step.to_lane].id
                lines.append(f"note over {at}: {mermaid_text(touch.texts[0])}")
        for note in step.notes:
            side = "left" if actors[note.lane].id.rstrip("0123456789") == SERVER.id else "right"
            lines.append(f"note {side} of {actors[note.lane].id}: {mermaid_text(note.text)}")
    if over:
        lines.append("")
        for sign, one in zip(letters, shown.flows, strict=True):
            verdict = f"{sign}{OUTCOME_GLYPHS[one.outcome]} {one.verdict.code}: {one.verdict.summary}"
            lines.append(f"note over {over}: {mermaid_text(verdict)}")
    return _diagram(lines)


def server_can_verify(flow: Flow, index: int) -> bool:
    """Whether the request of that round echoes the token that proves the client's address to the server."""
    request = flow.rounds[index].request
    if request is None or request.remote_token is None or flow.server_token is not TokenState.VERIFIED:
        return False
    issued = [one.reply.token for one in flow.rounds[:index] if one.reply is not None]
    return request.remote_token in issued


def client_can_verify(flow: Flow, index: int) -> bool:
    """Whether the reply of that round echoes the token that proves the server's address to the client."""
    one = flow.rounds[index]
    if one.reply is None or one.request is None or flow.client_token is not TokenState.VERIFIED:
        return False
    return one.reply.remote_token is not None and one.reply.remote_token == one.request.token


def _diagram(lines: list[str]) -> str:
    return "sequenceDiagram\n" + "\n".join(_INDENT + line if line else "" for line in lines) + "\n"


def _declarations(actors: Iterable[Actor]) -> list[str]:
    return [f"actor {actor.id} as {actor.title}" for actor in actors]


def _numbered(actor: Actor, taken: dict[str, Actor]) -> Actor:
    """The actor, with a number when another lane has its id already."""
    same = sum(other.id.rstrip("0123456789") == actor.id for other in taken.values())
    return actor if not same else Actor(f"{actor.id}{same + 1}", f"{actor.title} {same + 1}")


_PLACE: Final = {
    Role.CLIENT: 0,
    Role.CLIENT_RELAY: 1,
    Role.RELAY: 2,
    Role.SERVER_RELAY: 3,
    Role.BLIND_RELAY: 4,
    Role.SERVER: 5,
    Role.NODE: 6,
}


def _lanes_in_order(flow: Flow, steps: Sequence[Step]) -> list[Lane]:
    """Client, server and the lanes that the steps touch, clients left and servers right, each with its proxy."""
    used = {lane for step in steps for lane in (step.from_lane, step.to_lane)}
    shown = [lane for lane in flow.lanes if lane.id in used or lane.role in (Role.CLIENT, Role.SERVER)]
    of_server = proxies_of_server(flow.lanes)
    places = {lane.id: _PLACE[Role.SERVER] if lane.id in of_server else _PLACE.get(lane.role, 0) for lane in shown}
    return sorted(shown, key=lambda lane: places[lane.id])


def _actor_of(flow: Flow, actors: dict[str, Actor], role: Role) -> str:
    return next(actors[lane.id].id for lane in flow.lanes if lane.role is role and lane.id in actors)


def _last_leg(flow: Flow, steps: list[Step], modes: tuple[str, ...]) -> Step | None:
    legs = [step for step in steps if step.message is not None and flow.messages[step.message].mode in modes]
    return legs[-1] if legs else None


def _arrow(flow: Flow, step: Step, actors: dict[str, Actor]) -> str:
    start, end = actors[step.from_lane].id, actors[step.to_lane].id
    if step.kind is StepKind.MISSING:
        arrow = "--x"
    elif step.lost:
        arrow = "-x"
    else:
        arrow = "-->>" if step.dashed else "->>"
    message = None if step.message is None else flow.messages[step.message]
    if step.kind is StepKind.HANDOFF:
        return f"{start} {arrow} {end}: {{ ... }}"
    text = mermaid_text(saying.labels(flow, step)[0]) if message is None else _structure(flow, step, message)
    return f"{start} {arrow} {end}: {text}"


def _structure(flow: Flow, step: Step, message: FlowMessage) -> str:
    """The message as hyperdht's diagrams write one."""
    if message.mode is None:
        if message.kind == "response" or step.count > 1:
            return mermaid_text(saying.labels(flow, step)[0])
        return mermaid_text(f"{{ command: {message.command}, target, ... }}")
    fields = [f"mode: {message.mode}"]
    if message.command == "PEER_HANDSHAKE":
        fields.append("noise")
    else:
        payload = payload_fields(flow, step, message)
        fields += [payload] if payload else []
    again = "again " if step.retransmission else ""
    return mermaid_text(f"{again}{{ command: {message.command}, target, value: {{ {', '.join(fields)}, ... }} }}")


def payload_fields(flow: Flow, step: Step, message: FlowMessage) -> str | None:
    """How a leg of a round names its payload, None when there is nothing in it worth naming."""
    if step.round is None or step.round >= len(flow.rounds):
        return "payload"
    one = flow.rounds[step.round]
    asked = message.mode in _REQUEST_LEGS
    payload = one.request if asked else one.reply
    if payload is None:
        return "payload"
    named = [f"error: {error_name(payload.error)}"] if payload.error else []
    if payload.token is not None and _is_first(flow, one, asked=asked):
        named.append("token")
    if payload.remote_token is not None:
        named.append("remoteToken")
    if message.mode in ("FROM_CLIENT", "FROM_SERVER"):
        return f"payload: {{ {', '.join(named)}, ... }}" if named else None
    return "payload" if named or not asked else None


def _is_first(flow: Flow, one: Round, *, asked: bool) -> bool:
    """Whether the same side issued none in an earlier round, for this address or another."""
    for earlier in flow.rounds:
        if earlier is one:
            return True
        payload = earlier.request if asked else earlier.reply
        if payload is not None and payload.token is not None:
            return False
    return True
