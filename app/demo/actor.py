"""One peer of the demo: listens and echoes, or connects, says a line, waits for the echo, and leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from app.demo.embedded_network import EmbeddedNetwork
from app.demo.loopback_network import PublicHost
from app.demo.nat_host import NatHost
from app.demo.relay_peer import RelayPeer
from protocol.dht.events import Event
from protocol.keys import KeyPair
from protocol.noise_handshake import KeyLine
from protocol.peer.connection import Connection
from protocol.peer.events import (
    ConnectionAccepted,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionStirred,
    ServerClosed,
    ServerListening,
)
from protocol.peer.failures import Closing
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.peer.peer import Peer
from protocol.peer.steps import Gate, pass_at_once
from protocol.stream.events import DataReceived, RemoteEnded
from protocol.udp_shell import UdpShell

GREETING: Final = b"hello from the other side"
HOLD: Final = 1.0
"""Seconds that a connection is kept after the echo."""
PATIENCE: Final = 90.0
"""Seconds after which an attempt is given up; the longest, with a random NAT, takes 60."""

Host = PublicHost | NatHost
OnKey = Callable[[KeyLine], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended for the application."""

    attempt: bytes
    """8 bytes that name it in a capture; empty where it never got to a handshake."""
    echoed: bool
    closing: Closing | None
    """None when it was given up after `PATIENCE`."""
    seconds: float


class Actor:
    """A peer on a host of the embedded network."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.shell: UdpShell[Peer]
        self._listening: asyncio.Event = asyncio.Event()
        self._left: asyncio.Event = asyncio.Event()
        self._over: dict[Connection, asyncio.Event] = {}
        self._echoed: set[Connection] = set()

    @classmethod
    async def open(
        cls, network: EmbeddedNetwork, host: Host, *, on_key: OnKey, gate: Gate | None = None, relays: bool = False
    ) -> Actor:
        """Start a peer, or a blind relay, and wait until it has bootstrapped."""
        actor = cls(host)
        # A host without a NAT is told so, as the owner of a server does.
        node = replace(network.client_options, firewalled=isinstance(host, NatHost))
        options = PeerOptions(node=node, gate=gate or pass_at_once, on_key=on_key)

        def make(random: Random, now: float, _epoch: float) -> Peer:
            return (RelayPeer if relays else Peer)(options, random, now)

        actor.shell = await UdpShell.run_machine(
            make, port=0, network=host, random=Random(network.random.getrandbits(64)), on_event=actor.heard
        )
        await actor.shell.bootstrapped()
        return actor

    @property
    def public_host(self) -> str:
        """Where others see it."""
        return self.host.lan.public_host if isinstance(self.host, NatHost) else self.host.host

    async def listen(self, pair: KeyPair, options: ListenOptions) -> None:
        """Listen, and wait until it is announced."""
        self._server = self.shell.act(lambda peer, now: peer.listen(pair, now, options))
        async with asyncio.timeout(PATIENCE):
            await self._listening.wait()

    async def leave(self) -> None:
        """Stop listening, and wait until the announcements are taken back."""
        self.shell.act(lambda _, now: self._server.close(now))
        async with asyncio.timeout(PATIENCE):
            await self._left.wait()

    async def connect(self, public_key: bytes, options: ConnectOptions) -> Ending:
        """Connect, have a line echoed, and leave."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        connection = self.shell.act(lambda peer, now: peer.connect(public_key, now, options))
        over = self._over[connection] = asyncio.Event()
        self._pump(connection)
        try:
            async with asyncio.timeout(PATIENCE):
                await over.wait()
        except TimeoutError:
            self.shell.act(lambda _, now: connection.destroy(now))
            return Ending(connection.attempt, False, None, loop.time() - began)
        finally:
            self._over.pop(connection, None)
        echoed = connection in self._echoed
        self._echoed.discard(connection)
        return Ending(connection.attempt, echoed, connection.closing, loop.time() - began)

    async def close(self) -> None:
        """Close the peer and its sockets."""
        await self.shell.close()

    def heard(self, event: Event) -> None:
        """Take in what the peer tells."""
        if isinstance(event, ConnectionStirred):
            self._pump(event.connection)
        elif isinstance(event, ConnectionAccepted) and isinstance(self.shell.machine, RelayPeer):
            self.shell.machine.serve(event.connection)
        elif isinstance(event, ServerListening):
            self._listening.set()
        elif isinstance(event, ServerClosed):
            self._left.set()

    def _pump(self, connection: Connection) -> None:
        while (event := connection.poll_event()) is not None:
            if isinstance(event, ConnectionOpened) and connection.initiator:
                connection.send(GREETING)
            elif isinstance(event, DataReceived):
                self._received(connection, event.data)
            elif isinstance(event, RemoteEnded) and connection.may_send:
                connection.end()
            elif isinstance(event, ConnectionClosed) and connection in self._over:
                self._over[connection].set()

    def _received(self, connection: Connection, data: bytes) -> None:
        if not connection.initiator:
            if connection.may_send:
                connection.send(data)
        elif connection not in self._echoed:
            self._echoed.add(connection)
            asyncio.get_running_loop().call_later(HOLD, self._end, connection)

    def _end(self, connection: Connection) -> None:
        if connection.may_send:
            connection.end()
            self.shell.drive()
