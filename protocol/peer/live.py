"""A peer on real sockets, for programs that use asyncio.

```python
async with await LivePeer.open(PeerOptions(node)) as peer:
    await peer.bootstrapped()
    conversation = await peer.connect(public_key)
    await conversation.send(b"one message")
    while message := await conversation.recv():
        ...
```

Nothing is read from the network's buffers that is not asked for: a program that does not call `recv` slows its peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from protocol.dht.events import Event
from protocol.dht.node import Node
from protocol.keys import KeyPair
from protocol.peer.connection import Connection
from protocol.peer.events import (
    ConnectionAccepted,
    ConnectionClosed,
    ConnectionStirred,
    ServerClosed,
    ServerListening,
)
from protocol.peer.failures import CLOSINGS, Closing
from protocol.peer.listening import Server
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.peer.peer import Peer
from protocol.stream.events import CloseReason, DataReceived, RemoteEnded
from protocol.stream.states import State
from protocol.udp_shell import ANY_HOST, DEFAULT_PORT, Around, Tap, UdpShell
from protocol.udp_sockets import Network

if TYPE_CHECKING:
    from random import Random

P = ParamSpec("P")
T = TypeVar("T")


class ConversationOver(Exception):  # noqa: N818 - it is no error of the program
    """The connection closed, or never came about; `closing` says why."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.text)
        self.closing = closing


class Conversation:
    """One connection, as something to await."""

    def __init__(self, connection: Connection, shell: UdpShell[Peer]) -> None:
        self.connection = connection
        self._shell = shell
        self._stirred = asyncio.Event()
        self._remote_ended = False

    @property
    def remote_public_key(self) -> bytes:
        """The other side's key."""
        return self.connection.remote_public_key

    def stir(self) -> None:
        """There may be something to take out."""
        self._stirred.set()

    async def opened(self) -> None:
        """Wait until there is a path and bytes may be sent on it, as the reference's event `open` tells.

        The other side need not have been heard on the path yet: `Connection.opened` says whether it has shown that it
        has the keys, which takes a round trip more, and what is received comes from nobody else.

        Raises:
            ConversationOver: that did not happen.
        """
        while not self.connection.has_path:
            event = self.connection.poll_event()
            if isinstance(event, ConnectionClosed):
                raise ConversationOver(event.closing)
            if event is None:
                await self._wait()

    async def send(self, data: bytes) -> None:
        """Send one message, when there is room for it.

        Raises:
            ConversationOver: the connection is closed.
            LocalProtocolError: it was ended here.
        """
        while not self.connection.may_send:
            if self.connection.is_over:
                raise ConversationOver(self.connection.closing or CLOSINGS[CloseReason.RESET])
            if self.connection.raw.state not in (State.IDLE, State.OPEN, State.HALF_OPEN):
                break
            await self._wait()
        self.connection.send(data)
        self._shell.drive()

    async def recv(self) -> bytes:
        """The next message; empty once the other side has ended.

        Raises:
            ConversationOver: the connection closed otherwise.
        """
        while not self._remote_ended:
            event = self.connection.poll_event()
            if event is None:
                await self._wait()
                continue
            self._shell.drive()
            if isinstance(event, DataReceived):
                return event.data
            if isinstance(event, RemoteEnded):
                self._remote_ended = True
            elif isinstance(event, ConnectionClosed):
                raise ConversationOver(event.closing)
        return b""

    async def closed(self) -> Closing:
        """Wait until the connection is over; what still comes is dropped."""
        while True:
            event = self.connection.poll_event()
            if isinstance(event, ConnectionClosed):
                return event.closing
            if event is not None:
                self._shell.drive()
            elif self.connection.closing is not None:
                return self.connection.closing
            else:
                await self._wait()

    def end(self) -> None:
        """Send nothing more; the other side may go on. Of a connection that is over nothing is left to end."""
        if self.connection.closing is None and self.connection.raw.state is not State.CLOSED:
            self.connection.end()
            self._shell.drive()

    def destroy(self) -> None:
        """Give it up at once."""
        self.connection.destroy(self._shell.now)
        self._shell.drive()

    async def _wait(self) -> None:
        self._stirred.clear()
        self._shell.drive()
        await self._stirred.wait()


