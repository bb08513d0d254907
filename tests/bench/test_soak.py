"""A live session that goes on for long: nothing in it grows, and every packet and attempt is counted in the end.

The real thing is `python -m bench.soak`, with 100 million packets; this is the same with some ten thousand, a small
bound, and containers counted in the place of memory.
"""

from __future__ import annotations

from collections import Counter

import pytest

from bench.census import grown
from bench.soak import Soak
from bench.soak_traffic import Traffic
from capture import fragments, retention
from capture.let_go import Ledger
from capture.model import VerdictCode

KEEP = 2500
BY_CHANCE = 40
"""Elements by which a container may differ from one turnover to another."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bounded by itself reaches its bound soon."""
    monkeypatch.setattr(retention, "TRANSLATIONS", 10)
    monkeypatch.setattr(fragments, "MAX_PENDING", 16)
    monkeypatch.setattr(retention, "Ledger", lambda: Ledger(most=32))


def soaked(traffic: Traffic, keep: int = KEEP, *, inspector: bool) -> tuple[Soak, list[Counter[str]]]:
    """A session at its end, and what it held after every turnover."""
    soak = Soak(traffic, keep, inspector=inspector)
    held: list[Counter[str]] = []
    for _ in soak.looks():
        if soak.adopted > len(held):
            held.append(soak.census())
    return soak, held


def growth(held: list[Counter[str]]) -> dict[str, tuple[int, int]]:
    """What grew from the first turnovers to the last."""
    early, late = held[3:5], held[-2:]
    before = {name: max(one[name] for one in early) * 3 // 2 for one in early for name in one}
    return grown(before, {name: min(one[name] for one in late) for name in late[-1]}, BY_CHANCE)


@pytest.mark.parametrize("inspector", [False, True])
def test_nothing_grows_and_totals_are_right(inspector: bool) -> None:
    soak, held = soaked(Traffic(14_000, 500, rate=60.0, per_attempt=150), inspector=inspector)
    assert soak.wrong() == []
    assert soak.adopted >= 9
    assert growth(held) == {}
    gone = soak.retention.let_go
    assert gone.attempts > 50
    assert soak.retention.ledger.verdicts == gone.verdicts
    assert len(soak.retention.ledger) == 32
    assert min(soak.traffic.attempts.made.values()) > 0


@pytest.mark.thorough
@pytest.mark.parametrize("inspector", [False, True])
def test_nothing_grows_in_half_a_million_packets(inspector: bool) -> None:
    soak, held = soaked(Traffic(500_000, rate=1000.0), 40_000, inspector=inspector)
    assert soak.wrong() == []
    assert growth(held) == {}


def test_what_grows_is_found() -> None:
    soak = Soak(Traffic(18_000, 500, rate=60.0, per_attempt=300), KEEP)
    leak: list[int] = []
    vars(soak.feed)["leak"] = leak
    held = []
    for _ in soak.looks():
        leak += range(20)
        if soak.adopted > len(held):
            held.append(soak.census())
    assert growth(held).keys() == {"app.live_feed.LiveFeed.leak"}


def test_wrong_totals_are_found() -> None:
    soak, _ = soaked(Traffic(2000, 500, rate=60.0, per_attempt=150), inspector=False)
    assert soak.wrong() == []
    soak.traffic.attempts.made[VerdictCode.PUNCHED] += 1
    assert {line.partition(":")[0] for line in soak.wrong()} == {"attempts let go or kept", "verdicts", "verdicts told"}
