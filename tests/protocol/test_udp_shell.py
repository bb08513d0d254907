"""The shell: sockets, timers, names and closing, with our own nodes on loopback."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from errno import EADDRNOTAVAIL

import pytest

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import Failure, NodeSocket
from protocol.dht.events import Bootstrapped, Event, NameWanted
from protocol.dht.operations import find_peer, get_immutable, look_up, put_immutable
from protocol.dht.options import NodeOptions
from protocol.hashes import blake2b_256
from protocol.messages import Address
from protocol.udp_shell import PORTS_TRIED, UdpShell

LOOPBACK = "127.0.0.1"
PERSISTENT = NodeOptions(ephemeral=False, firewalled=False)


def free_port() -> int:
    """A port with free ones behind it, as far as can be told."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return min(port, 65000)


async def test_the_server_takes_its_port_or_one_of_the_next() -> None:
    port = free_port()
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=port) as first:
        assert first.address(NodeSocket.SERVER).port == port
        async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=port) as second:
            assert port < second.address(NodeSocket.SERVER).port < port + PORTS_TRIED
            assert second.address(NodeSocket.CLIENT) != second.address(NodeSocket.SERVER)


async def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(OSError, match="assign") as caught:
        await UdpShell.open(PERSISTENT, host="192.0.2.1", port=0)
    assert caught.value.errno == EADDRNOTAVAIL


async def test_names_are_looked_up() -> None:
    events: list[Event] = []
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as first:
        port = first.address(NodeSocket.SERVER).port
        bootstrap = (BootstrapNode("localhost", port), BootstrapNode("no-such-host.invalid", port))
        options = NodeOptions(bootstrap=bootstrap)
        async with await UdpShell.open(options, host=LOOPBACK, port=0, on_event=events.append) as second:
            async with asyncio.timeout(60):
                await second.bootstrapped()
            assert second.machine.reachability.nat.host == LOOPBACK
    assert {event.host for event in events if isinstance(event, NameWanted)} == {"localhost", "no-such-host.invalid"}
    assert Bootstrapped(0) in events


async def test_values_over_real_sockets() -> None:
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as first:
        bootstrap = (BootstrapNode(LOOPBACK, first.address(NodeSocket.SERVER).port),)
        options = NodeOptions(bootstrap=bootstrap, ephemeral=False, firewalled=False)
        async with await UdpShell.open(options, host=LOOPBACK, port=0) as second:
            await second.bootstrapped()
            async with await UdpShell.open(options, host=LOOPBACK, port=0) as third:
                await third.bootstrapped()
                assert (await third.run(put_immutable, b"v")).failure is None
                assert await third.run(get_immutable, blake2b_256(b"v")) == b"v"
                assert first.errors == second.errors == third.errors == 0


async def test_timers_run_without_traffic() -> None:
    failures: list[Failure] = []
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as shell:
        await shell.bootstrapped()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
            silent.bind((LOOPBACK, 0))

            def ping(node: object, now: float, done: object) -> None:
                shell.machine.ping(Address(*silent.getsockname()), now, done, done)  # type: ignore[arg-type]

            started = asyncio.get_running_loop().time()
            failures.append(await shell.run(ping))  # type: ignore[arg-type]
            assert asyncio.get_running_loop().time() - started >= 4
    assert failures == [Failure.TIMED_OUT]


async def test_what_the_system_refuses_to_send_is_counted() -> None:
    async with await UdpShell.open(PERSISTENT, host=LOOPBACK, port=0) as shell:
        await shell.bootstrapped()

        def ping(node: object, now: float, done: object) -> None:
            shell.machine.ping(Address("255.255.255.255", 9), now, done, done)  # type: ignore[arg-type]

        assert await shell.run(ping) is Failure.TIMED_OUT  # type: ignore[arg-type]
        assert shell.errors == 4


async def test_closing_ends_what_waits_and_frees_the_ports() -> None:
    shell = await UdpShell.open(NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, 9),)), host=LOOPBACK, port=0)
    port = shell.address(NodeSocket.SERVER).port
    waiting = asyncio.create_task(shell.run(find_peer, bytes(32)))
    await asyncio.sleep(0)
    await shell.close()
    await shell.close()
    assert (await waiting).record is None
    assert (await shell.run(look_up, bytes(32))).peers == ()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as again:
        again.bind((LOOPBACK, port))
