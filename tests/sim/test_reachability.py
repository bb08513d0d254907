"""What nodes find out about their place in the network, behind every kind of NAT."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.events import BecameEphemeral, BecamePersistent, Bootstrapped, NatUpdated, PortFoundOpen
from protocol.dht.operations import announce, find_peer, look_up
from protocol.dht.options import NodeOptions
from protocol.hashes import blake2b_256, node_id, target_of
from protocol.keys import key_pair
from protocol.messages import Address
from tests.sim.hosts import SERVER_PORT, SimHost, client_options, start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network, Weather

HOME = "192.168.1.2"
PUBLIC = "30.0.0.1"
STEADY = 21 * 60.0
"""Seconds after which a reachable node has become persistent."""
PAIR = key_pair(b"k" * 32)


def kinds(host: SimHost) -> list[type]:
    return [type(event) for event in host.events]


def test_a_public_node_finds_its_port_open_and_later_takes_part() -> None:
    network = Network(1)
    others = start_network(network, 10)
    host = SimHost(network, "40.0.0.1", client_options(others))
    network.run(10)
    assert PortFoundOpen in kinds(host)
    assert BecamePersistent not in kinds(host)
    assert not host.node.reachability.firewalled
    network.run(STEADY)
    assert host.node.id == node_id(host.address)
    assert BecamePersistent(node_id(host.address)) in host.events
    assert all(node_id(host.address) in {node.id for node in other.node.membership.table} for other in others)
    assert others[3].run(announce, blake2b_256(b"a topic"), PAIR).failure is None
    assert len(host.node.announcements) == 1


@pytest.mark.parametrize("ephemeral", [True, False, None])
def test_it_does_as_it_is_told(ephemeral: bool | None) -> None:
    network = Network(2)
    host = SimHost(network, "40.0.0.1", client_options(start_network(network, 10), ephemeral=ephemeral))
    network.run(10)
    assert (host.node.id is not None) == (ephemeral is False)
    network.run(STEADY)
    assert (host.node.id is None) == (ephemeral is True)


@pytest.mark.parametrize(
    ("mapping", "filtering", "preserving"), list(product(Behaviour, Behaviour, [True, False])), ids=str
)
def test_behind_a_nat(mapping: Behaviour, filtering: Behaviour, preserving: bool) -> None:
    network = Network(3)
    others = start_network(network, 8)
    nat = Nat(network, PUBLIC, NatKind(mapping, filtering, preserving))
    host = SimHost(network, HOME, client_options(others, ephemeral=False), nat=nat)
    network.run(30)
    reachability = host.node.reachability
    # Nothing was sent from the server socket, so no mapping lets anything in: not even where ports are preserved.
    assert reachability.firewalled
    assert host.node.id is None
    assert reachability.nat.host == PUBLIC
    # A NAT that preserves ports gives the first destination the port itself and each further one another.
    assert (reachability.nat.port != 0) == (mapping is Behaviour.ENDPOINT_INDEPENDENT)
    assert host.run(announce, target_of(PAIR.public_key), PAIR).failure is None
    assert others[2].run(find_peer, PAIR.public_key).record is not None


@pytest.mark.parametrize(("port", "is_open"), [(SERVER_PORT, True), (8000, False)])
def test_behind_a_nat_with_a_forwarded_port(port: int, is_open: bool) -> None:
    """As in the reference, only the port itself counts: to others, the node's id is the hash of it."""
    network = Network(4)
    nat = Nat(network, PUBLIC, NatKind())
    nat.forward(port, Address(HOME, SERVER_PORT))
    host = SimHost(network, HOME, client_options(start_network(network, 10)), nat=nat)
    network.run(10)
    assert host.node.reachability.firewalled == (not is_open)
    network.run(STEADY)
    assert host.node.id == (node_id(Address(PUBLIC, SERVER_PORT)) if is_open else None)


def test_a_nat_that_restarts_gives_a_new_address() -> None:
    network = Network(5)
    nat = Nat(network, PUBLIC, NatKind())
    host = SimHost(network, HOME, client_options(start_network(network, 20)), nat=nat)
    network.run(10)
    before = host.node.reachability.nat.port
    assert before
    nat.restart()
    # Nodes are sampled again only after half an hour.
    network.run(3000)
    changes = [event for event in host.events if isinstance(event, NatUpdated)]
    assert changes[-1].host == PUBLIC
    assert changes[-1].port not in (0, before)


def test_a_machine_that_slept_is_ephemeral_until_its_address_is_steady_again() -> None:
    network = Network(6)
    others = start_network(network, 10)
    host = SimHost(network, "40.0.0.1", client_options(others))
    network.run(STEADY)
    assert host.node.id is not None
    host.sleep()
    network.run(600)
    host.wake()
    network.run(30)
    assert kinds(host)[-1] is not BecamePersistent
    assert BecameEphemeral in kinds(host)
    assert host.node.id is None
    assert len(host.node.membership) == 10
    network.run(3601)
    assert host.node.id == node_id(host.address)


def test_a_suggested_address_is_tried_before_the_name() -> None:
    network = Network(7)
    others = start_network(network, 10)
    first = others[0].address
    for suggested, names in (
        (first.host, {}),
        ("50.0.0.1", {"boot.test": first.host}),
        (None, {"boot.test": first.host}),
    ):
        node = BootstrapNode("boot.test", SERVER_PORT, suggested)
        options = replace(client_options(others), bootstrap=(node,))
        host = SimHost(network, f"40.0.{len(names)}.{1 if suggested else 2}", options, names=names)
        assert network.run_until(lambda node=host.node: node.bootstrapped, 60)  # type: ignore[misc]
        assert Bootstrapped(10) in host.events
        host.stop()


def test_nobody_answers() -> None:
    network = Network(8, Weather(loss=1))
    bootstrap = (BootstrapNode("20.0.0.1", SERVER_PORT), BootstrapNode("no.test", SERVER_PORT))
    host = SimHost(network, "40.0.0.1", NodeOptions(bootstrap=bootstrap))
    assert network.run_until(lambda: host.node.bootstrapped, 60)
    assert Bootstrapped(0) in host.events
    found = host.run(look_up, bytes(32))
    assert (found.peers, found.search.errors) == ((), 1)
    host.close()


def test_a_host_that_was_found_firewalled_is_checked_once() -> None:
    network = Network(9)
    others = start_network(network, 8)
    nat = Nat(network, PUBLIC, NatKind())
    host = SimHost(network, HOME, client_options(others), nat=nat)
    network.run(10)
    stopped_at_bootstrap = nat.filtered
    network.run(STEADY)
    checked = nat.filtered
    # Five nodes are asked, and asked again three times each, since no answer comes through.
    assert checked - stopped_at_bootstrap == 20
    network.run(2 * 3600)
    assert nat.filtered == checked
    assert host.node.id is None
