"""Sockets of the pool: how long they are open, who is told of punches, and which may be used again."""

from __future__ import annotations

import pytest

from protocol.dht.contact import Failure
from protocol.dht.refusals import Refusal
from protocol.messages import Address
from protocol.punch.pool import LINGER, SocketPool, SocketRoute
from tests.protocol.punch.host import THEIRS, PunchHostUnderTest, node_address

KEY = b"k" * 32


def test_numbers_are_never_used_again() -> None:
    host = PunchHostUnderTest()
    numbers = []
    for _ in range(3):
        numbers.append(host.pool.acquire(host.now))
        host.pool.release(numbers[-1], host.now)
    assert numbers == [2, 3, 4] == host.released
    assert (len(host.pool), host.pool.acquired) == (0, 3)


def test_punches_go_to_the_holder_until_it_releases() -> None:
    host = PunchHostUnderTest()
    punches: list[tuple[int, Address, float]] = []
    number = host.pool.acquire(host.now, lambda *what: punches.append(what))
    host.pool.attach(number)
    assert host.pool.receive_punch(b"\7", THEIRS, host.now, number)
    host.pool.release(number, host.now)
    assert host.pool.receive_punch(b"\0", THEIRS, host.now, number)
    assert punches == [(number, THEIRS, 100.0)]


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\xff" * 20, b"\x03\0"])
def test_what_is_no_punch(data: bytes) -> None:
    host = PunchHostUnderTest()
    number = host.pool.acquire(host.now, lambda *_: pytest.fail("no punch"))
    assert not host.pool.receive_punch(data, THEIRS, host.now, number)
    assert host.pool.is_udx(data) == (data[:1] == b"\xff")


@pytest.mark.parametrize("socket", [0, 1])
def test_one_byte_on_the_nodes_own_sockets_is_no_punch(socket: int) -> None:
    host = PunchHostUnderTest()
    assert not host.pool.receive_punch(b"\0", THEIRS, host.now, socket)


def test_a_socket_stays_open_for_its_streams_and_holders() -> None:
    host = PunchHostUnderTest()
    pool = host.pool
    number = pool.acquire(host.now)
    pool.attach(number)
    pool.attach(number)
    assert pool.hold(number)
    pool.release(number, host.now)
    pool.detach(number, host.now)
    pool.let_go(number, host.now)
    assert pool.is_open(number)
    pool.detach(number, host.now)
    assert not pool.is_open(number)
    assert not pool.hold(number)
    # Nothing comes of what comes late.
    for late in (pool.release, pool.detach, pool.let_go):
        late(number, host.now)
    pool.attach(number)
    pool.socket_failed(number, host.now)
    assert host.released == [number]
    assert pool.is_open(0)
    assert pool.is_open(1)


def test_a_way_that_may_be_used_again_lingers() -> None:
    host = PunchHostUnderTest()
    pool = host.pool
    number = pool.acquire(host.now)
    pool.attach(number)
    pool.add_route(KEY, number, THEIRS)
    pool.add_route(KEY, number + 1, THEIRS)
    assert pool.route(KEY) == SocketRoute(number, THEIRS)
    pool.release(number, host.now)
    pool.detach(number, host.now)
    host.advance(LINGER - 0.1)
    assert pool.route(KEY) == SocketRoute(number, THEIRS)
    # Taken again in time, it stays, and lingers anew.
    assert pool.hold(number)
    assert pool.next_timeout() is None
    pool.attach(number)
    host.advance(100)
    pool.let_go(number, host.now)
    pool.detach(number, host.now)
    assert pool.next_timeout() == host.now + LINGER
    host.advance(LINGER)
    assert (pool.route(KEY), host.released) == (None, [number])


def test_a_way_that_failed_is_closed_at_once() -> None:
    host = PunchHostUnderTest()
    pool = host.pool
    number = pool.acquire(host.now)
    pool.attach(number)
    pool.add_route(KEY, number, THEIRS)
    pool.route_failed(KEY, number)
    pool.release(number, host.now)
    pool.detach(number, host.now)
    assert (pool.route(KEY), host.released) == (None, [number])


def test_one_that_carried_no_stream_does_not_linger() -> None:
    host = PunchHostUnderTest()
    number = host.pool.acquire(host.now)
    host.pool.add_route(KEY, number, THEIRS)
    host.pool.release(number, host.now)
    assert host.released == [number]


def test_requests_from_a_socket_that_closes_fail_and_nothing_more_is_sent() -> None:
    host = PunchHostUnderTest()
    failures: list[Failure] = []
    number = host.pool.acquire(host.now)
    session = host.node.session()
    session.ping(node_address(0), host.now, lambda *_: None, lambda failure, _: failures.append(failure), socket=number)
    assert len(host.pings()) == 1
    host.pool.release(number, host.now)
    assert failures == [Failure.NO_SOCKET]
    assert len(session) == 0
    host.node.requests.send(b"\0", THEIRS, number)
    host.advance(10)
    assert not host.punched
    assert not host.pings()
    assert host.node.refused[Refusal.CLOSED_SOCKET] == 1


def test_what_was_said_before_closing_is_sent() -> None:
    host = PunchHostUnderTest()
    number = host.pool.acquire(host.now)
    host.node.requests.send(b"\0", THEIRS, number)
    host.pool.release(number, host.now)
    host.pump()
    assert [sent.socket for sent in host.punched] == [number]


def test_a_socket_that_can_not_be_opened() -> None:
    host = PunchHostUnderTest()
    told: list[int] = []
    number = host.pool.acquire(host.now, None, lambda socket, _: told.append(socket))
    host.pool.socket_failed(number, host.now)
    assert (told, host.released, len(host.pool)) == ([number], [number], 0)


def test_a_full_pool_says_so() -> None:
    host = PunchHostUnderTest()
    pool = SocketPool(host.node, lambda _: None, max_sockets=2)
    first, _ = pool.acquire(host.now), pool.acquire(host.now)
    assert pool.is_full
    pool.release(first, host.now)
    assert not pool.is_full


def test_closing_closes_all() -> None:
    host = PunchHostUnderTest()
    numbers = [host.pool.acquire(host.now) for _ in range(3)]
    host.pool.attach(numbers[1])
    host.pool.close(host.now)
    assert host.released == numbers
    assert len(host.pool) == 0


def test_sessions_give_up_together() -> None:
    host = PunchHostUnderTest()
    failures: list[Failure] = []
    session = host.node.session()
    for number in range(3):
        session.ping(node_address(number), host.now, lambda *_: None, lambda failure, _: failures.append(failure))
    host.pump()
    host.node.ping(node_address(3), host.now, lambda *_: None, lambda failure, _: failures.append(failure))
    session.destroy(host.now)
    assert failures == [Failure.CANCELLED] * 3
    assert host.node.requests.in_flight == 1
    session.destroy(host.now)
    assert len(failures) == 3
