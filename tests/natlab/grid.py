"""The grid: who connects to whom, ours and theirs, behind which NATs, over whose DHT, and how long it takes.

All four combinations of a row share one network, so that whatever slows one down slows the others down as well, and
take turns. Every connect goes to a key that its client has not seen before. It is timed by the client alone, from the
call to the moment the application has an open stream; then 1 MiB goes to the server and comes back, and the stream is
ended, destroyed by the client, or destroyed by the server, one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from capture.keylog_files import HOOK, HOOK_VARIABLE

from . import nodes, topology
from .captures import Captures
from .namespaces import Namespaces
from .nodes import Event, Node, NodeError
from .run import PORT, READY, Lab, complain, start_forwarder, vantages
from .scenario import Client, Nat, NatKind, Scenario, Server
from .topology import Host, Network

Maker = Literal["ours", "theirs"]
Dht = Literal["ours", "theirs", "mixed"]
COMBINATIONS: tuple[tuple[Maker, Maker], ...] = (
    ("theirs", "theirs"),
    ("ours", "theirs"),
    ("theirs", "ours"),
    ("ours", "ours"),
)
"""Client and server."""
FINISHES = ("end", "destroy", "remote-destroy")
SIZE = 1 << 20
ATTEMPT = 60.0
LOOPBACK = "127.0.0.1"
HOME = "host"
"""The only namespace of a network on loopback."""
PAUSE = 0.1
"""Seconds between two connects."""
PUNCH_INTERVAL = 0.2
"""Seconds between random punches of one host, 20 in the defaults of both."""
PUNCH_PAUSE = 5 * PUNCH_INTERVAL
"""Seconds between two connects that punch at random: until both hosts of the one before may do so again."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A row: what stands in front of the client and of the server."""

    name: str
    client: NatKind | None = "consistent"
    """None for a public address."""
    server: NatKind | None = "consistent"
    same: bool = False
    loopback: bool = False
    loss: float = 0.0
    delay: float = 0.0
    """Seconds one way."""
    fast_open: bool = True

    @property
    def waits(self) -> bool:
        """Whether it waits for timers and for luck most of the time, so that several may run at once."""
        return {self.client, self.server} == {"consistent", "random"}


PAIRS = (
    Pair("loopback", None, None, loopback=True),
    Pair("open to open", None, None),
    Pair("open to consistent", None, "consistent"),
    Pair("consistent to open", "consistent", None),
    Pair("open to random", None, "random"),
    Pair("random to open", "random", None),
    Pair("same NAT", same=True),
    Pair("consistent to consistent"),
    Pair("the same, 40 ms away", delay=0.02),
    Pair("the same, 40 ms away, no fast open", delay=0.02, fast_open=False),
    Pair("the same, 20 ms away, 5 % lost", delay=0.01, loss=0.05),
    Pair("consistent to random", "consistent", "random"),
    Pair("random to consistent", "random", "consistent"),
)
DHTS: tuple[Dht, ...] = ("theirs", "ours", "mixed")


@dataclass(frozen=True, slots=True)
class Sample:
    """One connect."""

    pair: str
    dht: str
    client: str
    server: str
    finish: str
    connect: float | None
    """Seconds to an open stream; None if it did not come to that."""
    echo: float | None
    """Seconds for 1 MiB both ways."""
    problem: str
    """What was not as it should be; empty if all was."""


def scenario_of(pair: Pair, relays: int) -> Scenario:
    """The network of a row: a server and a client of each make."""
    nats: list[Nat] = []
    servers, clients = [], []

    def behind(place: str, kind: NatKind | None) -> str:
        if kind is None:
            return ""
        name = "home" if pair.same else place
        if all(nat.name != name for nat in nats):
            nats.append(Nat(name, kind))
        return name

    for maker in ("theirs", "ours"):
        servers.append(Server(f"s-{maker}", behind(f"s-{maker}", pair.server)))
        clients.append(Client(f"c-{maker}", behind(f"c-{maker}", pair.client)))
    return Scenario(
        name=pair.name,
        title=pair.name,
        relays=relays,
        delay=pair.delay,
        loss=pair.loss,
        nats=tuple(nats),
        servers=tuple(servers),
        clients=tuple(clients),
        connects=(),
    )


