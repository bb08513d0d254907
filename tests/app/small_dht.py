"""A small DHT on loopback: nodes of ours, in the loop of the test or in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from protocol.udp_shell import UdpShell

LOOPBACK = "127.0.0.1"
SIZE = 5


def free_port() -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def small_dht(size: int = SIZE) -> AsyncIterator[list[UdpShell[Node]]]:
    """Persistent nodes; the first is where others begin."""
    port = free_port()
    first = NodeOptions(ephemeral=False, firewalled=False, public_address=Address(LOOPBACK, port))
    shells = [await UdpShell.open(first, host=LOOPBACK, port=port)]
    try:
        options = NodeOptions(bootstrap=begin_at(shells[0]), ephemeral=False, firewalled=False)
        for _ in range(size - 1):
            shells.append(await UdpShell.open(options, host=LOOPBACK, port=0))
            await shells[-1].bootstrapped()
        yield shells
    finally:
        for shell in shells:
            await shell.close()


def begin_at(shell: UdpShell[Node]) -> tuple[BootstrapNode, ...]:
    """Where a node begins that is to join the same DHT."""
    address = shell.address(NodeSocket.SERVER)
    return (BootstrapNode(address.host, address.port),)


@contextmanager
def dht_in_a_thread() -> Iterator[str]:
    """A small DHT for what has an event loop of its own; gives the address to begin at."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    found: list[str] = []
    over = asyncio.Event()

    async def run() -> None:
        async with small_dht() as shells:
            found.append(str(shells[0].address(NodeSocket.SERVER)))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(30), "the nodes did not start"
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
