"""A DHT made only of our nodes, used by unmodified hyperdht."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from protocol.dht.contact import Incoming
from protocol.dht.node import Node
from protocol.dht.refusals import Refusal
from protocol.hashes import blake2b_256, target_of
from protocol.keys import key_pair
from protocol.messages import PluginRequest
from protocol.udp_shell import UdpShell
from tests.interop.dht_driver import our_network, our_node, real_nodes, server_port

pytestmark = [pytest.mark.node, pytest.mark.timed]

SIZE = 12
SEED = b"s" * 32
OTHER_SEED = b"o" * 32
KEY = key_pair(SEED).public_key
TOPIC = blake2b_256(b"a topic")


async def test_a_real_node_joins() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        port = server_port(network[0])
        assert (await real("node", name="a", bootstrap=[port]))["known"] == SIZE - 1
        persistent = await real("node", name="b", bootstrap=[port], options={"ephemeral": False, "firewalled": False})
        assert not persistent["ephemeral"]
        assert persistent["host"] == "127.0.0.1"
        # The first node of a network has nobody to tell it its address, and takes no part but as a meeting point.
        others = {server_port(shell) for shell in network[1:]}
        assert set(await real("findNode", name="a", target=TOPIC.hex())) == others | {persistent["port"]}
        assert all(persistent["id"] in _ids(shell) for shell in network[1:])


def _ids(shell: UdpShell[Node]) -> set[str]:
    return {node.id.hex() for node in shell.machine.membership.table}


async def test_pings() -> None:
    async with our_network(3) as network, real_nodes() as real:
        ours = network[1]
        await real("node", name="a", bootstrap=[server_port(network[0])])
        assert ours.machine.id is not None
        assert (await real("ping", name="a", port=server_port(ours)))["id"] == ours.machine.id.hex()
        assert await real("delayedPing", name="a", port=server_port(ours), delay=300) >= 290


async def test_the_firewall_check_of_a_real_node() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        options = {"ephemeral": False, "firewalled": True}
        state = await real("node", name="a", bootstrap=[server_port(network[0])], options=options)
        assert (state["firewalled"], state["ephemeral"]) == (False, False)


async def test_announce_lookup_unannounce() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        for name in ("a", "b"):
            await real("node", name=name, bootstrap=[server_port(network[0])])
        given = {"name": "a", "target": TOPIC.hex(), "seed": SEED.hex()}
        assert await real("announce", **given, bump=1000) == SIZE - 1
        await real("announce", **given | {"seed": OTHER_SEED.hex()}, bump=0)
        both = sorted([KEY.hex(), key_pair(OTHER_SEED).public_key.hex()])
        found = await real("lookup", name="b", target=TOPIC.hex())
        assert [sorted(reply["peers"]) for reply in found] == [both] * (SIZE - 1)
        assert {reply["bump"] for reply in found} == {1000}
        await real("unannounce", **given)
        left = await real("lookup", name="b", target=TOPIC.hex())
        assert {tuple(reply["peers"]) for reply in left} == {(key_pair(OTHER_SEED).public_key.hex(),)}


async def test_find_peer() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        for name in ("a", "b"):
            await real("node", name=name, bootstrap=[server_port(network[0])])
        await real("announce", name="a", target=target_of(KEY).hex(), seed=SEED.hex())
        found = await real("findPeer", name="b", key=KEY.hex())
        assert {reply["key"] for reply in found} == {KEY.hex()}
        assert {reply["port"] for reply in found} == {server_port(shell) for shell in network[1:]}


async def test_values() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        for name in ("a", "b"):
            await real("node", name=name, bootstrap=[server_port(network[0])])
        value = b"some bytes".hex()
        hash_ = await real("immutablePut", name="a", value=value)
        assert await real("immutableGet", name="b", hash=hash_) == value
        assert await real("immutableGet", name="b", hash=TOPIC.hex()) is None
        for seq, text in ((1, b"first"), (2, b"second"), (2, b"other"), (0, b"late")):
            await real("mutablePut", name="a", seed=SEED.hex(), value=text.hex(), seq=seq)
        assert await real("mutableGet", name="b", key=KEY.hex()) == {"seq": 2, "value": b"second".hex()}
        assert network[1].machine.refused[Refusal.OLD_SEQ] == 2


async def test_a_plugin_of_ours_is_asked() -> None:
    async with our_network(3) as network, real_nodes() as real:
        ours = network[1]

        def serve(request: PluginRequest, incoming: Incoming, now: float) -> None:
            ours.machine.requests.replies.reply(incoming, now, (request.value or b"")[::-1], token=False)

        ours.machine.plugins.register("mirror", 1, serve)
        await real("node", name="a", bootstrap=[server_port(network[0])])
        asked = {"name": "a", "port": server_port(ours), "plugin": "mirror", "value": b"abc".hex()}
        assert await real("plugin", **asked, version=1) == {"error": 0, "value": b"cba".hex()}
        with pytest.raises(Exception, match="REQUEST_TIMEOUT"):
            await real("plugin", **asked, version=2)
        assert ours.machine.refused[Refusal.UNKNOWN_PLUGIN] == 4


async def test_connect_through_our_relays() -> None:
    async with our_network(SIZE) as network, real_nodes() as server, real_nodes() as client:
        port = server_port(network[0])
        await server("node", name="s", bootstrap=[port], options={"quickFirewall": False})
        await client("node", name="c", bootstrap=[port], options={"quickFirewall": False})
        listening = await server("listen", name="s", seed=SEED.hex())
        ours = {server_port(shell): shell.machine for shell in network}
        assert len(listening["relays"]) == 3
        assert set(listening["relays"]) <= set(ours)
        assert await client("connect", name="c", key=KEY.hex(), size=1 << 20) == {"intact": True}
        relayed = {port for port, node in ours.items() if node.router.relayed}
        # Request and answer of a handshake over at least one relay, and of a probe round.
        assert sum(node.router.relayed for node in ours.values()) >= 4
        assert relayed <= set(listening["relays"])
        assert all(not node.refused[Refusal.BAD_DESTINATION] for node in ours.values())
        assert all(not node.refused[Refusal.UNKNOWN_FORWARD] for node in ours.values())
        await server("unlisten", name="s")
        with pytest.raises(Exception, match="PEER_NOT_FOUND"):
            await client("connect", name="c", key=KEY.hex(), size=1)


async def test_many_connects_at_once() -> None:
    async with our_network(SIZE) as network, real_nodes() as server, real_nodes() as client:
        port = server_port(network[0])
        await server("node", name="s", bootstrap=[port], options={"quickFirewall": False})
        await server("listen", name="s", seed=SEED.hex())
        names = [f"c{number}" for number in range(20)]
        for name in names:
            await client("node", name=name, bootstrap=[port], options={"quickFirewall": False})
        connects = [client("connect", name=name, key=KEY.hex(), size=1000) for name in names]
        assert await asyncio.gather(*connects) == [{"intact": True}] * len(names)
        for shell in network:
            assert not shell.machine.refused[Refusal.TOO_MANY_REQUESTS]
            assert not shell.machine.refused[Refusal.AMPLIFICATION]


async def test_a_real_node_that_slept_is_back() -> None:
    async with our_network(SIZE) as network, real_nodes() as real:
        port = server_port(network[0])
        for name in ("a", "b"):
            await real("node", name=name, bootstrap=[port])
        await real("listen", name="a", seed=SEED.hex())
        await real("suspend", name="a")
        await real("resume", name="a")
        await real("announceAgain", name="a")
        assert await real("connect", name="b", key=KEY.hex(), size=1000) == {"intact": True}


async def test_our_nodes_restart_one_after_the_other() -> None:
    """A server stays reachable while every relay it announced at is replaced by a new node on the same port."""
    async with our_network(SIZE) as network, real_nodes() as server, real_nodes() as client:
        port = server_port(network[0])
        await server("node", name="s", bootstrap=[port], options={"quickFirewall": False})
        relays = (await server("listen", name="s", seed=SEED.hex()))["relays"]
        async with AsyncExitStack() as stack:
            for shell in network:
                if server_port(shell) in relays:
                    old = server_port(shell)
                    await shell.close()
                    again = await stack.enter_async_context(await our_node(port, port_wanted=old))
                    assert server_port(again) == old
            await server("announceAgain", name="s")
            await client("node", name="c", bootstrap=[port], options={"quickFirewall": False})
            assert await client("connect", name="c", key=KEY.hex(), size=1000) == {"intact": True}
