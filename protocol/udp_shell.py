"""A machine on real sockets: the one place where the protocol meets asyncio, a clock, and the system's randomness.

A machine is a node of the DHT, or a peer that owns one. The server socket takes the given port, one of the four after
it, or any that is free; the client socket any. A socket with another number is bound, to any port, when the machine
first sends from it, and closed when the machine releases it (`SocketReleased`). Every 5 s it looks whether the host
has other addresses than before, and tells the machine.

Source: npm dht-rpc 6.27.0 (lib/io.js), hyperdht 6.34.0 (lib/socket-pool.js).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from secrets import SystemRandom
from socket import AF_INET
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, Final, Generic, ParamSpec, TypeVar

from protocol.dht.contact import NodeSocket
from protocol.dht.events import Bootstrapped, Event, NameWanted, SocketReleased
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from protocol.udp_endpoints import LOOPBACK, Endpoints
from protocol.udp_machine import Machine, Tapped
from protocol.udp_sockets import Endpoint, Network, SystemNetwork

if TYPE_CHECKING:
    from random import Random

__all__ = ["ANY_HOST", "DEFAULT_PORT", "LOOPBACK", "PORTS_TRIED", "Machine", "Tap", "Tapped", "UdpShell"]

DEFAULT_PORT: Final = 49737
PORTS_TRIED: Final = 5
ANY_HOST: Final = "0.0.0.0"
WATCH: Final = 5.0
"""Seconds between two looks at the addresses of this host; each takes some 50 µs."""


M = TypeVar("M", bound=Machine)
P = ParamSpec("P")
T = TypeVar("T")
Operation = Callable[Concatenate[M, float, Callable[[T, float], None], P], object]
"""One of `protocol.dht.operations`: machine, time, what to call with the result, and its own arguments."""
Tap = Callable[[Tapped], object]
Around = Callable[[Machine], Machine]
"""Puts a machine between the sockets and the one that it gets, as `protocol.intercept` does."""


class UdpShell(Generic[M]):
    """Runs one machine. Made by `open` or `run_machine`; closes when the block that it is used in ends."""

    def __init__(
        self,
        machine: M,
        host: str,
        network: Network,
        on_event: Callable[[Event], None] | None = None,
        tap: Tap | None = None,
        epoch: float = 0.0,
        around: Around | None = None,
    ) -> None:
        self.machine = machine
        self._face: Machine = machine if around is None else around(machine)
        self.tap = tap
        """Called with every datagram sent and received."""
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._epoch_ns = round(epoch * 1e9)
        self._network = network
        self._unsent = self._unlooked = 0
        self._endpoints = Endpoints(network, host, self._received)
        self._timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Handle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._lookups: set[asyncio.Task[None]] = set()
        self._bootstrapped = asyncio.Event()
        self._suspended = False
        self._closed = False

    @classmethod
    async def open(
        cls,
        options: NodeOptions,
        *,
        host: str = ANY_HOST,
        port: int = DEFAULT_PORT,
        random: Random | None = None,
        on_event: Callable[[Event], None] | None = None,
        network: Network | None = None,
        tap: Tap | None = None,
        around: Around | None = None,
    ) -> UdpShell[Node]:
        """Run a node of the DHT.

        Args:
            options: what kind of node; its epoch is set to that of the system's clock.
            host: local IPv4 address.
            port: first port to try for the server socket, 0 for any.
            random: the system's randomness, unless a test wants to know it.
            on_event: called with everything that the node tells.
            network: where sockets come from, if not from the system.
            tap: called with every datagram sent and received.
            around: puts another machine around it, which everything from and to the sockets goes through.

        Raises:
            OSError: no socket could be bound.
        """

        def make(random: Random, now: float, epoch: float) -> Node:
            return Node(replace(options, epoch=epoch), random, now)

        return await UdpShell.run_machine(
            make, host=host, port=port, random=random, on_event=on_event, network=network, tap=tap, around=around
        )

    @staticmethod
    async def run_machine(
        make: Callable[[Random, float, float], M],
        *,
        host: str = ANY_HOST,
        port: int = DEFAULT_PORT,
        random: Random | None = None,
        on_event: Callable[[Event], None] | None = None,
        network: Network | None = None,
        tap: Tap | None = None,
        around: Around | None = None,
    ) -> UdpShell[M]:
        """Run any machine: bind its two sockets and start it.

        Args:
            make: called with randomness, the time, and the seconds since 1970 at time 0, to make the machine.
            host: as for `open`, and so are the others.
            port: as for `open`.
            random: as for `open`.
            on_event: as for `open`.
            network: as for `open`.
            tap: as for `open`.
            around: as for `open`.

        Raises:
            OSError: no socket could be bound.
        """
        now = asyncio.get_running_loop().time()
        epoch = datetime.now(UTC).timestamp() - now
        machine = make(random or SystemRandom(), now, epoch)
        shell = UdpShell(machine, host, network or SystemNetwork(), on_event, tap, epoch, around)
        try:
            shell._bind_pair((*range(port, min(port + PORTS_TRIED, 65536)), 0) if port else (0,), (0,))
        except OSError:
            await shell.close()
            raise
        shell._face.local_addresses = shell._endpoints.local_addresses(NodeSocket.SERVER)
        shell._face.start(shell.address(NodeSocket.SERVER).port, shell.now)
        shell.drive()
        if host != LOOPBACK:
            shell._watch_later()
        return shell

    async def __aenter__(self) -> UdpShell[M]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def now(self) -> float:
        """The machine's time."""
        return self._loop.time()

    @property
    def errors(self) -> int:
        """Datagrams not sent, sockets that the system did not give, errors on receiving and on telling addresses."""
        return self._unsent + self._unlooked + (self._network.errors if isinstance(self._network, SystemNetwork) else 0)

    @property
    def sockets(self) -> int:
        """Sockets that are open."""
        return len(self._endpoints)

    def address(self, name: int) -> Address:
        """The local address of one of the machine's sockets.

        Raises:
            KeyError: it is not open.
        """
        return self._endpoints.address(name)

    async def bootstrapped(self) -> None:
        """Wait until the first search for the node's own place has ended."""
        await self._bootstrapped.wait()

    async def run(self, operation: Operation[M, T, P], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for the result of an operation, e.g. ``await shell.run(look_up, target)``."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: T, _: float) -> None:
            if not future.done():
                future.set_result(result)

        operation(self.machine, self.now, done, *args, **kwargs)
        self.drive()
        return await future

    def act(self, deed: Callable[[M, float], T]) -> T:
        """Call the machine and do what it then wants done: ``shell.act(lambda peer, now: peer.connect(key, now))``."""
        result = deed(self.machine, self.now)
        self.drive()
        return result

    def suspend(self) -> None:
        """Close all sockets for a while, as before the host sleeps."""
        if self._suspended or self._closed:
            return
        self._face.suspend(self.now)
        self.drive()
        self._suspended = True
        self._ports = tuple(self.address(socket).port for socket in (NodeSocket.SERVER, NodeSocket.CLIENT))
        self._endpoints.close()
        self._set_timer()

    def resume(self) -> None:
        """Open the first two sockets again, at the ports that they had if these are free.

        Raises:
            OSError: no socket could be bound.
        """
        if not self._suspended or self._closed:
            return
        server, client = self._ports
        try:
            self._bind_pair((server, 0), (client, 0))
        except OSError:
            self._endpoints.close()
            raise
        self._suspended = False
        self._face.local_addresses = self._endpoints.local_addresses(NodeSocket.SERVER)
        self._face.resume(self.address(NodeSocket.SERVER).port, self.now)
        self.drive()

    async def close(self) -> None:
        """Close machine and sockets."""
        if self._closed:
            return
        self._face.close(self.now)
        if not self._suspended and NodeSocket.CLIENT in self._endpoints:
            self._send()
        self._tell()
        self._closed = True
        for handle in (self._timer, self._turn, self._watch):
            if handle is not None:
                handle.cancel()
        for task in self._lookups:
            task.cancel()
        self._endpoints.close()
        await asyncio.gather(*self._lookups, return_exceptions=True)

    def drive(self) -> None:
        """Send, tell, and set the timer: after every call of the machine."""
        if self._closed:
            self._tell()
            return
        self._send()
        while self._tell():
            self._send()
        self._set_timer()

    def _bind_pair(self, server_ports: Iterable[int], client_ports: Iterable[int]) -> None:
        self._endpoints.bind(NodeSocket.SERVER, server_ports)
        self._endpoints.bind(NodeSocket.CLIENT, client_ports)

    def _received(self, name: int, data: bytes, source: Address, ttl: int | None) -> None:
        if self._closed or self._suspended or name not in self._endpoints:
            return
        if self.tap is not None:
            self._tap(self.tap, False, name, source, ttl, data)
        self._face.receive_datagram(data, source, self.now, name)
        # What came together is answered together, in the next turn of the loop.
        if self._turn is None:
            self._turn = self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        self.drive()

    def _timed_out(self) -> None:
        self._timer = None
        self._face.handle_timeout(self.now)
        self.drive()

    def _send(self) -> None:
        while (outgoing := self._face.poll_datagram(self.now)) is not None:
            endpoint = self._endpoints.get(outgoing.socket) or self._bind_late(outgoing.socket)
            if endpoint is None:
                continue
            if self.tap is not None:
                ttl = endpoint.default_ttl if outgoing.ttl is None else outgoing.ttl
                self._tap(self.tap, True, outgoing.socket, outgoing.to, ttl, outgoing.data)
            try:
                endpoint.send(outgoing.data, outgoing.to, outgoing.ttl)
            except OSError:
                # Lost, as it could be on the way: nothing in the protocol relies on a datagram.
                self._unsent += 1

    def _bind_late(self, name: int) -> Endpoint | None:
        """Bind a socket that the machine begins to send from; None, and the machine told, where that can't be."""
        if self._endpoints.was_released(name):
            self._unsent += 1
            return None
        if not self._suspended:
            try:
                return self._endpoints.bind(name, (0,))
            except OSError:
                self._unsent += 1
        self._face.socket_failed(name, self.now)
        return None

    def _tap(self, tap: Tap, outgoing: bool, name: int, remote: Address, ttl: int | None, data: bytes) -> None:
        time_ns = self._epoch_ns + round(self.now * 1e9)
        tap(Tapped(time_ns, outgoing, self.address(name), remote, ttl, data, name))

    def _tell(self) -> bool:
        """Tell what happened; whether anything did, after which there may be more to send."""
        told = False
        while (event := self._face.poll_event()) is not None:
            if isinstance(event, NameWanted):
                self._start_look_up(event.host)
            elif isinstance(event, Bootstrapped):
                self._bootstrapped.set()
            elif isinstance(event, SocketReleased):
                self._endpoints.release(event.socket)
            if self._on_event is not None:
                self._on_event(event)
            told = True
        return told

    def _set_timer(self) -> None:
        due = self._face.next_timeout()
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._timed_out)

    def _watch_later(self) -> None:
        self._watch = self._loop.call_later(WATCH, self._look_around)

    def _look_around(self) -> None:
        """Tell the machine where interfaces came or went; while suspended there is nobody to tell, and no socket."""
        self._watch_later()
        if self._suspended:
            return
        try:
            addresses = self._endpoints.local_addresses(NodeSocket.SERVER)
        except OSError:
            self._unlooked += 1
            return
        if addresses != self._face.local_addresses:
            self._face.addresses_changed(addresses, self.now)
            self.drive()

    def _start_look_up(self, host: str) -> None:
        if not self._closed:
            task = self._loop.create_task(self._look_up(host))
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)

    async def _look_up(self, host: str) -> None:
        try:
            found = await self._loop.getaddrinfo(host, None, family=AF_INET)
        except OSError:
            found = []
        self._face.name_resolved(host, str(found[0][4][0]) if found else None, self.now)
        self.drive()
