"""Our peers on loopback, next to real ones (tests/node/peer_driver.cjs)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.options import NodeOptions
from protocol.peer.live import Conversation, Listener, LivePeer
from protocol.peer.options import PeerOptions
from protocol.peer.steps import Gate, pass_at_once
from tests.interop.dht_driver import LOOPBACK, PATIENCE, Driver, our_network, real_nodes, server_port

FIREWALLED = {"quickFirewall": False}
"""Of a real node that does not look whether its port is open, and so punches."""


def real_peers() -> AbstractAsyncContextManager[Driver]:
    """A process that can run real peers."""
    return real_nodes("peer_driver.cjs")


@asynccontextmanager
async def a_dht(kind: str) -> AsyncIterator[tuple[int, Driver]]:
    """A port to bootstrap at, and a process for real peers."""
    async with real_peers() as real:
        if kind == "real":
            yield (await real("testnet", size=10))["bootstrap"], real
        else:
            async with our_network(10) as network:
                yield server_port(network[0]), real


async def our_peer(bootstrap: int, *, open_port: bool = False, gate: Gate = pass_at_once) -> LivePeer:
    """One of our peers, bootstrapped; it punches unless its port is said to be open."""
    node = NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, bootstrap),), quick_firewall=open_port)
    options = PeerOptions(node=node, gate=gate)
    peer = await LivePeer.open(options, host=LOOPBACK, port=0)
    async with asyncio.timeout(PATIENCE):
        await peer.bootstrapped()
    return peer


async def read_all(conversation: Conversation) -> bytes:
    """Everything until the other side ends."""
    received = bytearray()
    async with asyncio.timeout(PATIENCE):
        while message := await conversation.recv():
            received += message
    return bytes(received)


async def send_all(conversation: Conversation, data: bytes, piece: int = 50_000) -> None:
    """Send and end."""
    for at in range(0, len(data), piece):
        await conversation.send(data[at : at + piece])
    conversation.end()


@asynccontextmanager
async def echoing(listener: Listener) -> AsyncIterator[list[Conversation]]:
    """Send back what clients of a server send; the conversations so far."""
    conversations: list[Conversation] = []

    async def serve(conversation: Conversation) -> None:
        while message := await conversation.recv():
            await conversation.send(message)
        conversation.end()

    async def accept() -> None:
        async with asyncio.TaskGroup() as group:
            async for conversation in listener:
                conversations.append(conversation)
                group.create_task(serve(conversation))

    task = asyncio.create_task(accept())
    try:
        yield conversations
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
