"""The networks of a script: one of our own on loopback, with NATs of every kind, or one that exists and is joined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

from app.demo.embedded_network import EmbeddedNetwork
from app.demo.loopback_network import PublicHost
from app.demo.nat_host import NatHost
from app.demo.places import CONSISTENT, RANDOM, REMAPPING, SEQUENTIAL
from app.script.expectations import PATIENCE, ExpectationFailed, patience
from app.script.peers import Named, ScriptClient, ScriptPeer, ScriptProxy, ScriptServer, act_of
from app.script.relays import ScriptRelays
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.keys import KeyPair, key_pair
from protocol.peer.desk import Desk
from protocol.peer.live import LivePeer
from protocol.peer.options import ListenOptions, PeerOptions, ProxyUse
from protocol.proxy.host import host_proxy
from protocol.udp_shell import ANY_HOST, UdpShell

if TYPE_CHECKING:
    from protocol.noise_handshake import KeyLine
    from protocol.udp_machine import Tapped
    from protocol.udp_sockets import Network

P = TypeVar("P", bound=ScriptPeer)

NATS: Final = {"consistent": CONSISTENT, "sequential": SEQUENTIAL, "random": RANDOM, "remapping": REMAPPING}
"""What may stand in front of a peer of a network of our own; None for a public address."""
FAREWELL: Final = 5.0
"""Seconds that taking back announcements in a network that is not ours may last."""
OnKey = Callable[["KeyLine"], None]
TapOf = Callable[[str], Callable[["Tapped"], object]]


class RelayedNetwork(EmbeddedNetwork):
    """The embedded network, with a hand before every node."""

    def __init__(self, relays: ScriptRelays, *, seed: int, nodes: int, tap: Callable[[Tapped], None]) -> None:
        super().__init__(seed=seed, nodes=nodes, tap=tap)
        self._relays = relays

    async def node(
        self, host: PublicHost | NatHost, options: NodeOptions | None = None, port: int = 0
    ) -> UdpShell[Node]:
        """Start a node of the DHT; see `EmbeddedNetwork.node`."""
        interception = self._relays.added(len(self._relays.nodes))
        shell = await UdpShell.open(
            options or self.client_options,
            port=port,
            network=host,
            random=Random(self.random.getrandbits(64)),
            tap=interception.take,
            around=interception.around,
        )
        interception.attach(shell)
        return shell


class ScriptNetwork:
    """Where a script's peers live. Made by `Hand.network` and `Hand.join`.

    Args:
        bootstrap: where peers join.
        embedded: the network of our own; None for one that was joined.
        relays: its relays; None where they are not ours.
        tap_of: gives what takes the datagrams of a peer of this name, where the network itself does not.
        on_key: gets lines of key logs.
        stack: closes what is opened.
        host: local address of peers in a network that was joined.
    """

    def __init__(
        self,
        bootstrap: tuple[BootstrapNode, ...],
        *,
        embedded: EmbeddedNetwork | None,
        relays: ScriptRelays | None,
        tap_of: TapOf,
        on_key: OnKey,
        stack: AsyncExitStack,
        host: str = ANY_HOST,
    ) -> None:
        self.bootstrap = bootstrap
        self.embedded = embedded
        self._relays = relays
        self._tap_of = tap_of
        self._on_key = on_key
        self._stack = stack
        self._host = host
        self._names: dict[str, int] = {}

    @property
    def relays(self) -> ScriptRelays:
        """All relays of the network, in hand.

        Raises:
            ExpectationFailed: the network was joined, its relays belong to others.
        """
        if self._relays is None:
            raise ExpectationFailed("relays of a network that was joined are not ours")
        return self._relays

    async def client(
        self, *, nat: str | None = "consistent", by_hand: Iterable[Named] = (), keys: KeyPair | None = None
    ) -> ScriptClient:
        """Start a client and wait until it has bootstrapped.

        Args:
            nat: a name of `NATS`, None for a public address. In a network that was joined None has it look whether its
                port is open, anything else has it take it for closed, and punch.
            by_hand: steps that wait for `ScriptPeer.next`.
            keys: its key pair; random if None.

        Raises:
            ExpectationFailed: there is no such NAT or step, or it could not join in time.
        """
        live, desk, name = await self._peer("client", nat, by_hand, keys)
        return ScriptClient(live, desk, name)

    async def server(
        self,
        *,
        nat: str | None = "consistent",
        by_hand: Iterable[Named] = (),
        keys: KeyPair | None = None,
        echo: bool = True,
        options: ListenOptions | None = None,
        proxy: ScriptProxy | bytes | None = None,
    ) -> ScriptServer:
        """Start a server and wait until it is announced.

        Args:
            nat: as for a client, and so are `by_hand` and `keys`.
            by_hand: as for a client.
            keys: as for a client.
            echo: whether it sends back what clients say; else `accepted` gives who can.
            options: how it listens.
            proxy: who answers rounds and punches in its place.

        Raises:
            ExpectationFailed: as for a client, or nobody took its announcement in time.
        """
        live, desk, name = await self._peer("server", nat, by_hand, keys)
        wanted = options or ListenOptions(share_local_address=False)
        if proxy is not None:
            key = proxy.public_key if isinstance(proxy, ScriptProxy) else proxy
            wanted = replace(wanted, proxy=ProxyUse(key))
        async with patience(PATIENCE, lambda: f"the {name} to be announced"):
            listener = await live.listen(None, wanted)
            while any(one.proxy is not None and one.proxy.link.path is None for one in live.peer.servers):
                await asyncio.sleep(0.05)
        server = ScriptServer(live, desk, name, listener, echo=echo)
        self._stack.push_async_callback(server.close)
        return server

    async def proxy(
        self, *, nat: str | None = None, by_hand: Iterable[Named] = (), keys: KeyPair | None = None
    ) -> ScriptProxy:
        """Start a proxy and wait until it is announced; arguments and errors as for a client."""
        live, desk, name = await self._peer("proxy", nat, by_hand, keys)
        host = live.shell.act(lambda peer, now: host_proxy(peer, peer.key_pair, now))
        async with patience(PATIENCE, lambda: f"the {name} to be announced"):
            await live.announced(host.server)
        return ScriptProxy(live, desk, name, host)

    async def _peer(
        self, role: str, nat: str | None, by_hand: Iterable[Named], keys: KeyPair | None
    ) -> tuple[LivePeer, Desk, str]:
        count = self._names[role] = self._names.get(role, 0) + 1
        name = role if count == 1 else f"{role} {count}"
        desk = Desk([act_of(act) for act in by_hand])
        pair = keys or key_pair(self._random_bytes())
        node = NodeOptions(bootstrap=self.bootstrap, quick_firewall=nat is None)
        network: Network | None = None
        if self.embedded is not None:
            network = self._host_behind(nat)
            node = replace(node, firewalled=nat is not None)
        options = PeerOptions(node, pair, gate=desk, on_key=self._on_key)
        tap = self._tap_of(name) if self.embedded is None else None
        live = await LivePeer.open(options, host=self._host, port=0, network=network, tap=tap)
        self._stack.push_async_callback(self._close, live)
        async with patience(PATIENCE, lambda: f"the {name} to join the network"):
            await live.bootstrapped()
        return live, desk, name

    def _host_behind(self, nat: str | None) -> PublicHost | NatHost:
        assert self.embedded is not None
        places = self.embedded.places
        if nat is None:
            return places.public_host()
        if nat not in NATS:
            raise ExpectationFailed(f"there is no NAT {nat!r}; there are {', '.join(NATS)}, and None for none")
        return places.host(places.lan(NATS[nat]))

    def _random_bytes(self) -> bytes:
        if self.embedded is not None:
            return self.embedded.random.randbytes(32)
        from secrets import token_bytes

        return token_bytes(32)

    async def _close(self, live: LivePeer) -> None:
        if self.embedded is None:
            try:
                async with asyncio.timeout(FAREWELL):
                    await live.close()
            except TimeoutError:
                pass  # who holds an announcement forgets it by itself
        await live.shell.close()
