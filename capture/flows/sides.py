"""Sides: which sockets are the client's and which the server's, inside and outside their NATs.

What proves an endpoint: it sent or received a leg that only that side sends or receives; or a relay named it, in the
envelope's `to` or in `peer_address`, which is the side's address as seen from outside; or the side announced it in a
payload. A host that was seen on the wire and never named from outside is an inside address of that side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import endpoint_of, host_of
from capture.flows.handoffs import Handed, HandoffPacket, client_handed, server_handed
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, NO_VALUE, REPLY, Leg
from capture.flows.once import once
from protocol.constants import Command
from protocol.messages import HolepunchPayload

_PEER_HANDSHAKE: Final = int(Command.PEER_HANDSHAKE)
_TO_CLIENT: Final = (REPLY, NO_VALUE)
_TO_SERVER: Final = (FROM_RELAY, FROM_SECOND_RELAY)
"""Modes of the legs that reach the server, or the server's own relay."""


@dataclass
class Side:
    """What is known of the sockets of one side. Derived sets are made once, after the last leg was taken."""

    seen: set[int] = field(default_factory=set)
    """Endpoints on packets of the capture."""
    named: dict[int, None] = field(default_factory=dict)
    """Endpoints as relays see them, in the order they were named."""
    announced: dict[int, None] = field(default_factory=dict)
    """Endpoints this side stated in payloads; port 0 when its NAT is random."""
    main: set[int] = field(default_factory=set)
    """Endpoints of its DHT sockets, inside and outside."""
    punching: set[int] = field(default_factory=set)
    """Endpoints of its hole-punching sockets, inside and outside; of its proxy's, where that punches in its place."""
    handed: Handed | None = None
    """Its hand-off to a proxy."""

    @once
    def endpoints(self) -> set[int]:
        """Everything that is this side's."""
        return self.main | self.punching

    @property
    def proxy(self) -> set[int]:
        """Hosts of the proxy that stands in its place; their endpoints count as this side's."""
        return set() if self.handed is None else self.handed.hosts

    @once
    def outside_hosts(self) -> set[int]:
        """Hosts under which others see this side."""
        return {endpoint >> 16 for endpoint in self.named or self.seen}

    @once
    def inside_hosts(self) -> set[int]:
        """Hosts behind its own NAT."""
        return {endpoint >> 16 for endpoint in self.seen} - self.outside_hosts

    @once
    def hosts(self) -> set[int]:
        """All of its hosts."""
        return {endpoint >> 16 for endpoint in (*self.named, *self.seen, *self.announced)}


@dataclass
class Sides:
    """Client and server of one attempt, and the relay endpoints with what they did."""

    client: Side
    server: Side
    client_address: int | None
    """The client's DHT socket as relays see it."""
    server_address: int | None
    """Where relays saw the server's handshake answer come from."""
    handshake_relays: dict[int, None]
    probe_relays: dict[int, None]
    punch_relays: dict[int, None]
    second_relays: dict[int, None]
    direct: bool
    """The client spoke to the server itself, no relay between."""
    local: set[int] = field(default_factory=set)
    """The server's sockets that the client reached on the network behind the NAT that both share."""

    @property
    def relays(self) -> dict[int, None]:
        """Every relay that carried a leg, in the order in which they came up."""
        return {**self.handshake_relays, **self.second_relays, **self.probe_relays, **self.punch_relays}

    def forget_derived(self) -> None:
        """Let go of what can be made again: the greater part of the memory."""
        for made in (self.client, self.server, self):
            for name in [name for name, value in vars(type(made)).items() if isinstance(value, once)]:
                made.__dict__.pop(name, None)

    @once
    def link_ends(self) -> set[int]:
        """Endpoints of the links between the sides and their proxies."""
        starts = [side.handed.start for side in (self.client, self.server) if side.handed is not None]
        return set().union(*(start.sources | start.destinations for start in starts))

    @once
    def hosts(self) -> set[int]:
        """Every host of either side, and of the links to their proxies."""
        ends = self.client.endpoints | self.server.endpoints | self.link_ends
        return self.client.hosts | self.server.hosts | {host_of(end) for end in ends}

    @property
    def same_nat(self) -> bool:
        """Whether relays saw client and server under one host."""
        if self.client_address is None or self.server_address is None:
            return False
        return host_of(self.client_address) == host_of(self.server_address)


def find_sides(attempt: Attempt, copies: Copies, handoffs: Sequence[HandoffPacket] = ()) -> Sides:
    """Read the sides off the legs of an attempt.

    Args:
        attempt: the attempt.
        copies: all sightings of a datagram.
        handoffs: hand-offs to proxies that may be this attempt's.
    """
    client, server = Side(), Side()
    sides = Sides(client, server, None, None, {}, {}, {}, {}, False)
    for exchange in attempt.handshakes:
        for leg in exchange.legs:
            _take_leg(sides, leg, client.main, server.main, copies)
    if handoffs:
        own = {endpoint >> 16 for endpoint in (*client.seen, *client.named)}
        other = {endpoint >> 16 for endpoint in (*server.seen, *server.named)}
        other -= {host_of(relay) for relay in _relays(attempt)}
        client.handed = client_handed(attempt, handoffs, own, other, copies)
        server.handed = server_handed(attempt, handoffs, other, own, copies)
    for exchange in attempt.holepunches:
        for leg in exchange.legs:
            _take_leg(sides, leg, client.punching, server.punching, copies)
        _take_announced(client, exchange.opened)
        _take_announced(server, exchange.reply)
    for side in (client, server):
        _take_handed(side)
    _name_relays(sides, attempt)
    _name_addresses(sides, attempt)
    return sides


