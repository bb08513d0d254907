"""Connections through a real blind relay, with real peers and with our own, and their way to a direct path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from protocol.keys import key_pair
from protocol.peer.events import Stage
from protocol.peer.live import Conversation, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.relay_host import RelayHost, host_relay
from protocol.peer.steps import Act, Release, Step
from tests.interop.dht_driver import PATIENCE, Driver, our_network, server_port
from tests.interop.peer_driver import FIREWALLED, echoing, our_peer, read_all, real_peers, send_all

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED, RELAY_SEED = b"s" * 32, b"r" * 32
PAIR, RELAY = key_pair(SEED), key_pair(RELAY_SEED).public_key
DATA = bytes(range(256)) * 400
NEVER = ListenOptions(holepunch=lambda *_: False, share_local_address=False)


async def start_relay(real: Driver, port: int) -> None:
    await real("node", name="relay", bootstrap=[port])
    await real("relay", name="relay", seed=RELAY_SEED.hex())


@asynccontextmanager
async def our_relay(port: int) -> AsyncIterator[RelayHost]:
    async with await our_peer(port, open_port=True) as peer:
        host = peer.shell.act(lambda peer, now: host_relay(peer, key_pair(RELAY_SEED), now))
        async with asyncio.timeout(PATIENCE):
            await peer.announced(host.server)
        yield host


async def echoed(conversation: Conversation) -> bool:
    async with asyncio.TaskGroup() as group:
        group.create_task(send_all(conversation, DATA))
        back = group.create_task(read_all(conversation))
    return back.result() == DATA


async def until_direct(peer: LivePeer, conversation: Conversation) -> None:
    """Wait for the better path."""
    reached = asyncio.Event()

    def look(event: object) -> None:
        if conversation.connection.stage is Stage.DIRECT:
            reached.set()

    peer.on_event = look
    look(None)
    async with asyncio.timeout(PATIENCE):
        await reached.wait()


async def test_our_client_a_real_server_and_no_other_way() -> None:
    async with our_network(10) as network, real_peers() as real:
        port = server_port(network[0])
        await start_relay(real, port)
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), punch=False, options={"shareLocalAddress": False})
        async with await our_peer(port) as peer:
            options = ConnectOptions(local_connection=False, fast_open=False, relay_through=(RELAY,))
            conversation = await peer.connect(PAIR.public_key, options)
            assert conversation.connection.stage is Stage.RELAYED
            assert await echoed(conversation)
            assert peer.peer.relay_counts.successes == 1


async def test_a_real_client_our_server_and_no_other_way() -> None:
    async with our_network(10) as network, real_peers() as real:
        port = server_port(network[0])
        await start_relay(real, port)
        async with await our_peer(port) as peer:
            listener = await peer.listen(PAIR, NEVER)
            async with echoing(listener):
                await real("node", name="c", bootstrap=[port], options=FIREWALLED)
                options = {"localConnection": False, "fastOpen": False, "relayThrough": RELAY.hex()}
                answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=len(DATA), options=options)
                assert answer == {"intact": True, "ended": True, "error": None}


async def test_a_relayed_connection_becomes_direct() -> None:
    """The first round is held back until the relay carries the stream; then it goes on."""
    held: list[tuple[Step, Release]] = []

    def hold_first(step: Step, release: Release, now: float) -> None:
        if step.act is Act.SESSION and not held:
            held.append((step, release))
        else:
            release(step, now)

    async with our_network(10) as network, real_peers() as real:
        port = server_port(network[0])
        await start_relay(real, port)
        async with await our_peer(port) as server, await our_peer(port, gate=hold_first) as client:
            listener = await server.listen(PAIR, ListenOptions(share_local_address=False, relay_through=(RELAY,)))
            async with echoing(listener) as conversations:
                conversation = await client.connect(PAIR.public_key, ConnectOptions(local_connection=False))
                assert conversation.connection.stage is Stage.RELAYED
                await conversation.send(b"over the relay")
                assert await conversation.recv() == b"over the relay"
                [(step, release)] = held
                client.shell.act(lambda _, now: release(step, now))
                await until_direct(client, conversation)
                assert await echoed(conversation)
                assert len(conversations) == 1
                assert conversations[0].connection.stage in (Stage.DIRECT, Stage.CLOSED)


async def test_real_peers_and_our_relay() -> None:
    async with our_network(10) as network, real_peers() as real:
        port = server_port(network[0])
        async with our_relay(port) as host:
            await real("node", name="s", bootstrap=[port], options=FIREWALLED)
            await real("listen", name="s", seed=SEED.hex(), punch=False, options={"shareLocalAddress": False})
            await real("node", name="c", bootstrap=[port], options=FIREWALLED)
            options = {"localConnection": False, "fastOpen": False, "relayThrough": RELAY.hex()}
            answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=len(DATA), options=options)
            assert answer == {"intact": True, "ended": True, "error": None}
            assert host.relay.counters.pairings_matched == 1
            assert host.relay.counters.bytes_relayed > 2 * len(DATA)


async def test_our_peers_and_our_relay() -> None:
    async with our_network(10) as network:
        port = server_port(network[0])
        async with our_relay(port) as host, await our_peer(port) as server, await our_peer(port) as client:
            async with echoing(await server.listen(PAIR, NEVER)):
                options = ConnectOptions(local_connection=False, fast_open=False, relay_through=(RELAY,))
                conversation = await client.connect(PAIR.public_key, options)
                assert conversation.connection.stage is Stage.RELAYED
                assert await echoed(conversation)
            assert host.relay.counters.pairings_matched == 1
