"""The public part of the embedded network: real UDP sockets, each on a loopback address of its host.

Linux takes all of 127.0.0.0/8 for its own without configuration. Other systems have 127.0.0.1 alone, and hosts that
share one address look to each other like hosts of one local network, so there is no embedded network there.

Every datagram that leaves one of these sockets is told to the tap, and those that come from sockets of other processes:
what a capture on the loopback interface sees of this network.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from socket import AF_INET, IP_TTL, IPPROTO_IP, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET, socket
from struct import Struct
from typing import Final

from app.demo.weather import FAIR, Dropped, Sky, Weather
from protocol.messages import Address
from protocol.udp_shell import ANY_HOST, Tapped
from protocol.udp_sockets import (
    ANCILLARY_SIZE,
    DATAGRAMS_PER_TURN,
    MAX_DATAGRAM,
    RECEIVE_BUFFER,
    Receive,
    ask_for_ttl,
    ttl_of,
)

DEFAULT_TTL: Final = 64
MAX_ON_THE_WAY: Final = 65536
"""Datagrams that may wait for their arrival at once."""

Tap = Callable[[Tapped], object]

_INT: Final = Struct("=i")


class NoLoopbackError(Exception):
    """This system has no loopback addresses but 127.0.0.1, or none that is free."""


class Loopback:
    """The embedded internet: sockets, weather, and the tap."""

    def __init__(self, random: Random, weather: Weather = FAIR, tap: Tap | None = None) -> None:
        """Begin without hosts, inside a running asyncio loop.

        Args:
            random: for the weather.
            weather: what all paths are like.
            tap: told of every datagram on the real sockets.
        """
        self.sky = Sky(weather, random)
        self.tap = tap
        self.errors = 0
        """Errors that the system reported on receiving."""
        self._loop = asyncio.get_running_loop()
        self._wires: dict[Address, Wire] = {}
        self._hosts: set[str] = set()
        """Every address that had a socket."""
        self._on_the_way: set[asyncio.TimerHandle] = set()
        self._epoch_ns = time.time_ns() - round(self._loop.time() * 1e9)

    @property
    def sockets(self) -> int:
        """Real sockets that are open."""
        return len(self._wires)

    @property
    def on_the_way(self) -> int:
        """Datagrams that have not arrived yet."""
        return len(self._on_the_way)

    @property
    def dropped(self) -> Counter[Dropped]:
        """Datagrams that did not arrive, by reason."""
        return self.sky.dropped

    def now(self) -> float:
        """The time of the loop, in seconds."""
        return self._loop.time()

    def time_ns(self) -> int:
        """Time in epoch nanoseconds; runs as fast as the loop's."""
        return self._epoch_ns + round(self._loop.time() * 1e9)

    def open(self, host: str, port: int, receive: Receive) -> Wire:
        """Open a real socket on a loopback address.

        Raises:
            OSError: as `bind` and `socket` do.
        """
        return Wire(self, host, port, receive)

    def later(self, delay: float, deliver: Callable[[], None]) -> None:
        """Have a datagram delivered after so many seconds."""
        if len(self._on_the_way) >= MAX_ON_THE_WAY:
            self.dropped[Dropped.QUEUE_FULL] += 1
            return

        def arrive() -> None:
            self._on_the_way.discard(handle)
            deliver()

        handle = self._loop.call_later(delay, arrive)
        self._on_the_way.add(handle)

    def close(self) -> None:
        """Close all sockets; what is on its way does not arrive."""
        for wire in list(self._wires.values()):
            wire.close()
        for handle in self._on_the_way:
            handle.cancel()
        self._on_the_way.clear()

    def add(self, wire: Wire) -> None:
        """A wire was opened."""
        self._wires[wire.address] = wire
        self._hosts.add(wire.address.host)

    def release(self, wire: Wire) -> None:
        """A wire was closed."""
        self._wires.pop(wire.address, None)

    def sent(self, source: Address, to: Address, ttl: int, data: bytes) -> None:
        """A wire sent a datagram."""
        self._tell(True, source, to, ttl, data)
        # The system would say it to nobody but a connected socket.
        if to not in self._wires and to.host in self._hosts:
            self.dropped[Dropped.NO_SOCKET] += 1

    def heard(self, wire: Wire, data: bytes, source: Address, ttl: int | None) -> None:
        """A wire received a datagram: let the weather have it, then deliver it."""
        if source.host not in self._hosts:
            self._tell(False, wire.address, source, ttl, data)
        decided = self.sky.judge(source.host, wire.address.host, ttl)
        if not isinstance(decided, Dropped):
            self.later(decided, lambda: self._deliver(wire, data, source, self._left_of(ttl)))

    def failed(self) -> None:
        """The system reported an error on receiving."""
        self.errors += 1

    def _left_of(self, ttl: int | None) -> int | None:
        """The TTL of a datagram that has come all the way."""
        return None if ttl is None else ttl - self.sky.weather.hops

    def _deliver(self, wire: Wire, data: bytes, source: Address, ttl: int | None) -> None:
        if wire.closed:
            self.dropped[Dropped.NO_SOCKET] += 1
        else:
            wire.receive(data, source, ttl)

    def _tell(self, outgoing: bool, local: Address, remote: Address, ttl: int | None, data: bytes) -> None:
        if self.tap is not None:
            self.tap(Tapped(self.time_ns(), outgoing, local, remote, ttl, data, 0))


