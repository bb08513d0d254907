"""Freezing: gathered facts and a judgement become the fields of the `capture.model.Flow` that every view reads."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final

from capture.course import Course, Stage, StageTime
from capture.flows.altered import alteration_notes
from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import address_of, destination_endpoint, source_endpoint
from capture.flows.facts import Facts, SidePunches
from capture.flows.judging import judge
from capture.flows.ladder import Ladder
from capture.flows.lanes import Lanes, leg_lanes
from capture.flows.legs import NO_VALUE, Leg
from capture.flows.relaying import RelayLink, is_proxied, relay_links
from capture.flows.searches import RESPONSE_VALUE, Search
from capture.flows.tokens import TokenLives, token_lives
from capture.flows.verdicts.judgement import Judgement
from capture.flows.verdicts.on_behalf import on_behalf, proxies_of
from capture.flows.wording import advice, application_error, summary
from capture.model import (
    Evidence,
    FlowMessage,
    KeyEvidence,
    Lane,
    NatEvidence,
    NatSample,
    Outcome,
    Probes,
    Proxy,
    Role,
    Round,
    Sealed,
    Step,
    StepKind,
    TokenState,
    Verdict,
    VerdictCode,
)
from capture.table import Kind, PacketTable
from protocol.constants import Command, InternalCommand, Mode
from protocol.messages import Address
from protocol.secretbox import open_payload

_NS: Final = 1e9
_PEER_HANDSHAKE: Final = int(Command.PEER_HANDSHAKE)
_COMMANDS: Final = {int(command): command.name for command in Command}
_MODES: Final = {int(mode): mode.name for mode in Mode}


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt with everything that a flow of it is made from."""

    facts: Facts
    judgement: Judgement
    links: list[RelayLink]
    tokens: TokenLives
    proxies: tuple[Proxy, ...] = ()
    """Who punched in the place of a side."""


def make_case(table: PacketTable, facts: Facts, opened: list[Facts], handed: Container[tuple[int, int]] = ()) -> Case:
    """Judge an attempt.

    Args:
        table: the packets.
        facts: what was gathered of it.
        opened: the facts of attempts that its sides began right after it.
        handed: from where to where hand-offs to proxies went.
    """
    found = relay_links(facts, [other for other in opened if other is not facts], handed)
    to_proxies = [link for link in found if is_proxied(facts, link)]
    links = [link for link in found if link not in to_proxies]
    proxies = proxies_of(table, facts, to_proxies)
    judgement = on_behalf(judge(facts, links), facts, to_proxies, proxies)
    return Case(facts, judgement, links, token_lives(facts), proxies)


def judged_fields(table: PacketTable, case: Case, started_ns: int) -> dict[str, Any]:
    """The fields of a flow that take the attempt's facts; `started_ns` is when the flow begins."""
    facts, judgement = case.facts, case.judgement
    return {
        "duration": max(0, facts.last_ns - started_ns) / _NS,
        "client": _address(table, facts.sides.client_address),
        "server": _address(table, facts.sides.server_address),
        "relays": tuple(address_of(table, endpoint) for endpoint in facts.sides.relays),
        "key": _key(facts.attempt),
        "client_firewall": facts.firewall(True),
        "server_firewall": facts.firewall(False),
        "outcome": judgement.outcome,
        "path": judgement.path,
        "verdict": _verdict(judgement, facts.copies),
        "fast_open": judgement.fast_open,
        "rounds": tuple(_round(table, exchange) for exchange in facts.rounds),
        "server_token": case.tokens.server,
        "client_token": case.tokens.client,
        "proxies": case.proxies,
    }


def drawn_fields(table: PacketTable, case: Case) -> dict[str, Any]:
    """The fields of a flow that take every packet of the attempt."""
    facts = case.facts
    lanes = Lanes(table, facts, case.links)
    messages = _messages(table, facts, lanes)
    ladder = Ladder(table, facts, lanes, case.tokens)
    ladder.message_of = {message.sighting.row: index for index, message in enumerate(messages)}
    steps = ladder.build(case.links)
    return {
        "client_probes": _probes(facts.client_punches, facts.server_punches),
        "server_probes": _probes(facts.server_punches, facts.client_punches),
        "lanes": lanes.all(),
        "messages": messages,
        "steps": steps,
        "notes": _notes(table, case),
    }


def sampled_fields(table: PacketTable, case: Case) -> dict[str, Any]:
    """The fields of a flow that take the responses to the sockets of the attempt."""
    return {
        "client_nat": _nat(table, case.facts, client=True),
        "server_nat": _nat(table, case.facts, client=False),
    }


