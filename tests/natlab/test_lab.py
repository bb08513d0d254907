"""Live scenarios: the network that the lab builds does what the scenario says, and the truth tells it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from . import scenario
from .run import run

QUICK = [name for name in scenario.names() if scenario.load(name).quick]


def _namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("name", QUICK)
def test_scenario_ends_as_it_says(name: str, tmp_path: Path) -> None:
    truth = run(scenario.load(name), tmp_path)
    ordered = [attempt for attempt in truth["attempts"] if attempt["label"] is not None]
    assert [attempt["derived"] for attempt in ordered] == [connect.expect for connect in scenario.load(name).connects]
    assert all(counts["dropped"] == 0 for counts in truth["captures"].values())
    for attempt in ordered:
        _check_own_probes(attempt)
        assert attempt["visible"]["client"]["noise_1"]
    assert f"peephole-{os.getpid()}-" not in _namespaces()


def _check_own_probes(attempt: dict[str, Any]) -> None:
    """What a side says that it sent is what was captured right in front of it."""
    for side in ("client", "server"):
        captured = attempt["visible"][side]["probes"][side]
        for count in ("low_ttl", "normal", "ports"):
            assert captured[count] == attempt[side]["probes"][count]
