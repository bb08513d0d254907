"""A peer of our own while it runs: the machine, its sockets, the tap that feeds the packet table, and its status.

Everything but `Tap.collect` happens in the event loop that `start` was called in, and nothing there waits: a story is
brought up to date by whoever shows it, in a thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from app.exit_status import CommandError, ExitStatus
from app.hand.desk import DeskControl
from app.hand.interception import LiveInterception
from app.hand.rules import NO_INTERCEPTING, Intercepting
from app.node_connections import ConnectionBook
from app.node_saying import saying
from app.node_status import NodeStatus
from app.node_view import Sockets, status_of
from capture.tap import Tap
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.events import Event
from protocol.dht.options import NodeOptions
from protocol.keys import KeyPair
from protocol.noise_handshake import KeyLine
from protocol.peer.live import Conversation, ConversationOver, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.peer.steps import pass_at_once
from protocol.proxy.host import host_proxy
from protocol.proxy.limits import ProxyLimits
from protocol.udp_sockets import Network

if TYPE_CHECKING:
    from app.intercept_status import Interception

EVENTS: Final = 1000
"""Most that are kept for whoever asks."""
SAID: Final = 200
"""Events whose sentences are kept to be shown."""
FAREWELL: Final = 5.0
"""Seconds that taking back an announcement may last."""

Heard = Callable[[Conversation, bytes], None]
"""Called with each message that comes."""


@dataclass(frozen=True, slots=True)
class Proxying:
    """For whom to punch, and how much to pass on."""

    admitted: frozenset[bytes] | None = None
    """Public keys; None for everybody."""
    max_bytes: int | None = None
    """Of one stream; None for what `ProxyLimits` says."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the user wants of a node."""

    bootstrap: tuple[BootstrapNode, ...]
    host: str = "0.0.0.0"
    port: int = 0
    """First port to try, 0 for any."""
    pair: KeyPair | None = None
    """Its keys; random if None."""
    ephemeral: bool | None = None
    listen: ListenOptions | None = None
    """How to listen on the key pair; None for not at all."""
    echo: bool = False
    """Whether to send back what clients say."""
    connect: bytes | None = None
    """Public key of a server to connect to once bootstrapped."""
    connecting: ConnectOptions = field(default_factory=ConnectOptions)
    proxying: Proxying | None = None
    """Whether to punch for others, under the same key pair; not together with `listen`."""
    intercepting: Intercepting = NO_INTERCEPTING
    """What is done to datagrams from the start."""
    desk: DeskControl | None = None
    """Where steps of its connections wait for a person; None: each goes at once."""
    say: bytes | None = None
    """Said to that server; the first thing that it answers ends the connection."""


