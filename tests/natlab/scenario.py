"""A scenario: who stands behind which NAT, what the network does to packets, and who connects to whom.

Scenarios are TOML files in `scenarios/`; a new case is a new file. Every table is checked on reading: an
unknown key is an error, not a silent no-op.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "scenarios"

NatKind = Literal["consistent", "random"]
Fault = Literal["", "kill-relay", "kill-server", "kill-client"]


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT router.

    Attributes:
        name: What hosts refer to.
        kind: `consistent` keeps the inside port (MASQUERADE), `random` picks one per flow (--random-fully).
        drop_strays: Drop unasked inbound packets before conntrack confirms them. Without it a stray packet
            takes the port, and the flow that comes later from inside is moved to another one.
        block_peers: Drop what arrives from other NATs, so that no punch ever gets through.
        block_streams: Drop UDX packets from other NATs, so that punches get through and nothing after them.
        block_pings: Drop DHT pings from inside, so that nobody learns how this NAT maps ports.
    """

    name: str
    kind: NatKind = "consistent"
    drop_strays: bool = True
    block_peers: bool = False
    block_streams: bool = False
    block_pings: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A host that listens. `nat` empty = a public address of its own.

    Attributes:
        name: What connects refer to.
        nat: The NAT in front of it.
        keys: How many keys it listens on.
        firewall: `reject` = its firewall function turns every client away.
        holepunch: `reject` = its holepunch function says no to every punch.
        relay_through: Its connections may go through the blind relay.
        forget_relays: So many relays hold its announce without it knowing, as when acknowledgements are lost.
    """

    name: str
    nat: str = ""
    keys: int = 1
    firewall: Literal["", "reject"] = ""
    holepunch: Literal["", "reject"] = ""
    relay_through: bool = False
    forget_relays: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """One or more hosts that connect. `nat` empty = a public address of its own."""

    name: str
    nat: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Connect:
    """One connection attempt, or with `count` hosts one per client.

    Attributes:
        client: Name of the client, or of the group of clients.
        server: Name of the server; empty = a key that nobody announced.
        key: Which key of the server; negative = spread the clients over all servers
            and keys, starting at a place that differs for -1, -2, ...
        delay: Seconds to wait before this attempt starts (clients of a group start this far apart).
        fault: What the lab breaks, and `gate`: when (empty = before the attempt).
        expect: Verdict code that a reader of the capture should reach; empty = derived from the truth.
        pin_relay: `forgotten` = talk to no relay but the one that the server forgot.
        without_udx: Leave the UDX part out of the first noise payload, which servers answer with an error.
        parallel: Start without waiting for the attempt before to end.
        hold: Seconds to keep a connection open.
        until: `upgraded` = hold only once the stream has left the blind relay.
    """

    client: str
    server: str = ""
    key: int = 0
    fast_open: bool = True
    holepunch: Literal["", "reject"] = ""
    relay_through: bool = False
    local_connection: bool = True
    without_udx: bool = False
    pin_relay: Literal["", "forgotten"] = ""
    gate: Literal["", "probe", "punch"] = ""
    fault: Fault = ""
    delay: float = 0.0
    parallel: bool = False
    hold: float = 0.5
    until: Literal["", "upgraded"] = ""
    expect: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole run.

    Attributes:
        name: Name of the file, without its ending.
        title: One sentence.
        relays: How many DHT nodes with a public address there are, at least 10.
        delay: Seconds one way through the wide area network; up to `jitter` seconds more at random.
        loss: Share of packets that the wide area network loses.
        linger: Seconds in which the captures go on after the last attempt.
        quick: Runs live in the ordinary tests.
        fixture: Captures that are kept; `relay` is the one that carried most.
    """

    name: str
    title: str
    nats: tuple[Nat, ...]
    servers: tuple[Server, ...]
    clients: tuple[Client, ...]
    connects: tuple[Connect, ...]
    relays: int = 10
    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    linger: float = 0.7
    note: str = ""
    quick: bool = False
    fixture: tuple[str, ...] = field(default=("client", "nat", "nat-wan", "wan", "server", "server-nat", "relay"))


def _build(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    known = {each.name for each in dataclasses.fields(kind)}
    unknown = table.keys() - known
    if unknown:
        raise ValueError(f"{where}: unknown key {', '.join(sorted(unknown))}")
    return kind(**table)


def _read(path: Path) -> Scenario:
    document = tomllib.loads(path.read_text())
    parts: dict[str, tuple[Any, ...]] = {}
    kinds: dict[str, type[Any]] = {"nat": Nat, "server": Server, "client": Client, "connect": Connect}
    for name, kind in kinds.items():
        tables = document.pop(name, [])
        parts[name + "s"] = tuple(_build(kind, table, f"{path.name} [[{name}]]") for table in tables)
    if "fixture" in document:
        document["fixture"] = tuple(document["fixture"])
    scenario: Scenario = _build(Scenario, {"name": path.stem, **document, **parts}, path.name)
    nats = {nat.name for nat in scenario.nats} | {""}
    places = [(each.name, each.nat) for each in scenario.servers]
    places += [(each.name, each.nat) for each in scenario.clients]
    for name, nat in places:
        if nat not in nats:
            raise ValueError(f"{path.name}: {name} stands behind an unknown NAT {nat}")
    servers = {server.name for server in scenario.servers} | {""}
    clients = {client.name for client in scenario.clients}
    for connect in scenario.connects:
        if connect.client not in clients or connect.server not in servers:
            raise ValueError(f"{path.name}: a connect between unknown hosts")
    return scenario


def names() -> list[str]:
    """Names of all scenarios, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Read one scenario by name.

    Raises:
        ValueError: No such scenario, or it has a key or host that doesn't exist.
    """
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ValueError(f"no scenario {name}; there are {', '.join(names())}")
    return _read(path)
