"""Captures whose clocks drift apart: what the lab recorded with one clock, told again by clocks that differ.

The undisturbed captures are the truth: whatever the second clock shows, ladders, verdicts and times come out the same.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from capture.arrays import I64
from capture.clock_curve import Curve
from capture.drift import curve_of, drift_of
from capture.opening import open_captures, read_capture
from capture.story import Story
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.test_vantages import LAB, MS, SCENARIOS

S = 10**9
Clock = Callable[[int], int]
Ladders = dict[str, list[tuple[int, int] | None]]


def told(path: Path, clock: Clock) -> bytes:
    """A lab capture as another clock would have recorded it."""
    data = bytearray(gzip.decompress(path.read_bytes()))
    tick = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}[struct.unpack_from("<I", data)[0]]
    struct.pack_into("<I", data, 0, 0xA1B23C4D)
    at = 24
    while at < len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, at)
        struct.pack_into("<II", data, at, *divmod(clock(seconds * S + fraction * tick), S))
        at += 16 + length
    return bytes(data)


@cache
def quiet_moments(scenario: str) -> tuple[I64, I64]:
    """When the captures of both sides begin, and when they go on after a sixth of a second without any packet."""
    table = PacketTable()
    for side in ("client", "server"):
        read_capture(str(LAB / scenario / f"{side}.pcap.gz"), table)
    times = np.sort(table.time_ns)
    return times[:1], times[1:][np.diff(times) > S // 6]


def stretched(scenario: str, pause: int) -> Clock:
    """The same run with pauses where nothing happened: an hour of it, with delays as they were."""
    _, moments = quiet_moments(scenario)
    return lambda time: time + pause * int(np.searchsorted(moments, time, side="right"))


def drifting(scenario: str, per_million: float) -> Clock:
    """A clock that is three seconds ahead when the captures begin, and gains so much."""
    start = int(quiet_moments(scenario)[0][0])
    return lambda time: time + 3 * S + round((time - start) * per_million / 1e6)


def both(scenario: str, clock: Clock, pause: int = 0) -> tuple[Story, Ladders]:
    """The story of both sides, the server's told by another clock, and what each ladder shows in which order."""
    table, slower = PacketTable(), stretched(scenario, pause)
    read_capture(told(LAB / scenario / "client.pcap.gz", slower), table)
    read_capture(told(LAB / scenario / "server.pcap.gz", lambda time: clock(slower(time))), table)
    merge_vantages(table)
    story = Story(table)
    return story, {
        flow.id: [step.sighting and (step.sighting.file, step.sighting.frame) for step in flow.steps]
        for flow in story.flows
    }


@pytest.mark.parametrize("per_million", [200, -200])
@pytest.mark.parametrize("pause", [0, 300])
@pytest.mark.parametrize("scenario", ["in-a-row", "thirty-to-five"])
def test_ladders_keep_the_order_of_what_happened(scenario: str, pause: int, per_million: float) -> None:
    truth, expected = both(scenario, lambda time: time, pause * S)
    story, ladders = both(scenario, drifting(scenario, per_million), pause * S)
    assert ladders == expected
    assert [flow.verdict.code for flow in story.flows] == [flow.verdict.code for flow in truth.flows]
    assert truth.files[1].clock_drift == 0
    assert story.files[1].clock_drift == pytest.approx(per_million * 1e-6, rel=0.03)
    assert np.abs(story.table.time_ns - truth.table.time_ns).max() < 0.05 * MS
    assert not story.table.ahead_ns[story.table.file == 0].any()
    assert (story.table.ahead_ns[story.table.file == 1] != 0).all(), "so the clock's own times can be had again"


