"""Nodes that come and go, and what the others make of it."""

from __future__ import annotations

from random import Random

from protocol.dht.events import HealthChanged, NodeRemoved
from protocol.dht.health import Health
from protocol.dht.operations import announce, get_immutable, look_up, put_immutable
from protocol.dht.query_host import QueryFailure
from protocol.hashes import blake2b_256, node_id
from protocol.keys import key_pair
from tests.sim.hosts import SimHost, client_options, start_network
from tests.sim.network import Network, Weather

PAIR = key_pair(b"k" * 32)


def known(host: SimHost) -> set[bytes]:
    return {node.id for node in host.node.membership.table}


def test_a_third_of_the_network_vanishes() -> None:
    network = Network(1)
    hosts = start_network(network, 30)
    value = hosts[4].run(put_immutable, b"a value")
    assert value.failure is None
    gone = Random(1).sample(hosts[1:], 10)
    for host in gone:
        host.stop()
    left = [host for host in hosts if host not in gone]
    assert left[7].run(get_immutable, blake2b_256(b"a value")) == b"a value"
    assert left[3].run(announce, blake2b_256(b"a topic"), PAIR).failure is None
    network.run(900)
    for host in left:
        assert known(host) <= {node_id(other.address) for other in left}
        assert NodeRemoved(gone[0].address) in host.events or node_id(gone[0].address) not in known(host)
        assert len(host.node.membership) >= 15


def test_a_searcher_tells_those_who_named_a_dead_node() -> None:
    network = Network(2)
    hosts = start_network(network, 12)
    newcomer = SimHost(network, "40.0.0.1", client_options(hosts))
    dead = hosts[5]
    dead.stop()
    network.run(20)
    # The newcomer's first search met the dead node; hints made the others ping it, long before their own rounds would.
    assert dead.address not in {node.address for node in newcomer.node.membership.table}
    assert all(node_id(dead.address) not in known(host) for host in hosts if host is not dead)


def test_a_restarted_node_is_itself_again() -> None:
    network = Network(3)
    hosts = start_network(network, 12)
    hosts[5].close()
    network.run(600)
    assert node_id(hosts[5].address) not in known(hosts[6])
    again = SimHost(network, hosts[5].host, client_options(hosts, ephemeral=False))
    network.run(30)
    assert again.node.id == node_id(hosts[5].address)
    assert all(again.node.id in known(host) for host in hosts if host is not hosts[5])


def test_a_network_that_goes_dark_is_noticed_and_its_return_too() -> None:
    network = Network(4)
    hosts = start_network(network, 20)
    network.run(30)
    clear = network.weather
    network.weather = Weather(loss=1)
    host = hosts[3]
    for number in range(4):
        look_up(host.node, network.now, lambda _found, _now: None, bytes([number]) * 32)
        host.pump()
        network.run(5)
    network.run(30)
    assert host.node.health is Health.OFFLINE
    assert HealthChanged(Health.OFFLINE) in host.events
    network.weather = clear
    # With an empty table there are only the bootstrap nodes to begin with.
    network.run(400)
    host.run(look_up, bytes(32))
    assert host.node.health is Health.ONLINE
    assert len(host.node.membership) >= 10


def test_closing_ends_what_is_under_way() -> None:
    network = Network(5)
    hosts = start_network(network, 12)
    host = hosts[3]
    ended: list[QueryFailure | None] = []
    look_up(host.node, network.now, lambda found, _: ended.append(found.search.failure), bytes(32))
    host.close()
    assert ended == [QueryFailure.CLOSED]
    assert host.node.searches.active == 0
    assert host.node.poll_datagram(host.network.now) is None
    look_up(host.node, network.now, lambda found, _: ended.append(found.search.failure), bytes(32))
    assert ended == [QueryFailure.CLOSED] * 2


def test_nodes_closing_and_searching_at_random_leave_nothing_behind() -> None:
    for seed in range(5):
        network = Network(seed, Weather(jitter=0.2, loss=0.05, duplication=0.05))
        random = Random(seed)
        hosts = start_network(network, 15)
        asked = 0
        ended: list[QueryFailure | None] = []
        for _ in range(60):
            host = random.choice(hosts)
            action = random.random()
            if action < 0.7:
                asked += 1
                look_up(
                    host.node,
                    network.now,
                    lambda found, _, ended=ended: ended.append(found.search.failure),
                    random.randbytes(32),
                )
                host.pump()
            elif action < 0.8 and host.running and host is not hosts[0]:
                host.close()
            elif action < 0.9:
                hosts.append(SimHost(network, f"40.0.{seed}.{len(hosts)}", client_options(hosts, ephemeral=False)))
            network.run(random.random())
        network.run(60)
        assert len(ended) == asked
        assert all(host.node.searches.active == 0 for host in hosts)
