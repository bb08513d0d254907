"""Keeps the captures of a run, with their truth, as small fixtures for the tests of other folders."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from .nodes import KEYLOG
from .scenario import Scenario

FOLDER = Path(__file__).parent.parent / "fixtures" / "lab"


def _busiest_relay(truth: dict[str, Any]) -> str:
    """The relay that carried most legs of attempts; the first one if none carried any."""
    counts: dict[str, int] = {}
    for attempt in truth["attempts"]:
        for leg in attempt["legs"]:
            if leg["node"].startswith("relay-"):
                counts[leg["node"]] = counts.get(leg["node"], 0) + 1
    return max(sorted(counts), key=lambda name: counts[name]) if counts else "relay-0"


def keep(run: Path, scenario: Scenario, folder: Path = FOLDER) -> int:
    """Copy the captures that the scenario names, gzipped, and the truth. Returns the bytes written.

    `relay` stands for the relay that carried most legs. The same run gives the same bytes.
    """
    truth = json.loads((run / "truth.json").read_text())
    target = folder / scenario.name
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    kept = {}
    size = 0
    for name in scenario.fixture:
        source = _busiest_relay(truth) if name == "relay" else name
        path = run / f"{source}.pcap"
        if not path.is_file():
            continue  # a host with a public address has no NAT in front of it
        packed = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
        (target / f"{name}.pcap.gz").write_bytes(packed)
        size += len(packed)
        kept[name] = truth["captures"][source] | {"vantage": source}
    keys = run / "logs" / KEYLOG
    if keys.is_file():
        (target / KEYLOG).write_bytes(keys.read_bytes())
        (target / KEYLOG).chmod(0o600)
    truth["captures"] = kept
    text = json.dumps(truth, indent=1) + "\n"
    (target / "truth.json").write_text(text)
    return size + len(text)
