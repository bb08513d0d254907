"""Sixty connects at once on real sockets, each with an echo, over a DHT of our nodes; `bench.peers` has two hundred."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from protocol.keys import key_pair
from protocol.peer.live import LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions
from tests.interop.dht_driver import PATIENCE, our_network, server_port
from tests.interop.peer_driver import echoing, our_peer, read_all, send_all

pytestmark = pytest.mark.timed

CLIENTS = 6
SERVERS = 3
EACH = 10


@pytest.mark.parametrize("lan", [True, False], ids=["local", "punched"])
async def test_all_of_them_have_their_echo(lan: bool) -> None:
    async with our_network(20) as network, AsyncExitStack() as stack:
        port = server_port(network[0])
        keys = []
        for number in range(SERVERS):
            peer = await stack.enter_async_context(await our_peer(port))
            listener = await peer.listen(key_pair(bytes([number + 1]) * 32), ListenOptions(share_local_address=lan))
            await stack.enter_async_context(echoing(listener))
            keys.append(listener.public_key)
        clients = [await stack.enter_async_context(await our_peer(port)) for _ in range(CLIENTS)]

        async def talk(client: LivePeer, key: bytes) -> bytes:
            conversation = await client.connect(key, ConnectOptions(local_connection=lan))
            await send_all(conversation, b"hello")
            return await read_all(conversation)

        talks = [talk(client, keys[number % SERVERS]) for client in clients for number in range(EACH)]
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*talks) == [b"hello"] * (CLIENTS * EACH)
