"""Our announcer, our server's answers and our client's questions in a DHT of real nodes on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import Incoming
from protocol.dht.local_server import Answer, LocalReply
from protocol.dht.node import Node
from protocol.dht.operations import find_peer
from protocol.dht.options import NodeOptions
from protocol.dht.router_client import (
    BadReply,
    HandshakeReply,
    HolepunchReply,
    RelayFailed,
    peer_handshake,
    peer_holepunch,
)
from protocol.keys import key_pair
from protocol.messages import Address, Handshake, Holepunch
from protocol.punch.announcer import Announcer
from protocol.punch.pool import SocketPool
from protocol.udp_shell import UdpShell
from tests.interop.dht_driver import LOOPBACK, PATIENCE, real_nodes

pytestmark = pytest.mark.node

SEED = b"s" * 32
PAIR = key_pair(SEED)


class AnnouncingNode(Node):
    """A node whose announcer's timers are its own, and which answers whoever wants to connect."""

    def __init__(self, options: NodeOptions, random: Random, now: float) -> None:
        super().__init__(options, random, now)
        self.announcer = Announcer(self, PAIR)
        self.answers_from: int | None = None
        self.asked: list[tuple[Handshake | Holepunch, Incoming]] = []
        self.router.add_server(self.announcer.target, self)

    @property
    def record(self) -> bytes:
        return self.announcer.record

    def serve_handshake(self, value: Handshake, request: Incoming, now: float, answer: Answer) -> None:
        self.asked.append((value, request))
        answer(LocalReply(value.noise[::-1], self.answers_from), now)
        answer(LocalReply(b"once is enough", self.answers_from), now)

    def serve_holepunch(self, value: Holepunch, request: Incoming, now: float, answer: Answer) -> None:
        self.asked.append((value, request))
        answer(LocalReply(value.payload[::-1], self.answers_from), now)

    def next_timeout(self) -> float | None:
        due = (super().next_timeout(), self.announcer.next_timeout())
        return min((at for at in due if at is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        super().handle_timeout(now)
        self.announcer.handle_timeout(now)


@asynccontextmanager
async def announcing(bootstrap: int, *, firewalled: bool = True) -> AsyncIterator[UdpShell[AnnouncingNode]]:
    """A node of ours in the network that begins there; it does not announce yet."""
    options = NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, bootstrap),), ephemeral=True, firewalled=firewalled)
    shell = await UdpShell.run_machine(
        lambda random, now, _: AnnouncingNode(options, random, now), host=LOOPBACK, port=0
    )
    async with shell, asyncio.timeout(PATIENCE):
        await shell.bootstrapped()
        yield shell


