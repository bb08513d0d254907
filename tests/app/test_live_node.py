"""A peer of ours on real sockets behind NATs: what its own packets say, and that nothing of it is left."""

from __future__ import annotations

import asyncio

import pytest

from app.demo.embedded_network import EmbeddedNetwork
from app.demo.nat_host import NatHost
from app.demo.places import CONSISTENT, RANDOM
from app.live_node import LiveNode, NodeSettings
from capture.model import VerdictCode
from capture.story import Story
from capture.tap import Tap
from protocol.dht.operations import look_up
from protocol.hashes import target_of
from protocol.keys import key_pair
from protocol.nat_box import NatKind
from protocol.peer.options import ListenOptions

PAIR = key_pair(b"s" * 32)
PATIENCE = 60.0


def behind(network: EmbeddedNetwork, kind: NatKind) -> NatHost:
    return network.places.host(network.places.lan(kind))


@pytest.mark.parametrize(("client_kind", "rounds"), [(CONSISTENT, 1), (RANDOM, 2)])
async def test_a_punch_is_told_by_its_own_packets(client_kind: NatKind, rounds: int) -> None:
    async with EmbeddedNetwork(seed=3, nodes=10) as network, asyncio.timeout(PATIENCE):
        bootstrap = network.client_options.bootstrap
        server = LiveNode(
            NodeSettings(bootstrap, pair=PAIR, listen=ListenOptions(), echo=True),
            Tap(),
            network=behind(network, CONSISTENT),
        )
        client = LiveNode(
            NodeSettings(bootstrap, connect=PAIR.public_key, say=b"hello"), Tap(), network=behind(network, client_kind)
        )
        await server.start()
        await server.settled()
        await client.start()
        await client.finished()
        for node in (client, server):
            node.tap.collect()
            (flow,) = Story(node.tap.table).flows
            assert flow.verdict.code is VerdictCode.PUNCHED
            assert len(flow.rounds) == rounds
            assert flow.key.holepunch_secret is not None
            (own,) = node.book.status(0.0)
            assert (own.attempt.hex(), own.said, own.failed) == (flow.id, "hello", False)
        assert server.farewell == "unannouncing"
        await server.stop()
        await client.stop()
        assert not (await network.nodes[4].run(look_up, target_of(PAIR.public_key))).peers
        assert server.status() is None
        assert not [lan for lan in network.places.lans if lan.endpoints]
    assert len(asyncio.all_tasks()) == 1


async def test_an_attempt_that_is_cut_short_leaves_nothing() -> None:
    async with EmbeddedNetwork(seed=4, nodes=6) as network, asyncio.timeout(PATIENCE):
        bootstrap = network.client_options.bootstrap
        client = LiveNode(NodeSettings(bootstrap, connect=PAIR.public_key), Tap(), network=behind(network, CONSISTENT))
        await client.start()
        status = client.status()
        assert status is not None
        assert not status.bootstrapped
        await client.close_now()
        await client.close_now()
        await client.stop()
        assert client.status() is None
    assert len(asyncio.all_tasks()) == 1
