"""A node on real sockets: the one place where the protocol meets asyncio, a clock, and the system's randomness.

The server socket takes the given port, one of the four after it, or any that is free; the client socket any.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from secrets import SystemRandom
from socket import AF_INET
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from protocol.dht.contact import NodeSocket
from protocol.dht.events import Bootstrapped, Event, NameWanted
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

DEFAULT_PORT: Final = 49737
PORTS_TRIED: Final = 5

P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[Node, float, Callable[[T, float], None], P], object]
"""One of `protocol.dht.operations`: node, time, what to call with the result, and its own arguments."""


class UdpShell:
    """Runs one node. Made by `open`; closes when the block that it is used in ends."""

    def __init__(self, node: Node, on_event: Callable[[Event], None] | None) -> None:
        self.node = node
        self.send_errors = 0
        """Datagrams that the system refused to send, or reported undeliverable."""
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._transports: dict[int, asyncio.DatagramTransport] = {}
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
            await shell._bind(NodeSocket.SERVER, host, [*range(port, min(port + PORTS_TRIED, 65536))] if port else [])
            await shell._bind(NodeSocket.CLIENT, host, [])
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

    def address(self, socket: int) -> Address:
        """The local address of one of the node's sockets."""
        host, port = self._transports[socket].get_extra_info("sockname")[:2]
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
        for transport in self._transports.values():
            transport.close()
        # Transports close with the loop's next round.
        await asyncio.gather(*self._lookups, asyncio.sleep(0), return_exceptions=True)

    async def _bind(self, socket: int, host: str, ports: list[int]) -> None:
        for port in (*ports, 0):
            try:
                transport, _ = await self._loop.create_datagram_endpoint(
                    partial(_Endpoint, self, socket), local_addr=(host, port), family=AF_INET
                )
            except OSError:
                if not port:
                    raise
            else:
                self._transports[socket] = transport
                return

    def _received(self, socket: int, data: bytes, sender: Address) -> None:
        if not self._closed:
            self.node.receive_datagram(data, sender, self._loop.time(), socket)
            self._drive()

    def _timed_out(self) -> None:
        self._timer = None
        self.node.handle_timeout(self._loop.time())
        self._drive()

    def _drive(self) -> None:
        """Send, tell, and set the timer: after every call of the node."""
        while (outgoing := self.node.poll_datagram()) is not None:
            self._transports[outgoing.socket].sendto(outgoing.data, outgoing.to)
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
        if self._timer is not None and self._timer.when() == due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._timed_out)

    async def _look_up(self, host: str) -> None:
        try:
            found = await self._loop.getaddrinfo(host, None, family=AF_INET)
        except OSError:
            found = []
        self.node.name_resolved(host, str(found[0][4][0]) if found else None, self._loop.time())
        self._drive()


class _Endpoint(asyncio.DatagramProtocol):
    """One socket of a shell."""

    def __init__(self, shell: UdpShell, socket: int) -> None:
        self._shell = shell
        self._socket = socket

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._shell._received(self._socket, data, Address(addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 - what counts is that there was one
        self._shell.send_errors += 1
