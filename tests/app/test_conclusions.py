"""When a headless live report tells of an attempt."""

from __future__ import annotations

from dataclasses import replace

from app.conclusions import QUIET_CONNECTED, QUIET_OTHERWISE, Conclusions
from tests.app.flows_by_hand import FAST_OPEN, SEALED, TWO_ROUNDS, UNANSWERED


def test_a_connected_attempt_is_told_once_and_soon() -> None:
    conclusions = Conclusions()
    assert conclusions.fresh([FAST_OPEN], FAST_OPEN.ended + QUIET_CONNECTED - 0.01) == []
    assert conclusions.fresh([FAST_OPEN], FAST_OPEN.ended + QUIET_CONNECTED) == [FAST_OPEN]
    assert conclusions.fresh([FAST_OPEN], FAST_OPEN.ended + 99) == []
    assert conclusions.rest([FAST_OPEN]) == []


def test_others_may_still_go_on_for_a_while() -> None:
    conclusions = Conclusions()
    for flow in (UNANSWERED, SEALED):
        assert conclusions.fresh([flow], flow.ended + QUIET_OTHERWISE - 0.01) == []
        assert conclusions.fresh([flow], flow.ended + QUIET_OTHERWISE) == [flow]


def test_another_verdict_is_news() -> None:
    conclusions = Conclusions()
    before = replace(TWO_ROUNDS, verdict=UNANSWERED.verdict, outcome=UNANSWERED.outcome)
    assert conclusions.fresh([before], before.ended + 99) == [before]
    assert conclusions.fresh([TWO_ROUNDS], TWO_ROUNDS.ended) == [TWO_ROUNDS]
    assert conclusions.fresh([replace(TWO_ROUNDS, duration=9.0)], TWO_ROUNDS.ended) == []


def test_at_the_end_the_rest_is_told() -> None:
    conclusions = Conclusions()
    conclusions.fresh([FAST_OPEN, SEALED], FAST_OPEN.ended + QUIET_CONNECTED)
    assert conclusions.rest([FAST_OPEN, SEALED]) == [SEALED]


def test_what_was_told_of_attempts_that_are_no_more_is_forgotten() -> None:
    conclusions = Conclusions()
    flows = [replace(FAST_OPEN, id=f"{number:016x}") for number in range(1000)]
    over = FAST_OPEN.ended + QUIET_OTHERWISE
    for flow in flows:
        assert conclusions.fresh([flow], over) == [flow]
        assert conclusions.told(flow)
    assert sum(map(conclusions.told, flows)) < 100
