"""Presets between two real peers: all relays are ours and apply one, and both ends and all captures are looked at.

`python -m tests.natlab.presets [--out FOLDER] [NAME...]` runs them, and writes the table of docs/presets.md when it ran
them all. Needs what the lab needs (root, iptables, tcpdump).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from app.hand.preset_files import preset
from capture.model import Flow
from capture.story import Story

from . import grid, topology
from .captures import Captures
from .grid import PUNCH_INTERVAL, SIZE, Pair, Row, Sample
from .namespaces import Namespaces
from .nodes import NodeError
from .run import PORT, Lab, complain, vantages
from .scenario import NatKind

RELAYS: Final = 6
STOPPING: Final = 10.0
SETTLING: Final = 1.0
"""Seconds after the end of the attempt, for its last packets."""
PAGE: Final = Path(__file__).parents[2] / "docs" / "presets.md"
BEGIN: Final = "<!-- begin: made by python -m tests.natlab.presets -->"
END: Final = "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a preset is tried: it needs what it takes away."""

    preset: str
    """Empty: none, to compare with."""
    client: NatKind
    server: NatKind
    verdict: str
    """What the packets should be found to say."""
    once: bool = False
    """Whether it is applied to the first datagram of an attempt alone, which the peers may make good."""

    @property
    def name(self) -> str:
        """What it is called."""
        return (self.preset or "none") + (" once" if self.once else "")


