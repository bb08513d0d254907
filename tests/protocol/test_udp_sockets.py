"""Sockets besides a node's two: bound when first used, closed when released; TTLs, tap, suspending, networks."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from protocol.constants import InternalCommand
from protocol.dht.contact import Ask, Contact, Failure, NodeSocket, Outgoing, Reply
from protocol.dht.events import Event, SocketReleased
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from protocol.punch.pool import SocketPool
from protocol.udp_shell import Tapped, UdpShell
from protocol.udp_sockets import Endpoint, Receive, SystemNetwork, ttl_of

LOOPBACK = "127.0.0.1"
PERSISTENT = NodeOptions(ephemeral=False, firewalled=False)
IP_RECVTTL = 12
"""Of Linux; Python has no name for it."""


class Puppet:
    """A machine that does what the test says, and keeps what it is told."""

    def __init__(self) -> None:
        self.local_addresses: tuple[Address, ...] = ()
        self.to_send: deque[Outgoing] = deque()
        self.events: deque[Event] = deque()
        self.received: list[tuple[bytes, Address, int]] = []
        self.polls_between: list[int] = []
        self.failed: list[int] = []
        self.calls: list[str] = []
        self.arrived = asyncio.Event()

    def start(self, server_port: int, now: float) -> None:
        self.calls.append(f"start {server_port}")

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        self.received.append((data, addr, socket))
        self.polls_between.append(0)
        self.arrived.set()

    def handle_timeout(self, now: float) -> None:
        self.calls.append("timeout")

    def next_timeout(self) -> float | None:
        return None

    def poll_datagram(self, now: float) -> Outgoing | None:
        if self.polls_between:
            self.polls_between[-1] += 1
        return self.to_send.popleft() if self.to_send else None

    def poll_event(self) -> Event | None:
        return self.events.popleft() if self.events else None

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        self.calls.append(f"resolved {host}")

    def socket_failed(self, socket: int, now: float) -> None:
        self.failed.append(socket)

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:
        self.calls.append(f"addresses {' '.join(address.host for address in addresses)}")
        self.local_addresses = addresses

    def suspend(self, now: float) -> None:
        self.calls.append("suspend")

    def resume(self, server_port: int, now: float) -> None:
        self.calls.append(f"resume {server_port}")

    def close(self, now: float) -> None:
        self.calls.append("close")


async def puppet_shell(network: SystemNetwork | None = None, host: str = LOOPBACK) -> UdpShell[Puppet]:
    return await UdpShell.run_machine(lambda _random, _now, _epoch: Puppet(), host=host, port=0, network=network)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that tells the TTL of what it receives."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.bind((LOOPBACK, 0))
        sock.settimeout(5)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        yield sock


def heard(sock: socket.socket) -> tuple[bytes, int, Address]:
    """The next datagram, its TTL and its source."""
    data, ancillary, _, source = sock.recvmsg(2000, 64)
    (ttl,) = [int.from_bytes(value[:4], "little") for level, kind, value in ancillary if kind == socket.IP_TTL]
    return data, ttl, Address(*source)


async def test_a_socket_is_bound_when_first_sent_from_and_closed_when_released(listener: socket.socket) -> None:
    async with await puppet_shell() as shell:
        to = Address(*listener.getsockname())
        assert shell.sockets == 2
        for number in (7, 3, 7):
            shell.machine.to_send.append(Outgoing(b"x", to, number))
        shell.drive()
        sources = [heard(listener)[2] for _ in range(3)]
        assert sources == [shell.address(7), shell.address(3), shell.address(7)]
        assert len({shell.address(number) for number in (0, 1, 3, 7)}) == 4
        listener.sendto(b"back", sources[0])
        await shell.machine.arrived.wait()
        assert shell.machine.received == [(b"back", to, 7)]
        shell.machine.events.append(SocketReleased(7))
        shell.drive()
        assert shell.sockets == 3
        with pytest.raises(KeyError):
            shell.address(7)
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as again:
            again.bind(sources[0])
        # What comes too late does not open it again.
        shell.machine.to_send.append(Outgoing(b"late", to, 7))
        shell.drive()
        assert (shell.sockets, shell.errors, shell.machine.failed) == (3, 1, [])


async def test_a_ttl_is_of_one_datagram_only(listener: socket.socket) -> None:
    async with await puppet_shell() as shell:
        to = Address(*listener.getsockname())
        for ttl in (None, 5, None):
            shell.machine.to_send.append(Outgoing(b"p", to, NodeSocket.CLIENT, ttl))
        shell.drive()
        usual, low, after = (heard(listener)[1] for _ in range(3))
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            assert usual == other.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)
        assert low == 5
        assert usual == after != 5


async def test_the_tap_sees_every_datagram_once(listener: socket.socket) -> None:
    taps: list[Tapped] = []
    async with await puppet_shell() as shell:
        shell.tap = taps.append
        to = Address(*listener.getsockname())
        shell.machine.to_send.append(Outgoing(b"out", to, 2, 5))
        shell.drive()
        listener.sendto(b"in", heard(listener)[2])
        await shell.machine.arrived.wait()
        local = shell.address(2)
    sent, received = taps
    assert sent[1:] == (True, local, to, 5, b"out", 2)
    assert received[1:] == (False, local, to, listener.getsockopt(socket.IPPROTO_IP, socket.IP_TTL), b"in", 2)
    assert 1_700_000_000 * 10**9 < sent.time_ns < received.time_ns


async def test_the_tap_is_told_the_ttl_that_was_left_or_nothing(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hears(ttl: int) -> int | None:
        taps: list[Tapped] = []
        async with await puppet_shell() as shell:
            shell.tap = taps.append
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            listener.sendto(b"in", shell.address(NodeSocket.SERVER))
            await shell.machine.arrived.wait()
        (tapped,) = taps
        return tapped.ttl

    assert [await hears(ttl) for ttl in (5, 200)] == [5, 200]
    monkeypatch.setattr("sys.platform", "plan9")
    assert await hears(5) is None


@pytest.mark.parametrize(
    ("ancillary", "ttl"),
    [
        ([(socket.IPPROTO_IP, socket.IP_TTL, b"\x05\0\0\0")], 5),
        ([(socket.SOL_SOCKET, 99, b"\x07\0\0\0"), (socket.IPPROTO_IP, 24, b"\xff")], 255),
        ([(socket.IPPROTO_IP, socket.IP_TTL, b"")], None),
        ([(socket.IPPROTO_IP, 8, b"\x05\0\0\0")], None),
        ([], None),
    ],
)
def test_the_systems_ways_to_tell_a_ttl(ancillary: list[tuple[int, int, bytes]], ttl: int | None) -> None:
    assert ttl_of(ancillary) == ttl


async def test_what_arrives_together_is_answered_together(listener: socket.socket) -> None:
    async with await puppet_shell() as shell:
        for count in range(10):
            listener.sendto(bytes([count]), shell.address(NodeSocket.SERVER))
        while len(shell.machine.received) < 10:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [data[0] for data, _, _ in shell.machine.received] == list(range(10))
        # Nothing is sent before the last of them has been handed in.
        assert shell.machine.polls_between[:-1] == [0] * 9
        assert shell.machine.polls_between[-1] > 0


class NoMore(SystemNetwork):
    """The system has two sockets for us."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 2

    def bind(self, host: str, port: int, receive: Receive) -> Endpoint:  # type: ignore[override]
        if not self.left:
            raise OSError(errno.EMFILE, "too many open files")
        self.left -= 1
        return super().bind(host, port, receive)