def _notes(table: PacketTable, case: Case) -> tuple[str, ...]:
    """What is odd about the packets of an attempt."""
    attempt = case.facts.attempt
    notes = []
    for proxy in case.proxies:
        if proxy.punched:
            side = "client" if proxy.of_client else "server"
            done = f"punched in the {side}'s place, and passed the stream's packets on as they were"
            notes.append(f"a proxy at {proxy.address} {done}")
        if proxy.in_rounds:
            notes.append(f"the NAT class of the {'client' if proxy.of_client else 'server'} is its proxy's")
    cut = sum(leg.kept is not None for leg in attempt.legs)
    if cut:
        notes.append(f"{cut} messages were cut by the capture (snap length)")
    notes += alteration_notes(table, case.facts.copies, attempt)
    if not attempt.whole:
        notes.append(
            "noise message 1 was cut: the id is made of what was kept and is not the attempt's in other captures"
        )
    return tuple(notes)


def search_fields(table: PacketTable, search: Search, copies: Copies) -> dict[str, Any]:
    """The fields of the flow of a FIND_PEER query that led to no handshake, besides id, start and target."""
    messages = []
    for row in search.rows:
        request = int(table.kind[row]) == Kind.REQUEST
        ends = ("client", "nodes") if request else ("nodes", "client")
        roles = (Role.CLIENT, Role.NODE) if request else (Role.NODE, Role.CLIENT)
        messages.append(_plain_message(table, copies, row, "FIND_PEER", ends, roles))
    times = [message.time for message in messages]
    started, ended = min(times), max(times)
    records = (row for row in search.rows if table.kind.item(row) == Kind.RESPONSE)
    found = next((row for row in records if table.flags.item(row) & RESPONSE_VALUE), None)
    requests = [message for message in messages if message.kind == "request"]
    first = requests[0]
    code = VerdictCode.INCOMPLETE if search.found else VerdictCode.PEER_NOT_FOUND
    outcome = Outcome.UNKNOWN if search.found else Outcome.FAILED
    judgement = Judgement(
        code,
        outcome,
        None,
        ((first.sighting.row, "the first node asked"), (messages[-1].sighting.row, "the last packet of the query")),
        detail="the server was found, and no handshake is in this capture" if search.found else "",
    )
    steps = (
        Step(
            StepKind.FIND_PEER,
            started,
            "client",
            "nodes",
            f"FIND_PEER to {len(search.asked)} nodes, {search.answered} answers, "
            + ("found" if search.found else "no record"),
            first.sighting,
            first.src,
            first.dst,
            message=0,
            count=len(requests),
            span=ended - started,
            members=tuple(message.sighting for message in requests),
        ),
    )
    client = address_of(table, search.client)
    nodes = tuple(address_of(table, endpoint) for endpoint in sorted(search.asked))
    return {
        "duration": ended - started,
        "client": client,
        "server": None,
        "relays": (),
        "key": KeyEvidence(None, reason="no handshake"),
        "client_firewall": None,
        "server_firewall": None,
        "outcome": outcome,
        "path": None,
        "verdict": _verdict(judgement, copies),
        "fast_open": False,
        "rounds": (),
        "server_token": TokenState.NOT_ISSUED,
        "client_token": TokenState.NOT_ISSUED,
        "client_probes": Probes(),
        "server_probes": Probes(),
        "lanes": (Lane("client", Role.CLIENT, (client,)), Lane("nodes", Role.NODE, nodes, sockets=len(nodes))),
        "messages": tuple(messages),
        "steps": steps,
        "client_nat": None,
        "server_nat": None,
        "notes": (),
        "candidates": (),
        "token_events": (),
        "announced_relays": (),
        "proxies": (),
        "course": Course(
            (StageTime(Stage.FIND, started, None if found is None else table.time_ns.item(found) / _NS),), ()
        ),
    }


def _address(table: PacketTable, endpoint: int | None) -> Address | None:
    return None if endpoint is None else address_of(table, endpoint)


def _verdict(judgement: Judgement, copies: Copies) -> Verdict:
    return Verdict(
        judgement.code,
        summary(judgement),
        tuple(Evidence(copies.sighting(row), says) for row, says in judgement.proofs),
        advice(judgement),
        judgement.inferred,
        application_error(judgement),
    )


def _key(attempt: Attempt) -> KeyEvidence:
    return KeyEvidence(
        attempt.key_source,
        attempt.server_public_key,
        attempt.handshake_hash,
        attempt.holepunch_secret,
        attempt.key_reason,
        attempt.key_proof,
        attempt.noise1_payload,
        attempt.noise1_reason,
        attempt.noise2_payload,
        attempt.noise2_reason,
        attempt.client_public_key,
        attempt.secret_from,
        attempt.noise_from,
    )


