"""A proxy of ours between one of our peers and a real one, which notices nothing."""

from __future__ import annotations

import asyncio

import pytest

from protocol.keys import key_pair
from protocol.peer.failures import Cause
from protocol.peer.live import LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions, ProxyUse
from protocol.proxy.host import ProxyHost, host_proxy
from tests.interop.dht_driver import PATIENCE
from tests.interop.peer_driver import FIREWALLED, a_dht, echoing, our_peer, read_all, send_all

pytestmark = pytest.mark.node

SEED = b"s" * 32
PAIR = key_pair(SEED)
PROXY = key_pair(b"p" * 32)
MEBIBYTE = bytes(range(256)) * 4096


async def proxy_on(peer: LivePeer) -> ProxyHost:
    """Have a peer be a proxy; returns when it can be found."""
    host = host_proxy(peer.peer, PROXY, peer.shell.now)
    peer.shell.drive()
    async with asyncio.timeout(PATIENCE):
        await peer.announced(host.server)
    return host


@pytest.mark.parametrize("dht", ["ours", "real"])
@pytest.mark.parametrize("after_probe", [False, True])
async def test_our_proxied_client_and_a_real_server(dht: str, after_probe: bool) -> None:
    use = ProxyUse(PROXY.public_key, after_probe=after_probe)
    async with a_dht(dht) as (port, real), await our_peer(port) as proxy, await our_peer(port) as client:
        host = await proxy_on(proxy)
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": False})
        options = ConnectOptions(local_connection=False, proxy=use, fast_open=not after_probe)
        conversation = await client.connect(PAIR.public_key, options)
        async with asyncio.TaskGroup() as group:
            group.create_task(send_all(conversation, MEBIBYTE))
            back = group.create_task(read_all(conversation))
        assert back.result() == MEBIBYTE
        assert (await conversation.closed()).cause is Cause.ENDED
        assert await real("served", name="s") == [{"received": len(MEBIBYTE), "ended": True, "error": None}]
        assert (host.begun, host.connected) == (1, 1)
        assert not host.refused


@pytest.mark.parametrize("dht", ["ours", "real"])
@pytest.mark.parametrize("after_probe", [False, True])
async def test_a_real_client_and_our_proxied_server(dht: str, after_probe: bool) -> None:
    use = ProxyUse(PROXY.public_key, after_probe=after_probe)
    async with a_dht(dht) as (port, real), await our_peer(port) as proxy, await our_peer(port) as server:
        host = await proxy_on(proxy)
        listener = await server.listen(PAIR, ListenOptions(share_local_address=False, proxy=use))
        link = listener.server.proxy
        assert link is not None
        async with asyncio.timeout(PATIENCE), echoing(listener) as conversations:
            while link.link.path is None:
                await asyncio.sleep(0.01)
            await real("node", name="c", bootstrap=[port], options=FIREWALLED)
            options = {"localConnection": False, "fastOpen": not after_probe}
            answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=len(MEBIBYTE), options=options)
            assert answer == {"intact": True, "ended": True, "error": None}
            assert (await conversations[0].closed()).cause is Cause.ENDED
        assert (host.begun, host.connected) == (1, 1)
        assert not host.refused


async def test_a_real_server_is_no_proxy() -> None:
    async with a_dht("ours") as (port, real), await our_peer(port) as client:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        for seed in (SEED, b"p" * 32):
            await real("listen", name="s", seed=seed.hex(), options={"shareLocalAddress": False})
        conversation = client.begin(
            PAIR.public_key, ConnectOptions(local_connection=False, proxy=ProxyUse(PROXY.public_key))
        )
        async with asyncio.timeout(PATIENCE):
            closing = await conversation.closed()
        assert closing.cause is Cause.NO_PROXY
        assert "does not answer as a proxy" in closing.detail
