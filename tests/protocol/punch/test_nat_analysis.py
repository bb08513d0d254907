"""The NAT of one socket: whom it asks, when it is done, what it then says. Decisions are compared in tests/interop."""

from __future__ import annotations

import pytest

from protocol.constants import Firewall
from protocol.dht.contact import Failure
from protocol.messages import Address
from protocol.punch.nat_analysis import NatAnalysis
from tests.protocol.punch.host import OURS, PunchHostUnderTest, node_address


def analysis(host: PunchHostUnderTest) -> tuple[NatAnalysis, list[float]]:
    nat = NatAnalysis(host.node, host.node.session(), host.pool.acquire(host.now))
    nat.start(host.now)
    done: list[float] = []
    nat.when_analyzed(host.now, done.append)
    return nat, done


def asked(host: PunchHostUnderTest) -> list[Address]:
    return [out.to for _, out in host.pings()]


@pytest.mark.parametrize(
    ("known", "expected"),
    [(0, []), (2, [1, 0]), (4, [3, 2, 1, 0]), (7, [6, 5, 4, 3]), (8, [2, 1, 0]), (12, [6, 5, 4, 3])],
)
def test_the_latest_nodes_are_asked_but_for_five_of_many(known: int, expected: list[int]) -> None:
    host = PunchHostUnderTest(known)
    analysis(host)
    assert asked(host) == [node_address(number) for number in expected]


def test_pings_leave_from_the_socket_and_are_not_repeated() -> None:
    host = PunchHostUnderTest(4)
    _, done = analysis(host)
    pings = host.pings()
    assert [out.socket for _, out in pings] == [2] * 4
    assert {(request.internal, request.command, request.id) for request, _ in pings} == {(True, 0, None)}
    host.advance(0.99)
    assert not done
    host.advance(0.01)
    # Nobody else is left to be asked.
    assert done == [101.0]
    assert not host.pings()


def test_others_are_asked_when_too_few_answer() -> None:
    host = PunchHostUnderTest(12)
    nat, done = analysis(host)
    (request, out), *_ = host.pings()
    host.answer(request, out, OURS)
    host.advance(1)
    # One sample is there, three are missing; the one that answered is now the latest of the five that are left out.
    assert asked(host) == [node_address(number) for number in (7, 2, 1)]
    host.advance(1)
    assert done == [102.0]
    assert (nat.sampled, nat.firewall, nat.addresses) == (1, Firewall.UNKNOWN, None)


def test_three_that_agree_are_enough() -> None:
    host = PunchHostUnderTest(4)
    nat, done = analysis(host)
    for count, (request, out) in enumerate(host.pings(), 1):
        host.answer(request, out, OURS)
        assert (done == [100.0]) == (count >= 3)
    assert (nat.firewall, nat.addresses) == (Firewall.CONSISTENT, (OURS,))
    assert "CONSISTENT" in nat.rule


def test_an_open_node_needs_one() -> None:
    host = PunchHostUnderTest(4, firewalled=False)
    nat, done = analysis(host)
    (request, out), *_ = host.pings()
    assert (nat.firewall, done) == (Firewall.OPEN, [])
    host.answer(request, out, OURS)
    assert (nat.firewall, nat.addresses, done) == (Firewall.OPEN, None, [100.0])


def test_freezing_keeps_what_was_said() -> None:
    host = PunchHostUnderTest(4)
    nat, _ = analysis(host)
    host.answer_all(OURS)
    nat.freeze()
    for number in range(10, 20):
        nat.add(Address(OURS.host, number), node_address(number), host.now)
    assert (nat.firewall, nat.addresses, nat.sampled) == (Firewall.CONSISTENT, (OURS,), 14)
    nat.unfreeze()
    assert nat.firewall == Firewall.CONSISTENT
    assert nat.addresses == (OURS, Address(OURS.host, 10))


def test_each_node_counts_once() -> None:
    host = PunchHostUnderTest(0)
    nat, _ = analysis(host)
    for _ in range(5):
        nat.add(OURS, node_address(1), host.now)
    assert (nat.sampled, nat.firewall) == (1, Firewall.UNKNOWN)


def test_destroying_tells_who_waits_and_asks_nobody_else() -> None:
    host = PunchHostUnderTest(12)
    nat, done = analysis(host)
    host.pings()
    nat.destroy(host.now)
    assert done == [100.0]
    host.advance(10)
    assert not host.pings()
    late: list[float] = []
    nat.when_analyzed(host.now, late.append)
    assert late == [110.0]


def test_a_node_that_is_closed() -> None:
    host = PunchHostUnderTest(12)
    host.node.close(host.now)
    failures: list[Failure] = []
    host.node.session().ping(node_address(0), host.now, lambda *_: None, lambda why, _: failures.append(why))
    assert failures == [Failure.CLOSED]
    nat, done = analysis(host)
    assert (done, nat.firewall) == ([100.0], Firewall.UNKNOWN)
