"""The lab's command line: list and run scenarios, keep fixtures.

Real peers need luck: ports are drawn at random, and what gives up after a second does so too on a machine that is
busy. A scenario whose attempts ended otherwise than it says is therefore run once more when all the others are over,
alone; what both runs brought is printed, and the first stays in `missed/`, judged by what its nodes logged. Missed
twice is wrong. What raises an error is wrong at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import fixtures, grid_cli, scenario
from .run import missing, run

MISSED = "missed"
"""Folder of first runs that ended otherwise than they should."""


def _summary(name: str, folder: Path) -> bool:
    """Run one scenario and print a line per attempt; whether every verdict is the expected one."""
    chosen = scenario.load(name)
    started = time.monotonic()
    truth = run(chosen, folder / name)
    right = True
    for attempt in truth["attempts"]:
        if attempt["label"] is None:
            continue
        agrees = attempt["right"]
        right = right and agrees
        mark = "ok" if agrees else "WRONG"
        print(
            f"{name:32} {attempt['label']:12} {attempt['id'] or '-':16} {attempt['outcome']:9} "
            f"expected {attempt['expected']:20} derived {attempt['derived']:20} {mark}",
            flush=True,
        )
    print(f"{name:32} {time.monotonic() - started:.1f} s", flush=True)
    return right


def missed(folder: Path) -> bool:
    """Whether a run came to its end, and an attempt in it ended otherwise than the scenario says."""
    truth = folder / "truth.json"
    return truth.exists() and not all(
        attempt["right"] for attempt in json.loads(truth.read_text())["attempts"] if attempt["label"] is not None
    )


def once_more(names: list[str], folder: Path, again: Callable[[str], bool]) -> list[str]:
    """Give scenarios that did not end as they say their second and last run.

    Args:
        names: what went wrong the first time.
        folder: where the runs are.
        again: runs one; whether it ended as it says.

    Returns:
        What is still wrong.
    """
    wrong = []
    for name in names:
        if not missed(folder / name):
            print(f"{name:32} failed, and not by what its peers did: not run again", flush=True)
            wrong.append(name)
            continue
        kept = folder / MISSED / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(exist_ok=True)
        shutil.move(folder / name, kept)
        print(f"{name:32} ended otherwise than it says, see {kept}: once more, alone", flush=True)
        if again(name):
            print(f"{name:32} WRONG the first time, as it says the second time", flush=True)
        else:
            print(f"{name:32} WRONG twice", flush=True)
            wrong.append(name)
    return wrong


def _side_by_side(names: list[str], folder: Path, jobs: int) -> list[str]:
    """Run scenarios in processes of their own, so many at a time: most of a scenario is waiting for timers.

    Their lines are printed together, in the order in which the scenarios end. Returns those that went wrong.
    """
    processes: list[subprocess.Popen[str]] = []

    def one(name: str) -> tuple[str, str, int]:
        command = [sys.executable, "-m", "tests.natlab", "run", name, "--out", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return name, process.communicate()[0], process.returncode

    wrong = []
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, name) for name in names]
        try:
            for ended in as_completed(waiting):
                name, said, status = ended.result()
                print(said, end="", flush=True)
                if status:
                    wrong.append(name)
        except (asyncio.CancelledError, KeyboardInterrupt):
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()  # each removes its own namespaces
            raise
    return sorted(wrong)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status (1: an attempt did not end as the scenario says, with `all` not the second
    time either; 2: no lab here; 130: stopped by a signal)."""
    parser = argparse.ArgumentParser(prog="python -m tests.natlab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name every scenario")
    for command, text in (("run", "run some scenarios"), ("all", "run every scenario")):
        sub = commands.add_parser(command, help=text)
        if command == "run":
            sub.add_argument("scenario", nargs="+")
        sub.add_argument("--out", type=Path, default=Path("lab-out"))
        sub.add_argument("--jobs", type=int, default=1, help="so many scenarios at a time (1)")
    keep = commands.add_parser("fixtures", help="keep the captures and truth of earlier runs as fixtures")
    keep.add_argument("scenario", nargs="*")
    keep.add_argument("--out", type=Path, default=Path("lab-out"), help="where the runs are")
    keep.add_argument("--to", type=Path, default=fixtures.FOLDER)
    grid_cli.add(commands.add_parser("grid", help="ours and theirs, who connects to whom, and how quickly"))
    chosen = parser.parse_args(arguments)
    if chosen.command == "list":
        for name in scenario.names():
            print(f"{name:32} {scenario.load(name).title}")
        return 0
    if chosen.command == "fixtures":
        for name in chosen.scenario or scenario.names():
            size = fixtures.keep(chosen.out / name, scenario.load(name), chosen.to)
            print(f"{name:32} {size / 1024:8.1f} KiB")
        return 0
    reason = missing()
    if reason:
        print(reason, file=sys.stderr)
        return 2
    if chosen.command == "grid":
        return grid_cli.execute(chosen)
    selected = scenario.names() if chosen.command == "all" else chosen.scenario
    if chosen.command == "all":
        shutil.rmtree(chosen.out / MISSED, ignore_errors=True)
    try:
        if chosen.jobs > 1:
            wrong = _side_by_side(selected, chosen.out, chosen.jobs)
        else:
            wrong = [name for name in selected if not _summary(name, chosen.out)]
        if chosen.command == "all":
            wrong = once_more(wrong, chosen.out, lambda name: not _side_by_side([name], chosen.out, 1))
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("stopped; nothing of the lab is left behind", file=sys.stderr)
        return 130
    if chosen.command == "all":
        print(f"{len(selected) - len(wrong)} of {len(selected)} scenarios ended as they say", flush=True)
    return int(bool(wrong))
