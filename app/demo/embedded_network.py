"""The embedded network: nodes of a DHT, each on an address of its own, and room for hosts with and without NATs.

    async with EmbeddedNetwork(seed=1, tap=take) as network:
        home = network.places.lan(CONSISTENT)
        shell = await network.node(network.places.host(home))

Everything runs in one asyncio loop and uses loopback addresses alone; nothing of it needs root or reaches beyond the
machine. Other programs can join: the first node's address is `bootstrap`.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Final

from app.demo.loopback_network import Loopback, PublicHost, Tap
from app.demo.nat_host import NatHost
from app.demo.places import Places
from app.demo.weather import FAIR, Weather
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from protocol.udp_shell import DEFAULT_PORT, UdpShell

if TYPE_CHECKING:
    from app.demo.relay_interception import RelayInterception

NODES: Final = 14
"""Nodes of the DHT unless another number is asked for; a server wants twenty close ones and takes what there is."""
WANTED_FILES: Final = 8192
"""Open files asked for: a side with a random NAT opens 256 sockets to punch, and its NAT as many."""
LEAST_FILES: Final = 1024


class TooFewFilesError(Exception):
    """The process may not open as many sockets as the network needs."""


class EmbeddedNetwork:
    """A DHT of our nodes on loopback addresses."""

    def __init__(
        self,
        *,
        seed: int = 0,
        nodes: int = NODES,
        weather: Weather = FAIR,
        tap: Tap | None = None,
        interception: RelayInterception | None = None,
    ) -> None:
        """Describe it; it is there once the block that it is used in begins.

        Args:
            seed: of addresses, ports, keys and weather. Real sockets keep their own order of events.
            nodes: how many nodes the DHT has, at least 1.
            weather: of all paths.
            tap: told of every datagram on the real sockets, in the running loop.
            interception: may hold what passes the nodes of the DHT.
        """
        self.random = Random(seed)
        self.nodes: list[UdpShell[Node]] = []
        """The DHT itself; the first is where others bootstrap."""
        self._size = nodes
        self._weather = weather
        self._tap = tap
        self._interception = interception

    async def __aenter__(self) -> EmbeddedNetwork:
        """Open sockets and wait until every node has bootstrapped.

        Raises:
            NoLoopbackError: this system has not the addresses.
            TooFewFilesError: nor the sockets.
            OSError: a socket can't be opened.
        """
        allow_files()
        self.loopback = Loopback(Random(self.random.getrandbits(64)), self._weather, self._tap)
        if self._interception is not None:
            self._interception.packets.loopback = self.loopback
        self.places = Places(self.loopback, self.random)
        try:
            await self._start_nodes()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def bootstrap(self) -> Address:
        """Where to join."""
        return self._first

    @property
    def client_options(self) -> NodeOptions:
        """Options of a node that joins without knowing how it is reached."""
        return NodeOptions(bootstrap=(BootstrapNode(*self._first),))

    async def node(
        self, host: PublicHost | NatHost, options: NodeOptions | None = None, port: int = 0
    ) -> UdpShell[Node]:
        """Start a node of the DHT on a host; whoever asked for it closes it.

        Raises:
            OSError: the port is taken.
        """
        return await UdpShell.open(
            options or self.client_options, port=port, network=host, random=Random(self.random.getrandbits(64))
        )

    async def _start_nodes(self) -> None:
        host = self.places.public_host()
        self._first = Address(host.host, DEFAULT_PORT)
        options = NodeOptions(ephemeral=False, firewalled=False)
        await self._add(host, replace(options, public_address=self._first))
        options = replace(options, bootstrap=(BootstrapNode(*self._first),))
        await asyncio.gather(*(self._add(self.places.public_host(), options) for _ in range(self._size - 1)))

    async def _add(self, host: PublicHost, options: NodeOptions) -> None:
        shell = await self._open(host, options)
        self.nodes.append(shell)
        await shell.bootstrapped()

    async def _open(self, host: PublicHost, options: NodeOptions) -> UdpShell[Node]:
        if self._interception is None:
            return await self.node(host, options, DEFAULT_PORT)
        part = self._interception.add(host.host, asyncio.get_running_loop().time)
        shell = await UdpShell.open(
            options,
            port=DEFAULT_PORT,
            network=host,
            random=Random(self.random.getrandbits(64)),
            tap=part.take,
            around=part.around,
        )
        part.attach(shell)
        return shell

    async def _close(self) -> None:
        for shell in reversed(self.nodes):
            await shell.close()
        self.places.close()
        self.loopback.close()


def allow_files() -> None:
    """Raise the process's own limit on open files as far as it may and needs to.

    Raises:
        TooFewFilesError: the limit is too low to begin with.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if may < LEAST_FILES:
        raise TooFewFilesError(
            f"only {may} files may be open at once, and the embedded network needs {LEAST_FILES}; see ulimit -n"
        )
    if soft != resource.RLIM_INFINITY and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
