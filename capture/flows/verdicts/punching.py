"""Attempts in which both sides punched and no stream came up."""

from __future__ import annotations

from typing import Final

from capture.flows.altered import differing
from capture.flows.attempt import Exchange
from capture.flows.endpoints import endpoint_of, host_of
from capture.flows.facts import Facts
from capture.flows.relaying import RelayLink
from capture.flows.tokens import token_lives
from capture.flows.verdicts.judgement import Judgement, Proof, answer_row, failed, incomplete
from capture.model import TokenState, VerdictCode
from protocol.constants import ErrorCode, Firewall, Mode

PUNCHING_NS: Final = 1_500_000_000
"""A side that is still punching sends at least this often."""
CONSISTENT_NS: Final = 9_500_000_000
"""Two consistent sides punch for about ten seconds (10 punches, 1 s apart)."""
_FINE: Final = (TokenState.VERIFIED, TokenState.ISSUED)
RANDOM_NS: Final = 34_000_000_000
"""With a random side they punch for about 35 seconds (1750 punches, 20 ms apart)."""


def after_punching(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """Both sides agreed to punch and no stream came up."""
    agreed = next(
        (
            exchange
            for exchange in reversed(facts.rounds)
            if exchange.opened
            and exchange.reply
            and exchange.opened.punching
            and exchange.reply.error == ErrorCode.NONE
        ),
        None,
    )
    if agreed is None or agreed.reply is None or agreed.opened is None:
        return None
    answer = (answer_row(agreed), "the server agrees to punch")
    refused = _refused_by_client(facts, agreed)
    if refused is not None:
        return refused
    arrived = [*facts.client_punches.arrived, *facts.server_punches.arrived]
    if arrived:
        half = facts.streams[0] if facts.streams else None
        proofs: tuple[Proof, ...] = ((arrived[0].row, "a punch arrives"),)
        if half is not None:
            proofs += ((half.first.first_row, "stream packets of one side only"),)
        return failed(VerdictCode.STREAM_NOT_UP, proofs)
    if _still_punching(facts, agreed):
        return incomplete(facts, "the capture ends while the sides are still punching")
    moved = _remapped(facts, agreed)
    if moved is not None:
        return failed(VerdictCode.NAT_REMAPPED, (moved, answer), detail=moved[1])
    if not facts.client_punches.packets and not facts.server_punches.packets:
        return None
    proofs = (answer,)
    for who, punches in (("client", facts.client_punches), ("server", facts.server_punches)):
        if punches.normal:
            proofs += ((punches.normal[0].row, f"first of {len(punches.normal)} punches of the {who}"),)
    return failed(VerdictCode.PROBES_LOST, proofs)


def _refused_by_client(facts: Facts, agreed: Exchange) -> Judgement | None:
    """The client does not punch against a random NAT whose address it could not verify."""
    if facts.client_punches.normal or agreed.opened is None or agreed.reply is None:
        return None
    classes = (facts.firewall(True), facts.firewall(False))
    if Firewall.RANDOM not in classes:
        return None
    text = "the server's answer does not echo the client's token"
    if agreed.reply.remote_token == agreed.opened.token is not None:
        faults = [
            event.text
            for event in token_lives(facts).events
            if event.exchange is agreed and not event.server and event.state not in _FINE
        ]
        if not faults:
            return None
        text = faults[-1]
    proof = (answer_row(agreed), text)
    return failed(VerdictCode.UNVERIFIED_ADDRESS, (proof,), inferred=True, detail=proof[1])


def _still_punching(facts: Facts, agreed: Exchange) -> bool:
    """Whether the capture ends before the sides would give up, and while they still send."""
    packets = [*facts.client_punches.packets, *facts.server_punches.packets]
    if not packets:
        return False
    patience = RANDOM_NS if Firewall.RANDOM in (facts.firewall(True), facts.firewall(False)) else CONSISTENT_NS
    last = max(packet.time_ns for packet in packets)
    return facts.capture_end_ns - last < PUNCHING_NS and last - agreed.legs[-1].time_ns < patience - PUNCHING_NS


def _remapped(facts: Facts, agreed: Exchange) -> Proof | None:
    """A side's punches, or its later legs, come from another port than a consistent side announced."""
    sides = facts.sides
    for client, punches, side in (
        (True, facts.client_punches, sides.client),
        (False, facts.server_punches, sides.server),
    ):
        if facts.firewall(client) != Firewall.CONSISTENT:
            continue
        who = "client" if client else "server"
        announced = _as_heard(facts, client=client) or {endpoint for endpoint in side.announced if endpoint & 0xFFFF}
        hosts = {host_of(endpoint) for endpoint in announced}
        for packet in punches.packets:
            for source in facts.copies.sources(packet.row, packet.src):
                if host_of(source) in hosts and source not in announced:
                    return (
                        packet.row,
                        f"the {who} announced port {_ports(announced)} and punches from {source & 0xFFFF}",
                    )
        for row, endpoint in _later_names(agreed, client=client):
            if announced and host_of(endpoint) in hosts and endpoint not in announced:
                return row, f"the {who} announced port {_ports(announced)} and a relay sees it at {endpoint & 0xFFFF}"
    return None


def _as_heard(facts: Facts, *, client: bool) -> set[int]:
    """Addresses of a side as the other one heard them, where a relay changed them; empty where none did."""
    for exchange in reversed(facts.rounds):
        said, heard = (exchange.opened, exchange.heard) if client else (exchange.reply, exchange.heard_reply)
        if "addresses" in differing(said, heard) and heard is not None:
            return {endpoint_of(address) for address in heard.addresses or () if address.port}
    return set()


def _later_names(agreed: Exchange, *, client: bool) -> list[tuple[int, int]]:
    """Rows and endpoints under which relays saw a side in the round in which both agreed to punch."""
    named: list[tuple[int, int]] = []
    for leg in agreed.legs:
        if leg.mode == Mode.REPLY:
            endpoint = leg.to if client else leg.peer
        elif leg.mode in (Mode.FROM_RELAY, Mode.FROM_SERVER) and client:
            endpoint = leg.peer
        else:
            continue
        if endpoint is not None:
            named.append((leg.row, endpoint))
    return named


def _ports(endpoints: set[int]) -> str:
    return ", ".join(str(endpoint & 0xFFFF) for endpoint in sorted(endpoints))
