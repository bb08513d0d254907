"""The lab's command line: list and run scenarios, keep fixtures."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import fixtures, grid_cli, scenario
from .run import missing, run


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


def _side_by_side(names: list[str], folder: Path, jobs: int) -> bool:
    """Run scenarios in processes of their own, so many at a time: most of a scenario is waiting for timers.

    Their lines are printed together, in the order in which the scenarios end.
    """
    processes: list[subprocess.Popen[str]] = []

    def one(name: str) -> tuple[str, int]:
        command = [sys.executable, "-m", "tests.natlab", "run", name, "--out", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        processes.append(process)
        return process.communicate()[0], process.returncode

    right = True
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(one, name) for name in names]
        try:
            for ended in as_completed(waiting):
                said, status = ended.result()
                print(said, end="", flush=True)
                right = right and status == 0
        except (asyncio.CancelledError, KeyboardInterrupt):
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()  # each removes its own namespaces
            raise
    return right


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status (1: an attempt did not end as the scenario says; 2: no
    lab here; 130: stopped by a signal)."""
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
    try:
        if chosen.jobs > 1:
            right = _side_by_side(selected, chosen.out, chosen.jobs)
        else:
            results = [_summary(name, chosen.out) for name in selected]
            right = all(results)
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("stopped; nothing of the lab is left behind", file=sys.stderr)
        return 130
    return 0 if right else 1