SETTINGS: Final = (
    Setting("", "consistent", "consistent", "punched"),
    Setting("", "random", "consistent", "punched"),
    Setting("lost-reply", "consistent", "consistent", "probe-unanswered"),
    Setting("lost-reply", "consistent", "consistent", "punched", once=True),
    Setting("stripped-token", "random", "consistent", "unverified-address"),
    Setting("stale-address", "consistent", "consistent", "punch-unanswered"),
    Setting("flipped-firewall", "random", "consistent", "both-nats-random"),
    Setting("reordered-rounds", "consistent", "consistent", "punched"),
    Setting("remapped-port", "consistent", "consistent", "nat-remapped"),
    Setting("dead-relay", "consistent", "consistent", "probe-unanswered"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one connect."""

    setting: Setting
    sample: Sample
    error: str
    """What the client's application saw; empty for a connection."""
    seconds: float
    hits: int
    """Datagrams that rules were applied to."""
    relay: str
    """The verdict of the relay's own capture."""
    client: str
    """That of a capture at the client."""
    merged: str
    """That of all captures together."""
    tokens: tuple[str, str]
    """The server's and the client's, of all captures together."""

    @property
    def connected(self) -> bool:
        """Whether they got through."""
        return self.sample.connect is not None


class _Row(Row):
    async def run(self, setting: Setting) -> tuple[Sample, int, float]:
        """One connect between two real peers; gives it, how often rules were applied, and how long it took."""
        lab, relays = self.lab, self.lab.network.relays
        bootstrap = [{"host": relays[0].outside, "port": PORT}]
        for number, host in enumerate(relays):
            known: dict[str, Any] = {"bootstrap": bootstrap} if number else {}
            capture = str(lab.folder / f"own-{host.name}.pcapng")
            await self.start(host.name, "ours", "relay", host=host.outside, port=PORT, preset=setting.preset,
                             once=setting.once, capture=capture, **known)  # fmt: skip
        common = {"bootstrap": bootstrap, "size": SIZE, "keys": 1, "open": False,
                  "random_punch_interval": 1000 * PUNCH_INTERVAL}  # fmt: skip
        await self.start("s-theirs", "theirs", "server", **common)
        await self.start("c-theirs", "theirs", "client", **common)
        loop = asyncio.get_running_loop()
        began = loop.time()
        sample = await self.connect("theirs", "theirs", 0, fast_open=False)
        seconds = loop.time() - began
        await asyncio.sleep(SETTLING)
        hits = 0
        for host in relays:
            lab.nodes[host.name].order("stop")
            touched = await lab.nodes[host.name].event({"touched"}, STOPPING)
            hits += sum(touched["hits"].values())
        return sample, hits, seconds


def run(setting: Setting, folder: Path) -> Tried:
    """Build the network, connect once under a preset, take it down, and look at what was captured.

    Raises:
        NodeError: a node ended, complained, or took too long.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    pair = Pair(setting.preset or "none", setting.client, setting.server, fast_open=False)
    scenario = grid.scenario_of(pair, RELAYS)
    mine = {"theirs"}
    scenario = replace(
        scenario,
        servers=tuple(each for each in scenario.servers if each.name.partition("-")[2] in mine),
        clients=tuple(each for each in scenario.clients if each.name.partition("-")[2] in mine),
        nats=tuple(each for each in scenario.nats if each.name.partition("-")[2] in mine),
    )

    async def connected() -> tuple[Sample, int, float]:
        try:
            with Captures(spaces, folder) as captures:
                captures.start([each for each in vantages(network) if not each.name.startswith("relay-")])
                found = await _Row(lab, pair, "ours", 1, False).run(setting)
                captures.stop()
            complain(lab)
            return found
        finally:
            await asyncio.gather(*(node.kill() for node in lab.nodes.values()))

    with Namespaces() as spaces:
        network = topology.build(spaces, scenario, False)
        lab = Lab(scenario, spaces, network, folder)
        sample, hits, seconds = asyncio.run(connected())
    own = sorted(str(path) for path in folder.glob("own-*.pcapng"))
    merged = _flow([str(folder / f"{name}.pcap") for name in ("client", "nat-wan", "wan", "server")] + own)
    return Tried(
        setting,
        sample,
        "" if sample.connect is not None else sample.problem.removeprefix("no connection: "),
        seconds if sample.connect is None else sample.connect,
        hits,
        _relay_verdict(own),
        _verdict(_flow([str(folder / "client.pcap")])),
        _verdict(merged),
        ("", "") if merged is None else (str(merged.server_token), str(merged.client_token)),
    )


def _flow(paths: Sequence[str]) -> Flow | None:
    """The one attempt of some captures."""
    flows = [flow for flow in Story.open(list(paths)).flows if flow.messages]
    return max(flows, key=lambda flow: len(flow.messages), default=None)


def _relay_verdict(own: Sequence[str]) -> str:
    """That of the relay that passed on most of the attempt."""
    flows = [flow for flow in (_flow([path]) for path in own) if flow is not None]
    return _verdict(max(flows, key=lambda flow: len(flow.rounds), default=None))


def _verdict(flow: Flow | None) -> str:
    return "nothing seen" if flow is None else str(flow.verdict.code)


def table(tried: Sequence[Tried]) -> str:
    """What came of all, in Markdown."""
    head = ("preset", "says", "NATs", "outcome for the client", "s", "touched", "verdict of the relay's own capture",
            "of a capture at the client", "of all together", "server's token", "client's token")  # fmt: skip
    rows = [head, ("---",) * len(head)]
    for one in tried:
        name = one.setting.preset
        once = ", applied once" if one.setting.once else ""
        rows.append(
            (
                f"`{name}`{once}" if name else "none",
                preset(name).says if name else "to compare with",
                f"{one.setting.client} to {one.setting.server}",
                "connected" if one.connected else one.error,
                f"{one.seconds:.1f}",
                str(one.hits),
                *(f"`{verdict}`" for verdict in (one.relay, one.client, one.merged, *one.tokens)),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Try what is named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.natlab.presets", description=__doc__)
    parser.add_argument(
        "name",
        nargs="*",
        choices=(*sorted({one.name for one in SETTINGS}), []),
        help="only these; the page is not written",
    )
    parser.add_argument("--out", type=Path, help="keep captures and logs here")
    options = parser.parse_args()
    chosen = [one for one in SETTINGS if not options.name or one.name in options.name]
    tried = []
    with contextlib.ExitStack() as stack:
        out = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, setting in enumerate(chosen):
            try:
                tried.append(run(setting, out / f"{number}-{setting.name}"))
            except NodeError as error:
                sys.exit(f"{setting.name}: {error}")
            print(table(tried[-1:]).splitlines()[-1], flush=True)
    if not options.name:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table(tried)}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
