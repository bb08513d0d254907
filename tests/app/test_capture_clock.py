"""What time it is where packets come from elsewhere, or from long ago."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from app.capture_clock import CaptureClock
from capture.story import Story


class Steady:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def story_with(*seconds: float) -> Any:
    return SimpleNamespace(table=SimpleNamespace(time_ns=np.array(seconds) * 1e9))


def test_it_is_the_newest_packets_time_and_what_passed_since() -> None:
    steady, story = Steady(), story_with()
    clock = CaptureClock(cast(Story, story), steady)
    story.table = story_with(1000.0, 1001.0).table
    assert clock.now() == 1001.0
    steady.seconds += 5
    assert clock.now() == 1006.0
    story.table = story_with(1000.0, 1001.0, 1001.5).table
    assert clock.now() == 1001.5


def test_an_old_capture_is_in_its_own_time() -> None:
    story = story_with(86400.0)
    assert CaptureClock(cast(Story, story), Steady()).now() == 86400.0


def test_it_follows_a_clock_that_is_set_back() -> None:
    steady, story = Steady(), story_with(5000.0)
    clock = CaptureClock(cast(Story, story), steady)
    clock.now()
    story.table = story_with(5000.0, 1400.0).table
    assert clock.now() == 1400.0
    steady.seconds += 3
    assert clock.now() == 1403.0