class Wire:
    """One real socket on a loopback address."""

    default_ttl = DEFAULT_TTL

    def __init__(self, loopback: Loopback, host: str, port: int, receive: Receive) -> None:
        self.receive = receive
        self._loopback = loopback
        self._loop = asyncio.get_running_loop()
        self._socket = socket(AF_INET, SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.address = Address(*self._socket.getsockname())
        ask_for_ttl(self._socket)
        self._loop.add_reader(self._socket, self._readable)
        loopback.add(self)

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self._socket.fileno() < 0

    def send(self, data: bytes, to: Address, ttl: int | None) -> None:
        """Send one datagram.

        Raises:
            OSError: the system does not take it; it was counted.
        """
        if self._loopback.sky.is_down(self.address.host):
            self._loopback.dropped[Dropped.OUTAGE] += 1
            return
        ttl = DEFAULT_TTL if ttl is None else ttl
        try:
            self._socket.sendmsg([data], [(IPPROTO_IP, IP_TTL, _INT.pack(ttl))], 0, to)
        except OSError:
            self._loopback.dropped[Dropped.NOT_SENT] += 1
            raise
        self._loopback.sent(self.address, to, ttl, data)

    def close(self) -> None:
        """Close the socket."""
        if not self.closed:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._loopback.release(self)

    def _readable(self) -> None:
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                data, ancillary, _, (host, port) = self._socket.recvmsg(MAX_DATAGRAM, ANCILLARY_SIZE)
            except BlockingIOError:
                return
            except OSError:
                self._loopback.failed()
                return
            self._loopback.heard(self, data, Address(host, port), ttl_of(ancillary))


class PublicHost:
    """A `protocol.udp_sockets.Network`: a host with a public address of its own."""

    def __init__(self, loopback: Loopback, host: str) -> None:
        self.host = host
        self._loopback = loopback

    def bind(self, host: str, port: int, receive: Receive) -> Wire:
        """Bind a socket on this host's address; see `protocol.udp_sockets.Network`."""
        check_local(host, self.host)
        return self._loopback.open(self.host, port, receive)

    def local_hosts(self) -> tuple[str, ...]:
        """This host's one address."""
        return (self.host,)


def check_local(asked: str, own: str) -> None:
    """Refuse to bind at an address that is not the host's.

    Raises:
        OSError: it is not.
    """
    if asked not in (ANY_HOST, own):
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