async def test_a_socket_that_the_system_does_not_give(listener: socket.socket) -> None:
    async with await puppet_shell(NoMore()) as shell:
        shell.machine.to_send.append(Outgoing(b"x", Address(*listener.getsockname()), 2))
        shell.drive()
        assert shell.machine.failed == [2]
        assert (shell.sockets, shell.errors) == (2, 1)


async def test_without_sockets_nothing_is_opened() -> None:
    network = NoMore()
    network.left = 1
    with pytest.raises(OSError, match="too many"):
        await puppet_shell(network)


async def test_a_request_from_a_socket_that_fails_is_failed() -> None:
    failures: list[Failure] = []
    network = NoMore()
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0, network=network) as shell:
        released: list[SocketReleased] = []
        pool = SocketPool(shell.machine, released.append)
        number = pool.acquire(shell.now)
        shell.act(
            lambda node, now: node.ping(
                Address(LOOPBACK, 9), now, lambda *_: None, lambda failure, _: failures.append(failure), socket=number
            )
        )
    assert failures == [Failure.NO_SOCKET]


async def test_a_node_asks_and_answers_on_other_sockets() -> None:
    async with (
        await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as one,
        await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as two,
    ):
        pool = SocketPool(one.machine, lambda _: None)
        number = pool.acquire(one.now)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        server = two.address(NodeSocket.SERVER)
        one.act(
            lambda node, now: node.ping(
                server, now, lambda reply, _: future.set_result(reply), lambda *_: None, socket=number
            )
        )
        reply = await future
        assert reply.to == one.address(number)
        assert (reply.socket, reply.external) == (number, True)
        # What is asked of that socket is answered from it, without the node's id.
        back: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        ask = Ask(InternalCommand.FIND_NODE, internal=True, target=bytes(32))
        two.act(
            lambda node, now: node.requests.request(
                ask, Contact(reply.to), now, lambda reply, _: back.set_result(reply), lambda *_: None
            )
        )
        assert (await back).sender == Contact(one.address(number), None)