def _messages(table: PacketTable, facts: Facts, lanes: Lanes) -> tuple[FlowMessage, ...]:
    attempt, copies = facts.attempt, facts.copies
    messages: list[FlowMessage] = []
    for number, exchange in (*((None, one) for one in attempt.handshakes), *enumerate(facts.rounds)):
        for leg in exchange.legs:
            messages.append(_leg_message(table, facts, lanes, exchange, leg, number))
    for row in attempt.search_rows:
        request = table.kind.item(row) == Kind.REQUEST
        other = destination_endpoint(table, row) if request else source_endpoint(table, row)
        lane = lanes.of_relay(other)
        ends = ("client", lane) if request else (lane, "client")
        roles = (Role.CLIENT, lanes.role(lane)) if request else (lanes.role(lane), Role.CLIENT)
        messages.append(_plain_message(table, copies, row, "FIND_PEER", ends, roles))
    shown = {message.sighting.row for message in messages}
    for side, role, samples in (
        ("client", Role.CLIENT, facts.client_samples),
        ("server", Role.SERVER, facts.server_samples),
    ):
        for sample, _ in samples:
            if table.kind.item(sample.row) == Kind.RESPONSE and sample.row not in shown:
                shown.add(sample.row)
                lane = lanes.of_relay(sample.seen_by)
                name = InternalCommand.PING.name
                messages.append(_plain_message(table, copies, sample.row, name, (lane, side), (lanes.role(lane), role)))
    messages.sort(key=lambda message: message.sighting.row)
    return tuple(messages)


def _leg_message(
    table: PacketTable, facts: Facts, lanes: Lanes, exchange: Exchange, leg: Leg, number: int | None
) -> FlowMessage:
    from_lane, to_lane = leg_lanes(leg, lanes)
    return FlowMessage(
        facts.copies.sighting(leg.row),
        leg.time_ns / _NS,
        _COMMANDS[leg.command],
        "response" if leg.response else "request",
        None if leg.mode == NO_VALUE else _mode_name(leg.mode),
        leg.tid,
        address_of(table, leg.src),
        address_of(table, leg.dst),
        from_lane,
        to_lane,
        lanes.role(from_lane),
        lanes.role(to_lane),
        leg.retransmission,
        _sealed(facts.attempt, exchange, leg),
        number,
        facts.copies.sightings(leg.row),
    )


def _plain_message(
    table: PacketTable, copies: Copies, row: int, command: str, ends: tuple[str, str], roles: tuple[Role, Role]
) -> FlowMessage:
    return FlowMessage(
        copies.sighting(row),
        table.time_ns.item(row) / _NS,
        command,
        "request" if table.kind.item(row) == Kind.REQUEST else "response",
        None,
        table.tid.item(row),
        table.source(row),
        table.destination(row),
        *ends,
        *roles,
        copies=copies.sightings(row),
    )


def _sealed(attempt: Attempt, exchange: Exchange, leg: Leg) -> Sealed | None:
    if leg.kept is not None:
        size = "" if leg.size is None else f" of {leg.size}"
        return Sealed(leg.body[: leg.kept], None, f"cut by the capture: {leg.kept}{size} bytes were kept")
    if not leg.body:
        return None
    if exchange.command == _PEER_HANDSHAKE:
        if leg.body == attempt.noise1:
            return Sealed(leg.body, attempt.noise1_plaintext, attempt.noise1_reason)
        return Sealed(leg.body, attempt.noise2_plaintext, attempt.noise2_reason)
    if attempt.holepunch_secret is None:
        return Sealed(leg.body, None, attempt.key_reason)
    plaintext = attempt.plaintexts.get(leg.body) or open_payload(attempt.holepunch_secret, leg.body)
    return Sealed(leg.body, plaintext, "" if plaintext is not None else "the attempt's secret does not open it")


def _mode_name(number: int) -> str:
    return _MODES.get(number) or str(number)


def _round(table: PacketTable, exchange: Exchange) -> Round:
    answer = exchange.answered
    relay = exchange.relay
    first_mode = exchange.legs[0].mode
    return Round(
        exchange.opened.round if exchange.opened is not None else None,
        exchange.opened.punching if exchange.opened is not None else None,
        None if relay is None else address_of(table, relay),
        exchange.tid,
        exchange.legs[0].time_ns / _NS,
        None if answer is None else answer.time_ns / _NS,
        sum(1 for leg in exchange.legs if leg.retransmission and leg.mode == first_mode),
        exchange.opened,
        exchange.reply,
        exchange.opened_reason,
        exchange.reply_reason,
    )


def _probes(own: SidePunches, other: SidePunches) -> Probes:
    packets = own.packets
    ports = max(len({packet.src for packet in packets}), len({packet.dst for packet in packets}))
    return Probes(len(own.low), len(own.normal), ports, len(other.arrived))


def _nat(table: PacketTable, facts: Facts, *, client: bool) -> NatEvidence:
    samples = facts.client_samples if client else facts.server_samples
    classified = facts.client_class if client else facts.server_class
    return NatEvidence(
        facts.firewall(client),
        tuple(
            NatSample(
                sample.time_ns / _NS,
                address_of(table, sample.socket),
                address_of(table, seen_as),
                address_of(table, sample.seen_by),
                facts.copies.sighting(sample.row),
            )
            for sample, seen_as in samples
        ),
        classified.firewall,
        classified.rule,
    )
