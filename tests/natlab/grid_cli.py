"""The command `grid`: runs rows of the grid and prints the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from . import grid, grid_captures
from .grid import DHTS, Dht, Pair, Sample
from .grid_table import machine, problems, slower, table
from .nodes import NodeError

RELAYS = 10
Cell = tuple[Pair, Dht]


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--out", type=Path, default=Path("lab-out/grid"))
    parser.add_argument("--rounds", type=int, default=9, help="connects of each combination (9)")
    parser.add_argument(
        "--random-rounds", type=int, default=12, help="the same at random NATs, where luck decides (12)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="so many rows with random NATs at a time (1)")
    parser.add_argument("--relays", type=int, default=RELAYS, help="nodes of the DHT (10)")
    parser.add_argument("--pair", action="append", default=[], metavar="NAME", help="only this row; may be repeated")
    parser.add_argument("--dht", action="append", default=[], choices=DHTS, help="only over this DHT")
    parser.add_argument("--captures", action="store_true", help="capture everywhere, and judge that; slows all down")


def _folder(out: Path, pair: Pair, dht: Dht) -> Path:
    return out / f"{''.join(letter if letter.isalnum() else '-' for letter in pair.name)}-{dht}"


def _one(cell: Cell, chosen: argparse.Namespace) -> list[Sample]:
    pair, dht = cell
    started = time.monotonic()
    folder = _folder(chosen.out, pair, dht)
    rounds = chosen.random_rounds if pair.waits else chosen.rounds
    samples = grid.run(pair, dht, rounds, folder, relays=chosen.relays, captured=chosen.captures)
    if chosen.captures:
        wrong = grid_captures.judge(folder, pair, samples)
        samples += [Sample(pair.name, dht, "capture", "capture", "", None, None, each) for each in wrong]
        if pair.waits:
            print(f"{pair.name}, DHT {dht}:", *grid_captures.paces(folder, pair), sep="\n  ")
    wrong = problems(samples)
    print(f"{pair.name}, DHT {dht}: {len(samples)} connects, {len(wrong)} wrong", end="", flush=True)
    print(f", {time.monotonic() - started:.0f} s", *wrong, sep="\n  ", flush=True)
    return samples


def _elsewhere(cell: Cell, chosen: argparse.Namespace, running: list[subprocess.Popen[str]]) -> list[Sample]:
    """The same in a process of its own."""
    pair, dht = cell
    given = ["--rounds", str(chosen.rounds), "--random-rounds", str(chosen.random_rounds)]
    given += ["--relays", str(chosen.relays), *(["--captures"] if chosen.captures else [])]
    command = [sys.executable, "-m", "tests.natlab", "grid", "--pair", pair.name, "--dht", dht, "--out"]
    folder = _folder(chosen.out, pair, dht)
    process = subprocess.Popen([*command, str(chosen.out), *given], stdout=subprocess.PIPE, text=True)
    running.append(process)
    said, _ = process.communicate()
    print(said.partition("\n\n")[0], flush=True)
    if process.returncode not in (0, 1):
        raise NodeError(f"{pair.name}, DHT {dht}: status {process.returncode}")
    return [Sample(**each) for each in json.loads((folder / "samples.json").read_text())]


def _run(cells: Sequence[Cell], chosen: argparse.Namespace) -> list[Sample]:
    quick = [cell for cell in cells if not cell[0].waits]
    waiting = [cell for cell in cells if cell[0].waits]
    samples = [sample for cell in quick for sample in _one(cell, chosen)]
    if chosen.jobs == 1 or len(waiting) < 2:
        return samples + [sample for cell in waiting for sample in _one(cell, chosen)]
    running: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(chosen.jobs) as pool:
        try:
            for own in pool.map(lambda cell: _elsewhere(cell, chosen, running), waiting):
                samples += own
        except (asyncio.CancelledError, KeyboardInterrupt):
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()  # each removes its own namespaces
            raise
    return samples


def execute(chosen: argparse.Namespace) -> int:
    """Run and print; 1 if a connect did not go as it should, 2 for a row that there is not, 130 if stopped."""
    try:
        pairs = grid.chosen(chosen.pair)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.captures:
        pairs = tuple(pair for pair in pairs if not pair.loopback)
    dhts: tuple[Dht, ...] = tuple(chosen.dht) or DHTS
    try:
        samples = _run([(pair, dht) for pair in pairs for dht in dhts], chosen)
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("stopped; nothing of the lab is left behind", file=sys.stderr)
        return 130
    print(f"\nConnects that went well, median ms to an open stream, ratio to theirs → theirs. {machine()}\n")
    print(table(samples))
    if len(dhts) > 1:
        print("\nThe same over all DHTs:\n")
        everywhere = [replace(sample, dht="any") for sample in samples]
        print(table(everywhere))
        print("\nMedian ms for 1 MiB there and back:\n")
        print(table(everywhere, "echo"))
        print("\nSlower over all DHTs:", *(slower(everywhere) or ["nothing"]), sep="\n")
    print("\nSlower:", *(slower(samples) or ["nothing"]), sep="\n")
    wrong = problems(samples)
    print(f"\n{len(wrong)} wrong", *wrong, sep="\n")
    return bool(wrong)
