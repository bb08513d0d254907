"""Two peers of ours on loopback, as a program with asyncio sees them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.options import NodeOptions
from protocol.keys import key_pair
from protocol.peer.failures import Cause
from protocol.peer.live import LivePeer
from protocol.peer.options import PeerOptions
from protocol.udp_shell import UdpShell

LOOPBACK = "127.0.0.1"
PATIENCE = 30.0
NODES = 4
"""Of the DHT: a node learns its own address from others."""


async def test_connect_returns_as_soon_as_bytes_may_be_sent() -> None:
    """The reference tells `open` with the path; waiting for the peer's first packet costs a round trip more."""
    bootstrap: tuple[BootstrapNode, ...] = ()
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        for _ in range(NODES):
            options = NodeOptions(bootstrap=bootstrap, ephemeral=False, firewalled=False)
            node = await stack.enter_async_context(await UdpShell.open(options, host=LOOPBACK, port=0))
            await node.bootstrapped()
            bootstrap = bootstrap or (BootstrapNode(LOOPBACK, node.address(NodeSocket.SERVER).port),)
        own = PeerOptions(node=NodeOptions(bootstrap=bootstrap))
        server, client = [
            await stack.enter_async_context(await LivePeer.open(own, host=LOOPBACK, port=0)) for _ in range(2)
        ]
        await server.bootstrapped()
        await client.bootstrapped()
        pair = key_pair(bytes(32))
        listener = await server.listen(pair)
        conversation = await client.connect(pair.public_key)
        assert conversation.connection.may_send
        assert not conversation.connection.opened
        await conversation.send(b"early")
        accepted = await listener.accept()
        assert await accepted.recv() == b"early"
        await accepted.send(b"answer")
        assert await conversation.recv() == b"answer"
        assert conversation.connection.opened
        conversation.destroy()
        conversation.end()
        assert (await conversation.closed()).cause is Cause.DESTROYED
