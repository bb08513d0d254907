"""From what a judge rules to what is done: several actions made one plan."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.intercept.values import (
    Delay,
    Direction,
    Drop,
    Duplicate,
    Edit,
    EditFailedError,
    Hold,
    Passing,
    Redirect,
    Reorder,
    Replay,
    Ruling,
)
from protocol.intercept.waiting import Way

MOST_COPIES = 1000
"""Copies of one datagram."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one datagram. To hold it counts before to reorder it, and that before to delay it."""

    way: Way
    drop: bool = False
    hold: Hold | None = None
    reorder: Reorder | None = None
    delay: float = 0.0
    """Seconds; the sum of all delays."""
    failed: str = ""
    """Why an edit could not be made."""


def planned(passing: Passing, ruling: Ruling) -> Plan:
    """The plan for one datagram."""
    actions = ruling.actions
    way = Way(passing, passing.data, passing.remote, passing.ttl, ruling.rule)
    if any(isinstance(action, Drop) for action in actions):
        return Plan(way, drop=True)
    data, to, failed = passing.data, passing.remote, ""
    copies, delay = 0, 0.0
    replays: list[Replay] = []
    hold: Hold | None = None
    reorder: Reorder | None = None
    for action in actions:
        match action:
            case Edit(change):
                try:
                    data = change(data)
                except EditFailedError as error:
                    failed = f"{failed}; {error}" if failed else str(error)
            case Redirect(elsewhere):
                to = elsewhere
            case Duplicate(more):
                copies += more
            case Delay(seconds):
                delay += seconds
            case Replay():
                replays.append(action)
            case Hold():
                hold = hold or action
            case Reorder():
                reorder = reorder or action
            case Drop():
                pass
    received = passing.direction is Direction.RECEIVED
    ttl = passing.ttl if ruling.ttl is None or received else ruling.ttl
    way = Way(passing, data, to, ttl, ruling.rule, min(copies, MOST_COPIES), tuple(replays))
    return Plan(way, False, hold, reorder, delay, failed)
