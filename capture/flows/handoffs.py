"""Hand-offs: requests in which a peer has its proxy act for it, told from outside.

They are PLUGIN requests of dht-rpc (command 10) of the plugin `peephole-proxy`: START begins a hand-off, ROUND passes
on a round of the client's. What they say is sealed for the two of them, and names no attempt. An attempt is handed
over where one of its sides, known by the hosts of its handshake, sends a START to a host that is neither side's and
that then stands in its place in PEER_HOLEPUNCH. Of several STARTs that fit, it is the last one before the first leg of
the proxy's. Where the capture doesn't show the proxy's legs, it is the one that follows on what the side is known to
have done.

A proxy behind the same public address as its peer can't be told apart from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from capture.arrays import I64
from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import destination_endpoint, host_of, source_endpoint
from capture.flows.joining import SKEW_NS
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY, Leg
from capture.table import PacketTable

START: Final = 0
ROUND: Final = 1
"""Commands of the plugin (protocol/proxy/handoff.py); KEEP 2 and END 3 change nothing that is drawn."""

LINKING_NS: Final = 20_000_000_000
"""How long after its handshake was answered a client may hand over: its link may have to be punched first."""
PASSING_NS: Final = 1_000_000_000
"""How soon a server passes on a round: the client's relay sends it again after a second."""


@dataclass(slots=True, eq=False)
class HandoffPacket:
    """One START or ROUND."""

    row: int
    time_ns: int
    src: int
    dst: int
    command: int
    sources: frozenset[int]
    """Every endpoint under which its sender was seen."""
    destinations: frozenset[int]

    @property
    def from_hosts(self) -> set[int]:
        """Hosts of whoever hands over."""
        return set(map(host_of, self.sources))

    @property
    def to_hosts(self) -> set[int]:
        """Hosts of the proxy."""
        return set(map(host_of, self.destinations))


@dataclass(slots=True, eq=False)
class Handed:
    """The hand-off of one side of an attempt."""

    packets: list[HandoffPacket]
    """The START, then the ROUNDs of this attempt, in time order."""
    hosts: set[int]
    """Hosts of the proxy, inside and outside."""
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    """The PEER_HOLEPUNCH round that a packet begins or passes on, by its row; none where the capture shows none."""
    legs: list[Leg] = field(default_factory=list)
    """Legs that the proxy sent or got in the side's place."""
    likely: bool = False
    """Nothing but its time says that the START is this attempt's."""

    @property
    def start(self) -> HandoffPacket:
        """The packet that began it."""
        return self.packets[0]


def read_handoffs(table: PacketTable, copies: Copies, rows: I64) -> list[HandoffPacket]:
    """Hand-offs among rows of PLUGIN requests; all other plugins' are left out.

    Of a packet that the capture cut, plugin, version and command are enough.
    """
    from protocol.envelope import decode_request
    from protocol.errors import DecodeError
    from protocol.proxy.handoff import PLUGIN, VERSION
    from protocol.wire import Reader

    found = []
    for row in rows.tolist():
        payload, cut = table.payload(row), table.wire_length.item(row) > table.length.item(row)
        try:
            request = decode_request(payload, cut=cut)
            value = payload[request.value_offset :] if request.value is None and cut else request.value
            reader = Reader(value or b"", "plugin")
            plugin, version, command = reader.string("plugin"), reader.uint("version"), reader.uint("command")
        except DecodeError:
            # No PLUGIN request, or cut before it says which: shown as what it is among the packets.
            continue
        if (plugin, version) != (PLUGIN, VERSION) or command not in (START, ROUND):
            continue
        src, dst = source_endpoint(table, row), destination_endpoint(table, row)
        sources, destinations = frozenset(copies.sources(row, src)), frozenset(copies.destinations(row, dst))
        found.append(HandoffPacket(row, table.time_ns.item(row), src, dst, command, sources, destinations))
    return found


def client_handed(
    attempt: Attempt, packets: Iterable[HandoffPacket], own: set[int], other: set[int], copies: Copies
) -> Handed | None:
    """The hand-off of the client, if there is one.

    Args:
        attempt: its attempt.
        packets: all hand-offs from its handshake on.
        own: hosts of the client's handshake; empty where the capture doesn't show it.
        other: hosts of the server's.
        copies: all sightings of a datagram.
    """
    best: tuple[int, int, Handed] | None = None
    for packet in packets:
        to = packet.to_hosts
        if packet.command != START or not to.isdisjoint(own | other) or (own and own.isdisjoint(packet.from_hosts)):
            continue
        ends = [
            (leg, exchange, hosts)
            for exchange in attempt.holepunches
            for leg in exchange.legs
            if (hosts := _client_hosts(leg, copies)) and hosts.isdisjoint(own)
        ]
        acted = [one for one in ends if not one[2].isdisjoint(to)]
        if acted:
            first = min(acted, key=lambda one: one[0].time_ns)
            if packet.time_ns > first[0].time_ns + SKEW_NS:
                continue
            hosts = to.union(*(one[2] for one in acted))
            handed = Handed([packet], hosts, {packet.row: first[1]}, [one[0] for one in acted])
        elif own and not ends and _follows(attempt, packet):
            handed = Handed([packet], to, likely=True)
        else:
            continue
        rank = _rank(packet, min(one[0].time_ns for one in acted) if acted else None)
        if best is None or rank > best[:2]:
            best = *rank, handed
    return None if best is None else best[2]