def _on_loopback(spaces: Namespaces, scenario: Scenario) -> Network:
    spaces.make(HOME)
    relays = tuple(Host(f"relay-{each}", "relay", "", LOOPBACK, LOOPBACK) for each in range(scenario.relays))
    parties = [(each.name, role) for role in ("server", "client") for each in getattr(scenario, role + "s")]
    return Network({name: Host(name, role, "", LOOPBACK, LOOPBACK) for name, role in parties}, relays, {}, False)


@dataclass
class Row:
    """One running network of the grid."""

    lab: Lab
    pair: Pair
    dht: Dht
    rounds: int
    captured: bool

    async def start(self, name: str, maker: Maker, role: str, **config: Any) -> Event:
        """Start a party of either make and wait until it is ready."""
        lab, folder = self.lab, self.lab.folder / "logs"
        variables = {}
        if maker == "ours":
            keylog = str(folder / nodes.KEYLOG) if self.captured else None
            command = nodes.ours(role, config | {"keylog": keylog})
        else:
            hooks = (HOOK,) if self.captured else ()
            script = role if role == "relay" else f"echo-{role}"
            command = nodes.theirs(script, config, *hooks, nodes.SCRIPTS / "bare.cjs")
            variables = {HOOK_VARIABLE: str(folder / nodes.KEYLOG)} if self.captured else {}
        space = HOME if self.pair.loopback else name
        lab.nodes[name] = await Node.launch(lab.spaces, space, name, command, folder, **variables)
        lab.ready[name] = await lab.nodes[name].event({"ready"}, READY)
        return lab.ready[name]

    def _maker(self, number: int) -> Maker:
        return ("ours", "theirs")[number % 2] if self.dht == "mixed" else self.dht

    async def start_all(self) -> None:
        """The DHT, then the servers, then the clients."""
        relays = self.lab.network.relays
        ports = [PORT + each if self.pair.loopback else PORT for each in range(len(relays))]
        bootstrap = [{"host": relays[0].outside, "port": ports[0]}]

        async def relay(number: int, **known: Any) -> None:
            host, port = relays[number].outside, ports[number]
            await self.start(relays[number].name, self._maker(number), "relay", host=host, port=port, **known)

        await relay(0)
        await asyncio.gather(*(relay(number, bootstrap=bootstrap) for number in range(1, len(relays))))
        common = {"bootstrap": bootstrap, "size": SIZE, "keys": self.rounds}
        for role, nat in (("server", self.pair.server), ("client", self.pair.client)):
            for maker in ("theirs", "ours"):
                interval = PUNCH_INTERVAL * (1000 if maker == "theirs" else 1)
                config = common | {"open": nat is None, "random_punch_interval": interval}
                await self.start(f"{role[0]}-{maker}", maker, role, **config)

    async def connect(self, client: Maker, server: Maker, number: int, **more: Any) -> Sample:
        """One connect, echo and end; `more` goes into the client's order."""
        finish = FINISHES[number % len(FINISHES)]
        names = f"c-{client}", f"s-{server}"
        caller, listener = (self.lab.nodes[name] for name in names)
        label = f"{client}-{server}-{number}"
        key = self.lab.ready[names[1]]["keys"][number]
        order = {"public_key": key, "finish": finish, "size": SIZE, "fast_open": self.pair.fast_open, **more}
        closed = served = None
        try:
            caller.order("connect", label=label, **order)
            closed = await caller.event({"closed"}, ATTEMPT, label=label)
            if closed["connect"] is not None:
                own = self.lab.ready[names[0]]["public_key"]
                served = await listener.event({"served"}, ATTEMPT, client=own, key=number)
            problem = _problem(finish, closed, served, lossy=self.pair.loss > 0)
        except NodeError as error:
            problem = str(error)
        connect, echo = (None, None) if closed is None else (closed["connect"], closed["echo"])
        return Sample(self.pair.name, self.dht, client, server, finish, connect, echo, problem)

    async def connect_all(self) -> list[Sample]:
        """Every combination in every round, in any order: who comes next finds the hosts of the one before still busy.

        Where waiting for luck takes long, two that share no host connect at once.
        """
        dice = random.Random(1)
        first, second, third, fourth = COMBINATIONS
        groups = ((first, fourth), (second, third)) if self.pair.waits else tuple((each,) for each in COMBINATIONS)
        samples = []
        for number in range(self.rounds):
            for group in dice.sample(groups, len(groups)):
                await asyncio.sleep(PUNCH_PAUSE if self.pair.waits else PAUSE)
                samples += await asyncio.gather(*(self.connect(client, server, number) for client, server in group))
        return samples


