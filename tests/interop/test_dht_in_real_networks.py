"""Our nodes in networks of real ones, and in mixed ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from protocol.dht.contact import Ask, Failure, Reply
from protocol.dht.node import Node
from protocol.dht.operations import (
    announce,
    find_peer,
    get_immutable,
    get_mutable,
    look_up,
    put_immutable,
    put_mutable,
    unannounce,
)
from protocol.dht.options import NodeOptions
from protocol.hashes import blake2b_256, node_id
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.udp_shell import UdpShell
from tests.interop.dht_driver import LOOPBACK, our_node, real_nodes, server_port

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED = b"s" * 32
PAIR = key_pair(SEED)
OTHER = key_pair(b"o" * 32)
TOPIC = blake2b_256(b"a topic")


async def test_joining_as_a_client() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        async with await our_node(testnet["bootstrap"], ephemeral=True, firewalled=True) as ours:
            assert {node.address.port for node in ours.machine.membership.table} == set(testnet["ports"][1:])
            assert ours.machine.reachability.nat.host == LOOPBACK
            assert ours.machine.id is None
            assert not ours.machine.refused


async def test_the_open_port_is_found_and_the_node_takes_part() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        async with await our_node(testnet["bootstrap"], ephemeral=False, firewalled=True) as ours:
            address = Address(LOOPBACK, server_port(ours))
            assert ours.machine.id == node_id(address)
            assert not ours.machine.reachability.firewalled
            await real("node", name="a", bootstrap=[testnet["bootstrap"]])
            assert address.port in await real("findNode", name="a", target=ours.machine.id.hex())
            assert (await real("ping", name="a", port=address.port))["id"] == ours.machine.id.hex()


async def test_an_adaptive_node_finds_its_port_open_and_stays_ephemeral() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        async with await our_node(testnet["bootstrap"], ephemeral=None, firewalled=True) as ours:
            assert not ours.machine.reachability.firewalled
            assert ours.machine.id is None


async def test_peers_announced_by_either_are_found_by_the_other() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        await real("node", name="a", bootstrap=[testnet["bootstrap"]])
        async with await our_node(testnet["bootstrap"], ephemeral=True, firewalled=True) as ours:
            done = await ours.run(announce, TOPIC, PAIR, bump=1000)
            assert done.failure is None
            assert [reply.error for reply in done.commits] == [0] * 7
            found = await real("lookup", name="a", target=TOPIC.hex())
            assert found == [{"peers": [PAIR.public_key.hex()], "bump": 1000}] * 7

            await real("announce", name="a", target=TOPIC.hex(), seed=(b"o" * 32).hex())
            peers = (await ours.run(look_up, TOPIC)).peers
            assert {peer.public_key for peer in peers} == {PAIR.public_key, OTHER.public_key}

            assert await ours.run(unannounce, TOPIC, PAIR) == 7
            peers = (await ours.run(look_up, TOPIC)).peers
            assert [peer.public_key for peer in peers] == [OTHER.public_key]


async def test_a_real_server_is_found() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        await real("node", name="a", bootstrap=[testnet["bootstrap"]])
        relays = (await real("listen", name="a", seed=SEED.hex()))["relays"]
        async with await our_node(testnet["bootstrap"], ephemeral=True, firewalled=True) as ours:
            found = await ours.run(find_peer, PAIR.public_key)
            assert found.record is not None
            assert found.record.public_key == PAIR.public_key
            assert {holder.address.port for holder in found.holders} == set(relays)
            missing = await ours.run(find_peer, OTHER.public_key)
            assert (missing.record, missing.holders, missing.search.failure) == (None, (), None)


async def test_values_stored_by_either_are_fetched_by_the_other() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        await real("node", name="a", bootstrap=[testnet["bootstrap"]])
        async with await our_node(testnet["bootstrap"], ephemeral=True, firewalled=True) as ours:
            hash_ = await real("immutablePut", name="a", value=b"theirs".hex())
            assert await ours.run(get_immutable, bytes.fromhex(hash_)) == b"theirs"
            await ours.run(put_immutable, b"ours")
            assert await real("immutableGet", name="a", hash=blake2b_256(b"ours").hex()) == b"ours".hex()

            await real("mutablePut", name="a", seed=SEED.hex(), value=b"theirs".hex(), seq=1)
            fetched = await ours.run(get_mutable, PAIR.public_key)
            assert fetched is not None
            assert (fetched.seq, fetched.value) == (1, b"theirs")
            assert (await ours.run(put_mutable, PAIR, b"ours", 2)).failure is None
            assert await real("mutableGet", name="a", key=PAIR.public_key.hex()) == {"seq": 2, "value": b"ours".hex()}
            late = await ours.run(put_mutable, PAIR, b"late", 1)
            assert {reply.error for reply in late.commits} == {17}
            assert await ours.run(get_mutable, OTHER.public_key) is None


async def test_a_first_node_that_knows_its_address() -> None:
    """With it, even the first node of a network is persistent."""
    async with real_nodes() as real, await our_node() as unused:
        port = server_port(unused)
        await unused.close()
        options = replace(NodeOptions(), ephemeral=False, firewalled=False, public_address=Address(LOOPBACK, port))
        async with await UdpShell.open(options, host=LOOPBACK, port=port) as first:
            await first.bootstrapped()
            assert first.machine.id == node_id(Address(LOOPBACK, port))
            await real("node", name="a", bootstrap=[port])
            await real("immutablePut", name="a", value=b"x".hex())
            assert len(first.machine.values) == 1


async def test_a_mixed_network() -> None:
    async with real_nodes() as real, AsyncExitStack() as stack:
        testnet = await real("testnet", size=6)
        port = testnet["bootstrap"]
        ours = [await stack.enter_async_context(await our_node(port)) for _ in range(6)]
        for name in ("s", "c"):
            await real("node", name=name, bootstrap=[server_port(ours[0])], options={"quickFirewall": False})
        await real("listen", name="s", seed=SEED.hex())
        assert await real("connect", name="c", key=PAIR.public_key.hex(), size=100_000) == {"intact": True}
        client = await stack.enter_async_context(await our_node(port, ephemeral=True, firewalled=True))
        everyone = {*testnet["ports"][1:], *map(server_port, ours)}
        assert (await client.run(announce, TOPIC, OTHER)).failure is None
        found = await real("lookup", name="c", target=TOPIC.hex())
        assert len(found) == len(everyone)
        assert {
            contact.address.port for contact in (await client.run(look_up, TOPIC)).search.closest_contacts
        } == everyone


def ask_one(node: Node, now: float, on_done: Callable[[Reply | Failure, float], None], ask: Ask, to: Address) -> None:
    node.request(ask, to, now, on_done, on_done)


async def test_errors_of_real_nodes_come_through() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=3)
        to = Address(LOOPBACK, testnet["ports"][1])
        async with await our_node(testnet["bootstrap"], ephemeral=True, firewalled=True) as ours:
            unknown = [Ask(99, target=TOPIC), Ask(99, internal=True, target=TOPIC)]
            for question in unknown:
                reply = await ours.run(ask_one, question, to)
                assert isinstance(reply, Reply)
                assert (reply.error, reply.token) == (1, None)
            refused = await ours.run(ask_one, Ask(4, target=TOPIC, token=bytes(32)), to)
            assert isinstance(refused, Reply)
            assert refused.error == 2
            assert refused.token is not None
            assert await ours.run(ask_one, Ask(4, target=TOPIC), to) is Failure.TIMED_OUT
