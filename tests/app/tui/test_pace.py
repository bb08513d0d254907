"""How often a live screen looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.tui.pace import ALONE, LEAST_ALONE, LONGEST, SHARE, pause_after


def test_a_look_that_costs_nothing_comes_as_often_as_it_may() -> None:
    assert pause_after(0.0, 0.1) == 0.1


def test_looks_of_a_frozen_screen_stay_away() -> None:
    assert pause_after(5.0, 3600.0) == 3600.0


@given(st.floats(0, 60), st.floats(0.01, 0.5))
def test_looks_take_their_share_unless_that_would_keep_the_user_waiting(spent: float, least: float) -> None:
    pause = pause_after(spent, least)
    assert least <= pause <= LONGEST
    assert pause == LONGEST or spent <= pause * SHARE * 1.000001


@given(st.floats(0, 0.05))
def test_a_capture_is_looked_at_half_of_the_time(spent: float) -> None:
    """A look and the pause before it are over within a tenth of a second."""
    pause = pause_after(spent, LEAST_ALONE, ALONE)
    assert pause >= spent
    assert pause + spent <= 0.1
