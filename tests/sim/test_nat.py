"""The simulated NATs do what RFC 4787 says their kind does."""

from __future__ import annotations

from itertools import product

import pytest

from protocol.messages import Address
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network

INDEPENDENT, BY_HOST, BY_ENDPOINT = Behaviour
INSIDE = Address("192.168.1.2", 5000)
A = Address("20.0.0.1", 1000)
A_OTHER_PORT = Address("20.0.0.1", 1001)
B = Address("20.0.0.2", 1000)
PUBLIC = "30.0.0.1"


class Lab:
    """A host behind a NAT, and public hosts; what arrives where is kept."""

    def __init__(self, kind: NatKind) -> None:
        self.network = Network(1)
        self.nat = Nat(self.network, PUBLIC, kind)
        self.outside: list[tuple[Address, Address]] = []
        self.inside: list[tuple[Address, Address]] = []
        for host in (A.host, B.host):
            self.network.attach(host, lambda _, source, to: self.outside.append((source, to)))
        for number in (2, 3):
            self.nat.attach(f"192.168.1.{number}", lambda _, source, to: self.inside.append((source, to)))

    def out(self, to: Address, source: Address = INSIDE) -> Address:
        """Send outwards; the public address it came from."""
        self.nat.send(b"x", source, to)
        self.network.run(1)
        arrived, there = self.outside.pop()
        assert there == to
        return arrived

    def back(self, source: Address, to: Address) -> bool:
        """Send inwards; whether it arrived."""
        self.network.send(b"x", source, to)
        self.network.run(1)
        return bool(self.inside) and self.inside.pop() == (source, INSIDE)


@pytest.mark.parametrize(
    ("mapping", "same_host", "same_everywhere"),
    [(INDEPENDENT, True, True), (BY_HOST, True, False), (BY_ENDPOINT, False, False)],
)
def test_mapping(mapping: Behaviour, same_host: bool, same_everywhere: bool) -> None:
    lab = Lab(NatKind(mapping))
    first = lab.out(A)
    assert first.host == PUBLIC
    assert lab.out(A) == first
    assert (lab.out(A_OTHER_PORT) == first) == same_host
    assert (lab.out(B) == first) == same_everywhere
    assert lab.out(A, Address(INSIDE.host, 5001)) != first


@pytest.mark.parametrize(
    ("mapping", "filtering"), list(product(Behaviour, Behaviour)), ids=lambda behaviour: behaviour.name
)
def test_filtering(mapping: Behaviour, filtering: Behaviour) -> None:
    lab = Lab(NatKind(mapping, filtering))
    public = lab.out(A)
    assert lab.back(A, public)
    assert lab.back(A_OTHER_PORT, public) == (filtering in (INDEPENDENT, BY_HOST))
    assert lab.back(B, public) == (filtering is INDEPENDENT)
    assert not lab.back(A, Address(PUBLIC, public.port % 65535 + 1))


def test_mappings_and_permits_run_out() -> None:
    lab = Lab(NatKind(lifetime=30))
    public = lab.out(A)
    lab.network.run(25)
    assert lab.out(B) == public
    lab.network.run(10)
    assert lab.back(B, public)
    assert not lab.back(A, public)
    lab.network.run(30)
    assert not lab.back(B, public)
    assert lab.out(A) != public
    assert lab.nat.mappings == 1


@pytest.mark.parametrize("preserved", [True, False])
def test_port_preservation(preserved: bool) -> None:
    lab = Lab(NatKind(port_preservation=preserved))
    assert (lab.out(A).port == INSIDE.port) == preserved
    # Another host with the same port can't have it too.
    assert lab.out(A, Address("192.168.1.3", INSIDE.port)).port != INSIDE.port


@pytest.mark.parametrize("hairpin", [True, False])
def test_hairpinning(hairpin: bool) -> None:
    lab = Lab(NatKind(filtering=INDEPENDENT, hairpin=hairpin))
    public = lab.out(A)
    other = Address("192.168.1.3", 6000)
    lab.nat.send(b"x", other, public)
    lab.network.run(1)
    assert [(source.host, to) for source, to in lab.inside] == ([(PUBLIC, INSIDE)] if hairpin else [])


def test_neighbours_reach_each_other_directly() -> None:
    lab = Lab(NatKind())
    lab.nat.send(b"x", Address("192.168.1.3", 6000), INSIDE)
    lab.network.run(1)
    assert lab.inside == [(Address("192.168.1.3", 6000), INSIDE)]


def test_a_forwarded_port_is_open_to_all_and_kept_outwards() -> None:
    lab = Lab(NatKind(BY_ENDPOINT))
    lab.nat.forward(7000, INSIDE)
    assert lab.back(B, Address(PUBLIC, 7000))
    assert lab.out(A) == lab.out(B) == Address(PUBLIC, 7000)


def test_a_restart_forgets() -> None:
    lab = Lab(NatKind())
    public = lab.out(A)
    lab.nat.restart()
    assert not lab.back(A, public)
    assert lab.nat.filtered == 1
