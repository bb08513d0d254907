"""Filters over all packets of a capture: ``python -m bench.filters CAPTURE``.

Each expression is asked twice over the whole packet table: the first time works out what is kept from then on (which
request each response answers, which packets belong to which attempt), the second time is what typing costs. Times are
of the processor, which others on the machine do not change much.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from capture.filter import parse_filter
from capture.story import Story

GOAL_MS: Final = 50.0
"""Milliseconds that an expression may take over a million packets."""
ROUNDS: Final = 5

EXPRESSIONS: Final = (
    "kind == request",
    "command == PING",
    "command == PEER_HOLEPUNCH and mode == FROM_CLIENT",
    "port == 49737",
    "addr == 10.0.0.0/8",
    "src == 10.0.0.0/8 and not dst.port < 1024",
    "tid == 77 or tid == 78",
    "target == 1a",
    "to == none and length > 100",
    "time > 1.5 and time <= 60",
    "time >= 12:00",
    "ttl < 10",
    "frame == 5",
    "malformed or cut",
    "not duplicate",
    "error == ABORTED",
    "round == 1 and firewall == CONSISTENT",
    "token == verified",
    "role == client",
    "joined",
    "verdict == punched",
    "verdict != punched and command == PEER_HANDSHAKE",
    "text ~ from_client",
    '"from_relay" and not REPLY',
)
"""What people ask; the rest of the language is made of these."""
SLOW: Final = ("text ~ 10.0", "addr =~ '^10[.].*7$'", "payload == 0x03", "payload ~ hello")
"""What looks into texts of addresses or into all bytes; no goal is set for it."""


class Timed(NamedTuple):
    """What one expression took."""

    expression: str
    first_ms: float
    again_ms: float
    """Median."""
    passing: int


def timed(story: Story, expression: str, rounds: int = ROUNDS) -> Timed:
    """Ask an expression of all packets."""
    taken: list[float] = []
    passing = 0
    for _ in range(rounds + 1):
        wanted = parse_filter(expression).on(story)
        start = time.thread_time()
        passing = int(wanted.rows().sum())
        taken.append(1000 * (time.thread_time() - start))
    return Timed(expression, taken[0], statistics.median(taken[1:]), passing)


def report(story: Story, expressions: Sequence[str] = (*EXPRESSIONS, *SLOW)) -> list[Timed]:
    """Time expressions and print them as a table."""
    print(f"| filter over {len(story.table):,} packets | first ms | then ms | pass |\n|---|---|---|---|")
    found: list[Timed] = []
    for expression in expressions:
        one = timed(story, expression)
        print(f"| `{one.expression}` | {one.first_ms:.1f} | {one.again_ms:.1f} | {one.passing:,} |")
        found.append(one)
    worst = max((one for one in found if one.expression in EXPRESSIONS), key=lambda one: one.again_ms, default=None)
    if worst is not None:
        print(f"\nSlowest ordinary one: {worst.again_ms:.1f} ms of {GOAL_MS:.0f}: `{worst.expression}`")
    attempts_ms = _attempts(story)
    print(f"All {len(story.flows):,} attempts asked `command == PING or verdict == lan`: {attempts_ms:.1f} ms")
    return found


def _attempts(story: Story) -> float:
    """Milliseconds to ask all attempts what takes their packets."""
    wanted = parse_filter("command == PING or verdict == lan").on(story)
    wanted.select(story.flows)
    start = time.thread_time()
    wanted.select(story.flows)
    return 1000 * (time.thread_time() - start)


def main() -> None:
    """Read a capture and time all expressions."""
    parser = argparse.ArgumentParser(prog="python -m bench.filters", description=__doc__)
    parser.add_argument("capture")
    report(Story.open([parser.parse_args().capture]))


if __name__ == "__main__":
    main()
