"""`python -m tests.interop.forgery [CASE...]`: play cases and write the table in docs/forgery.md (all of them only)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from tests.interop.forgery.cases import CASES, Case
from tests.interop.forgery.outcome import Outcome, outcome_of
from tests.interop.forgery.table import PAGE, row_text, written
from tests.interop.forgery.world import Played, World, a_world, flow_of, real_peers

LINGER = 16.0
"""Seconds after the last case: silence is evidence only when it has lasted."""


async def play_all(cases: Sequence[Case], jobs: int, linger: float = LINGER) -> list[Outcome]:
    """Play cases, so many at once, and judge them when all are over; in the order of `cases`."""
    waiting = list(enumerate(cases))
    played: dict[int, Played] = {}

    async def work(world: World) -> None:
        async with real_peers() as real:
            while waiting:
                number, case = waiting.pop(0)
                played[number] = await world.play(case, real)
                print(f"{case.name}: {played[number].seconds:.1f} s", file=sys.stderr)

    async with a_world() as world:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(work(world))
        await asyncio.sleep(linger)
        story = world.story()
    return [outcome_of(played[number], flow_of(story, played[number])) for number in range(len(cases))]


def main() -> None:
    """Play what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.forgery", description=__doc__)
    parser.add_argument("case", nargs="*", help="only these; the table is then printed and not written")
    parser.add_argument("--jobs", type=int, default=3, help="cases at once (default %(default)s)")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    outcomes = asyncio.run(play_all(chosen, options.jobs))
    if options.case:
        for case, outcome in zip(chosen, outcomes, strict=True):
            print(row_text(case, outcome))
        return
    PAGE.write_text(written(PAGE.read_text(), outcomes))
    print(f"{len(outcomes)} cases written to {PAGE}")


if __name__ == "__main__":
    main()
