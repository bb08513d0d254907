"""A node that is suspended and goes on: what fails, what is silent meanwhile, and what it does first afterwards."""

from __future__ import annotations

from protocol.constants import InternalCommand
from protocol.dht.contact import Failure, NodeSocket
from protocol.dht.events import BecameEphemeral
from protocol.dht.health import Health
from protocol.dht.node import Node
from protocol.dht.operations import look_up
from protocol.dht.query_host import QueryFailure
from protocol.envelope import encode_request
from protocol.messages import Request
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest
from tests.sim.hosts import SimHost, client_options, start_network
from tests.sim.network import Network


def fails(node: Node, now: float) -> list[Failure]:
    """What becomes of a ping."""
    failures: list[Failure] = []
    node.ping(OTHER, now, lambda _reply, _now: None, lambda failure, _now: failures.append(failure))
    return failures


def test_everything_under_way_fails_and_nothing_is_sent_or_served() -> None:
    t = NodeUnderTest()
    ping = fails(t.node, t.now)
    ended: list[QueryFailure | None] = []
    t.node.membership.add(OTHER, t.now)
    look_up(t.node, t.now, lambda found, _: ended.append(found.search.failure), bytes(32))
    t.node.suspend(t.now)
    t.node.suspend(t.now)
    assert ping == [Failure.SUSPENDED]
    assert ended == [QueryFailure.SUSPENDED]
    assert (t.node.requests.in_flight, t.node.searches.active, t.node.next_timeout()) == (0, 0, None)
    assert not t.tell(Request(1, OWN, InternalCommand.PING, internal=True))
    assert fails(t.node, t.now) == [Failure.SUSPENDED]
    t.node.requests.send(b"\0", OTHER, NodeSocket.CLIENT)
    assert t.node.poll_datagram(t.now) is None
    t.node.handle_timeout(t.now + 3600)
    assert t.node.poll_datagram(t.now) is None


def test_going_on() -> None:
    t = NodeUnderTest()
    t.node.membership.add(OTHER, t.now)
    t.node.resume(1, t.now)
    assert t.node.reachability.server_port == OWN.port
    t.node.suspend(t.now)
    t.now += 3600
    t.node.resume(1001, t.now)
    assert t.node.reachability.server_port == 1001
    assert t.node.health is Health.ONLINE
    # The table is refreshed at once, for others may have gone.
    sent = []
    while (out := t.node.poll_datagram(t.now)) is not None:
        sent.append(out.to)
    assert OTHER in sent
    assert t.tell(Request(1, OWN, InternalCommand.PING, internal=True))
    t.node.close(t.now)
    t.node.resume(1, t.now)
    t.node.suspend(t.now)
    assert fails(t.node, t.now) == [Failure.CLOSED]


def test_an_adaptive_node_is_ephemeral_afterwards() -> None:
    network = Network(4)
    nodes = start_network(network, 6)
    host = SimHost(network, "20.7.7.7", client_options(nodes))
    assert network.run_until(lambda: host.node.bootstrapped, 60)
    network.run(1300)
    assert host.node.id is not None
    host.node.suspend(network.now)
    host.pump()
    # Datagrams that arrive meanwhile go nowhere.
    host.node.receive_datagram(
        encode_request(Request(1, OWN, InternalCommand.PING, internal=True)), OTHER, network.now, NodeSocket.SERVER
    )
    host.pump()
    network.run(60)
    host.node.resume(49737, network.now)
    host.pump()
    assert BecameEphemeral() in host.events
    assert host.node.id is None
    found = host.run(look_up, bytes(32))
    assert found.search.failure is None
    assert len(found.search.closest) >= 5
