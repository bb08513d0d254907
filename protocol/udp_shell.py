"""A node on real sockets: the one place where the protocol meets asyncio, a clock, and the system's randomness.

The server socket takes the given port, one of the four after it, or any that is free; the client socket any.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from secrets import SystemRandom
from socket import AF_INET, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET, socket
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

from protocol.dht.contact import NodeSocket
from protocol.dht.events import Bootstrapped, Event, NameWanted
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

DEFAULT_PORT: Final = 49737
PORTS_TRIED: Final = 5
RECEIVE_BUFFER: Final = 1 << 20
"""Bytes asked for of the system, for each socket."""
MAX_DATAGRAM: Final = 65535
DATAGRAMS_PER_TURN: Final = 32

P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[Node, float, Callable[[T, float], None], P], object]
"""One of `protocol.dht.operations`: node, time, what to call with the result, and its own arguments."""


class UdpShell:
    """Runs one node. Made by `open`; closes when the block that it is used in ends."""

    def __init__(self, node: Node, on_event: Callable[[Event], None] | None) -> None:
        self.node = node
        self.errors = 0
        """Datagrams that the system did not send, and errors that it reported on receiving."""
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[int, socket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._lookups: set[asyncio.Task[None]] = set()
        self._bootstrapped = asyncio.Event()
        self._closed = False

    @classmethod
    async def open(
        cls,
        options: NodeOptions,
        *,
        host: str = "0.0.0.0",
        port: int = DEFAULT_PORT,
        random: Random | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> UdpShell:
        """Bind both sockets and start to bootstrap.

        Args:
            options: what kind of node; its epoch is set to that of the system's clock.
            host: local IPv4 address.
            port: first port to try for the server socket, 0 for any.
            random: the system's randomness, unless a test wants to know it.
            on_event: called with everything that the node tells.

        Raises:
            OSError: no socket could be bound.
        """
        now = asyncio.get_running_loop().time()
        options = replace(options, epoch=datetime.now(UTC).timestamp() - now)
        shell = cls(Node(options, random or SystemRandom(), now), on_event)
        try:
            shell._bind(NodeSocket.SERVER, host, (*range(port, min(port + PORTS_TRIED, 65536)), 0) if port else (0,))
            shell._bind(NodeSocket.CLIENT, host, (0,))
        except OSError:
            await shell.close()
            raise
        shell.node.start(shell.address(NodeSocket.SERVER).port, shell._loop.time())
        shell._drive()
        return shell

    async def __aenter__(self) -> UdpShell:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def address(self, name: int) -> Address:
        """The local address of one of the node's sockets."""
        host, port = self._sockets[name].getsockname()
        return Address(host, port)

    async def bootstrapped(self) -> None:
        """Wait until the first search for the node's own place has ended."""
        await self._bootstrapped.wait()

    async def run(self, operation: Operation[T, P], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for the result of an operation, e.g. ``await shell.run(look_up, target)``."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: T, _: float) -> None:
            if not future.done():
                future.set_result(result)

        operation(self.node, self._loop.time(), done, *args, **kwargs)
        self._drive()
        return await future

    async def close(self) -> None:
        """Close node and sockets."""
        if self._closed:
            return
        self._closed = True
        self.node.close(self._loop.time())
        if self._timer is not None:
            self._timer.cancel()
        for task in self._lookups:
            task.cancel()
        for sock in self._sockets.values():
            self._loop.remove_reader(sock)
            sock.close()
        await asyncio.gather(*self._lookups, return_exceptions=True)

    def _bind(self, name: int, host: str, ports: Iterable[int]) -> None:
        """Bind one of the node's sockets to the first port that is free."""
        sock = socket(AF_INET, SOCK_DGRAM)
        self._sockets[name] = sock
        sock.setblocking(False)
        # A burst of requests waits here while the node is busy; the system gives what it allows.
        sock.setsockopt(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)
        for port in ports:
            try:
                sock.bind((host, port))
            except OSError:
                if not port:
                    raise
            else:
                break
        self._loop.add_reader(sock, self._readable, name, sock)

    def _readable(self, name: int, sock: socket) -> None:
        """Take what has arrived, up to a number, so that other sockets get their turn."""
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                data, (host, port) = sock.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                self.errors += 1
                break
            self.node.receive_datagram(data, Address(host, port), self._loop.time(), name)
            self._send()
        self._drive()

    def _timed_out(self) -> None:
        self._timer = None
        self.node.handle_timeout(self._loop.time())
        self._drive()

    def _send(self) -> None:
        while (outgoing := self.node.poll_datagram()) is not None:
            try:
                self._sockets[outgoing.socket].sendto(outgoing.data, outgoing.to)
            except OSError:
                # Lost, as it could be on the way: nothing in the protocol relies on a datagram.
                self.errors += 1

    def _drive(self) -> None:
        """Send, tell, and set the timer: after every call of the node."""
        self._send()
        while (event := self.node.poll_event()) is not None:
            if isinstance(event, NameWanted):
                task = self._loop.create_task(self._look_up(event.host))
                self._lookups.add(task)
                task.add_done_callback(self._lookups.discard)
            elif isinstance(event, Bootstrapped):
                self._bootstrapped.set()
            if self._on_event is not None:
                self._on_event(event)
        due = self.node.next_timeout()
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._timed_out)

    async def _look_up(self, host: str) -> None:
        try:
            found = await self._loop.getaddrinfo(host, None, family=AF_INET)
        except OSError:
            found = []
        self.node.name_resolved(host, str(found[0][4][0]) if found else None, self._loop.time())
        self._drive()
