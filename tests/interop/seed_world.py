"""The seed's diagrams acted out: a client, a server and maybe a proxy, each on a host of its own, over real sockets.

All datagrams of our own nodes are taken down at their sockets. Hosts are addresses of the loopback network, so that
every node has one of its own, as in the world: what a host does can't be told from its ports.

`python -m tests.interop.seed_world FILE` acts all of it out with our nodes and writes what they saw.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic_ns, time_ns
from typing import Literal

from capture.pcap_writer import write_pcap
from capture.tap import Tap
from protocol.constants import LOW_TTL
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.peer.live import Conversation, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions, ProxyUse
from protocol.proxy.host import host_proxy
from protocol.udp_machine import Tapped
from protocol.udp_shell import UdpShell
from protocol.udp_sockets import Receive, SystemEndpoint, SystemNetwork
from tests.interop.dht_driver import PATIENCE
from tests.interop.peer_driver import FIREWALLED, echoing, read_all, real_peers, send_all

Side = Literal["client", "server"]

SERVER_SEED = b"s" * 32
SERVER = key_pair(SERVER_SEED)
PROXY = key_pair(b"p" * 32)
NODES = 6
DATA = bytes(range(256)) * 16
CLIENT_HOST, SERVER_HOST, PROXY_HOST = "127.1.0.1", "127.2.0.1", "127.3.0.1"


@dataclass(frozen=True)
class Plot:
    """What is to be acted out."""

    proxied: Side | None
    """For whom a proxy punches."""
    after_probe: bool = False
    """The proxy takes over after the probe round."""
    real: Side | None = None
    """Which side is a real hyperdht peer; the other nodes are ours."""


PLOTS = (
    Plot(None),
    Plot("client", after_probe=True),
    Plot("client"),
    Plot("server", after_probe=True),
    Plot("server"),
)
"""What has all of the seed's diagrams."""


async def act(*plots: Plot) -> Tap:
    """Act plots out, one after the other; gives what the sockets of our nodes saw."""
    tap = _Tap()
    for plot in plots:
        await _act(plot, tap)
    tap.tap.stop()
    return tap.tap


async def _act(plot: Plot, tap: _Tap) -> None:
    async with AsyncExitStack() as stack:
        port = await _network(stack, tap)
        use = None
        if plot.proxied is not None:
            proxy = await stack.enter_async_context(await _peer(tap, "proxy", PROXY_HOST, port))
            host = host_proxy(proxy.peer, PROXY, proxy.shell.now)
            proxy.shell.drive()
            async with asyncio.timeout(PATIENCE):
                await proxy.announced(host.server)
            use = ProxyUse(PROXY.public_key, after_probe=plot.after_probe)
        if plot.real is None:
            await _ours_with_ours(stack, tap, port, plot, use)
        elif plot.real == "server":
            await _ours_with_real_server(stack, tap, port, plot, use)
        else:
            await _real_client_with_ours(stack, tap, port, plot, use)


class _Tap:
    """Takes down each datagram once: as it is sent, and what real peers send as it arrives."""

    def __init__(self) -> None:
        self.tap = Tap()
        self._ours: set[str] = set()
        self._started_ns = time_ns() - monotonic_ns()

    def add(self, name: str, host: str) -> Callable[[Tapped], None]:
        """What takes the datagrams of one host."""
        self._ours.add(host)
        take = self.tap.add_interface(name)

        def take_once(seen: Tapped) -> None:
            if seen.outgoing or seen.remote.host not in self._ours:
                # One clock for all of them: each shell has its own.
                take(seen._replace(time_ns=self._started_ns + monotonic_ns()))

        return take_once


class _Distant(SystemNetwork):
    """As if routers lay between hosts: what is sent to open the sender's own NAT does not arrive."""

    def bind(self, host: str, port: int, receive: Receive) -> SystemEndpoint:
        """Bind a socket."""

        def arrive(data: bytes, source: Address, ttl: int | None) -> None:
            if ttl is None or ttl > LOW_TTL:
                receive(data, source, ttl)

        endpoint = super().bind(host, port, arrive)
        send = endpoint.send

        def depart(data: bytes, to: Address, ttl: int | None) -> None:
            if ttl is None or ttl > LOW_TTL:
                send(data, to, ttl)

        endpoint.send = depart  # type: ignore[method-assign]
        return endpoint


