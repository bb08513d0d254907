"""A few cells of the grid, live, and its table."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from . import grid, grid_captures
from .grid import Dht, Sample
from .grid_table import problems, slower, table


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize(
    ("name", "dht"), [("consistent to consistent", "mixed"), ("same NAT", "ours"), ("open to consistent", "theirs")]
)
def test_ours_and_theirs_connect(name: str, dht: Dht, tmp_path: Path) -> None:
    [pair] = grid.chosen([name])
    samples = grid.run(pair, dht, 1, tmp_path, captured=True)
    assert len(samples) == len(grid.COMBINATIONS)
    assert problems(samples) == []
    assert grid_captures.judge(tmp_path, pair, samples) == []
    said = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"peephole-{os.getpid()}-" not in said


@pytest.mark.lab
@pytest.mark.usefixtures("lab")
def test_every_way_to_end_with_packets_lost(tmp_path: Path) -> None:
    [pair] = grid.chosen(["the same, 20 ms away, 5 % lost"])
    samples = grid.run(pair, "mixed", len(grid.FINISHES), tmp_path)
    assert {sample.finish for sample in samples} == set(grid.FINISHES)
    assert problems(samples) == []


def _sample(client: str, server: str, connect: float | None, problem: str = "") -> Sample:
    return Sample("row", "ours", client, server, "end", connect, connect, problem)


def test_the_table_has_counts_medians_and_ratios() -> None:
    samples = [_sample("theirs", "theirs", each) for each in (0.1, 0.2, 0.3)]
    samples += [_sample("ours", "theirs", each) for each in (0.2, 0.3, 0.4)]
    samples += [_sample("theirs", "ours", 0.2), _sample("theirs", "ours", None, "no connection")]
    last = table(samples).splitlines()[-1]
    assert last == "| row | ours | 3/3 200.0 | 3/3 300.0 x1.50 | 1/2 200.0 x1.00 | 0/0 |"
    [line] = slower(samples)
    assert line.startswith("row, DHT ours, ours to theirs: x1.50 (3 connects; 90 % range x")
    assert problems(samples) == ["row, DHT ours, theirs to ours: no connection"]


def test_an_unknown_row_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no row 'moon'; there are loopback"):
        grid.chosen(["moon"])
