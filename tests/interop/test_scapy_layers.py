"""Packets put together with the scapy layers, and a network of real nodes that answers them."""

from __future__ import annotations

import asyncio
import socket

import pytest

from capture.layers import HyperDHT, HyperDHTRequest, HyperDHTResponse, PeerRecordValue
from protocol.hashes import blake2b_256
from protocol.keys import key_pair
from tests.interop.dht_driver import LOOPBACK, PATIENCE, real_nodes

pytestmark = pytest.mark.node

PAIR = key_pair(b"l" * 32)


async def asked(port: int, request: HyperDHTRequest) -> HyperDHTResponse:
    """What a node answers to one request."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.setblocking(False)
        ours.bind((LOOPBACK, 0))
        await loop.sock_sendto(ours, bytes(request), (LOOPBACK, port))
        async with asyncio.timeout(PATIENCE):
            data, sender = await loop.sock_recvfrom(ours, 2048)
        assert sender == (LOOPBACK, port)
        response = HyperDHT(data)
        assert isinstance(response, HyperDHTResponse)
        assert response.answers(request)
        assert response.to == f"{LOOPBACK}:{ours.getsockname()[1]}"
        return response


async def test_real_nodes_answer_what_is_put_together_by_hand() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=6)
        await real("node", name="server", bootstrap=[testnet["bootstrap"]])
        await real("listen", name="server", seed=PAIR.seed.hex())
        target = blake2b_256(PAIR.public_key)
        found = set()
        for number, port in enumerate(testnet["ports"]):
            to = f"{LOOPBACK}:{port}"
            assert (await asked(port, HyperDHTRequest(tid=number, to=to, cmd="PING"))).error is None
            near = await asked(port, HyperDHTRequest(tid=number + 100, to=to, cmd="FIND_NODE", target=target))
            assert near.closer_nodes
            response = await asked(port, HyperDHTRequest(tid=number + 200, to=to, cmd="FIND_PEER", target=target))
            record = response.answering("FIND_PEER")
            if record is not None:
                assert isinstance(record, PeerRecordValue)
                found.add(record.public_key)
        assert found == {PAIR.public_key}


async def test_an_unknown_command_is_met_with_the_error_of_the_reference() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=2)
        port = testnet["ports"][0]
        response = await asked(port, HyperDHTRequest(tid=1, to=f"{LOOPBACK}:{port}", cmd=99, target=bytes(32)))
        assert response.error == 1
        assert HyperDHT(bytes(response)).sprintf("%error%") == "UNKNOWN_COMMAND"
