"""How often a live screen looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.tui.pace import LEAST_ALONE, LONGEST, PERIOD, SHARE, pause_after, pause_alone


def test_a_look_that_costs_nothing_comes_as_often_as_it_may() -> None:
    assert pause_after(0.0, 0.1) == 0.1


def test_looks_of_a_frozen_screen_stay_away() -> None:
    assert pause_after(5.0, 3600.0) == 3600.0


@given(st.floats(0, 60), st.floats(0.01, 0.5))
def test_looks_take_their_share_unless_that_would_keep_the_user_waiting(spent: float, least: float) -> None:
    pause = pause_after(spent, least)
    assert least <= pause <= LONGEST
    assert pause == LONGEST or spent <= pause * SHARE * 1.000001


@given(st.floats(0, 0.03))
def test_what_comes_right_after_a_look_is_on_screen_within_a_tenth_of_a_second(spent: float) -> None:
    """That look goes on, then comes the pause, then the next look, which shows it."""
    pause = pause_alone(spent, LEAST_ALONE)
    assert 2 * spent + pause <= 0.1


def test_looks_at_a_capture_keep_their_beat_and_leave_keys_their_turn() -> None:
    assert pause_alone(0.01, LEAST_ALONE) == PERIOD - 0.01
    assert pause_alone(0.2, LEAST_ALONE) == LEAST_ALONE
    assert pause_alone(0.2, 3600.0) == 3600.0