async def _network(stack: AsyncExitStack, tap: Tap) -> int:
    """A DHT of our nodes; gives the port to bootstrap at, on the first one's host."""
    ports: list[int] = []
    for number in range(NODES):
        options = NodeOptions(bootstrap=_bootstrap(*ports[:1]), ephemeral=False, firewalled=False)
        take = tap.add(f"node{number + 1}", _node_host(number))
        shell: UdpShell[Node] = await UdpShell.open(options, host=_node_host(number), port=0, tap=take)
        await stack.enter_async_context(shell)
        async with asyncio.timeout(PATIENCE):
            await shell.bootstrapped()
        ports.append(shell.address(NodeSocket.SERVER).port)
    return ports[0]


def _node_host(number: int) -> str:
    return f"127.9.{number + 1}.1"


def _bootstrap(*ports: int) -> tuple[BootstrapNode, ...]:
    return tuple(BootstrapNode(_node_host(0), port) for port in ports)


async def _peer(tap: _Tap, name: str, host: str, port: int) -> LivePeer:
    """A peer of ours that punches."""
    options = PeerOptions(node=NodeOptions(bootstrap=_bootstrap(port), quick_firewall=False))
    peer = await LivePeer.open(options, host=host, port=0, tap=tap.add(name, host), network=_Distant())
    async with asyncio.timeout(PATIENCE):
        await peer.bootstrapped()
    return peer


@asynccontextmanager
async def _listening(peer: LivePeer, plot: Plot, use: ProxyUse | None) -> AsyncIterator[None]:
    """A server of ours that sends back what it gets."""
    mine = use if plot.proxied == "server" else None
    listener = await peer.listen(SERVER, ListenOptions(share_local_address=False, proxy=mine))
    link = listener.server.proxy
    async with asyncio.timeout(PATIENCE), echoing(listener):
        while link is not None and link.link.path is None:
            await asyncio.sleep(0.01)
        yield


async def _connect(peer: LivePeer, plot: Plot, use: ProxyUse | None) -> None:
    """Connect and send there and back."""
    mine = use if plot.proxied == "client" else None
    options = ConnectOptions(local_connection=False, proxy=mine, fast_open=False)
    conversation: Conversation = await peer.connect(SERVER.public_key, options)
    async with asyncio.TaskGroup() as group:
        group.create_task(send_all(conversation, DATA))
        back = group.create_task(read_all(conversation))
    assert back.result() == DATA
    await conversation.closed()


async def _ours_with_ours(stack: AsyncExitStack, tap: _Tap, port: int, plot: Plot, use: ProxyUse | None) -> None:
    server = await stack.enter_async_context(await _peer(tap, "server", SERVER_HOST, port))
    client = await stack.enter_async_context(await _peer(tap, "client", CLIENT_HOST, port))
    async with _listening(server, plot, use):
        await _connect(client, plot, use)


async def _ours_with_real_server(stack: AsyncExitStack, tap: _Tap, port: int, plot: Plot, use: ProxyUse | None) -> None:
    real = await stack.enter_async_context(real_peers())
    client = await stack.enter_async_context(await _peer(tap, "client", CLIENT_HOST, port))
    await real("node", name="s", bootstrap=[_at(port)], options=FIREWALLED | {"host": SERVER_HOST})
    await real("listen", name="s", seed=SERVER_SEED.hex(), options={"shareLocalAddress": False})
    await _connect(client, plot, use)


async def _real_client_with_ours(stack: AsyncExitStack, tap: _Tap, port: int, plot: Plot, use: ProxyUse | None) -> None:
    real = await stack.enter_async_context(real_peers())
    server = await stack.enter_async_context(await _peer(tap, "server", SERVER_HOST, port))
    async with _listening(server, plot, use):
        await real("node", name="c", bootstrap=[_at(port)], options=FIREWALLED | {"host": CLIENT_HOST})
        options = {"localConnection": False, "fastOpen": False}
        answer = await real("connect", name="c", key=SERVER.public_key.hex(), size=len(DATA), options=options)
    assert answer == {"intact": True, "ended": True, "error": None}


def _at(port: int) -> dict[str, object]:
    return {"host": _node_host(0), "port": port}


if __name__ == "__main__":
    seen = asyncio.run(act(*PLOTS))
    write_pcap(sys.argv[1], seen.table, range(len(seen.table)))
