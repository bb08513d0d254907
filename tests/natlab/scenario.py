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
Fault = Literal["", "kill-relay", "kill-server", "start-server"]


@dataclass(frozen=True, slots=True)
class Nat:
    """A NAT router.

    Attributes:
        name: What hosts refer to.
        kind: `consistent` keeps the inside port (MASQUERADE), `random` picks one per flow (--random-fully).
        drop_strays: Drop unasked inbound packets before conntrack confirms them. Without it a stray packet
            takes the port, and the flow that comes later from inside is moved to another one.
        block_peers: Drop what arrives from other NATs, so that no punch ever gets through.
    """

    name: str
    kind: NatKind = "consistent"
    drop_strays: bool = True
    block_peers: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A host that listens. `nat` empty = a public address of its own."""

    name: str
    nat: str = ""
    keys: int = 1
    firewall: Literal["", "reject"] = ""
    holepunch: Literal["", "reject"] = ""
    relay_through: bool = False
    forget_relay: bool = False


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
        key: Which key of the server; -1 = spread the clients over all servers and keys.
        delay: Seconds to wait before this attempt starts (clients of a group start this far apart).
        parallel: Start without waiting for the attempt before to end.
        fault: What the lab breaks, and `gate`: when (empty = before the attempt).
        expect: Verdict code that a reader of the capture should reach; empty = derived from the truth.
        attempts: How often at most, until the verdict is the expected one.
    """

    client: str
    server: str = ""
    key: int = 0
    fast_open: bool = True
    holepunch: Literal["", "reject"] = ""
    relay_through: bool = False
    local_connection: bool = True
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
    """A whole run. `delay` in seconds one way, `loss` as a share of packets, both in the wide area network."""

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
    for name, kind in (("nat", Nat), ("server", Server), ("client", Client), ("connect", Connect)):
        tables = document.pop(name, [])
        parts[name + "s"] = tuple(_build(kind, table, f"{path.name} [[{name}]]") for table in tables)
    if "fixture" in document:
        document["fixture"] = tuple(document["fixture"])
    scenario: Scenario = _build(Scenario, {"name": path.stem, **document, **parts}, path.name)
    nats = {nat.name for nat in scenario.nats} | {""}
    for host in (*scenario.servers, *scenario.clients):
        if host.nat not in nats:
            raise ValueError(f"{path.name}: {host.name} stands behind an unknown NAT {host.nat}")
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
