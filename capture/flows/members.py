"""The packets of one attempt: which rows are its, who sent each, and what its payload says.

They are the datagrams that the messages and steps of a `Flow` show, with all packets of its streams, found without
making an object for each. Other sightings of the same datagrams belong to the attempt too; they are left to whoever has
the table at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from capture.flows.endpoints import source_endpoint
from capture.flows.lanes import Lanes, leg_lanes
from capture.flows.legs import FROM_SERVER, NO_VALUE, REPLY
from capture.flows.token_notes import token_notes
from capture.model import Role, TokenState
from capture.table import Kind, PacketTable

if TYPE_CHECKING:
    from capture.flow import Flow
    from capture.flows.attempt import Attempt, Exchange
    from capture.flows.freezing import Case
    from capture.flows.legs import Leg
    from protocol.messages import HolepunchPayload, NoisePayload

ROLES: Final = tuple(Role)
"""Roles by their code in `Member.role`."""
TOKEN_STATES: Final = tuple(TokenState)
"""Token states; bit n of `Member.tokens` stands for the n-th."""

_ANSWERS: Final = (FROM_SERVER, REPLY, NO_VALUE)
_ROLE_CODES: Final = {role: code for code, role in enumerate(ROLES)}
_TOKEN_BITS: Final = {state: 1 << bit for bit, state in enumerate(TOKEN_STATES)}


class Member(NamedTuple):
    """One datagram of an attempt."""

    row: int
    """Its primary row."""
    role: int
    """Of the sender: place in `ROLES`."""
    said: HolepunchPayload | NoisePayload | None = None
    """What its sealed payload holds, once it is opened."""
    tokens: int = 0
    """What happens to address tokens with it, as bits."""
    again: bool = False
    """A retransmission."""


class StreamMember(NamedTuple):
    """All UDX packets between two endpoints with one receiver's id."""

    src: int
    dst: int
    udx_id: int
    role: int


class Members(NamedTuple):
    """Everything that belongs to one attempt."""

    packets: tuple[Member, ...]
    streams: tuple[StreamMember, ...]


def members_of_flow(flow: Flow) -> Members:
    """The members as the frozen flow shows them: for flows that were made without a capture at hand."""
    found: dict[int, Member] = {}
    lanes = {lane.id: _ROLE_CODES[lane.role] for lane in flow.lanes}
    nodes = _ROLE_CODES[Role.NODE]
    for step in flow.steps:
        role = lanes.get(step.from_lane, nodes)
        tokens = 0
        for note in step.notes:
            tokens |= 0 if note.token is None else _TOKEN_BITS[note.token]
        shown = step.members or (() if step.sighting is None else (step.sighting,))
        for sighting in shown:
            found[sighting.row] = Member(sighting.row, role, None, tokens, step.retransmission)
    for message in flow.messages:
        said: HolepunchPayload | NoisePayload | None = None
        if message.round is not None and message.round < len(flow.rounds):
            one = flow.rounds[message.round]
            said = one.reply if message.mode in ("FROM_SERVER", "REPLY") else one.request
        elif message.command == "PEER_HANDSHAKE":
            said = flow.key.noise2 if message.mode in ("FROM_SERVER", "REPLY") else flow.key.noise1
        row = message.sighting.row
        tokens = found[row].tokens if row in found else 0
        found[row] = Member(row, _ROLE_CODES[message.from_role], said, tokens, message.retransmission)
    return Members(tuple(found.values()), ())


def members_of_case(table: PacketTable, case: Case) -> Members:
    """The members of a gathered attempt."""
    facts = case.facts
    lanes = Lanes(table, facts, case.links)
    client, server, proxy = (_ROLE_CODES[role] for role in (Role.CLIENT, Role.SERVER, Role.PROXY))
    found = {member.row: member for member in _legs(case, lanes)}
    for row in facts.attempt.search_rows:
        asked = table.kind.item(row) == Kind.REQUEST
        role = client if asked else _ROLE_CODES[lanes.role(lanes.of_relay(_sender(table, row)))]
        found.setdefault(row, Member(row, role))
    for samples in (facts.client_samples, facts.server_samples):
        for sample, _ in samples:
            if sample.row not in found:
                found[sample.row] = Member(sample.row, _ROLE_CODES[lanes.role(lanes.of_relay(sample.seen_by))])
    for of_client, punches in ((True, facts.client_punches), (False, facts.server_punches)):
        for packet in punches.packets:
            sender, _ = lanes.ends(packet.row, packet.src, packet.dst, client=of_client)
            found.setdefault(packet.row, Member(packet.row, _ROLE_CODES[lanes.role(sender)]))
    for role, side in ((client, facts.sides.client), (server, facts.sides.server)):
        for handed in () if side.handed is None else side.handed.packets:
            found.setdefault(handed.row, Member(handed.row, role))
    for link in case.links:
        row = link.relayed_row
        near = client if link.by_client else server
        outward = _sender(table, row) != link.path.server_side
        found.setdefault(row, Member(row, near if outward else _ROLE_CODES[Role.BLIND_RELAY]))
    streams = []
    for path in facts.streams:
        for of_client, half in ((True, path.up), (False, path.down)):
            for stream in half:
                sender, _ = lanes.ends(stream.first_row, stream.src, stream.dst, client=of_client)
                streams.append(StreamMember(stream.src, stream.dst, stream.udx_id, _ROLE_CODES[lanes.role(sender)]))
    for role, passed in ((client, facts.client_passed), (server, facts.server_passed)):
        for code, half in () if passed is None else ((role, passed.to_proxy), (proxy, passed.from_proxy)):
            streams += [StreamMember(stream.src, stream.dst, stream.udx_id, code) for stream in half]
    return Members(tuple(found.values()), tuple(streams))


def members_of_search(table: PacketTable, rows: Iterable[int]) -> Members:
    """The members of a FIND_PEER query that led to no handshake."""
    client, node = _ROLE_CODES[Role.CLIENT], _ROLE_CODES[Role.NODE]
    return Members(
        tuple(Member(row, client if table.kind.item(row) == Kind.REQUEST else node) for row in rows),
        (),
    )


def _legs(case: Case, lanes: Lanes) -> Iterator[Member]:
    attempt = case.facts.attempt
    for exchange in attempt.handshakes:
        for leg in exchange.legs:
            yield _leg(case, exchange, leg, lanes, _noise(attempt, leg))
    for exchange in case.facts.rounds:
        for leg in exchange.legs:
            said = None
            if leg.kept is None and leg.mode != NO_VALUE:
                said = exchange.reply if leg.mode in _ANSWERS else exchange.opened
            yield _leg(case, exchange, leg, lanes, said)


def _leg(
    case: Case, exchange: Exchange, leg: Leg, lanes: Lanes, said: HolepunchPayload | NoisePayload | None
) -> Member:
    tokens = 0
    if case.tokens.events:
        for note in token_notes(case.tokens.events, exchange, leg):
            tokens |= 0 if note.token is None else _TOKEN_BITS[note.token]
    role = _ROLE_CODES[lanes.role(leg_lanes(leg, lanes)[0])]
    return Member(leg.row, role, said, tokens, leg.retransmission)


def _noise(attempt: Attempt, leg: Leg) -> NoisePayload | None:
    if leg.kept is not None or leg.mode == NO_VALUE:
        return None
    return attempt.noise2_payload if leg.mode in _ANSWERS else attempt.noise1_payload


def _sender(table: PacketTable, row: int) -> int:
    return source_endpoint(table, row)
