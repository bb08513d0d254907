"""One of ours and one of theirs behind NATs that let neither through, and a proxy of ours between them.

The proxy has a public address, or a NAT that keeps its mappings. The DHT is theirs, ours, or mixed, as in the grid.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from . import grid, topology
from .grid import PUNCH_INTERVAL, SIZE, Dht, Pair, Row, Sample
from .namespaces import Namespaces
from .nodes import Event
from .run import PORT, Lab, complain
from .scenario import Client, Nat, NatKind

Role = Literal["client", "server"]
PATIENCE = 30.0
RELAYS = 6
PAIR = Pair("random to random", "random", "random")


@dataclass(frozen=True, slots=True)
class Proxied:
    """What came of one connect."""

    sample: Sample
    proxy: Event
    """What the proxy counted."""


class _Row(Row):
    """A network with a proxy."""

    async def run(self, role: Role | None) -> Proxied:
        """One connect between ours and theirs, for one of which the proxy punches; for neither where `role` is None."""
        relays = self.lab.network.relays
        bootstrap = [{"host": relays[0].outside, "port": PORT}]
        for number, host in enumerate(relays):
            known: dict[str, Any] = {"bootstrap": bootstrap} if number else {}
            await self.start(host.name, self._maker(number), "relay", host=host.outside, port=PORT, **known)
        interval = {"ours": PUNCH_INTERVAL, "theirs": 1000 * PUNCH_INTERVAL}
        common = {"bootstrap": bootstrap, "size": SIZE, "keys": 1}
        open_port = not self.lab.network.hosts["proxy"].nat
        ready = await self.start(
            "proxy", "ours", "proxy", open=open_port, random_punch_interval=PUNCH_INTERVAL, **common
        )
        client, server = ("theirs", "ours") if role == "server" else ("ours", "theirs")
        for party, maker in (("server", server), ("client", client)):
            more = {"proxy": ready["public_key"]} if party == role == "server" else {}
            config = common | more | {"open": False, "random_punch_interval": interval[maker]}
            await self.start(f"{party[0]}-{maker}", maker, party, **config)  # type: ignore[arg-type]
        more = {"proxy": ready["public_key"]} if role == "client" else {}
        sample = await self.connect(client, server, 0, **more)  # type: ignore[arg-type]
        self.lab.nodes["proxy"].order("tell")
        return Proxied(sample, await self.lab.nodes["proxy"].event({"told"}, PATIENCE))


def run(proxy: NatKind | None, role: Role | None, dht: Dht, folder: Path) -> Proxied:
    """Build the network, connect once, and take it down.

    Args:
        proxy: what stands in front of the proxy; None for a public address.
        role: for whom it punches; None for nobody.
        dht: whose the nodes are.
        folder: gets the logs.

    Raises:
        NodeError: a node ended, complained, or took too long.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    scenario = grid.scenario_of(PAIR, RELAYS)
    nats = scenario.nats if proxy is None else (*scenario.nats, Nat("proxy", proxy))
    clients = (*scenario.clients, Client("proxy", "" if proxy is None else "proxy"))
    scenario = replace(scenario, nats=nats, clients=clients)

    async def connected() -> Proxied:
        row = _Row(lab, PAIR, dht, 1, False)
        try:
            found = await row.run(role)
            complain(lab)
            return found
        finally:
            await asyncio.gather(*(node.kill() for node in lab.nodes.values()))

    with Namespaces() as spaces:
        lab = Lab(scenario, spaces, topology.build(spaces, scenario, False), folder)
        return asyncio.run(connected())
