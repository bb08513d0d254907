"""The puncher: which course it takes, what it sends when, and every way to its end."""

from __future__ import annotations

from itertools import pairwise

import pytest

from protocol.constants import Firewall
from protocol.messages import Address
from protocol.punch.puncher import MAX_ECHOES, Puncher
from tests.protocol.punch.host import THEIRS, PunchHostUnderTest, Sent

ELSEWHERE = Address("198.51.100.8", 50001)
LAN = Address("192.168.1.5", 50002)


def remote(
    puncher: Puncher,
    firewall: Firewall,
    *addresses: Address,
    verified: str | None = THEIRS.host,
    punching: bool = True,
) -> None:
    puncher.update_remote(punching=punching, firewall=firewall, addresses=addresses or (THEIRS,), verified=verified)


def times(punched: list[Sent], to: Address, since: float = 100.0) -> list[float]:
    return [round(sent.at - since, 3) for sent in punched if sent.to == to]


class Ended:
    """What a puncher told."""

    def __init__(self) -> None:
        self.connected: list[tuple[int, Address, float]] = []
        self.aborted: list[float] = []

    def on_connect(self, socket: int, addr: Address, now: float) -> None:
        self.connected.append((socket, addr, now))

    def on_abort(self, now: float) -> None:
        self.aborted.append(now)


@pytest.mark.parametrize("local", [Firewall.CONSISTENT, Firewall.OPEN])
@pytest.mark.parametrize("theirs", [Firewall.CONSISTENT, Firewall.OPEN])
def test_consistent_rounds_of_the_client(local: Firewall, theirs: Firewall) -> None:
    host = PunchHostUnderTest(firewalled=local != Firewall.OPEN)
    ended = Ended()
    puncher = host.sampled(local, on_connect=ended.on_connect, on_abort=ended.on_abort)
    remote(puncher, theirs, THEIRS, ELSEWHERE, LAN)
    assert puncher.punch(host.now)
    assert (puncher.punching, host.punches.consistent, host.punches.running) == (True, 1, 0)
    host.pump()
    host.advance(20)
    # Verified addresses ten times, a second apart; the others in the fourth and the eighth round.
    assert times(host.punched, THEIRS) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert times(host.punched, ELSEWHERE) == times(host.punched, LAN) == [3, 7]
    assert {(sent.socket, sent.low_ttl) for sent in host.punched} == {(puncher.socket, False)}
    assert (ended.connected, ended.aborted) == ([], [110.0])
    assert (puncher.destroyed, puncher.punching, host.released) == (True, False, [puncher.socket])


def test_a_server_waits_a_second_before_its_first_round() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.CONSISTENT, initiator=False, on_abort=ended.on_abort)
    remote(puncher, Firewall.CONSISTENT)
    assert puncher.punch(host.now)
    host.pump()
    host.advance(20)
    assert times(host.punched, THEIRS) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert ended.aborted == [111.0]


def test_addresses_learned_on_the_way_are_tried() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.CONSISTENT)
    remote(puncher, Firewall.CONSISTENT, verified=None)
    assert puncher.punch(host.now)
    host.advance(2.5)
    assert not host.punched
    remote(puncher, Firewall.CONSISTENT, THEIRS, ELSEWHERE)
    host.advance(20)
    assert times(host.punched, THEIRS) == [3, 4, 5, 6, 7, 8, 9]
    assert times(host.punched, ELSEWHERE) == [3, 7]


def test_random_probes() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.CONSISTENT, on_abort=ended.on_abort)
    remote(puncher, Firewall.RANDOM, Address(ELSEWHERE.host, 0), Address(THEIRS.host, 0))
    assert puncher.punch(host.now)
    assert (host.punches.random, host.punches.running) == (1, 1)
    host.pump()
    host.advance(34.99)
    assert len(host.punched) == 1750
    assert {sent.to.host for sent in host.punched} == {THEIRS.host}
    assert {(sent.socket, sent.low_ttl) for sent in host.punched} == {(puncher.socket, False)}
    ports = {sent.to.port for sent in host.punched}
    assert all(1000 <= port < 65536 for port in ports)
    assert len(ports) > 1650
    assert all(b.at - a.at == pytest.approx(0.02) for a, b in pairwise(host.punched))
    assert not ended.aborted
    host.advance(1)
    assert ended.aborted == [pytest.approx(135.0)]
    assert len(host.punched) == 1750
    # The next one may begin 20 s after this one's end.
    assert (host.punches.running, host.punches.may_start(154.9), host.punches.may_start(155.1)) == (0, False, True)


