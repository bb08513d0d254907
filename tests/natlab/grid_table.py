"""The grid's table: success, median time to an open stream, and its ratio to theirs to theirs in the same network."""

from __future__ import annotations

import json
import os
import platform
import random
import subprocess
from collections.abc import Iterable, Sequence
from statistics import median

from .grid import COMBINATIONS, Sample
from .nodes import packages

LIMIT = 1.1
"""Ratio to theirs to theirs up to which ours counts as quick as theirs."""
DRAWS = 1000
Key = tuple[str, str]


def _cell(samples: Sequence[Sample], reference: float | None, value: str) -> str:
    good = [sample for sample in samples if not sample.problem]
    times = [float(getattr(sample, value)) for sample in good]
    count = f"{len(good)}/{len(samples)}"
    if not times:
        return count
    middle = median(times)
    text = f"{count} {middle * 1000:.1f}" if middle < 1 else f"{count} {middle * 1000:.0f}"
    return text if reference is None else f"{text} x{middle / reference:.2f}"


def _rows(samples: Iterable[Sample]) -> dict[Key, list[Sample]]:
    rows: dict[Key, list[Sample]] = {}
    for sample in samples:
        rows.setdefault((sample.pair, sample.dht), []).append(sample)
    return rows


def _reference(row: Sequence[Sample], value: str) -> float | None:
    times = [
        float(getattr(sample, value))
        for sample in row
        if (sample.client, sample.server) == COMBINATIONS[0] and not sample.problem
    ]
    return median(times) if times else None


def table(samples: Iterable[Sample], value: str = "connect") -> str:
    """The grid in Markdown; each cell has connects that went well of all, median milliseconds, ratio.

    Args:
        samples: every connect of a run.
        value: `connect` or `echo`.
    """
    lines = [
        "| client to server behind | DHT | " + " | ".join(f"{one} → {other}" for one, other in COMBINATIONS) + " |",
        "|---|---|" + "---|" * len(COMBINATIONS),
    ]
    for (pair, dht), row in _rows(samples).items():
        reference = _reference(row, value)
        cells = []
        for combination in COMBINATIONS:
            own = [sample for sample in row if (sample.client, sample.server) == combination]
            cells.append(_cell(own, None if combination == COMBINATIONS[0] else reference, value))
        lines.append(f"| {pair} | {dht} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def slower(samples: Iterable[Sample]) -> list[str]:
    """Cells whose median is above the limit, with the range that chance alone leaves open."""
    found = []
    for (pair, dht), row in _rows(samples).items():
        theirs = _times(row, COMBINATIONS[0])
        for combination in COMBINATIONS[1:]:
            times = _times(row, combination)
            if not theirs or not times or median(times) <= LIMIT * median(theirs):
                continue
            low, high = _range(times, theirs)
            found.append(
                f"{pair}, DHT {dht}, {' to '.join(combination)}: x{median(times) / median(theirs):.2f} "
                f"({len(times)} connects; 90 % range x{low:.2f} to x{high:.2f})"
            )
    return found


def _times(row: Sequence[Sample], combination: tuple[str, str]) -> list[float]:
    return [
        sample.connect
        for sample in row
        if (sample.client, sample.server) == combination and sample.connect is not None and not sample.problem
    ]


def _range(times: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Bootstrap: between which values the ratio of the medians lies in 90 % of the samples drawn from these."""
    dice = random.Random(1)
    ratios = sorted(
        median(dice.choices(times, k=len(times))) / median(dice.choices(theirs, k=len(theirs))) for _ in range(DRAWS)
    )
    return ratios[DRAWS // 20], ratios[-DRAWS // 20]


def problems(samples: Iterable[Sample]) -> list[str]:
    """A line for every connect that did not go as it should."""
    return [
        f"{each.pair}, DHT {each.dht}, {each.client} to {each.server}: {each.problem}"
        for each in samples
        if each.problem
    ]


def machine() -> str:
    """What it ran on."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    listed = (packages() / "node_modules" / "hyperdht" / "package.json").read_text()
    version = json.loads(listed)["version"]
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, node {node}, hyperdht {version}"
    return f"{cores} cores, Linux {platform.release()}, {versions}"
