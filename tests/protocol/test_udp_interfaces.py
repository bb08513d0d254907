"""The addresses of this host's interfaces, and that a machine is told when they change."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import closing

import pytest

from protocol.dht.contact import NodeSocket
from protocol.messages import Address
from protocol.udp_sockets import SystemNetwork
from tests.protocol.test_udp_sockets import LOOPBACK, puppet_shell


async def test_addresses_in_local_networks() -> None:
    class Two(SystemNetwork):
        def local_hosts(self) -> tuple[str, ...]:
            return ("192.168.7.7", "10.7.7.7")

    class Nowhere(SystemNetwork):
        def local_hosts(self) -> tuple[str, ...]:
            return ()

    async with await puppet_shell(Two(), "0.0.0.0") as shell:
        port = shell.address(NodeSocket.SERVER).port
        assert shell.machine.local_addresses == (Address("192.168.7.7", port), Address("10.7.7.7", port))
    async with await puppet_shell(Nowhere(), "0.0.0.0") as shell:
        assert shell.machine.local_addresses == (Address(LOOPBACK, shell.address(NodeSocket.SERVER).port),)
    async with await puppet_shell(Two()) as shell:
        assert shell.machine.local_addresses == (Address(LOOPBACK, shell.address(NodeSocket.SERVER).port),)


async def test_interfaces_that_come_and_go_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Roaming(SystemNetwork):
        hosts: tuple[str, ...] | None = ("192.168.7.7",)
        looks = 0

        def local_hosts(self) -> tuple[str, ...]:
            self.looks += 1
            if self.hosts is None:
                raise OSError(errno.EMFILE, "too many open files")
            return self.hosts

    async def looked(times: int = 2) -> None:
        end = network.looks + times
        while network.looks < end:
            await asyncio.sleep(0)

    monkeypatch.setattr("protocol.udp_shell.WATCH", 0.001)
    network = Roaming()
    async with await puppet_shell(network, "0.0.0.0") as shell:
        await looked()
        assert shell.machine.calls == [f"start {shell.address(NodeSocket.SERVER).port}"]
        network.hosts = ("192.168.7.7", "10.0.0.7")
        await looked()
        network.hosts = None
        await looked()
        assert shell.errors >= 1
        network.hosts = ("10.0.0.7",)
        await looked()
        assert shell.machine.calls[1:] == ["addresses 192.168.7.7 10.0.0.7", "addresses 10.0.0.7"]
        shell.suspend()
        looks = network.looks
        shell._look_around()
        assert network.looks == looks
        shell.resume()
        await looked()
    assert shell._watch is not None
    assert shell._watch.cancelled()


def test_the_systems_interfaces() -> None:
    hosts = SystemNetwork().local_hosts()
    for host in hosts:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
            sock.bind((host, 0))
        assert not host.startswith("127.")
