"""Several live sources tell the story of the same packets read at once, however they come."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from capture.story import Story
from tests.capture.several.vantages import Live, Vantage, at_once, scenario
from tests.capture.test_flows_growing import same

S = 10**9
PLACES = ("client", "nat", "server", "wan")


def exact(time: int) -> int:
    return time


def ahead(time: int) -> int:
    return time + 3 * S


def behind(time: int) -> int:
    return time - 7 * S


CLOCKS = (exact, ahead, behind, exact)


@cache
def contents(name: str, places: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(scenario(name, places, CLOCKS[: len(places)]))


def vantages(name: str, places: tuple[str, ...]) -> list[Vantage]:
    return [Vantage(content, place) for content, place in zip(contents(name, places), places, strict=True)]


@cache
def whole(name: str, places: tuple[str, ...]) -> Story:
    return at_once(contents(name, places))


def equal(live: Live, read: Story) -> None:
    """All that a story tells, and the packets behind it."""
    same(live.story, read)
    ours, theirs = live.story.table, read.table
    for column in ("time_ns", "ahead_ns", "file", "frame", "copy_of", "src", "dst", "direction"):
        assert np.array_equal(getattr(ours, column), getattr(theirs, column)), column
    assert ours.payloads(range(len(ours))) == theirs.payloads(range(len(theirs)))
    for mine, yours in zip(ours.files, theirs.files, strict=True):
        assert (mine.clock_offset_ns, mine.clock_drift) == (yours.clock_offset_ns, yours.clock_drift)
        assert (mine.udp, mine.duplicates) == (yours.udp, yours.duplicates)


@pytest.mark.parametrize("name", ["consistent-consistent", "far-apart", "in-a-row", "loss", "upgraded", "relayed"])
@pytest.mark.parametrize("seed", [1, 2])
def test_in_the_end_it_is_the_story_of_all_packets(name: str, seed: int) -> None:
    places = random.Random(name).sample(PLACES, 2 if seed == 1 else 4)
    order = random.Random(seed)
    live = Live(vantages(name, tuple(places)))
    while any(one.left for one in live.vantages):
        chosen = order.choice(live.vantages)
        chosen.bring(order.choice((1, 3, 40, 200)))
        live.look(order.choice((0.01, 0.3, 2)))
    live.finish()
    equal(live, whole(name, tuple(places)))