def test_birthday_sockets() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.RANDOM, on_abort=ended.on_abort)
    first = puncher.socket
    remote(puncher, Firewall.CONSISTENT, ELSEWHERE, THEIRS)
    assert puncher.punch(host.now)
    host.pump()
    assert (len(puncher.sockets), len(host.pool), host.punches.running) == (256, 256, 1)
    # Each new socket opens its hole at once; the first one had been sampled.
    opened = host.punched[:]
    assert [sent.socket for sent in opened] == puncher.sockets[1:]
    assert {(sent.at, sent.to, sent.low_ttl) for sent in opened} == {(100.0, THEIRS, True)}
    host.punched.clear()
    sockets = puncher.sockets[:]
    host.advance(60)
    assert len(host.punched) == 1750
    assert host.punched[0].at == pytest.approx(100.1)
    assert all(b.at - a.at == pytest.approx(0.02) for a, b in pairwise(host.punched))
    assert [sent.socket for sent in host.punched] == (sockets * 7)[:1750]
    assert [sent.low_ttl for sent in host.punched] == [True] * 256 + [False] * (1750 - 256)
    assert {sent.to for sent in host.punched} == {THEIRS}
    assert ended.aborted == [pytest.approx(135.1)]
    assert sorted(host.released) == sockets
    assert sockets[0] == first
    assert (len(host.pool), host.punches.running) == (0, 0)


def test_a_birthday_attempt_does_with_the_sockets_it_gets() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.RANDOM, on_abort=ended.on_abort)
    remote(puncher, Firewall.CONSISTENT)
    assert puncher.punch(host.now)
    host.pump()
    for socket in puncher.sockets[100:]:
        host.pool.socket_failed(socket, host.now)
    assert len(puncher.sockets) == len(host.pool) == 100
    host.punched.clear()
    host.advance(60)
    assert len(host.punched) == 1750
    assert len({sent.socket for sent in host.punched}) == 100
    assert [sent.low_ttl for sent in host.punched].index(False) == 100
    assert ended.aborted


def test_without_its_first_socket_an_attempt_ends() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.puncher(on_abort=ended.on_abort)
    host.pool.socket_failed(puncher.socket, host.now)
    assert puncher.destroyed
    assert ended.aborted == [100.0]
    assert host.released == [2]


@pytest.mark.parametrize(
    ("local", "theirs", "verified"),
    [
        (Firewall.RANDOM, Firewall.RANDOM, True),
        (Firewall.UNKNOWN, Firewall.CONSISTENT, True),
        (Firewall.CONSISTENT, Firewall.UNKNOWN, True),
        (Firewall.CONSISTENT, Firewall.RANDOM, False),
        (Firewall.RANDOM, Firewall.CONSISTENT, False),
    ],
)
def test_pairs_that_can_not_be_punched(local: Firewall, theirs: Firewall, verified: bool) -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(local)
    remote(puncher, theirs, verified=THEIRS.host if verified else None)
    assert not puncher.punch(host.now)
    assert not puncher.punch(host.now)
    host.advance(60)
    assert not host.punched
    assert (host.punches.consistent, host.punches.random, host.punches.running) == (0, 0, 0)


def test_the_first_answer_stays() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.CONSISTENT)
    assert not puncher.punch(host.now)
    remote(puncher, Firewall.CONSISTENT)
    assert not puncher.punch(host.now)
    other = host.sampled(Firewall.CONSISTENT)
    remote(other, Firewall.CONSISTENT)
    assert other.punch(host.now)
    host.pump()
    assert other.punch(host.now)
    host.pump()
    assert len(host.punched) == 1


