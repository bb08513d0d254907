"""One of ours and one of theirs behind NATs that let neither through, and a proxy of ours between them.

The proxy has a public address, or a NAT that keeps its mappings. The DHT is theirs, ours, or mixed, as in the grid.

`python -m tests.natlab.proxied` makes the captures in tests/fixtures/proxied anew: both roles, seen from the wide area
and at the client, the proxy and the server, with a key log.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from . import grid, topology
from .captures import Captures, Vantage
from .grid import PUNCH_INTERVAL, SIZE, Dht, Pair, Row, Sample
from .namespaces import Namespaces
from .nodes import KEYLOG, Event, NodeError
from .run import PORT, Lab, complain
from .scenario import Client, Nat, NatKind
from .topology import WAN, Network

Role = Literal["client", "server"]
PATIENCE = 30.0
RELAYS = 6
LITTLE = 4096
"""Bytes that are exchanged where packets are recorded."""
FIXTURES = Path(__file__).parent.parent / "fixtures" / "proxied"
PAIR = Pair("random to random", "random", "random")


@dataclass(frozen=True, slots=True)
class Proxied:
    """What came of one connect."""

    sample: Sample
    proxy: Event
    """What the proxy counted."""


class _Row(Row):
    """A network with a proxy."""

    size = SIZE

    async def run(self, role: Role | None) -> Proxied:
        """One connect between ours and theirs, for one of which the proxy punches; for neither where `role` is None."""
        relays = self.lab.network.relays
        bootstrap = [{"host": relays[0].outside, "port": PORT}]
        for number, host in enumerate(relays):
            known: dict[str, Any] = {"bootstrap": bootstrap} if number else {}
            await self.start(host.name, self._maker(number), "relay", host=host.outside, port=PORT, **known)
        interval = {"ours": PUNCH_INTERVAL, "theirs": 1000 * PUNCH_INTERVAL}
        common = {"bootstrap": bootstrap, "size": self.size, "keys": 1}
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
        sample = await self.connect(client, server, 0, size=self.size, **more)  # type: ignore[arg-type]
        self.lab.nodes["proxy"].order("tell")
        return Proxied(sample, await self.lab.nodes["proxy"].event({"told"}, PATIENCE))


def _vantages(network: Network, role: Role | None) -> list[Vantage]:
    """The wide area, and where the client, the proxy and the server that connect send from."""
    makers = ("theirs", "ours") if role == "server" else ("ours", "theirs")
    places = {"client": f"c-{makers[0]}", "proxy": "proxy", "server": f"s-{makers[1]}"}
    found = [Vantage("wan", WAN, "any")]
    for name, host in places.items():
        nat = network.hosts[host].nat
        found.append(Vantage(name, f"nat-{nat}", "lan") if nat else Vantage(name, host, "eth0"))
    return found


def record(role: Role, target: Path) -> None:
    """Make the captures of one role anew: ``ROLE-VANTAGE.pcap.gz`` and ``ROLE.keylog``."""
    with TemporaryDirectory() as folder:
        found = run(None, role, "theirs", Path(folder), recorded=True)
        if found.sample.problem:
            raise NodeError(found.sample.problem)
        for path in sorted(Path(folder).glob("*.pcap")):
            packed = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
            (target / f"{role}-{path.stem}.pcap.gz").write_bytes(packed)
        keys = target / f"{role}.keylog"
        keys.write_bytes((Path(folder) / "logs" / KEYLOG).read_bytes())
        keys.chmod(0o600)


def run(proxy: NatKind | None, role: Role | None, dht: Dht, folder: Path, *, recorded: bool = False) -> Proxied:
    """Build the network, connect once, and take it down.

    Args:
        proxy: what stands in front of the proxy; None for a public address.
        role: for whom it punches; None for nobody.
        dht: whose the nodes are.
        folder: gets the logs.
        recorded: whether it gets captures and a key log too, of a connect that exchanges little.

    Raises:
        NodeError: a node ended, complained, or took too long.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    scenario = grid.scenario_of(PAIR, RELAYS)
    nats = scenario.nats if proxy is None else (*scenario.nats, Nat("proxy", proxy))
    clients = (*scenario.clients, Client("proxy", "" if proxy is None else "proxy"))
    scenario = replace(scenario, nats=nats, clients=clients)

    async def connected() -> Proxied:
        row = _Row(lab, PAIR, dht, 1, recorded)
        try:
            if recorded:
                row.size = LITTLE
                with Captures(lab.spaces, folder) as captures:
                    captures.start(_vantages(lab.network, role))
                    found = await row.run(role)
                    captures.stop()
            else:
                found = await row.run(role)
            complain(lab)
            return found
        finally:
            await asyncio.gather(*(node.kill() for node in lab.nodes.values()))

    with Namespaces() as spaces:
        lab = Lab(scenario, spaces, topology.build(spaces, scenario, False), folder)
        return asyncio.run(connected())


if __name__ == "__main__":
    record("client", FIXTURES)
    record("server", FIXTURES)
