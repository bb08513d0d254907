"""The NAT does what RFC 4787 says its kind does, requirement by requirement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import Address
from protocol.nat_box import FIRST_PORT, STRAY_LIFETIME, Behaviour, NatBox, NatKind, NatRefusal, PortOrder

INDEPENDENT, BY_HOST, BY_ENDPOINT = Behaviour
PUBLIC = "30.0.0.1"
INSIDE = Address("192.168.1.2", 5000)
NEIGHBOUR = Address("192.168.1.3", 5000)
A = Address("20.0.0.1", 1000)
A_OTHER_PORT = Address("20.0.0.1", 1001)
B = Address("20.0.0.2", 1000)


class Ports:
    """Which public ports are taken, as the owner of real sockets would know."""

    def __init__(self, never: range = range(0)) -> None:
        self.taken: set[int] = set()
        self._never = never

    def take(self, port: int) -> bool:
        assert port not in self.taken
        if port in self._never:
            return False
        self.taken.add(port)
        return True

    def give_back(self, port: int) -> None:
        self.taken.remove(port)


def box_of(kind: NatKind, ports: Ports | None = None) -> NatBox:
    ports = ports or Ports()
    return NatBox(PUBLIC, kind, Random(1), take_port=ports.take, give_back=ports.give_back)


def out(box: NatBox, to: Address, source: Address = INSIDE, now: float = 0) -> Address:
    """The public address of an outgoing datagram."""
    routed = box.send(source, to, now)
    assert not isinstance(routed, NatRefusal)
    assert (routed.to, routed.inside, routed.source.host) == (to, False, PUBLIC)
    return routed.source


@pytest.mark.parametrize(
    ("mapping", "same_host", "same_everywhere"),
    [(INDEPENDENT, True, True), (BY_HOST, True, False), (BY_ENDPOINT, False, False)],
)
def test_mapping(mapping: Behaviour, same_host: bool, same_everywhere: bool) -> None:
    """4.1."""
    box = box_of(NatKind(mapping))
    first = out(box, A)
    assert out(box, A) == first
    assert (out(box, A_OTHER_PORT) == first) == same_host
    assert (out(box, B) == first) == same_everywhere
    assert out(box, A, NEIGHBOUR) != first


@pytest.mark.parametrize(("mapping", "filtering"), list(product(Behaviour, Behaviour)), ids=lambda one: one.name)
@pytest.mark.parametrize("overloading", [False, True])
def test_filtering(mapping: Behaviour, filtering: Behaviour, overloading: bool) -> None:
    """5: who may send to the mapping that was made by sending to A."""
    box = box_of(NatKind(mapping, filtering, overloading=overloading))
    port = out(box, A).port
    assert box.receive(A, port, 0) == INSIDE
    for sender, let_in in ((A_OTHER_PORT, filtering in (INDEPENDENT, BY_HOST)), (B, filtering is INDEPENDENT)):
        assert box.receive(sender, port, 0) == (INSIDE if let_in else NatRefusal.FILTERED)
    assert box.receive(A, port % 65535 + 1, 0) is NatRefusal.NO_MAPPING
    assert box.refused[NatRefusal.NO_MAPPING] == 1


def test_preservation_gives_the_inside_port_to_the_first() -> None:
    """4.2.1."""
    box = box_of(NatKind(port_preservation=True))
    assert out(box, A).port == INSIDE.port
    assert out(box, A, NEIGHBOUR).port != INSIDE.port


def test_overloading_gives_one_port_to_two_as_long_as_their_destinations_differ() -> None:
    """4.2.2."""
    box = box_of(NatKind(BY_ENDPOINT, port_preservation=True, overloading=True))
    assert out(box, A) == out(box, B, NEIGHBOUR) == Address(PUBLIC, INSIDE.port)
    assert out(box, A, NEIGHBOUR).port != INSIDE.port
    assert (box.receive(A, INSIDE.port, 0), box.receive(B, INSIDE.port, 0)) == (INSIDE, NEIGHBOUR)
    assert box.ports == 2


def test_ports_in_order() -> None:
    box = box_of(NatKind(BY_ENDPOINT, port_order=PortOrder.SEQUENTIAL))
    ports = [out(box, Address("20.0.0.1", port)).port for port in range(1, 10)]
    assert all(
        later == FIRST_PORT + (earlier - FIRST_PORT + 1) % (65536 - FIRST_PORT) for earlier, later in pairs(ports)
    )


def test_ports_at_random() -> None:
    box = box_of(NatKind(BY_ENDPOINT))
    ports = [out(box, Address("20.0.0.1", port)).port for port in range(1, 200)]
    assert len(set(ports)) == len(ports)
    assert min(ports) >= FIRST_PORT
    assert sum(abs(later - earlier) < 100 for earlier, later in pairs(ports)) < 10


def pairs(ports: list[int]) -> Iterator[tuple[int, int]]:
    return pairwise(ports)


@pytest.mark.parametrize("order", PortOrder)
def test_a_port_that_another_program_has_is_passed_over(order: PortOrder) -> None:
    free = 40000
    ports = Ports()
    ports.take = lambda port: port == free  # type: ignore[method-assign]
    box = box_of(NatKind(port_preservation=True, port_order=order), ports)
    assert out(box, A).port == free
    assert box.send(NEIGHBOUR, A, 0) is NatRefusal.NO_FREE_PORT
    assert box.mappings == 1


@pytest.mark.parametrize("inbound", [False, True])
def test_lifetime_and_what_refreshes_it(inbound: bool) -> None:
    """4.3: REQ-6."""
    box = box_of(NatKind(lifetime=30, inbound_refresh=inbound))
    port = out(box, A).port
    assert box.receive(A, port, 25) == INSIDE
    assert box.receive(A, port, 50) == (INSIDE if inbound else NatRefusal.NO_MAPPING)
    assert (out(box, B, now=60).port == port) == inbound
    later = out(box, B, now=70)
    assert out(box, B, now=99) == later
    assert box.receive(B, later.port, 128) == INSIDE


def test_a_permit_runs_out_though_its_mapping_lives() -> None:
    box = box_of(NatKind(lifetime=30))
    port = out(box, A).port
    assert out(box, B, now=25).port == port
    assert box.receive(A, port, 35) is NatRefusal.FILTERED
    assert box.receive(B, port, 35) == INSIDE


def test_sweeping_gives_ports_back_and_nothing_else() -> None:
    ports = Ports()
    box = box_of(NatKind(BY_ENDPOINT, lifetime=30), ports)
    old = [out(box, Address("20.0.0.1", port)).port for port in range(1, 6)]
    young = out(box, B, now=20).port
    box.sweep(31)
    assert ports.taken == {young}
    assert box.mappings == box.ports == 1
    assert young not in old
    assert box.receive(B, young, 31) == INSIDE


@pytest.mark.parametrize("hairpin", [True, False])
def test_hairpinning(hairpin: bool) -> None:
    """6: REQ-9, external source address."""
    box = box_of(NatKind(hairpin=hairpin, filtering=INDEPENDENT))
    public = out(box, A)
    turned = box.send(NEIGHBOUR, public, 0)
    if not hairpin:
        assert turned is NatRefusal.NO_HAIRPIN
        return
    assert not isinstance(turned, NatRefusal)
    assert (turned.to, turned.inside, turned.source.host) == (INSIDE, True, PUBLIC)
    back = box.send(INSIDE, turned.source, 0)
    assert not isinstance(back, NatRefusal)
    assert (back.source, back.to) == (public, NEIGHBOUR)


def test_a_hairpin_is_filtered_like_anything_else() -> None:
    box = box_of(NatKind(hairpin=True))
    assert box.send(NEIGHBOUR, out(box, A), 0) is NatRefusal.FILTERED


def test_a_stray_takes_the_port_from_its_sender_and_from_nobody_else() -> None:
    box = box_of(NatKind(BY_ENDPOINT, port_preservation=True, overloading=True, keeps_strays=True))
    assert out(box, B).port == INSIDE.port
    assert box.receive(A, INSIDE.port, 1) is NatRefusal.FILTERED
    remapped = out(box, A, now=2).port
    assert remapped != INSIDE.port
    assert out(box, A_OTHER_PORT, now=2).port == INSIDE.port
    # What A sends to the port that it knew still does not come in.
    assert box.receive(A, INSIDE.port, 3) is NatRefusal.FILTERED
    assert box.receive(A, remapped, 3) == INSIDE


def test_a_stray_is_forgotten() -> None:
    box = box_of(NatKind(BY_ENDPOINT, port_preservation=True, overloading=True, keeps_strays=True))
    assert box.receive(A, INSIDE.port, 0) is NatRefusal.NO_MAPPING
    assert out(box, A, now=STRAY_LIFETIME + 1).port == INSIDE.port


def test_a_forwarded_port_is_open_to_all_and_kept_outwards() -> None:
    ports = Ports()
    box = box_of(NatKind(BY_ENDPOINT), ports)
    assert box.forward(7000, INSIDE)
    assert box.receive(B, 7000, 0) == INSIDE
    assert out(box, A) == out(box, B) == Address(PUBLIC, 7000)
    box.restart()
    assert ports.taken == {7000}
    assert box.receive(A, 7000, 0) == INSIDE


def test_forwarding_a_port_that_can_not_be_had_says_so() -> None:
    box = box_of(NatKind(), Ports(never=range(7000, 7001)))
    assert not box.forward(7000, INSIDE)
    assert box.receive(B, 7000, 0) is NatRefusal.NO_MAPPING


def test_a_restart_forgets_and_gives_back() -> None:
    ports = Ports()
    box = box_of(NatKind(), ports)
    port = out(box, A).port
    box.restart()
    assert not ports.taken
    assert box.receive(A, port, 0) is NatRefusal.NO_MAPPING


def test_a_full_table_refuses_until_something_runs_out() -> None:
    ports = Ports()
    box = box_of(NatKind(BY_ENDPOINT, max_mappings=3, lifetime=30), ports)
    for port in range(1, 4):
        out(box, Address("20.0.0.1", port), now=port)
    assert box.send(INSIDE, B, 5) is NatRefusal.TABLE_FULL
    assert box.refused[NatRefusal.TABLE_FULL] == 1
    out(box, B, now=31.5)
    assert len(ports.taken) == box.mappings == 3


def test_permits_are_bounded() -> None:
    box = box_of(NatKind(max_permits=2))
    port = out(box, A).port
    out(box, B)
    out(box, A)
    out(box, A_OTHER_PORT)
    assert box.receive(A, port, 0) == INSIDE
    assert box.receive(B, port, 0) is NatRefusal.FILTERED


ENDPOINTS = st.builds(Address, st.sampled_from(["20.0.0.1", "20.0.0.2", PUBLIC]), st.integers(1024, 1030))
INSIDES = st.builds(Address, st.sampled_from([INSIDE.host, NEIGHBOUR.host]), st.integers(1024, 1027))
KINDS = st.builds(
    NatKind,
    st.sampled_from(Behaviour),
    st.sampled_from(Behaviour),
    port_preservation=st.booleans(),
    lifetime=st.just(10.0),
    hairpin=st.booleans(),
    port_order=st.sampled_from(PortOrder),
    overloading=st.booleans(),
    inbound_refresh=st.booleans(),
    keeps_strays=st.booleans(),
    max_mappings=st.just(8),
    max_permits=st.just(3),
)


@given(
    KINDS,
    st.lists(st.tuples(st.sampled_from(["out", "in", "sweep"]), INSIDES, ENDPOINTS, st.floats(0, 8)), max_size=60),
)
def test_whatever_happens_ports_are_those_of_mappings_and_answers_come_back(
    kind: NatKind, steps: list[tuple[str, Address, Address, float]]
) -> None:
    ports = Ports()
    box = box_of(kind, ports)
    now = 0.0
    for act, inside, remote, pause in steps:
        now += pause
        if act == "out":
            routed = box.send(inside, remote, now)
            if not isinstance(routed, NatRefusal) and not routed.inside:
                assert box.receive(remote, routed.source.port, now) == inside
        elif act == "in":
            box.receive(remote, inside.port, now)
        else:
            box.sweep(now)
        assert len(ports.taken) == box.ports <= box.mappings <= 8
    box.sweep(now + 11)
    assert not ports.taken
    assert box.mappings == 0