async def test_suspending_closes_all_sockets_and_resuming_takes_the_ports_again(listener: socket.socket) -> None:
    async with await puppet_shell() as shell:
        shell.machine.to_send.append(Outgoing(b"x", Address(*listener.getsockname()), 2))
        shell.drive()
        before = [shell.address(number) for number in (0, 1)]
        assert shell.sockets == 3
        shell.suspend()
        shell.suspend()
        assert shell.sockets == 0
        shell.resume()
        shell.resume()
        assert [shell.address(number) for number in (0, 1)] == before
        assert shell.sockets == 2
        assert shell.machine.calls == [f"start {before[1].port}", "suspend", f"resume {before[1].port}"]


async def test_a_port_that_was_taken_meanwhile(listener: socket.socket) -> None:
    async with await puppet_shell() as shell:
        server = shell.address(NodeSocket.SERVER)
        shell.suspend()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as thief:
            thief.bind(server)
            shell.resume()
            assert shell.address(NodeSocket.SERVER) != server
            assert shell.machine.calls[-1] == f"resume {shell.address(NodeSocket.SERVER).port}"


async def test_a_suspended_shell_closes() -> None:
    shell = await puppet_shell()
    shell.suspend()
    await shell.close()
    shell.resume()
    assert shell.sockets == 0
    assert shell.machine.calls[1:] == ["suspend", "close"]


async def test_a_node_goes_on_after_a_suspension() -> None:
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as one:
        server = one.address(NodeSocket.SERVER)
        async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as two:
            failures: list[Failure] = []

            def ping(node: Node, now: float, done: object) -> None:
                node.ping(server, now, done, done)  # type: ignore[arg-type]

            waiting = asyncio.create_task(two.run(ping))  # type: ignore[arg-type]
            await asyncio.sleep(0)
            two.suspend()
            assert await waiting is Failure.SUSPENDED  # type: ignore[comparison-overlap]
            two.act(lambda node, now: node.ping(server, now, lambda *_: None, lambda why, _: failures.append(why)))
            assert failures == [Failure.SUSPENDED]
            assert two.machine.next_timeout() is None
            two.resume()
            reply: object = await two.run(ping)  # type: ignore[arg-type]
            assert isinstance(reply, Reply)


async def test_the_machine_is_given_randomness_and_the_date() -> None:
    made: list[tuple[Random, float, float]] = []

    def make(random: Random, now: float, epoch: float) -> Puppet:
        made.append((random, now, epoch))
        return Puppet()

    chosen = Random(1)
    async with await UdpShell.run_machine(make, host=LOOPBACK, port=0, random=chosen) as shell:
        ((random, now, epoch),) = made
        assert random is chosen
        assert now <= shell.now
        assert epoch + now > 1_700_000_000
