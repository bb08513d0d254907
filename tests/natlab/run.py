"""Runs one scenario: network, captures, nodes, attempts and faults; leaves captures and truth in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import topology, truth, visible
from .captures import Captures, Vantage
from .logs import blake2b
from .namespaces import Namespaces
from .nodes import Event, Node, NodeError, packages
from .scenario import Connect, Scenario
from .topology import WAN, Network
from .verdicts import seen_from

READY = 60.0
ATTEMPT = 90.0
PORT = 49737


@dataclass
class Lab:
    """A network with its running nodes."""

    scenario: Scenario
    spaces: Namespaces
    network: Network
    folder: Path
    nodes: dict[str, Node] = field(default_factory=dict)
    ready: dict[str, Event] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def start(self, name: str, script: str, **config: Any) -> Event:
        """Start a node and wait until it says that it is ready."""
        node = await Node.start(self.spaces, name, script, config, self.folder / "logs")
        self.nodes[name] = node
        self.ready[name] = await node.event({"ready"}, READY)
        return self.ready[name]

    def bootstrap(self) -> list[dict[str, Any]]:
        """The node that everyone starts from."""
        return [{"host": self.network.relays[0].outside, "port": PORT}]


def vantages(network: Network) -> list[Vantage]:
    """Where to listen. The first client's and the first server's places have the plain names."""
    found = [Vantage("wan", WAN, "tun0", arriving=True) if network.through_tun else Vantage("wan", WAN, "any")]
    for role in ("client", "server"):
        seen: set[str] = set()
        for host in network.hosts.values():
            place = host.nat or host.name
            if host.role != role or place in seen:
                continue
            suffix = "" if not seen else f"-{len(seen) + 1}"
            seen.add(place)
            if host.nat:
                found.append(Vantage(role + suffix, f"nat-{host.nat}", "lan"))
                nat = "nat" if role == "client" else "server-nat"
                found.append(Vantage(nat + suffix, f"nat-{host.nat}", "any"))
                found.append(Vantage(f"{nat}-wan{suffix}", f"nat-{host.nat}", "wan"))
            else:
                found.append(Vantage(role + suffix, host.name, "eth0"))
    for relay in network.relays:
        found.append(Vantage(relay.name, relay.name, "eth0"))
    if "blind-relay" in network.hosts:
        found.append(Vantage("blind-relay", "blind-relay", "eth0"))
    return found


async def _start_nodes(lab: Lab) -> None:
    scenario, bootstrap = lab.scenario, lab.bootstrap()
    relays = lab.network.relays
    await lab.start(relays[0].name, "relay", host=relays[0].outside, port=PORT)
    await asyncio.gather(
        *(lab.start(each.name, "relay", host=each.outside, port=PORT, bootstrap=bootstrap) for each in relays[1:])
    )
    blind = None
    if "blind-relay" in lab.network.hosts:
        blind = (await lab.start("blind-relay", "blind-relay", bootstrap=bootstrap, open=True))["public_key"]
    for server in scenario.servers:
        await lab.start(
            server.name,
            "server",
            bootstrap=bootstrap,
            open=not server.nat,
            keys=server.keys,
            firewall=server.firewall,
            holepunch=server.holepunch,
            relay_through=blind if server.relay_through else None,
            forget_relays=server.forget_relays,
        )
    clients = [host for host in lab.network.hosts.values() if host.role == "client"]
    await asyncio.gather(*(lab.start(each.name, "client", bootstrap=bootstrap, open=not each.nat) for each in clients))


async def _break(lab: Lab, connect: Connect, gate: Event | None) -> None:
    """Carry out the fault of an attempt."""
    if connect.fault == "kill-relay":
        assert gate is not None
        victim = next(each.name for each in lab.network.relays if each.outside == gate["relay"]["host"])
    elif connect.fault == "kill-server":
        victim = connect.server
    elif connect.fault == "kill-client":
        victim = connect.client
    else:
        return
    await lab.nodes[victim].kill()
    lab.faults.append({"t": time.time(), "fault": connect.fault, "gate": connect.gate or None, "node": victim})


async def _attempt(lab: Lab, connect: Connect, client: str, server: str, key: int, label: str) -> None:
    nobody = blake2b(label.encode(), 32).hex()
    public_key = lab.ready[server]["keys"][key]["public_key"] if server else nobody
    pinned = None
    if connect.pin_relay == "forgotten":
        forgot = await lab.nodes[server].event({"forgot-relay"}, READY)
        pinned = forgot["relay"]
    relay_through = lab.ready["blind-relay"]["public_key"] if connect.relay_through else None
    node = lab.nodes[client]
    if connect.fault and not connect.gate:
        await _break(lab, connect, None)
    lab.labels[label] = {"client": client, "server": server or None, "connect": asdict(connect)}
    node.order(
        "connect",
        label=label,
        public_key=public_key,
        fast_open=connect.fast_open,
        holepunch=connect.holepunch,
        local_connection=connect.local_connection,
        without_udx=connect.without_udx,
        relay_through=relay_through,
        pin_relay=pinned,
        gate=connect.gate,
        hold=connect.hold,
        until=connect.until,
    )
    if connect.gate:
        gate = await node.event({"gate"}, ATTEMPT)
        await _break(lab, connect, gate)
        if connect.fault == "kill-client":
            return
        node.order("go", gate=connect.gate)
    lab.labels[label]["closed"] = await node.event({"closed"}, ATTEMPT, label=label)


async def _attempts(lab: Lab) -> None:
    """Carry out the connects in order; those marked parallel don't wait for the one before."""
    running: list[asyncio.Task[None]] = []
    counts = {client.name: client.count for client in lab.scenario.clients}
    targets = [(server.name, key) for server in lab.scenario.servers for key in range(server.keys)]
    for number, connect in enumerate(lab.scenario.connects):
        if not connect.parallel:
            await asyncio.gather(*running)
            running.clear()
        for each in range(counts[connect.client]):
            await asyncio.sleep(connect.delay)
            client = connect.client if counts[connect.client] == 1 else f"{connect.client}-{each}"
            spread = not connect.server and connect.key < 0
            server, key = (
                targets[(each - connect.key - 1) % len(targets)] if spread else (connect.server, max(connect.key, 0))
            )
            label = f"{number}-{client}"
            running.append(asyncio.create_task(_attempt(lab, connect, client, server, key, label)))
    await asyncio.gather(*running)