def test_verified_hosts_stay_verified_as_long_as_they_are_named() -> None:
    host = PunchHostUnderTest()
    puncher = host.puncher()
    other_port = Address(THEIRS.host, 1)

    def verified() -> list[bool]:
        return [known.verified for known in puncher.remote_addresses]

    remote(puncher, Firewall.CONSISTENT, THEIRS, ELSEWHERE)
    assert verified() == [True, False]
    remote(puncher, Firewall.CONSISTENT, ELSEWHERE, other_port, verified=None)
    assert verified() == [False, True]
    remote(puncher, Firewall.CONSISTENT, ELSEWHERE, THEIRS, verified=ELSEWHERE.host)
    assert verified() == [True, True]
    puncher.update_remote(punching=False, firewall=Firewall.RANDOM, addresses=None, verified=None)
    assert (puncher.remote_addresses, puncher.remote_firewall, puncher.remote_punching) == ((), Firewall.RANDOM, False)
    remote(puncher, Firewall.CONSISTENT, THEIRS, verified=None)
    assert verified() == [False]


def test_a_punch_connects_the_client_and_frees_the_other_sockets() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.RANDOM, on_connect=ended.on_connect, on_abort=ended.on_abort)
    remote(puncher, Firewall.CONSISTENT)
    assert puncher.punch(host.now)
    host.advance(5)
    hit = puncher.sockets[77]
    host.punched.clear()
    assert host.pool.receive_punch(b"\0", ELSEWHERE, host.now, hit)
    assert ended.connected == [(hit, ELSEWHERE, 105.0)]
    assert (puncher.connected, puncher.punching, puncher.socket, puncher.sockets) == (True, False, hit, [hit])
    assert (len(host.pool), len(host.released)) == (1, 255)
    assert (host.punches.running, host.punches.may_start(124.9), host.punches.may_start(125)) == (0, False, True)
    # A second one, and one to a socket that is closed, change nothing.
    assert host.pool.receive_punch(b"\0", THEIRS, host.now, hit)
    assert host.pool.receive_punch(b"\0", THEIRS, host.now, puncher.sockets[0] + 1)
    host.advance(60)
    assert len(ended.connected) == 1
    assert not host.punched
    # Its stream holds the socket when the puncher goes.
    host.pool.attach(hit)
    puncher.destroy(host.now)
    puncher.destroy(host.now)
    assert not ended.aborted
    assert host.pool.is_open(hit)
    host.pool.detach(hit, host.now)
    assert not host.pool.is_open(hit)


def test_a_server_answers_punches_and_does_not_connect_by_them() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.CONSISTENT, initiator=False, on_connect=ended.on_connect)
    for _ in range(3):
        assert host.pool.receive_punch(b"\0", ELSEWHERE, host.now, puncher.socket)
    host.pump()
    assert host.punched == [Sent(100.0, ELSEWHERE, puncher.socket, False)] * 3
    assert (ended.connected, puncher.connected, puncher.echoes) == ([], False, 3)


def test_two_servers_do_not_answer_each_other_for_ever() -> None:
    host = PunchHostUnderTest()
    one, two = (host.sampled(Firewall.CONSISTENT, initiator=False) for _ in range(2))
    host.pool.receive_punch(b"\0", ELSEWHERE, host.now, one.socket)
    for _ in range(3 * MAX_ECHOES):
        host.pump()
        if not host.punched:
            break
        (sent,) = host.punched
        host.punched.clear()
        host.pool.receive_punch(b"\0", ELSEWHERE, host.now, two.socket if sent.socket == one.socket else one.socket)
    assert one.echoes == two.echoes == MAX_ECHOES
    assert host.punches.echoes_refused == 1


def test_destroying_ends_everything() -> None:
    host = PunchHostUnderTest()
    ended = Ended()
    puncher = host.sampled(Firewall.CONSISTENT, on_abort=ended.on_abort)
    remote(puncher, Firewall.RANDOM)
    assert puncher.punch(host.now)
    host.advance(1)
    puncher.destroy(host.now)
    puncher.destroy(host.now)
    assert ended.aborted == [101.0]
    assert (host.punches.running, puncher.next_timeout(), host.released) == (0, None, [puncher.socket])
    before = len(host.punched)
    host.advance(60)
    assert len(host.punched) == before


def test_openers_and_pings() -> None:
    host = PunchHostUnderTest()
    puncher = host.sampled(Firewall.CONSISTENT)
    puncher.open_session(THEIRS, host.now)
    puncher.ping(ELSEWHERE, host.now)
    host.pump()
    assert host.punched == [
        Sent(100.0, THEIRS, puncher.socket, True),
        Sent(100.0, ELSEWHERE, puncher.socket, False),
    ]
    assert (puncher.probes, puncher.last_probe) == (2, 100.0)