def _problem(finish: str, closed: Event, served: Event | None, *, lossy: bool) -> str:
    """What is wrong with one connect, as both applications saw it.

    A stream that is destroyed says so once: where that packet is lost, the other side learns of it by its timeout.
    """
    if closed["connect"] is None or served is None:
        return f"no connection: {closed['error']} {closed.get('cause', '')}".strip()
    if not closed["intact"] or served["digest"] != closed["digest"]:
        return f"not intact: {served['received']} bytes there"
    seen = {
        "client ended": closed["ended"],
        "client error": closed["error"],
        "server ended": served["ended"],
        "server error": served["error"],
    }
    reset = "ECONNRESET"
    for side in ("client error", "server error"):
        if lossy and seen[side] == "ETIMEDOUT":
            seen[side] = reset
    expected = {
        "end": (True, None, True, None),
        "destroy": (False, None, False, reset),
        "remote-destroy": (False, reset, False, None),
    }[finish]
    wrong = [f"{name} {value}" for (name, value), right in zip(seen.items(), expected, strict=True) if value != right]
    return f"{finish}: {', '.join(wrong)}" if wrong else ""


async def _run(row: Row) -> list[Sample]:
    forwarder = None
    lab = row.lab
    own = asyncio.current_task()
    assert own is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    try:
        if lab.network.through_tun:
            forwarder = await start_forwarder(lab)
        with Captures(lab.spaces, lab.folder) as captures:
            if row.captured:
                captures.start(vantages(lab.network))
            await row.start_all()
            samples = await row.connect_all()
            captures.stop()
        complain(lab)
        return samples
    finally:
        await asyncio.gather(*(node.kill() for node in lab.nodes.values()))
        if forwarder is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                forwarder.kill()
            await forwarder.wait()


def run(pair: Pair, dht: Dht, rounds: int, folder: Path, *, relays: int = 10, captured: bool = False) -> list[Sample]:
    """Run one row over one kind of DHT; the folder gets `samples.json`, and captures if they are wanted.

    Raises:
        NodeError: A node ended, complained, or took too long.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in (*logs.iterdir(), *folder.glob("*.pcap")):
        old.unlink()
    scenario = scenario_of(pair, relays)
    if pair.loopback and captured:
        raise NodeError("nothing is captured on loopback")
    with Namespaces() as spaces:
        network = _on_loopback(spaces, scenario) if pair.loopback else topology.build(spaces, scenario, False)
        row = Row(Lab(scenario, spaces, network, folder), pair, dht, rounds, captured)
        samples = asyncio.run(_run(row))
    (folder / "samples.json").write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")
    return samples


def chosen(names: Sequence[str]) -> tuple[Pair, ...]:
    """The rows of these names; all where none is named.

    Raises:
        ValueError: There is no such row.
    """
    by_name = {pair.name: pair for pair in PAIRS}
    for name in names:
        if name not in by_name:
            raise ValueError(f"no row {name!r}; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) or PAIRS