def _take_leg(sides: Sides, leg: Leg, client_sockets: set[int], server_sockets: set[int], copies: Copies) -> None:
    client, server, mode, peer = sides.client, sides.server, leg.mode, leg.peer
    if mode == FROM_CLIENT:
        found = copies.sources(leg.row, leg.src)
        client.seen.update(found)
        client_sockets.update(found)
        return
    if mode in _TO_CLIENT:
        found = copies.destinations(leg.row, leg.dst)
        client.seen.update(found)
        client.named[leg.to] = None
        client_sockets.update(found)
        client_sockets.add(leg.to)
        if peer is not None:
            server.named[peer] = None
            server.punching.add(peer)
        return
    if peer is not None:
        client.named[peer] = None
        client_sockets.add(peer)
    if mode == FROM_SERVER:
        found = copies.sources(leg.row, leg.src)
        server.seen.update(found)
        # The answer to a handshake leaves the puncher's socket already, except when the server needs no puncher.
        server.punching.update(found)
        return
    if mode in _TO_SERVER:
        found = copies.destinations(leg.row, leg.dst)
        server.seen.update(found)
        server.named[leg.to] = None
        server_sockets.update(found)
        server_sockets.add(leg.to)


def _take_announced(side: Side, payload: HolepunchPayload | None) -> None:
    if payload is None:
        return
    for address in payload.addresses or ():
        endpoint = endpoint_of(address)
        side.announced[endpoint] = None
        if address.port:
            side.punching.add(endpoint)


def _take_handed(side: Side) -> None:
    """What a hand-off shows of who handed over, and of the proxy."""
    if side.handed is None or side.handed.likely:
        return
    start = side.handed.start
    side.seen.update(start.sources)
    side.seen.update(start.destinations)
    if not side.main:
        # The handshake is not in the capture.
        side.main.update(start.sources)
        side.named[start.src] = None
    side.named[start.dst] = None


def _relays(attempt: Attempt) -> set[int]:
    return {exchange.relay for exchange in attempt.handshakes if exchange.relay is not None}


def _name_relays(sides: Sides, attempt: Attempt) -> None:
    for exchange in attempt.exchanges:
        relay = exchange.relay
        if relay is None:
            continue
        if exchange.command == _PEER_HANDSHAKE:
            sides.handshake_relays[relay] = None
            for leg in exchange.legs_of(FROM_SECOND_RELAY):
                sides.second_relays[leg.src] = None
        elif _is_punch(exchange):
            sides.punch_relays[relay] = None
        else:
            sides.probe_relays[relay] = None
    for second in sides.second_relays:
        # A second relay's FROM_RELAY leg went to another relay, not to the server.
        sides.server.seen.discard(second)
        sides.server.named.pop(second, None)
        sides.server.main.discard(second)


def _is_punch(exchange: Exchange) -> bool:
    return exchange.opened is not None and exchange.opened.punching


def _name_addresses(sides: Sides, attempt: Attempt) -> None:
    for exchange in attempt.handshakes:
        for leg in exchange.legs:
            if leg.mode in (FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER) and leg.peer is not None:
                sides.client_address = sides.client_address or leg.peer
            elif leg.mode == REPLY:
                sides.client_address = sides.client_address or leg.to
                sides.server_address = sides.server_address or leg.peer
                if leg.peer is None and not leg.cut:
                    sides.direct = True
                    sides.server_address = leg.src
                    sides.server.seen.add(leg.src)
                    sides.server.main.add(leg.src)
                    sides.server.named[leg.src] = None
                    sides.handshake_relays.pop(leg.src, None)
    if sides.server_address is None:
        holepunched = [leg.to for exchange in attempt.holepunches for leg in exchange.legs_of(FROM_RELAY)]
        holepunched = [endpoint for endpoint in holepunched if host_of(endpoint) not in sides.server.proxy]
        asked = [leg.to for exchange in attempt.handshakes for leg in exchange.legs if leg.mode in _TO_SERVER]
        announced = [endpoint for endpoint in sides.server.announced if endpoint & 0xFFFF]
        sides.server_address = next(iter((*holepunched, *announced, *asked)), None)
    if sides.client_address is None:
        sent = [leg.src for exchange in attempt.handshakes for leg in exchange.legs_of(FROM_CLIENT)]
        found = (*sent, *sides.client.named, *sorted(sides.client.seen))
        sides.client_address = next(iter(sorted(found, key=lambda end: host_of(end) in sides.client.proxy)), None)
    if sides.server_address is None:
        sides.server_address = next(iter((*sides.server.named, *sorted(sides.server.seen))), None)
