"""A DHT of our nodes that have rules for what they relay, for real peers to meet over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.hand.interception import LiveInterception
from app.hand.rules import Rule
from capture.tap import Tap
from capture.touches import Touch, touches_of
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.intercept.values import Fate
from protocol.udp_shell import UdpShell
from tests.interop.dht_driver import LOOPBACK, PATIENCE, server_port


@dataclass(frozen=True, slots=True)
class Relay:
    """One of the nodes."""

    shell: UdpShell[Node]
    interception: LiveInterception
    tap: Tap

    def count(self, fate: Fate) -> int:
        """How many datagrams met a fate."""
        assert self.interception.interceptor is not None
        return self.interception.interceptor.counts[fate]


@dataclass(frozen=True, slots=True)
class Relays:
    """All of them."""

    nodes: tuple[Relay, ...]

    @property
    def port(self) -> int:
        """Where others bootstrap."""
        return server_port(self.nodes[0].shell)

    def count(self, fate: Fate) -> int:
        """How many datagrams met a fate, at all nodes."""
        return sum(node.count(fate) for node in self.nodes)

    def touches(self) -> list[tuple[Touch, bytes]]:
        """Every touch, and the bytes of the packet that it is on."""
        found = []
        for node in self.nodes:
            node.tap.collect()
            table = node.tap.table
            found += [(one, table.payload(row)) for row in range(len(table)) for one in touches_of(table, row)]
        return found


@asynccontextmanager
async def ruled_network(rules: Sequence[Rule] = (), *, expression: str = "", size: int = 4) -> AsyncIterator[Relays]:
    """A DHT whose nodes all have these rules; the first is where others bootstrap."""
    nodes: list[Relay] = []
    async with AsyncExitStack() as stack:
        for number in range(size):
            tap = Tap(f"relay {number}")
            interception = LiveInterception(tap, rules, expression)
            bootstrap = () if not nodes else (BootstrapNode(LOOPBACK, server_port(nodes[0].shell)),)
            shell = await UdpShell.open(
                NodeOptions(bootstrap=bootstrap, ephemeral=False, firewalled=False),
                host=LOOPBACK,
                port=0,
                tap=interception.take,
                around=interception.around,
            )
            await stack.enter_async_context(shell)
            interception.attach(shell)
            async with asyncio.timeout(PATIENCE):
                await shell.bootstrapped()
            nodes.append(Relay(shell, interception, tap))
        yield Relays(tuple(nodes))
