"""Hosts behind a NAT in user space.

Inside, addresses are virtual and datagrams go from host to host in the process. Outside, each public port of the NAT is
a real socket on its loopback address, open as long as something is mapped to it. A datagram leaves with the TTL that
its sender gave it, less one for the NAT.
"""

from __future__ import annotations

import asyncio
import errno
import os
from functools import partial
from random import Random
from typing import Final

from app.demo.loopback_network import DEFAULT_TTL, Loopback, Wire, check_local
from app.demo.weather import Dropped
from protocol.messages import Address
from protocol.nat_box import NatBox, NatKind, NatRefusal
from protocol.udp_sockets import Receive

LAN_DELAY: Final = 0.012
"""Seconds from host to host, as in a busy wireless network. Peers that meet inside before their first round over relays
was answered leave outside no more than a round without an answer, and nobody there could tell that they met."""
SWEEP: Final = 5.0
"""Seconds between two looks for mappings that have run out."""
_UNAVAILABLE: Final = (errno.EADDRINUSE, errno.EACCES)
_EPHEMERAL: Final = range(32768, 61000)


class NattedLan:
    """A local network and its NAT."""

    def __init__(
        self, loopback: Loopback, public_host: str, kind: NatKind, random: Random, network: str = "192.168.1"
    ) -> None:
        """Set it up.

        Args:
            loopback: the network outside.
            public_host: the NAT's loopback address.
            kind: how it behaves.
            random: for ports.
            network: first three numbers of the inside addresses.
        """
        self.public_host = public_host
        self.network = network
        self.box = NatBox(public_host, kind, random, take_port=self._open, give_back=self._close)
        self._loopback = loopback
        self._random = random
        self._wires: dict[int, Wire] = {}
        self.hosts: set[str] = set()
        """Inside addresses of its hosts."""
        self._endpoints: dict[Address, InsideEndpoint] = {}
        self._closed = False
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    @property
    def endpoints(self) -> int:
        """Endpoints that are bound inside."""
        return len(self._endpoints)

    def host(self, inside_host: str) -> NatHost:
        """A host of this network."""
        self.hosts.add(inside_host)
        return NatHost(self, inside_host)

    def restart(self) -> None:
        """The NAT forgets its mappings, as after a power cut."""
        self.box.restart()

    def close(self) -> None:
        """Close everything."""
        self._closed = True
        self._sweeper.cancel()
        self.box.restart()
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self._endpoints.clear()

    def bind(self, host: str, port: int, receive: Receive) -> InsideEndpoint:
        """Bind an endpoint inside.

        Raises:
            OSError: the port is taken.
        """
        if not port:
            taken = {address.port for address in self._endpoints if address.host == host}
            while (port := self._random.choice(_EPHEMERAL)) in taken:
                pass
        address = Address(host, port)
        if address in self._endpoints:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        endpoint = self._endpoints[address] = InsideEndpoint(self, address, receive)
        return endpoint

    def unbind(self, endpoint: InsideEndpoint) -> None:
        """An endpoint was closed."""
        if self._endpoints.get(endpoint.address) is endpoint:
            del self._endpoints[endpoint.address]

    def send(self, data: bytes, source: Address, to: Address, ttl: int | None) -> None:
        """A host inside sends a datagram."""
        ttl = DEFAULT_TTL if ttl is None else ttl
        if to.host in self.hosts:
            self._deliver_soon(data, source, to, ttl)
        elif not to.host.startswith("127."):
            self._drop(Dropped.NO_ROUTE)
        elif ttl <= 1:
            self._drop(Dropped.TTL_RAN_OUT)
        else:
            self._send_out(data, source, to, ttl - 1)

    def _send_out(self, data: bytes, source: Address, to: Address, ttl: int) -> None:
        try:
            routed = self.box.send(source, to, self._loopback.now())
        except OSError:
            self._drop(Dropped.TOO_MANY_SOCKETS)
            return
        if isinstance(routed, NatRefusal):
            return  # counted by the box
        if routed.inside:
            self._deliver_soon(data, routed.source, routed.to, ttl)
        else:
            self._wires[routed.source.port].send(data, to, ttl)

    def _arrived(self, port: int, data: bytes, source: Address, ttl: int | None) -> None:
        inside = self.box.receive(source, port, self._loopback.now())
        if not isinstance(inside, NatRefusal):
            self._deliver(data, source, inside, None if ttl is None else ttl - 1)

    def _deliver_soon(self, data: bytes, source: Address, to: Address, ttl: int) -> None:
        self._loopback.later(LAN_DELAY, lambda: self._deliver(data, source, to, ttl))

    def _deliver(self, data: bytes, source: Address, to: Address, ttl: int | None) -> None:
        endpoint = self._endpoints.get(to)
        if endpoint is None:
            self._drop(Dropped.NO_SOCKET)
        else:
            endpoint.receive(data, source, ttl)

    def _drop(self, reason: Dropped) -> None:
        self._loopback.dropped[reason] += 1

    def _open(self, port: int) -> bool:
        """Take a public port; raises OSError where the system has no more sockets."""
        try:
            self._wires[port] = self._loopback.open(self.public_host, port, partial(self._arrived, port))
        except OSError as error:
            if error.errno in _UNAVAILABLE:
                return False
            raise
        return True

    def _close(self, port: int) -> None:
        self._wires.pop(port).close()

    def _sweep(self) -> None:
        if not self._closed:
            self.box.sweep(self._loopback.now())
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)


class InsideEndpoint:
    """One UDP socket of a host behind the NAT."""

    default_ttl = DEFAULT_TTL

    def __init__(self, lan: NattedLan, address: Address, receive: Receive) -> None:
        self.address = address
        self.receive = receive
        self._lan = lan
        self._closed = False

    def send(self, data: bytes, to: Address, ttl: int | None) -> None:
        """Send one datagram.

        Raises:
            OSError: the NAT's real socket does not take it, or this endpoint is closed.
        """
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._lan.send(data, self.address, to, ttl)

    def close(self) -> None:
        """Close it; its mappings run out by themselves, as those of any NAT."""
        self._closed = True
        self._lan.unbind(self)


class NatHost:
    """A `protocol.udp_sockets.Network`: a host behind a NAT."""

    def __init__(self, lan: NattedLan, host: str) -> None:
        self.host = host
        self.lan = lan

    def bind(self, host: str, port: int, receive: Receive) -> InsideEndpoint:
        """Bind an endpoint on this host's address; see `protocol.udp_sockets.Network`."""
        check_local(host, self.host)
        return self.lan.bind(self.host, port, receive)

    def local_hosts(self) -> tuple[str, ...]:
        """This host's one address."""
        return (self.host,)
