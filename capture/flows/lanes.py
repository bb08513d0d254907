"""Lanes: who takes part in an attempt, each participant once, however many sockets and addresses it uses."""

from __future__ import annotations

from collections.abc import Iterable

from capture.flows.attempt import Exchange
from capture.flows.endpoints import address_of, host_of
from capture.flows.facts import Facts
from capture.flows.legs import FROM_CLIENT, FROM_SERVER, NO_VALUE, REPLY, Leg
from capture.flows.relaying import RelayLink
from capture.flows.sides import Side
from capture.model import Lane, Role
from capture.table import PacketTable

NODES: str = "nodes"
CLIENT_PROXY: str = "client proxy"
SERVER_PROXY: str = "server proxy"


class Lanes:
    """Finds the lane of every endpoint of an attempt."""

    def __init__(self, table: PacketTable, facts: Facts, links: list[RelayLink]) -> None:
        self._table = table
        self._facts = facts
        self._relays: dict[int, Lane] = {}
        self._roles = {"client": Role.CLIENT, "server": Role.SERVER, "blind": Role.BLIND_RELAY}
        self._nodes: dict[int, None] = {}
        self._blind: dict[int, None] = {}
        self.proxied = facts.sides.client.handed is not None or facts.sides.server.handed is not None
        """Whether anybody stands in the place of a side."""
        for endpoint in facts.sides.relays:
            number = len(self._relays) + 1
            role = _role(facts, endpoint)
            lane = self._relays[endpoint] = Lane(f"relay{number}", role, (address_of(table, endpoint),))
            self._roles[lane.id] = role
        for lane_id in (CLIENT_PROXY, SERVER_PROXY):
            self._roles[lane_id] = Role.PROXY
        for link in links:
            self._blind[link.path.server_side] = None

    def of_relay(self, endpoint: int | None) -> str:
        """The lane of a relay; that of the DHT nodes for an endpoint that relayed nothing."""
        if endpoint is None:
            return NODES
        lane = self._relays.get(endpoint)
        if lane is not None:
            return lane.id
        if self._facts.sides.direct and endpoint in self._facts.sides.server.endpoints:
            return "server"
        self._nodes[endpoint] = None
        return NODES

    def second_relay(self, endpoint: int) -> str | None:
        """The lane of the relay that a FROM_RELAY leg reaches where that is not the server yet."""
        lane = self._relays.get(endpoint)
        return None if lane is None else lane.id

    def of_side(self, endpoints: Iterable[int], *, client: bool) -> str:
        """The lane of an endpoint that counts as the client's, or as the server's: its own, or its proxy's."""
        side = self._facts.sides.client if client else self._facts.sides.server
        if side.handed is not None and not side.proxy.isdisjoint(map(host_of, endpoints)):
            return CLIENT_PROXY if client else SERVER_PROXY
        return "client" if client else "server"

    def sender(self, leg: Leg, *, client: bool) -> str:
        """The lane of the side that sent a leg."""
        if not self.proxied:
            return "client" if client else "server"
        return self.of_side(self._facts.copies.sources(leg.row, leg.src), client=client)

    def receiver(self, leg: Leg, *, client: bool) -> str:
        """The lane of the side that a leg reaches."""
        if not self.proxied:
            return "client" if client else "server"
        return self.of_side((leg.to, *self._facts.copies.destinations(leg.row, leg.dst)), client=client)

    def ends(self, row: int, src: int, dst: int, *, client: bool) -> tuple[str, str]:
        """From which lane to which a punch or a packet of the stream goes; `client` is whether it is the client's."""
        if not self.proxied:
            return ("client", "server") if client else ("server", "client")
        copies = self._facts.copies
        return (
            self.of_side(copies.sources(row, src), client=client),
            self.of_side(copies.destinations(row, dst), client=not client),
        )

    def acting(self, exchange: Exchange, *, client: bool) -> str:
        """The lane of whoever spoke for a side in an exchange, as far as its legs tell."""
        side = self._facts.sides.client if client else self._facts.sides.server
        if side.handed is None:
            return "client" if client else "server"
        if any(leg in side.handed.legs for leg in exchange.legs) or any(
            exchange is handed for handed in side.handed.exchanges.values()
        ):
            return CLIENT_PROXY if client else SERVER_PROXY
        return "client" if client else "server"

    def role(self, lane_id: str) -> Role:
        """The role of a lane."""
        return self._roles.get(lane_id, Role.NODE)

    def all(self) -> tuple[Lane, ...]:
        """Lanes from left to right: client, its proxy and relays, the server's relays, server, its proxy, nodes."""
        order = {Role.CLIENT_RELAY: 0, Role.RELAY: 1, Role.SERVER_RELAY: 2}
        relays = sorted(self._relays.values(), key=lambda lane: order[lane.role])
        facts = self._facts
        client = self._side("client", Role.CLIENT, facts.sides.client, facts.sides.client_address)
        server = self._side("server", Role.SERVER, facts.sides.server, facts.sides.server_address)
        lanes = [client, *self._proxy(CLIENT_PROXY, facts.sides.client), *relays]
        if self._blind:
            blind = tuple(address_of(self._table, endpoint) for endpoint in self._blind)
            lanes.append(Lane("blind", Role.BLIND_RELAY, blind))
        lanes += [server, *self._proxy(SERVER_PROXY, facts.sides.server)]
        if self._nodes:
            nodes = tuple(address_of(self._table, endpoint) for endpoint in self._nodes)
            lanes.append(Lane(NODES, Role.NODE, nodes, sockets=len(nodes)))
        return tuple(lanes)

    def _side(self, lane_id: str, role: Role, side: Side, main: int | None) -> Lane:
        outside_hosts, inside_hosts = side.outside_hosts - side.proxy, side.inside_hosts - side.proxy
        outside = {main: None} if main is not None else {}
        return self._lane(lane_id, role, side, outside, (outside_hosts, inside_hosts))

    def _proxy(self, lane_id: str, side: Side) -> list[Lane]:
        """The lane of a side's proxy, where it has one."""
        if side.handed is None:
            return []
        hosts = side.outside_hosts & side.proxy, side.inside_hosts & side.proxy
        linked = dict.fromkeys(sorted(side.handed.start.destinations)) if side.handed.likely else {}
        return [self._lane(lane_id, Role.PROXY, side, linked, hosts)]

    def _lane(
        self, lane_id: str, role: Role, side: Side, outside: dict[int, None], hosts: tuple[set[int], set[int]]
    ) -> Lane:
        """A lane with those endpoints of a side that are on some hosts, outside and inside its NAT."""
        outside_hosts, inside_hosts = hosts
        outside.update({endpoint: None for endpoint in side.named if host_of(endpoint) in outside_hosts})
        outside.update({endpoint: None for endpoint in sorted(side.seen) if host_of(endpoint) in outside_hosts})
        seen = [endpoint for endpoint in side.seen if host_of(endpoint) in outside_hosts | inside_hosts]
        inside = [endpoint for endpoint in sorted(side.seen) if host_of(endpoint) in inside_hosts]
        return Lane(
            lane_id,
            role,
            tuple(address_of(self._table, endpoint) for endpoint in outside),
            tuple(address_of(self._table, endpoint) for endpoint in inside),
            max(1, len(inside) or len(seen) or len(outside)),
        )


def leg_lanes(leg: Leg, lanes: Lanes) -> tuple[str, str]:
    """From which lane to which a leg goes."""
    if leg.mode == FROM_CLIENT:
        return lanes.sender(leg, client=True), lanes.of_relay(leg.dst)
    if leg.mode in (REPLY, NO_VALUE):
        return lanes.of_relay(leg.src), lanes.receiver(leg, client=True)
    if leg.mode == FROM_SERVER:
        return lanes.sender(leg, client=False), lanes.of_relay(leg.dst)
    return lanes.of_relay(leg.src), lanes.second_relay(leg.dst) or lanes.receiver(leg, client=False)


def _role(facts: Facts, endpoint: int) -> Role:
    """Client relay: the client chose it, for the handshake or to punch. Server relay: of the server's, to probe."""
    sides = facts.sides
    is_client = endpoint in sides.handshake_relays or endpoint in sides.punch_relays
    is_server = endpoint in sides.probe_relays or endpoint in sides.second_relays
    if is_client and is_server:
        return Role.RELAY
    return Role.SERVER_RELAY if is_server else Role.CLIENT_RELAY
