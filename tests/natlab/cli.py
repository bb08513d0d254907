"""The lab's command line: list and run scenarios, keep fixtures."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from . import fixtures, scenario
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
    keep = commands.add_parser("fixtures", help="keep the captures and truth of earlier runs as fixtures")
    keep.add_argument("scenario", nargs="*")
    keep.add_argument("--out", type=Path, default=Path("lab-out"), help="where the runs are")
    keep.add_argument("--to", type=Path, default=fixtures.FOLDER)
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
    selected = scenario.names() if chosen.command == "all" else chosen.scenario
    try:
        results = [_summary(name, chosen.out) for name in selected]
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("stopped; nothing of the lab is left behind", file=sys.stderr)
        return 130
    return 0 if all(results) else 1
