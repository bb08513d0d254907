"""UDP endpoints, and where they come from: the system, or whatever stands in for it.

A node does not open sockets itself: its shell asks a `Network` for them. `SystemNetwork` gives sockets of the running
asyncio loop; a host of an embedded network gives endpoints that lead through a NAT in user space.

A datagram may carry a TTL of its own, as session openers do that must not reach the peer. It is set just for this
datagram, so that nothing else that the socket sends is affected.

What is received comes with what was left of its TTL, where the system tells that: Linux and macOS hand it over as
ancillary data, if asked to, in different ways; others are not asked. Python has no names for that before 3.14.

Source: npm udx-native 1.21.3 (src/udx.c: ttl of a send), dht-rpc 6.27.0 (lib/io.js); ip(7) of Linux 6, ip(4) of
macOS 14.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from socket import AF_INET, IP_TTL, IPPROTO_IP, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET, if_nameindex, socket
from struct import Struct
from typing import Final, Protocol

from protocol.messages import Address

RECEIVE_BUFFER: Final = 1 << 20
"""Bytes asked for of the system, for each socket."""
MAX_DATAGRAM: Final = 65535
DATAGRAMS_PER_TURN: Final = 32
"""Taken from one socket before others get their turn."""

ANCILLARY_SIZE: Final = 64
"""Bytes of room for ancillary data: one header and the TTL."""

_RECVTTL: Final = {"linux": 12, "darwin": 24}
_INT: Final = Struct("=i")
_IFREQ: Final = Struct("16s16s")
_SIOCGIFADDR: Final = 0x8915


class Endpoint(Protocol):
    """One bound UDP socket."""

    @property
    def address(self) -> Address:
        """Its local address."""

    @property
    def default_ttl(self) -> int:
        """TTL of what is sent without one of its own."""

    def send(self, data: bytes, to: Address, ttl: int | None) -> None:
        """Send one datagram; `ttl` None for `default_ttl`.

        Raises:
            OSError: the system does not take it.
        """

    def close(self) -> None:
        """Close it; nothing is received any more."""


Receive = Callable[[bytes, Address, int | None], None]
"""Called with each datagram that an endpoint receives, its source, and what was left of its TTL; None if not known."""


class Network(Protocol):
    """Where endpoints come from."""

    def bind(self, host: str, port: int, receive: Receive) -> Endpoint:
        """Bind an endpoint.

        Args:
            host: local IPv4 address, ``0.0.0.0`` for all.
            port: 0 for any that is free.
            receive: called with what arrives, never from inside `bind` or `send`.

        Raises:
            OSError: the address is taken or not ours, or there are too many sockets.
        """

    def local_hosts(self) -> tuple[str, ...]:
        """IPv4 addresses of this machine's interfaces, without loopback."""


class SystemEndpoint:
    """A socket of the system, read by the running asyncio loop."""

    def __init__(self, host: str, port: int, receive: Receive, on_error: Callable[[OSError], None]) -> None:
        self._receive = receive
        self._on_error = on_error
        self._loop = asyncio.get_running_loop()
        self._socket = socket(AF_INET, SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            # A burst of requests waits here while the node is busy; the system gives what it allows.
            self._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.address = Address(*self._socket.getsockname())
        self.default_ttl = self._socket.getsockopt(IPPROTO_IP, IP_TTL)
        self._tells_ttl = ask_for_ttl(self._socket)
        self._loop.add_reader(self._socket, self._readable)

    def send(self, data: bytes, to: Address, ttl: int | None) -> None:
        """Send one datagram; see `Endpoint`."""
        if ttl is None:
            self._socket.sendto(data, to)
            return
        # As a socket option around the call: sendmsg takes a TTL as ancillary data, but not on every system.
        self._socket.setsockopt(IPPROTO_IP, IP_TTL, ttl)
        try:
            self._socket.sendto(data, to)
        finally:
            self._socket.setsockopt(IPPROTO_IP, IP_TTL, self.default_ttl)

    def close(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        """Take what has arrived, up to a number, so that other sockets get their turn."""
        for _ in range(DATAGRAMS_PER_TURN):
            if self._socket.fileno() < 0:
                return
            try:
                if self._tells_ttl:
                    data, ancillary, _, (host, port) = self._socket.recvmsg(MAX_DATAGRAM, ANCILLARY_SIZE)
                    ttl = ttl_of(ancillary)
                else:
                    data, (host, port) = self._socket.recvfrom(MAX_DATAGRAM)
                    ttl = None
            except BlockingIOError:
                return
            except OSError as error:
                self._on_error(error)
                return
            self._receive(data, Address(host, port), ttl)


class SystemNetwork:
    """Real sockets in the running asyncio loop."""

    def __init__(self) -> None:
        self.errors = 0
        """Errors that the system reported on receiving."""

    def bind(self, host: str, port: int, receive: Receive) -> SystemEndpoint:
        """Bind a socket; see `Network`."""
        return SystemEndpoint(host, port, receive, self._failed)

    def local_hosts(self) -> tuple[str, ...]:
        """IPv4 addresses of this machine's interfaces, without loopback; interfaces without one are left out."""
        hosts = []
        with socket(AF_INET, SOCK_DGRAM) as probe:
            for _, name in if_nameindex():
                host = _interface_address(probe, name)
                if host is not None and not host.startswith("127."):
                    hosts.append(host)
        return tuple(hosts)

    def _failed(self, _: OSError) -> None:
        self.errors += 1


def ask_for_ttl(sock: socket) -> bool:
    """Have the system tell the TTL of what this IPv4 socket receives; whether it does."""
    from sys import platform

    option = _RECVTTL.get(platform)
    if option is None:
        return False
    try:
        sock.setsockopt(IPPROTO_IP, option, 1)
    except OSError:
        return False
    return True


def ttl_of(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """What was left of a received datagram's TTL, 0 to 255; None where the system does not say.

    Args:
        ancillary: as `socket.recvmsg` gives it: level, type, data. Linux says it in an int, macOS in one byte.
    """
    for level, kind, data in ancillary:
        if level == IPPROTO_IP and kind in (IP_TTL, _RECVTTL["darwin"]):
            if len(data) >= _INT.size:
                return int(_INT.unpack_from(data)[0])
            return data[0] if data else None
    return None


def _interface_address(probe: socket, name: str) -> str | None:
    """The first IPv4 address of an interface, None where it has none."""
    from fcntl import ioctl

    request = array("B", _IFREQ.pack(name.encode(), bytes(16)))
    try:
        ioctl(probe.fileno(), _SIOCGIFADDR, request, True)
    except OSError:
        return None
    return ".".join(str(octet) for octet in request[20:24])
