"""Networks of our nodes alone, in good weather and bad."""

from __future__ import annotations

from random import Random

import pytest

from protocol.dht.operations import (
    announce,
    find_peer,
    get_immutable,
    get_mutable,
    look_up,
    put_immutable,
    put_mutable,
    unannounce,
)
from protocol.dht.options import NodeOptions
from protocol.dht.refusals import Refusal
from protocol.dht.routing_table import K, distance
from protocol.hashes import blake2b_256, node_id, target_of
from protocol.keys import key_pair
from tests.sim.hosts import SimHost, start_at_once, start_network
from tests.sim.network import Network, Weather

GOOD = Weather()
BAD = Weather(delay=0.01, jitter=0.4, loss=0.1, duplication=0.1)
PAIRS = [key_pair(bytes([number]) * 32) for number in range(1, 6)]


@pytest.mark.parametrize(("size", "seed"), [(2, 1), (5, 2), (12, 3), (20, 4)])
@pytest.mark.parametrize("weather", [GOOD, Weather(delay=0.0, jitter=0.0), Weather(jitter=0.5)], ids=str)
def test_nodes_that_join_at_once_all_know_each_other(size: int, seed: int, weather: Weather) -> None:
    """Each takes the others for strangers; up to a row of them can all know each other."""
    network = Network(seed, weather)
    first, *others = start_at_once(network, size)
    assert network.run_until(lambda: all(host.node.bootstrapped for host in (first, *others)), 120)
    network.run(1.0)
    addresses = {host.address for host in (first, *others)}
    for host in (first, *others):
        assert {node.address for node in host.node.membership.table} == addresses - {host.address}


def test_nodes_that_join_at_once_in_bad_weather_know_most() -> None:
    network = Network(5, BAD)
    hosts = start_at_once(network, 20)
    assert network.run_until(lambda: all(host.node.bootstrapped for host in hosts), 120)
    network.run(1.0)
    assert all(len(host.node.membership) >= 17 for host in hosts)


def closest(hosts: list[SimHost], target: bytes) -> set[bytes]:
    ids = sorted((node_id(host.address) for host in hosts), key=lambda id: distance(id, target))
    return set(ids[:K])


@pytest.mark.parametrize(
    ("size", "weather", "seed"), [(10, GOOD, 1), (50, GOOD, 2), (12, BAD, 3), (30, BAD, 4)], ids=str
)
def test_every_operation_works(size: int, weather: Weather, seed: int) -> None:
    network = Network(seed, weather)
    hosts = start_network(network, size)
    assert all(host.node.id == node_id(host.address) for host in hosts)
    anybody = Random(seed).choice
    topic = blake2b_256(b"a topic")

    for pair in PAIRS:
        assert anybody(hosts).run(announce, topic, pair).failure is None
    found = anybody(hosts).run(look_up, topic)
    assert {peer.public_key for peer in found.peers} == {pair.public_key for pair in PAIRS}

    server = PAIRS[0]
    assert anybody(hosts).run(announce, target_of(server.public_key), server).failure is None
    peer = anybody(hosts).run(find_peer, server.public_key)
    assert peer.record is not None
    assert peer.record.public_key == server.public_key
    assert len(peer.holders) >= min(size - 1, K) // 2

    assert anybody(hosts).run(unannounce, topic, server) >= 1
    left = {peer.public_key for peer in anybody(hosts).run(look_up, topic).peers}
    if not weather.loss:
        assert left == {pair.public_key for pair in PAIRS[1:]}

    assert anybody(hosts).run(put_immutable, b"a value").failure is None
    assert anybody(hosts).run(get_immutable, blake2b_256(b"a value")) == b"a value"
    assert anybody(hosts).run(get_immutable, blake2b_256(b"no value")) is None

    assert anybody(hosts).run(put_mutable, server, b"old", 1).failure is None
    assert anybody(hosts).run(put_mutable, server, b"new", 2).failure is None
    fetched = anybody(hosts).run(get_mutable, server.public_key)
    assert fetched is not None
    assert (fetched.seq, fetched.value) == (2, b"new")

    network.run(30)
    assert all(host.node.searches.active == 0 for host in hosts)
    # Limits against abuse are not met in normal use.
    refused = {refusal for host in hosts for refusal in host.node.refused}
    usual = {Refusal.UNMATCHED_RESPONSE, Refusal.INVALID_TOKEN}
    # Where the question for a proof gets lost, and the search needs no answer any more, the request is not repeated.
    assert refused <= (usual | {Refusal.SHORTENED} if weather.loss else usual)


def test_a_search_ends_with_the_closest_of_all() -> None:
    """Rows of a table hold 20 nodes, so of 50 nobody knows all; searches find the closest all the same."""
    network = Network(5)
    hosts = start_network(network, 50)
    random = Random(5)
    for _ in range(20):
        target = random.randbytes(32)
        searcher = random.choice(hosts)
        others = [host for host in hosts if host is not searcher]
        result = searcher.run(look_up, target).search
        assert {contact.id for contact in result.closest_contacts} == closest(others, target)
        gaps = [distance(contact.id or b"", target) for contact in result.closest_contacts]
        assert gaps == sorted(gaps)


@pytest.mark.parametrize("weather", [GOOD, BAD], ids=str)
def test_the_same_seed_is_the_same_story(weather: Weather) -> None:
    def story() -> str:
        network = Network(6, weather)
        hosts = start_network(network, 10)
        hosts[3].run(announce, blake2b_256(b"a topic"), PAIRS[0])
        network.run(60)
        return network.story

    assert story() == story()


@pytest.mark.parametrize("adaptive", [True, False])
def test_nodes_known_from_before_are_enough(adaptive: bool) -> None:
    """No bootstrap node, and half of the nodes known are gone."""
    network = Network(8, BAD)
    hosts = start_network(network, 12)
    for host in hosts[:6]:
        host.stop()
    options = NodeOptions(
        nodes=tuple(host.address for host in hosts), concurrency=3, max_window=5, adaptive_timeout=adaptive
    )
    newcomer = SimHost(network, "40.0.0.1", options)
    assert network.run_until(lambda: newcomer.node.bootstrapped, 120)
    assert newcomer.run(put_immutable, b"v").failure is None
    assert newcomer.run(get_immutable, blake2b_256(b"v")) == b"v"
    assert {contact.address for contact in newcomer.node.membership.latest(20)} == {host.address for host in hosts[6:]}


def test_an_idle_network_is_quiet_and_alive() -> None:
    network = Network(7)
    hosts = start_network(network, 20)
    network.run(60)
    before = network.sent
    network.run(1800)
    # Pings of at most five nodes every 40 s, a search every 5 min, and the answers to both.
    assert (network.sent - before) / len(hosts) / 1800 < 1.0
    assert all(len(host.node.membership) == len(hosts) - 1 for host in hosts)
    assert all(host.node.requests.in_flight == 0 or host.node.requests.in_flight < 10 for host in hosts)
    assert sum(sum(host.node.refused.values()) for host in hosts) == 0
