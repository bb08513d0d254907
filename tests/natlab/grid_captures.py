"""What our own pipeline makes of the captures of a row: every connect found, with the right verdict, at every place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from capture.story import Keys, Story

from .grid import COMBINATIONS, Pair, Sample
from .nodes import KEYLOG

MANY = 20
"""Ports of a burst from which on it is one of random probes."""
PLACES = ("client", "server", "nat", "server-nat", "wan")


def expected(pair: Pair) -> str:
    """The verdict on every connect of a row."""
    if pair.same:
        return "lan"
    if pair.server is None:
        return "open-server"
    return "open-client" if pair.client is None else "punched"


def _files(folder: Path, place: str) -> list[str]:
    found = [*folder.glob(f"{place}.pcap"), *folder.glob(f"{place}-[0-9].pcap")]
    return sorted(map(str, found))


def judge(folder: Path, pair: Pair, samples: Sequence[Sample]) -> list[str]:
    """Compare the captures of one run with what its applications saw.

    Returns:
        A line for everything that is not right; none if the captures tell the same.
    """
    connects = sum(sample.connect is not None for sample in samples)
    wanted = Counter({expected(pair): connects})
    wrong = []
    places = {place: _files(folder, place) for place in PLACES}
    if pair.same:
        del places["wan"]  # what stays behind the NAT is not seen there
    places["all places"] = [file for files in places.values() for file in files]
    keys = Keys(keylogs=(str(folder / "logs" / KEYLOG),))
    for place, files in places.items():
        if not files:
            continue
        story = Story.open(files)
        found = Counter(flow.verdict.code for flow in story.flows)
        if found != wanted:
            wrong.append(f"at {place}: {dict(found)} is not {dict(wanted)}")
        keyed = Story.open(files, keys)
        closed = sum(flow.key.noise1 is None for flow in keyed.flows)
        if closed or keyed.keylog_errors:
            wrong.append(f"at {place}: the key log does not open {closed} handshakes; {keyed.keylog_errors}")
    return wrong


def paces(folder: Path, pair: Pair) -> list[str]:
    """How a punch at a random NAT goes, without the luck: when it begins, and how long from probe to probe.

    Returns:
        A line for each combination. The files of the first client and server are theirs, those of the second ours.
    """
    files = {"theirs": "", "ours": "-2"}
    prober = "client" if pair.client == "consistent" else "server"
    lines = []
    for client, server in COMBINATIONS:
        paths = [str(folder / f"client{files[client]}.pcap"), str(folder / f"server{files[server]}.pcap")]
        begins, intervals = [], []
        for flow in Story.open(paths).flows:
            if {step.sighting.file for step in flow.steps if step.sighting} != {0, 1}:
                continue
            bursts = [step for step in flow.steps if step.from_lane == prober and step.ports >= MANY]
            if bursts:
                longest = max(bursts, key=lambda step: step.count)
                begins.append(longest.time - flow.started)
                intervals.append(longest.span / (longest.count - 1))
        if begins:
            begin, interval = (f"{median(values) * 1000:.1f} ms" for values in (begins, intervals))
            lines.append(f"{client} to {server}: probes begin after {begin}, every {interval} ({len(begins)} connects)")
    return lines
