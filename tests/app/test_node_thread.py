"""A node in a thread of its own: it answers while the loop that shows it is busy, and ends in every way."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from app.exit_status import CommandError
from app.live_node import LiveNode, NodeSettings
from app.node_thread import NodeThread
from capture.tap import Tap
from protocol.constants import InternalCommand
from protocol.dht.bootstrap import BootstrapNode, parse_bootstrap
from protocol.envelope import decode_response, encode_request
from protocol.messages import Address, Request
from protocol.peer.options import ListenOptions
from tests.app.hand_node import PAIR
from tests.app.small_dht import LOOPBACK, dht_in_a_thread

NOBODY = (BootstrapNode(LOOPBACK, 9),)
PATIENCE = 20.0


def nodes() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "node"]


def made(bootstrap: tuple[BootstrapNode, ...] = NOBODY, **settings: object) -> NodeThread:
    return NodeThread(LiveNode(NodeSettings(bootstrap, LOOPBACK, **settings), Tap()))  # type: ignore[arg-type]


async def test_it_answers_while_the_loop_that_shows_it_is_busy() -> None:
    node = made()
    assert node.status() is None
    await node.start()
    status = node.status()
    assert status is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(PATIENCE)
        to = Address(LOOPBACK, status.server.port)
        stranger.sendto(encode_request(Request(7, to, InternalCommand.FIND_NODE, internal=True, target=bytes(32))), to)
        # Nothing of this loop runs before there is an answer.
        assert decode_response(stranger.recv(1500)).tid == 7
    await node.stop()
    assert node.status() is None
    assert not nodes()
    await node.stop()
    await node.close_now()


async def test_it_takes_its_announcement_back() -> None:
    with dht_in_a_thread() as begin:
        node = made((parse_bootstrap(begin),), pair=PAIR, listen=ListenOptions())
        await node.start()
        async with asyncio.timeout(PATIENCE):
            while node.farewell != "unannouncing":
                await asyncio.sleep(0)
        status = node.status()
        assert status is not None
        assert [one.public_key for one in status.announcements] == [PAIR.public_key]
        await node.stop()
        assert not nodes()


async def test_it_can_be_closed_while_it_takes_leave() -> None:
    with dht_in_a_thread() as begin:
        node = made((parse_bootstrap(begin),), pair=PAIR, listen=ListenOptions())
        await node.start()
        async with asyncio.timeout(PATIENCE):
            while not node.farewell:
                await asyncio.sleep(0)
    # Nobody is there any more: taking the announcement back would last.
    leaving = asyncio.create_task(node.stop())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await node.close_now()
        await asyncio.wait((leaving,))
    assert not nodes()


async def test_a_socket_that_cant_be_bound_is_told() -> None:
    node = NodeThread(LiveNode(NodeSettings(NOBODY, "203.0.113.1"), Tap()))
    with pytest.raises(CommandError, match=r"203\.0\.113\.1"):
        await node.start()
    await node.close_now()
    assert not nodes()