async def _run(lab: Lab) -> None:
    forwarder = None
    own = asyncio.current_task()
    assert own is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    try:
        if lab.network.through_tun:
            forwarder = await start_forwarder(lab)
        with Captures(lab.spaces, lab.folder) as captures:
            captures.start(vantages(lab.network))
            await _start_nodes(lab)
            await _attempts(lab)
            await asyncio.sleep(lab.scenario.linger)
            clients = [host.name for host in lab.network.hosts.values() if host.role == "client"]
            await asyncio.gather(*(lab.nodes[name].stop(3.0) for name in clients))
            counts = captures.stop()
        collated = truth.collate(lab.folder / "logs", lab.scenario, lab.network, lab.labels, lab.faults, lab.ready)
        collated["captures"] = {
            each.name: counts[each.name] | {"device": each.device} for each in vantages(lab.network)
        }
        complain(lab)
        seen = visible.look(lab.folder, collated["attempts"], lab.network)
        for attempt in collated["attempts"]:
            attempt["visible"] = seen.get(attempt["id"])
            attempt["seen_from"] = seen_from(attempt)
        (lab.folder / "truth.json").write_text(json.dumps(collated, indent=1) + "\n")
    finally:
        await asyncio.gather(*(node.kill() for node in lab.nodes.values()))
        if forwarder is not None:
            forwarder.kill()
            await forwarder.wait()


def complain(lab: Lab) -> None:
    """A node that wrote to stderr did not behave as the reference implementation: the run is worth nothing."""
    for path in sorted((lab.folder / "logs").glob("*.stderr")):
        if path.stat().st_size:
            raise NodeError(f"{path.stem}: {path.read_text()[-2000:]}")


async def start_forwarder(lab: Lab) -> asyncio.subprocess.Process:
    """Start what delays and loses packets in the wide area router."""
    scenario = lab.scenario
    script = Path(__file__).parent / "forwarder.py"
    numbers = [str(scenario.delay), str(scenario.jitter), str(scenario.loss), "1"]
    process = await asyncio.create_subprocess_exec(
        *lab.spaces.inside(WAN, [sys.executable, str(script), *numbers]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    if await process.stdout.readline() != b"ready\n":
        raise RuntimeError("the forwarder did not start")
    return process


def run(scenario: Scenario, folder: Path) -> dict[str, Any]:
    """Run a scenario into a folder and return its truth.

    The folder gets `VANTAGE.pcap` files, `truth.json`, and `logs/` with what each node wrote itself.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in (*logs.iterdir(), *folder.glob("*.pcap"), *folder.glob("truth.json")):
        old.unlink()
    wishes = [each.relay_through for each in scenario.servers] + [each.relay_through for each in scenario.connects]
    blind = any(wishes)
    with Namespaces() as spaces:
        network = topology.build(spaces, scenario, blind)
        asyncio.run(_run(Lab(scenario, spaces, network, folder)))
    result: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    return result


def missing() -> str:
    """Why the lab can't run here; empty if it can."""
    if os.geteuid() != 0:
        return "the NAT lab needs root (network namespaces)"
    for tool in ("ip", "iptables", "sysctl", "tcpdump", "node"):
        if shutil.which(tool) is None:
            return f"the NAT lab needs {tool}"
    if not (packages() / "node_modules" / "hyperdht").is_dir():
        return f"the NAT lab needs the node packages: npm ci in {packages()}"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "the NAT lab can't list network namespaces"