class LiveNode:
    """Runs one peer; see `app.node_status.RunningNode`.

    Args:
        settings: what is wanted.
        tap: takes every datagram that it sends and receives, and the secrets that open them.
        on_key: gets key log lines, too.
        on_message: gets what connections bring.
        network: where sockets come from, if not from the system.
    """

    def __init__(
        self,
        settings: NodeSettings,
        tap: Tap,
        on_key: Callable[[KeyLine], None] | None = None,
        on_message: Heard | None = None,
        network: Network | None = None,
    ) -> None:
        self.tap = tap
        wanted = settings.intercepting
        self._interception = LiveInterception(tap, wanted.rules, wanted.expression)
        for public_key in (settings.connect, None if settings.pair is None else settings.pair.public_key):
            if public_key is not None:
                self._interception.give_server_key(public_key)
        self.book = ConnectionBook()
        """Connections and how they went."""
        self._settings = settings
        self._on_key = on_key
        self._on_message = on_message
        self._network = network
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._said: deque[tuple[float, str]] = deque(maxlen=SAID)
        self._peer: LivePeer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._first: tuple[asyncio.Event, ...] = ()
        self._started = 0.0
        self._stopping: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What it is called on screen."""
        return self.tap.file.path

    async def start(self) -> None:
        """Bind sockets, begin to bootstrap, then listen and connect as the settings say.

        Raises:
            CommandError: no socket could be bound.
        """
        settings = self._settings
        node = NodeOptions(bootstrap=settings.bootstrap, ephemeral=settings.ephemeral)
        gate = pass_at_once if settings.desk is None else settings.desk.desk
        options = PeerOptions(node, settings.pair, gate=gate, on_key=self._took_key)
        try:
            peer = await LivePeer.open(
                options,
                host=settings.host,
                port=settings.port,
                on_event=self._told,
                network=self._network,
                tap=self._interception.take,
                around=self._interception.around,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(ExitStatus.USAGE, f"no socket can be bound to {settings.host}: {reason}") from None
        self._peer = peer
        self._started = peer.shell.now
        self._interception.attach(peer.shell)
        if settings.desk is not None:
            settings.desk.bind(peer.shell)
        listening, connecting = asyncio.Event(), asyncio.Event()
        if settings.listen is not None:
            self._first += (listening,)
            self._do(self._listen(peer, settings.listen, listening))
        if settings.proxying is not None:
            self._first += (listening,)
            self._do(self._punch_for_others(peer, settings.proxying, listening))
        if settings.connect is not None:
            self._first += (connecting,)
            self._do(self._connect(peer, settings.connect, connecting))
            if settings.desk is not None:
                again = partial(self._connect, peer, settings.connect, connecting)
                settings.desk.begin = lambda: self._do(again())

    async def settled(self) -> None:
        """Wait until it has bootstrapped, has tried to announce, and its connection has opened or failed."""
        if self._peer is not None:
            await self._peer.bootstrapped()
        for event in self._first:
            await event.wait()

    async def finished(self) -> None:
        """Wait until everything that the settings ask for is done: for ever, where it is to listen."""
        await asyncio.gather(*self._tasks)

    def take_events(self) -> list[Event]:
        """What the peer told since the last call, oldest first; of very much, the latest."""
        events = list(self._events)
        self._events.clear()
        return events

    @property
    def desk(self) -> DeskControl | None:
        """Where steps of its own wait for a person."""
        return self._settings.desk

    @property
    def interception(self) -> Interception | None:
        """What holds messages on their way through it."""
        return self._interception

    def summary(self) -> list[str]:
        """What was done to datagrams on their way through it, a sentence each."""
        return self._interception.summary()

    @property
    def farewell(self) -> str:
        """What `stop` has to wait for; empty where it ends at once."""
        announced = self._peer is not None and any(server.announcer.relays for server in self._peer.peer.servers)
        return "unannouncing" if announced else ""

    async def stop(self) -> None:
        """Take back the announcement, within `FAREWELL`, and close. May be called again, and while it goes on."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def close_now(self) -> None:
        """Close without telling anybody."""
        if self._stopping is not None:
            self._stopping.cancel()
        await self._close()

    async def _stop(self) -> None:
        if self._peer is not None:
            try:
                async with asyncio.timeout(FAREWELL):
                    await self._peer.close()
            except TimeoutError:
                pass  # who holds the announcement forgets it by itself, after 20 minutes
        await self._close()

    async def _close(self) -> None:
        peer, self._peer = self._peer, None
        if self._settings.desk is not None:
            self._settings.desk.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if peer is not None:
            await peer.shell.close()
            self._interception.detach()

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, peer: LivePeer, options: ListenOptions, tried: asyncio.Event) -> None:
        await peer.bootstrapped()
        listener = await peer.listen(None, options)
        tried.set()
        async for conversation in listener:
            self._do(self._serve(conversation))

    async def _punch_for_others(self, peer: LivePeer, wanted: Proxying, tried: asyncio.Event) -> None:
        await peer.bootstrapped()
        limits, admitted = ProxyLimits(), wanted.admitted
        if wanted.max_bytes is not None:
            limits = replace(limits, bytes=wanted.max_bytes)
        admits = None if admitted is None else admitted.__contains__
        host = host_proxy(peer.peer, peer.peer.key_pair, peer.shell.now, admits, limits)
        peer.shell.drive()
        await peer.announced(host.server)
        tried.set()

    async def _serve(self, conversation: Conversation) -> None:
        """Take what a client says until it ends, then end too."""
        try:
            while message := await conversation.recv():
                self._received(conversation, message)
                if self._settings.echo:
                    await conversation.send(message)
            conversation.end()
            await conversation.closed()
        except ConversationOver:
            pass  # the book has the reason

    async def _connect(self, peer: LivePeer, public_key: bytes, tried: asyncio.Event) -> None:
        await peer.bootstrapped()
        try:
            conversation = await peer.connect(public_key, self._settings.connecting)
            tried.set()
            if self._settings.say is not None:
                await conversation.send(self._settings.say)
            while message := await conversation.recv():
                self._received(conversation, message)
                if self._settings.say is not None:
                    break
            conversation.end()
            await conversation.closed()
        except ConversationOver:
            pass  # the book has the reason
        finally:
            tried.set()

    def _received(self, conversation: Conversation, message: bytes) -> None:
        self.book.heard(conversation.connection, message)
        if self._on_message is not None:
            self._on_message(conversation, message)

    def _told(self, event: Event) -> None:
        now = asyncio.get_running_loop().time()
        self._events.append(event)
        if said := saying(event):
            self._said.append((now, said))
        self.book.take(event, now)

    def _took_key(self, line: KeyLine) -> None:
        self.tap.add_secrets(line.text + "\n")
        self._interception.take_key(line)
        if self._on_key is not None:
            self._on_key(line)

    def status(self) -> NodeStatus | None:
        """How it is now; None before it has started and after it has ended."""
        if self._peer is None:
            return None
        shell, peer = self._peer.shell, self._peer.peer
        if self._settings.desk is not None:
            self._settings.desk.look()
        sockets = Sockets(
            shell.address(NodeSocket.SERVER), shell.address(NodeSocket.CLIENT), shell.sockets, shell.errors
        )
        age = shell.now - self._started
        return status_of(peer, self.book, sockets, self._settings.bootstrap, age, shell.now, self._said)