class Listener:
    """One server, as something to await."""

    def __init__(self, server: Server, shell: UdpShell[Peer]) -> None:
        self.server = server
        self.listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The number of relays, once it is announced."""
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.accepted: asyncio.Queue[Conversation] = asyncio.Queue()
        self._shell = shell

    @property
    def public_key(self) -> bytes:
        """What clients connect to."""
        return self.server.public_key

    async def accept(self) -> Conversation:
        """The next connection."""
        return await self.accepted.get()

    async def __aiter__(self) -> AsyncIterator[Conversation]:
        """Connections as they come."""
        while True:
            yield await self.accept()

    async def close(self) -> None:
        """Answer nobody any more, and wait until the announcements are taken back. Connections go on."""
        self._shell.act(lambda _, now: self.server.close(now))
        await self.gone


class LivePeer:
    """A peer on real sockets. Made by `open`; closes when the block that it is used in ends."""

    def __init__(self, on_event: Callable[[Event], None] | None) -> None:
        self.shell: UdpShell[Peer]
        self.on_event = on_event
        """Called with everything that the peer tells."""
        self._conversations: dict[Connection, Conversation] = {}
        self._listeners: dict[Server, Listener] = {}

    @classmethod
    async def open(
        cls,
        options: PeerOptions,
        *,
        host: str = ANY_HOST,
        port: int = DEFAULT_PORT,
        random: Random | None = None,
        on_event: Callable[[Event], None] | None = None,
        network: Network | None = None,
        tap: Tap | None = None,
        around: Around | None = None,
    ) -> LivePeer:
        """Bind two sockets and start to bootstrap; arguments as for `UdpShell.run_machine`.

        Raises:
            OSError: no socket could be bound.
        """
        live = cls(on_event)

        def make(random: Random, now: float, epoch: float) -> Peer:
            return Peer(replace(options, node=replace(options.node, epoch=epoch)), random, now)

        live.shell = await UdpShell.run_machine(
            make, host=host, port=port, random=random, on_event=live._heard, network=network, tap=tap, around=around
        )
        return live

    async def __aenter__(self) -> LivePeer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def peer(self) -> Peer:
        """The machine."""
        return self.shell.machine

    async def bootstrapped(self) -> None:
        """Wait until the first search for the node's own place has ended."""
        await self.shell.bootstrapped()

    async def run(
        self,
        operation: Callable[Concatenate[Node, float, Callable[[T, float], None], P], object],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Wait for the result of one of `protocol.dht.operations`."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: T, _: float) -> None:
            if not future.done():
                future.set_result(result)

        operation(self.peer.node, self.shell.now, done, *args, **kwargs)
        self.shell.drive()
        return await future

    def begin(self, public_key: bytes, options: ConnectOptions | None = None) -> Conversation:
        """Begin to connect; `Conversation.opened` waits for the end of it."""
        connection = self.peer.connect(public_key, self.shell.now, options)
        conversation = self._conversation(connection)
        self.shell.drive()
        return conversation

    async def connect(self, public_key: bytes, options: ConnectOptions | None = None) -> Conversation:
        """Connect to the server with this key.

        Raises:
            ConversationOver: it could not be done; `closing` has the reference's name and the real cause.
        """
        conversation = self.begin(public_key, options)
        try:
            await conversation.opened()
        except asyncio.CancelledError:
            conversation.destroy()
            raise
        return conversation

    async def listen(self, pair: KeyPair | None = None, options: ListenOptions | None = None) -> Listener:
        """Listen on a key pair, the peer's own if None, and wait until it is announced.

        Raises:
            LocalProtocolError: the peer is closed, or listens on this key already.
        """
        server = self.peer.listen(pair, self.shell.now, options)
        listener = self._listeners[server] = Listener(server, self.shell)
        self.shell.drive()
        await listener.listening
        return listener

    async def announced(self, server: Server) -> int:
        """Wait until a server of the peer is announced, one that the peer uses itself too; how many relays took it."""
        listener = self._listeners.setdefault(server, Listener(server, self.shell))
        if server.listening:
            return len(server.announcer.relays)
        return await listener.listening

    async def suspend(self) -> None:
        """Take all announcements back, close all connections and sockets; listeners wait to be `listening` again."""
        for listener in self._listeners.values():
            listener.listening = asyncio.get_running_loop().create_future()
        taken_back = asyncio.Event()
        self.shell.act(lambda peer, now: peer.take_back(now, lambda _: taken_back.set()))
        await taken_back.wait()
        self.shell.suspend()

    def resume(self) -> None:
        """Open the sockets again, and announce.

        Raises:
            OSError: no socket could be bound.
        """
        self.shell.resume()

    async def close(self) -> None:
        """Take all announcements back and close everything."""
        for server in self.peer.servers:
            self._listeners.setdefault(server, Listener(server, self.shell))
        await asyncio.gather(*(listener.close() for listener in tuple(self._listeners.values())))
        await self.shell.close()

    def _conversation(self, connection: Connection) -> Conversation:
        conversation = Conversation(connection, self.shell)
        if connection.closing is None:
            self._conversations[connection] = conversation
        return conversation

    def _heard(self, event: Event) -> None:
        if isinstance(event, ConnectionStirred):
            conversation = self._conversations.get(event.connection)
            if conversation is not None:
                conversation.stir()
                if event.connection.is_gone:
                    del self._conversations[event.connection]
        elif isinstance(event, ConnectionAccepted):
            listener = self._listeners.get(event.server)
            if listener is not None:
                listener.accepted.put_nowait(self._conversation(event.connection))
        elif isinstance(event, ServerListening):
            listener = self._listeners.get(event.server)
            if listener is not None and not listener.listening.done():
                listener.listening.set_result(event.relays)
        elif isinstance(event, ServerClosed):
            listener = self._listeners.pop(event.server, None)
            if listener is not None:
                listener.listening.cancel()
                if not listener.gone.done():
                    listener.gone.set_result(None)
        if self.on_event is not None:
            self.on_event(event)
