"""Lanes: who takes part in an attempt, each participant once, however many sockets and addresses it uses."""

from __future__ import annotations

from capture.flows.endpoints import address_of, host_of
from capture.flows.facts import Facts
from capture.flows.relaying import RelayLink
from capture.flows.sides import Side
from capture.model import Lane, Role
from capture.table import PacketTable

NODES: str = "nodes"


class Lanes:
    """Finds the lane of every endpoint of an attempt."""

    def __init__(self, table: PacketTable, facts: Facts, links: list[RelayLink]) -> None:
        self._table = table
        self._facts = facts
        self._relays: dict[int, Lane] = {}
        self._roles = {"client": Role.CLIENT, "server": Role.SERVER, "blind": Role.BLIND_RELAY}
        self._nodes: dict[int, None] = {}
        self._blind: dict[int, None] = {}
        for endpoint in facts.sides.relays:
            number = len(self._relays) + 1
            role = _role(facts, endpoint)
            lane = self._relays[endpoint] = Lane(f"relay{number}", role, (address_of(table, endpoint),))
            self._roles[lane.id] = role
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

    def role(self, lane_id: str) -> Role:
        """The role of a lane."""
        return self._roles.get(lane_id, Role.NODE)

    def all(self) -> tuple[Lane, ...]:
        """Every lane from left to right: nodes, client, its relays, the server's relays, server."""
        order = {Role.CLIENT_RELAY: 0, Role.RELAY: 1, Role.SERVER_RELAY: 2}
        relays = sorted(self._relays.values(), key=lambda lane: order[lane.role])
        facts = self._facts
        client = self._side("client", Role.CLIENT, facts.sides.client, facts.sides.client_address)
        server = self._side("server", Role.SERVER, facts.sides.server, facts.sides.server_address)
        lanes = [client, *relays]
        if self._blind:
            blind = tuple(address_of(self._table, endpoint) for endpoint in self._blind)
            lanes.append(Lane("blind", Role.BLIND_RELAY, blind))
        lanes.append(server)
        if self._nodes:
            nodes = tuple(address_of(self._table, endpoint) for endpoint in self._nodes)
            lanes.append(Lane(NODES, Role.NODE, nodes, sockets=len(nodes)))
        return tuple(lanes)

    def _side(self, lane_id: str, role: Role, side: Side, main: int | None) -> Lane:
        outside_hosts, inside_hosts = side.outside_hosts, side.inside_hosts
        outside = {main: None} if main is not None else {}
        outside.update(side.named)
        outside.update({endpoint: None for endpoint in sorted(side.seen) if host_of(endpoint) in outside_hosts})
        inside = [endpoint for endpoint in sorted(side.seen) if host_of(endpoint) in inside_hosts]
        return Lane(
            lane_id,
            role,
            tuple(address_of(self._table, endpoint) for endpoint in outside),
            tuple(address_of(self._table, endpoint) for endpoint in inside),
            max(1, len(inside) or len(side.seen) or len(outside)),
        )


def _role(facts: Facts, endpoint: int) -> Role:
    """Client relay: the client chose it, for the handshake or to punch. Server relay: of the server's, to probe."""
    sides = facts.sides
    is_client = endpoint in sides.handshake_relays or endpoint in sides.punch_relays
    is_server = endpoint in sides.probe_relays or endpoint in sides.second_relays
    if is_client and is_server:
        return Role.RELAY
    return Role.SERVER_RELAY if is_server else Role.CLIENT_RELAY
