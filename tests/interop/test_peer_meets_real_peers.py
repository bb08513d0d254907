"""Our client and a real server, a real client and our server, over a DHT of ours and over a real testnet."""

from __future__ import annotations

import asyncio

import pytest

from protocol.keys import key_pair
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.live import ConversationOver
from protocol.peer.options import ConnectOptions, ListenOptions
from tests.interop.dht_driver import PATIENCE
from tests.interop.peer_driver import FIREWALLED, a_dht, echoing, our_peer, read_all, send_all

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED = b"s" * 32
PAIR = key_pair(SEED)
NO_LAN = ConnectOptions(local_connection=False)
NO_LAN_LISTEN = ListenOptions(share_local_address=False)
MEBIBYTE = bytes(range(256)) * 4096


@pytest.mark.parametrize("dht", ["ours", "real"])
@pytest.mark.parametrize("way", ["open", "lan", "punched"])
async def test_our_client_and_a_real_server(dht: str, way: str) -> None:
    async with a_dht(dht) as (port, real):
        await real("node", name="s", bootstrap=[port], options={} if way == "open" else FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": way != "punched"})
        async with await our_peer(port, open_port=way == "open") as peer:
            conversation = await peer.connect(PAIR.public_key, ConnectOptions(local_connection=way == "lan"))
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(conversation, MEBIBYTE))
                back = group.create_task(read_all(conversation))
            assert back.result() == MEBIBYTE
            assert (await conversation.closed()).cause is Cause.ENDED
            assert await real("served", name="s") == [{"received": len(MEBIBYTE), "ended": True, "error": None}]
            assert conversation.connection.socket is not None
            assert (conversation.connection.socket >= 2) == (way == "punched")


@pytest.mark.parametrize("dht", ["ours", "real"])
@pytest.mark.parametrize("way", ["open", "lan", "punched"])
async def test_a_real_client_and_our_server(dht: str, way: str) -> None:
    async with a_dht(dht) as (port, real), await our_peer(port, open_port=way == "open") as peer:
        listener = await peer.listen(PAIR, ListenOptions(share_local_address=way != "punched"))
        assert listener.listening.result() == 3
        async with echoing(listener) as conversations:
            await real("node", name="c", bootstrap=[port], options={} if way == "open" else FIREWALLED)
            options = {"localConnection": way == "lan"}
            answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=len(MEBIBYTE), options=options)
            assert answer == {"intact": True, "ended": True, "error": None}
            assert (await conversations[0].closed()).cause is Cause.ENDED
            socket = conversations[0].connection.socket
            assert socket is not None
            assert (socket >= 2) == (way == "punched")


async def test_our_client_and_our_server_over_a_real_dht() -> None:
    async with a_dht("real") as (port, _), await our_peer(port) as server, await our_peer(port) as client:
        listener = await server.listen(PAIR, NO_LAN_LISTEN)
        async with echoing(listener):
            conversation = await client.connect(PAIR.public_key, NO_LAN)
            async with asyncio.TaskGroup() as group:
                group.create_task(send_all(conversation, MEBIBYTE))
                back = group.create_task(read_all(conversation))
            assert back.result() == MEBIBYTE
            assert conversation.connection.socket is not None
            assert conversation.connection.socket >= 2, "nothing was punched"


async def test_a_real_server_destroys() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), behaviour="destroy")
        conversation = await peer.connect(PAIR.public_key)
        await conversation.send(b"go")
        async with asyncio.timeout(PATIENCE):
            closing = await conversation.closed()
        assert (closing.error, closing.cause) == (ErrorName.ECONNRESET, Cause.RESET)


async def test_we_destroy() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), behaviour="listen")
        conversation = await peer.connect(PAIR.public_key)
        conversation.destroy()
        [seen] = await real("served", name="s")
        assert seen["error"] == "ECONNRESET"
        assert not seen["ended"]


async def test_a_real_client_destroys() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        listener = await peer.listen(PAIR)
        await real("node", name="c", bootstrap=[port], options=FIREWALLED)
        asked = asyncio.create_task(real("connect", name="c", key=PAIR.public_key.hex(), size=1000, destroy=True))
        conversation = await listener.accept()
        async with asyncio.timeout(PATIENCE):
            closing = await conversation.closed()
        assert closing.cause is Cause.RESET
        assert not (await asked)["intact"]


async def test_a_real_server_ends_first() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), behaviour="end")
        conversation = await peer.connect(PAIR.public_key)
        assert await read_all(conversation) == b"bye"
        conversation.end()
        assert (await conversation.closed()).cause is Cause.ENDED


async def test_a_real_server_turns_us_away() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), refuse=True)
        with pytest.raises(ConversationOver) as caught:
            await peer.connect(PAIR.public_key)
        assert caught.value.closing.error is ErrorName.PEER_CONNECTION_FAILED
        assert caught.value.closing.cause is Cause.NO_ANSWER


async def test_we_turn_a_real_client_away() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        listener = await peer.listen(PAIR, ListenOptions(firewall=lambda key, offer, client: True))
        await real("node", name="c", bootstrap=[port], options=FIREWALLED)
        answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=10)
        assert answer["error"] == "PEER_CONNECTION_FAILED"
        assert listener.accepted.empty()


async def test_a_real_server_aborts() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        options = {"shareLocalAddress": False}
        await real("listen", name="s", seed=SEED.hex(), punch=False, options=options)
        conversation = peer.begin(PAIR.public_key)
        # Fast open may win the race; with the punch round it is over.
        try:
            async with asyncio.timeout(PATIENCE):
                await conversation.opened()
        except ConversationOver as over:
            assert (over.closing.error, over.closing.cause) == (ErrorName.HOLEPUNCH_ABORTED, Cause.REMOTE_ABORTED)  # noqa: PT017
        else:
            assert conversation.connection.stage is Stage.DIRECT


async def test_nobody_listens() -> None:
    async with a_dht("real") as (port, _), await our_peer(port) as peer:
        with pytest.raises(ConversationOver) as caught:
            await peer.connect(PAIR.public_key)
        assert caught.value.closing.error is ErrorName.PEER_NOT_FOUND
        assert caught.value.closing.cause is Cause.NOT_FOUND


async def test_our_server_sleeps_and_is_back() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        listener = await peer.listen(PAIR)
        await real("node", name="c", bootstrap=[port], options=FIREWALLED)
        async with echoing(listener) as conversations:
            assert (await real("connect", name="c", key=PAIR.public_key.hex(), size=10))["intact"]
            await peer.suspend()
            assert (await conversations[0].closed()).cause in (Cause.ENDED, Cause.SUSPENDED)
            refused = await real("connect", name="c", key=PAIR.public_key.hex(), size=10)
            assert refused["error"] in ("PEER_NOT_FOUND", "PEER_CONNECTION_FAILED")
            peer.resume()
            async with asyncio.timeout(PATIENCE):
                assert await listener.listening == 3
            assert (await real("connect", name="c", key=PAIR.public_key.hex(), size=10))["intact"]


async def test_many_clients_at_once() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as peer:
        listener = await peer.listen(PAIR)
        names = [f"c{number}" for number in range(10)]
        for name in names:
            await real("node", name=name, bootstrap=[port], options=FIREWALLED)
        async with echoing(listener):
            connects = [real("connect", name=name, key=PAIR.public_key.hex(), size=10_000) for name in names]
            answers = await asyncio.gather(*connects)
        assert answers == [{"intact": True, "ended": True, "error": None}] * len(names)