async def when_done(shell: UdpShell[Any], begin: Callable[[float, Callable[..., None]], object]) -> Any:
    """What `begin` tells when it is done."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def done(*what: Any) -> None:
        if not future.done():
            future.set_result(what[0])

    shell.act(lambda _, now: begin(now, done))
    return await future


async def test_the_same_nodes_hold_the_record_as_for_a_real_server() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=10)
        await real("node", name="theirs", bootstrap=[testnet["bootstrap"]])
        listening = await real("listen", name="theirs", seed=SEED.hex())
        await real("unlisten", name="theirs")
        async with announcing(testnet["bootstrap"]) as ours:
            announcer = ours.machine.announcer
            await when_done(ours, announcer.start)
            assert {relay.relay_address.port for relay in announcer.relays} == set(listening["relays"])
            assert len(announcer.relays) == 3


async def test_real_nodes_find_what_we_announce_until_we_stop() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        await real("node", name="seeker", bootstrap=[testnet["bootstrap"]])
        async with announcing(testnet["bootstrap"]) as ours:
            announcer = ours.machine.announcer

            async def found() -> set[int]:
                peers = await real("findPeer", name="seeker", key=PAIR.public_key.hex())
                assert all((peer["key"], peer["relays"]) == (PAIR.public_key.hex(), []) for peer in peers)
                return {peer["port"] for peer in peers}

            assert await found() == set()
            await when_done(ours, announcer.start)
            relays = {relay.relay_address.port for relay in announcer.relays}
            assert await found() == relays
            answers = await real("lookup", name="seeker", target=announcer.target.hex())
            assert [PAIR.public_key.hex()] in [answer["peers"] for answer in answers]
            socket = ours.machine.requests.main_socket
            assert {relay.peer_address for relay in announcer.relays} == {ours.address(socket)}
            # Suspended, nobody is told of us; resumed, all are.
            await when_done(ours, announcer.suspend)
            assert await found() == set()
            ours.suspend()
            ours.resume()
            await when_done(ours, announcer.resume)
            assert await found() == {relay.relay_address.port for relay in announcer.relays}
            await when_done(ours, announcer.stop)
            assert await found() == set()
            assert not ours.machine.refused


async def test_questions_and_answers_over_real_relays() -> None:
    async with real_nodes() as real:
        testnet = await real("testnet", size=8)
        async with announcing(testnet["bootstrap"]) as server, announcing(testnet["bootstrap"]) as client:
            announcer = server.machine.announcer
            await when_done(server, announcer.start)
            (relay, _, other) = [relay.relay_address for relay in announcer.relays]
            found = await client.run(find_peer, PAIR.public_key)
            assert relay in [holder.address for holder in found.holders]
            pool = SocketPool(client.machine, client.machine._events.append)
            server_pool = SocketPool(server.machine, server.machine._events.append)
            target, noise = announcer.target, bytes(range(100))

            async def shake(to: Address, **given: Any) -> HandshakeReply | RelayFailed:
                session = client.machine.session()
                return await when_done(
                    client, lambda now, done: peer_handshake(session, target, noise, to, now, done, **given)
                )

            reply = await shake(relay)
            assert isinstance(reply, HandshakeReply)
            assert reply.noise == noise[::-1]
            assert reply.relayed
            main = client.machine.requests.main_socket
            assert reply.client_address == client.address(main)
            assert reply.server_address == server.address(server.machine.requests.main_socket)
            # Answered from a socket that is to be punched, that one is taken for the server's address.
            server.machine.answers_from = server_pool.acquire(server.now)
            reply = await shake(relay)
            assert isinstance(reply, HandshakeReply)
            assert reply.server_address == server.address(server.machine.answers_from)
            # Over a second relay, and without one.
            reply = await shake(other, relay_address=relay)
            assert isinstance(reply, HandshakeReply)
            assert reply.relayed
            value, _ = server.machine.asked[-1]
            assert isinstance(value, Handshake)
            assert (value.peer_address, value.relay_address) == (client.address(main), other)
            server.machine.answers_from = None
            direct = server.address(server.machine.requests.main_socket)
            reply = await shake(direct)
            assert isinstance(reply, HandshakeReply)
            assert (reply.relayed, reply.server_address) == (False, direct)
            assert server.machine.asked[-1][0].peer_address is None

            # A round of holepunching, from a socket of its own.
            number = pool.acquire(client.now)
            server_socket = server.machine.requests.main_socket
            round_reply: HolepunchReply | RelayFailed = await when_done(
                client,
                lambda now, done: peer_holepunch(
                    client.machine.session(),
                    target,
                    5,
                    b"p" * 80,
                    relay,
                    now,
                    done,
                    peer_address=server.address(server_socket),
                    socket=number,
                ),
            )
            assert round_reply == HolepunchReply(
                b"p" * 80, relay, client.address(number), server.address(server_socket)
            )
            (holepunch, request) = server.machine.asked[-1]
            assert isinstance(holepunch, Holepunch)
            assert (holepunch.id, holepunch.peer_address) == (5, client.address(number))
            assert announcer.is_relay(request.sender.address)
            # Nobody answers for a target that nobody listens on.
            nobody: HandshakeReply | RelayFailed = await when_done(
                client,
                lambda now, done: peer_handshake(
                    client.machine.session(), b"n" * 32, noise, direct, now, done, relay_address=None
                ),
            )
            assert isinstance(nobody, RelayFailed)
            assert nobody.reason is BadReply.HANDSHAKE
            await when_done(server, announcer.stop)
