"""Two hundred connects at once through twenty nodes, from one client and from many; and relays that have forgotten."""

from __future__ import annotations

import pytest

from protocol.keys import key_pair
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.options import ConnectOptions, ListenOptions
from tests.sim.hosts import start_network
from tests.sim.nat import Nat, NatKind
from tests.sim.network import Network
from tests.sim.peers import PATIENCE, SimPeer, peer_options

CONNECTS = 200


def key(number: int) -> bytes:
    return bytes([number]) * 32


def is_decided(connection: Connection) -> bool:
    return connection.stage in (Stage.DIRECT, Stage.CLOSED)


@pytest.mark.parametrize(
    ("clients", "servers"),
    [(1, 20), (20, 10), *(pytest.param(clients, 1, marks=pytest.mark.thorough) for clients in (1, 10))],
)
def test_all_succeed(clients: int, servers: int) -> None:
    """One client has to wait for room in its window for nearly all of them; none may become too late by that."""
    network = Network(clients * 100 + servers)
    nodes = start_network(network, 20)
    options = peer_options(nodes)

    def place(side: int, number: int) -> SimPeer:
        nat = Nat(network, f"3{side}.0.0.{number}", NatKind())
        peer = SimPeer(network, f"192.168.{number}.2", options, nat=nat, echo=True)
        peer.bootstrap()
        return peer

    listening = [place(1, number + 1) for number in range(servers)]
    for number, server in enumerate(listening):
        server.listen(key_pair(key(number)), ListenOptions(share_local_address=False))
    connecting = [place(2, number + 1) for number in range(clients)]
    connections = []
    for number in range(CONNECTS):
        public_key = key_pair(key(number % servers)).public_key
        client = connecting[number % clients]
        connections.append(client.connect(public_key, ConnectOptions(local_connection=False))[0])
    assert network.run_until(lambda: all(is_decided(connection) for connection in connections), PATIENCE)
    assert {connection.closing for connection in connections} == {None}
    assert network.run_until(lambda: sum(len(server.accepted) for server in listening) == CONNECTS, PATIENCE)


def test_relays_that_have_forgotten_a_server() -> None:
    network = Network(5)
    nodes = start_network(network, 10)
    peers = [SimPeer(network, f"40.0.0.{number}", peer_options(nodes)) for number in (1, 2)]
    for peer in peers:
        peer.bootstrap()
    server, client = peers
    target = server.listen(key_pair(key(1))).target
    relays = [node for node in nodes if node.node.routes.get(target, network.now) is not None]
    known = tuple(node.address for node in relays)
    for node in relays:
        node.node.routes.remove(target)
    connection, heard = client.connect(key_pair(key(1)).public_key, ConnectOptions(relay_addresses=known))
    assert network.run_until(lambda: heard.closed is not None, PATIENCE)
    assert connection.closing is not None
    assert (connection.closing.error, connection.closing.cause) == (ErrorName.PEER_NOT_FOUND, Cause.NO_ROUTE)
    assert "3 of them without a route" in connection.closing.detail
