"""A client and a server behind every pair of NAT kinds: who gets through, and by which path.

The rule is written down here once more, in terms of RFC 4787 and not of the reference's classes.
"""

from __future__ import annotations

from itertools import product

import pytest

from protocol.keys import key_pair
from protocol.peer.events import ConnectionOpened, Stage
from protocol.peer.failures import Cause, ErrorName
from tests.sim.hosts import start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network
from tests.sim.peers import PATIENCE, SimPeer, peer_options

PAIR = key_pair(b"s" * 32)
INDEPENDENT, BY_HOST, BY_ENDPOINT = Behaviour

KINDS: dict[str, NatKind | None] = {
    "public": None,
    "full cone": NatKind(INDEPENDENT, INDEPENDENT),
    "restricted": NatKind(INDEPENDENT, BY_HOST),
    "port restricted": NatKind(INDEPENDENT, BY_ENDPOINT),
    "by host": NatKind(BY_HOST, BY_ENDPOINT),
    "symmetric": NatKind(BY_ENDPOINT, BY_ENDPOINT),
    "symmetric, unfiltered": NatKind(BY_ENDPOINT, INDEPENDENT),
}


def gets_through(client: NatKind | None, server: NatKind | None) -> bool:
    """A public host is always reached; else one of both has to keep its mapping for all destinations."""
    if client is None or server is None:
        return True
    return INDEPENDENT in (client.mapping, server.mapping)


def is_misled(client: NatKind | None, server: NatKind | None) -> bool:
    """Whether the client takes a way that is none, as the reference does too.

    A NAT that maps by endpoint and filters nothing lets the server's first ping in, through the mapping of another
    destination. What the client answers leaves from a new port, and the server's NAT, which filters by port, drops it.
    """
    return (
        client is not None
        and server is not None
        and client.mapping is not INDEPENDENT
        and client.filtering is INDEPENDENT
        and server.mapping is INDEPENDENT
        and server.filtering is BY_ENDPOINT
    )


def place(network: Network, kind: NatKind | None, number: int, nodes: object, **more: bool) -> SimPeer:
    if kind is None:
        return SimPeer(network, f"40.0.0.{number}", peer_options(nodes), **more)  # type: ignore[arg-type]
    nat = Nat(network, f"30.0.0.{number}", kind)
    return SimPeer(network, f"192.168.{number}.2", peer_options(nodes), nat=nat, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("client_kind", "server_kind"), list(product(KINDS, KINDS)))
def test_who_gets_through(client_kind: str, server_kind: str) -> None:
    network = Network(hash_of(client_kind, server_kind))
    nodes = start_network(network, 10)
    server = place(network, KINDS[server_kind], 1, nodes, echo=True)
    client = place(network, KINDS[client_kind], 2, nodes)
    for peer in (server, client):
        peer.bootstrap()
    server.listen(PAIR)
    connection, heard = client.connect(PAIR.public_key)
    assert network.run_until(lambda: heard.opened or heard.closed is not None, PATIENCE)

    if is_misled(KINDS[client_kind], KINDS[server_kind]):
        assert heard.closed is not None
        assert heard.closed.closing.error is ErrorName.ETIMEDOUT
    elif gets_through(KINDS[client_kind], KINDS[server_kind]):
        assert heard.events == [ConnectionOpened()], (heard.closed, [stage.stage for stage in heard.stages])
        assert connection.stage is Stage.DIRECT
        client.act(lambda _, __: connection.send(b"hello"))
        client.act(lambda _, __: connection.end())
        assert network.run_until(lambda: heard.closed is not None, PATIENCE)
        assert heard.closed is not None
        assert heard.closed.closing.cause is Cause.ENDED
        assert heard.data == b"hello"
    else:
        assert heard.closed is not None
        assert heard.closed.closing.error is ErrorName.HOLEPUNCH_ABORTED
        assert heard.closed.closing.cause is Cause.DOUBLE_RANDOM
    # Streams linger, handshakes are kept for repeated messages; then nothing is left.
    network.run(60)
    for peer in (server, client):
        assert not peer.peer.connections
        assert len(peer.peer.pool) == 0
        assert peer.sockets == 2
    assert server.peer.servers[0].handshakes == 0
    assert server.peer.punches.running == client.peer.punches.running == 0
    client.close()
    server.close()


def hash_of(*names: str) -> int:
    """A seed for each pair, the same in every run."""
    return sum(ord(character) * (place + 1) for place, character in enumerate(" ".join(names)))