def server_handed(
    attempt: Attempt, packets: Iterable[HandoffPacket], own: set[int], other: set[int], copies: Copies
) -> Handed | None:
    """The hand-off of the server, if there is one; the arguments are as for `client_handed`, the other way round."""
    packets = list(packets)
    best: tuple[int, int, Handed] | None = None
    for packet in packets:
        to = packet.to_hosts
        if packet.command != START or not to.isdisjoint(own | other) or (own and own.isdisjoint(packet.from_hosts)):
            continue
        acted = [
            (leg, exchange, hosts)
            for exchange in attempt.holepunches
            for leg in exchange.legs
            if (hosts := _server_hosts(leg, copies)) and hosts.isdisjoint(own) and not hosts.isdisjoint(to)
        ]
        first = min((leg.time_ns for leg, *_ in acted), default=None)
        if first is not None and packet.time_ns > first + SKEW_NS:
            continue
        passed = _passed(attempt, packet, packets, own, copies)
        if first is None and packet.row not in passed:
            continue
        hosts = to.union(*(one[2] for one in acted))
        known = {one.row: one for one in packets}
        handed = Handed(sorted((known[row] for row in passed), key=lambda one: one.time_ns), hosts, passed)
        if packet.row not in passed:
            handed.packets.insert(0, packet)
            handed.exchanges[packet.row] = min(acted, key=lambda one: one[0].time_ns)[1]
        handed.legs = [one[0] for one in acted]
        rank = _rank(packet, first)
        if best is None or rank > best[:2]:
            best = *rank, handed
    return None if best is None else best[2]


def _rank(start: HandoffPacket, first_ns: int | None) -> tuple[int, int]:
    """How likely a START is to be an attempt's.

    The last one before the first leg of its proxy's, then the first one after that, as clocks may differ, then, where
    no such leg is seen, the first one.

    Args:
        start: the packet.
        first_ns: when that leg was seen.
    """
    if first_ns is None:
        return 0, -start.time_ns
    return (2, start.time_ns) if start.time_ns <= first_ns else (1, -start.time_ns)


def _passed(
    attempt: Attempt, start: HandoffPacket, packets: list[HandoffPacket], own: set[int], copies: Copies
) -> dict[int, Exchange]:
    """The packets that follow on a round which reached the server itself, by row, with that round."""
    found: dict[int, Exchange] = {}
    for exchange in attempt.holepunches:
        reached = [
            leg.time_ns
            for leg in exchange.legs_of(FROM_RELAY)
            if not own or not own.isdisjoint(map(host_of, copies.destinations(leg.row, leg.dst)))
        ]
        if not reached:
            continue
        since, answers = min(reached), [leg.time_ns for leg in exchange.legs if leg.mode in (FROM_SERVER, REPLY)]
        until = min((since + PASSING_NS, *answers))
        for command in (START, ROUND):
            after = [
                one
                for one in packets
                if one.command == command
                and since <= one.time_ns <= until
                and one.row not in found
                and not one.sources.isdisjoint(start.sources)
                and not one.destinations.isdisjoint(start.destinations)
            ]
            if after and (command == ROUND or start in after):
                chosen = start if command == START else min(after, key=lambda one: one.time_ns)
                found[chosen.row] = exchange
    return found


def _follows(attempt: Attempt, packet: HandoffPacket) -> bool:
    """Whether a START comes when the handshake is answered and the client has done no more than probe."""
    answered = attempt.handshake_answered
    if answered is None or answered.answered is None or len(attempt.holepunches) > 1:
        return False
    last = max([answered.answered.time_ns, *(exchange.last_ns for exchange in attempt.holepunches)])
    return last <= packet.time_ns <= last + LINKING_NS


def _client_hosts(leg: Leg, copies: Copies) -> set[int]:
    """Hosts of whoever stands on the client's end of a leg."""
    if leg.mode == FROM_CLIENT:
        return set(map(host_of, copies.sources(leg.row, leg.src)))
    if leg.response:
        return {host_of(leg.to), *map(host_of, copies.destinations(leg.row, leg.dst))}
    return set() if leg.peer is None else {host_of(leg.peer)}


def _server_hosts(leg: Leg, copies: Copies) -> set[int]:
    """Hosts of whoever stands on the server's end of a leg."""
    if leg.mode == FROM_SERVER:
        return set(map(host_of, copies.sources(leg.row, leg.src)))
    if leg.mode == FROM_RELAY:
        return {host_of(leg.to), *map(host_of, copies.destinations(leg.row, leg.dst))}
    return {host_of(leg.peer)} if leg.response and leg.peer is not None else set()
