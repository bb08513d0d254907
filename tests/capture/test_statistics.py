"""Statistics of figures made by hand: shares, spreads, pairs, relays and periods."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.course import Asked, Stage
from capture.figures import FlowFigures
from capture.model import Outcome, VerdictCode
from capture.statistics import HISTOGRAM_EDGES, MOST_PERIODS, PERIODS, spread_of, statistics_of
from protocol.address import Address

RELAY, OTHER = Address("192.0.2.7", 49737), Address("192.0.2.8", 49737)


def asked(relay: Address | None = RELAY, sent: float = 0.0, took: float | None = 0.05, **more: int) -> Asked:
    answered = None if took is None else sent + took
    return Asked(
        "PEER_HANDSHAKE", relay, sent, answered, more.get("sends", 1), bool(more.get("no_route")), more.get("error")
    )


def figures(
    number: int,
    outcome: Outcome = Outcome.CONNECTED,
    code: VerdictCode = VerdictCode.PUNCHED,
    *,
    started: float = 0.0,
    classes: tuple[str, str] = ("CONSISTENT", "RANDOM"),
    took: tuple[tuple[Stage, float], ...] = (),
    asked: tuple[Asked, ...] = (),
) -> FlowFigures:
    begun = frozenset(stage for stage, _ in took)
    return FlowFigures(f"{number:016x}", started, outcome, code, *classes, begun, took, asked)


def test_nothing_is_counted_as_nothing() -> None:
    nothing = statistics_of([])
    assert nothing.attempts == 0
    assert nothing.outcomes == nothing.verdicts == nothing.pairs == nothing.relays == nothing.periods == ()
    assert [(one.begun, one.spread) for one in nothing.stages] == [(0, None)] * len(Stage)


def test_verdicts_and_pairs_come_most_frequent_first() -> None:
    failed = (Outcome.FAILED, VerdictCode.PROBES_LOST)
    found = statistics_of(
        [
            figures(1, *failed),
            figures(2),
            figures(3),
            figures(4, Outcome.UNKNOWN, VerdictCode.INCOMPLETE, classes=("?", "?")),
        ]
    )
    assert [(one.code, one.attempts) for one in found.verdicts] == [
        (VerdictCode.PUNCHED, 2),
        (VerdictCode.PROBES_LOST, 1),
        (VerdictCode.INCOMPLETE, 1),
    ]
    assert found.pairs[0] == ("CONSISTENT", "RANDOM", 3, 2, 1)
    assert found.pairs[1] == ("?", "?", 1, 0, 0)
    assert dict(found.outcomes) == {Outcome.CONNECTED: 2, Outcome.FAILED: 1, Outcome.UNKNOWN: 1}


def test_a_stage_that_did_not_end_has_begun() -> None:
    open_ended = figures(1)._replace(begun=frozenset({Stage.PUNCH}))
    found = statistics_of([open_ended, figures(2, took=((Stage.PUNCH, 2.0),))])
    punch = next(one for one in found.stages if one.stage is Stage.PUNCH)
    assert (punch.begun, punch.ended) == (2, 1)
    assert punch.spread is not None
    assert punch.spread.p50 == punch.spread.longest == 2.0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_a_spread_holds_every_duration(seconds: list[float]) -> None:
    spread = spread_of(seconds)
    assert spread is not None
    assert sum(spread.bins) == len(seconds)
    assert min(seconds) <= spread.p50 <= spread.p90 <= spread.p99 <= spread.longest == max(seconds)


@pytest.mark.parametrize(("seconds", "index"), [(0.0, 0), (0.0015, 0), (0.002, 1), (0.9, 9), (3600.0, 15)])
def test_a_duration_counts_between_its_edges(seconds: float, index: int) -> None:
    spread = spread_of([seconds])
    assert spread is not None
    assert [number for number, count in enumerate(spread.bins) if count] == [index]
    assert len(spread.bins) == len(HISTOGRAM_EDGES) - 1


def test_relays_are_told_apart_with_what_went_wrong() -> None:
    found = statistics_of(
        [
            figures(1, asked=(asked(), asked(OTHER, took=None, sends=4))),
            figures(2, asked=(asked(took=0.15, error=1), asked(OTHER, took=None, no_route=1), asked(None))),
        ]
    )
    first, second, unnamed = found.relays
    assert (first.relay, first.requests, first.answered, first.errors, first.again) == (RELAY, 2, 2, 1, 0)
    assert first.response is not None
    assert first.response.p50 == pytest.approx(0.1)
    assert (second.relay, second.requests, second.answered, second.no_route, second.again) == (OTHER, 2, 0, 1, 3)
    assert second.response is None
    assert unnamed.relay is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_periods_follow_one_another_and_hold_everything(starts: list[float]) -> None:
    found = statistics_of(figures(number, started=started) for number, started in enumerate(starts))
    assert len(found.periods) <= MOST_PERIODS
    assert sum(one.attempts for one in found.periods) == len(starts)
    assert found.period in PERIODS
    assert all(after.started - before.started == found.period for before, after in pairwise(found.periods))
    assert found.periods[0].started <= min(starts)
    assert found.periods[-1].attempts > 0


def test_years_make_no_more_periods_than_days() -> None:
    year = 366 * 86400.0
    found = statistics_of([figures(1), figures(2, started=9 * year)])
    assert len(found.periods) <= MOST_PERIODS + 1
    assert sum(one.attempts for one in found.periods) == 2
    assert found.period % 86400 == 0
