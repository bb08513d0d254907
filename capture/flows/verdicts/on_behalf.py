"""What a verdict says of proxies: who punched on whose behalf, and what shows it."""

from __future__ import annotations

from dataclasses import replace

from capture.flows.endpoints import address_of, host_of
from capture.flows.facts import Facts, Passed
from capture.flows.relaying import RelayLink
from capture.flows.sides import Side
from capture.flows.traffic import PunchPacket
from capture.flows.verdicts.judgement import Judgement, Proof
from capture.model import Outcome, Path, Proxy, VerdictCode
from capture.table import PacketTable


def proxies_of(table: PacketTable, facts: Facts, links: list[RelayLink]) -> tuple[Proxy, ...]:
    """The proxies of both sides, the client's first.

    Args:
        table: the packets.
        facts: the attempt.
        links: the sides' connections to proxies, for those whose hand-off the capture doesn't show.
    """
    found = []
    for client, side in ((True, facts.sides.client), (False, facts.sides.server)):
        if side.handed is not None:
            start = side.handed.start
            punched = _first_punch(facts, side) is not None
            hand_off = facts.copies.sighting(start.row)
            found.append(Proxy(client, address_of(table, start.dst), hand_off, bool(side.handed.legs), punched))
            continue
        for link in links:
            if link.by_client == client:
                found.append(Proxy(client, address_of(table, link.path.server_side), None, False, True))
    return tuple(found)


def on_behalf(judgement: Judgement, facts: Facts, links: list[RelayLink], proxies: tuple[Proxy, ...]) -> Judgement:
    """The judgement with what the packets say of proxies; `proxies` are those of the attempt."""
    words, proofs = [], list(judgement.proofs)
    for proxy in proxies:
        who = "client" if proxy.of_client else "server"
        side = facts.sides.client if proxy.of_client else facts.sides.server
        if proxy.punched:
            words.append(f"A proxy at {proxy.address} punched on the {who}'s behalf.")
        elif proxy.in_rounds:
            words.append(f"A proxy at {proxy.address} stood in the {who}'s place in the rounds.")
        else:
            words.append(f"The {who} asked a proxy at {proxy.address} to punch on its behalf.")
        proofs += _proofs(facts, side, who)
        if side.handed is None:
            rows = [link.relayed_row for link in links if link.by_client == proxy.of_client]
            proofs += [(row, f"the stream goes over the {who}'s link to its proxy") for row in rows]
    return replace(judgement, proofs=tuple(dict.fromkeys(proofs)), behalf=tuple(words)) if words else judgement


def passed_on(facts: Facts, _links: list[RelayLink]) -> Judgement | None:
    """The stream is up between a side and its proxy; what lies beyond, the capture doesn't show."""
    for who, passed in (("client", facts.client_passed), ("server", facts.server_passed)):
        first = None if passed is None else passed.first
        if isinstance(passed, Passed) and first is not None and passed.both_ways and not facts.streams:
            proof = (first.first_row, f"first stream packet on the {who}'s link to its proxy, answered")
            return Judgement(VerdictCode.PUNCHED, Outcome.CONNECTED, Path.PUNCHED, (proof,), inferred=True)
    return None


def _proofs(facts: Facts, side: Side, who: str) -> list[Proof]:
    if side.handed is None:
        return []
    found = [(side.handed.start.row, f"the {who} hands over to its proxy")]
    legs = side.handed.legs
    if legs:
        first = min(legs, key=lambda leg: (leg.time_ns, leg.row))
        found.append((first.row, f"first message of a round with the proxy in the {who}'s place"))
    punch = _first_punch(facts, side)
    if punch is not None:
        what = "opener" if punch.is_low else "punch"
        found.append((punch.row, f"first {what} of the {who}'s proxy"))
    return found


def _first_punch(facts: Facts, side: Side) -> PunchPacket | None:
    """The first punch that a side's proxy sent in its place; an opener where it sent no other."""
    punches = facts.client_punches if side is facts.sides.client else facts.server_punches
    for packet in (*punches.normal, *punches.low):
        if not side.proxy.isdisjoint(map(host_of, facts.copies.sources(packet.row, packet.src))):
            return packet
    return None