@pytest.mark.parametrize("per_million", [200, -200])
def test_where_packets_take_long_and_some_are_lost(per_million: float) -> None:
    """A packet takes 40 ms from one side to the other; in these 25 minutes the clocks stray by 300 ms."""
    _, expected = both("far-apart", lambda time: time, 300 * S)
    story, ladders = both("far-apart", drifting("far-apart", per_million), 300 * S)
    assert ladders == expected
    assert story.files[1].clock_drift == pytest.approx(per_million * 1e-6, rel=0.01)


def test_clocks_of_one_machine_do_not_drift() -> None:
    for scenario in ("at-once", "tour", "loss", "same-nat"):
        story, _ = both(scenario, lambda time: time)
        assert story.files[1].clock_drift == 0, scenario
        assert story.files[1].clock_offset == pytest.approx(0, abs=0.005), scenario


@pytest.mark.thorough
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "punches-dropped-random"])
def test_no_two_captures_of_the_lab_drift(scenario: str) -> None:
    for paths in combinations(sorted(map(str, (LAB / scenario).glob("*.pcap.gz"))), 2):
        assert open_captures(paths).files[1].clock_drift == 0, paths


RNG = np.random.default_rng(7)
TIMES = np.sort(RNG.integers(0, 3600 * S, 2000))
WAY = np.where(RNG.random(2000) < 0.5, 1, -1)
DELAY = (20 * MS + RNG.exponential(3 * MS, 2000)).astype(np.int64)


def fitted(difference: I64) -> tuple[float, Curve]:
    drift = drift_of(TIMES, difference, WAY)
    at = int(TIMES[1000])
    rest = difference - np.rint(drift * (TIMES - at)).astype(np.int64)
    middle = round(float(np.median(rest[WAY > 0]) + np.median(rest[WAY < 0])) / 2)
    return drift, curve_of(TIMES, rest, WAY, middle, drift, at)


def test_a_queue_that_fills_one_way_is_no_drift() -> None:
    """The way there takes longer all the time, as a buffer fills; the way back does not."""
    filling = np.where(WAY > 0, DELAY + TIMES // 30000, -DELAY)
    assert drift_of(TIMES, filling, WAY) == 0


def test_a_clock_that_is_corrected_on_the_way_bends_the_curve() -> None:
    """It gains 100 µs/s, until after half an hour something slows it down to lose 60."""
    clock = np.where(TIMES < 1800 * S, TIMES / 1e4, 180 * MS - (TIMES - 1800 * S) * 6e-5).astype(np.int64)
    _, curve = fitted(np.where(WAY > 0, DELAY, -DELAY) + clock)
    assert np.abs(curve.at(TIMES) - clock).max() < 5 * MS


def test_some_datagrams_that_took_very_long_change_nothing() -> None:
    late = np.where(RNG.random(2000) < 0.2, RNG.integers(0, 900 * MS, 2000), 0)
    drift, curve = fitted(np.where(WAY > 0, DELAY + late, -DELAY - late) + (TIMES * 5e-5).astype(np.int64))
    assert drift == pytest.approx(5e-5, rel=0.02)
    assert np.abs(curve.at(TIMES) - (TIMES * 5e-5).astype(np.int64)).max() < 6 * MS


def test_a_curve_and_its_inverse() -> None:
    times = np.arange(0, 100 * S, S // 7) + 1_700_000_000 * S
    first = int(times[0])
    ahead = Curve((first, first + 50 * S, first + 100 * S), (3 * S, 3 * S + 10 * MS, 3 * S - 4 * MS))
    assert np.abs(ahead.back().at(times + ahead.at(times)) + ahead.at(times)).max() <= 1
    base = Curve((first, first + 80 * S), (-S, -S + 8 * MS))
    assert np.abs(ahead.over(base).at(times + ahead.at(times)) - ahead.at(times) - base.at(times)).max() <= 1
    assert ahead.farthest(base, first, first + 100 * S) == 4 * S + 5 * MS
    assert Curve.constant(5).over(Curve.constant(-2)) == Curve.constant(3)
    assert Curve.constant(5).back().once(7) == -5
