"""Clocks that jump in the middle of a live capture: said with their size, and survived."""

from __future__ import annotations

import numpy as np
import pytest

from app.conclusions import QUIET_OTHERWISE, Conclusions
from capture.arrivals import Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.clock_jumps import KEPT, NOTED, ClockWatch, Jump, passed, steady_times
from capture.errors import LiveError
from capture.frames import Interface
from capture.model import VerdictCode
from capture.retention import Retention
from capture.story import Story
from capture.table import PacketTable
from protocol.messages import Address
from tests.capture import build
from tests.capture.story_builder import Call, keys_of
from tests.capture.wire_builder import Wire, datagram

S = 10**9
HOUR, DAY = 3600.0, 86400.0


class Steady:
    """A clock that only ever goes on, and the one that stamps."""

    def __init__(self) -> None:
        self.now = 500.0
        self.wall = 1_700_000_000.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


class Wired:
    """A live source of the packets of a wire, as they are sent."""

    error: LiveError | None = None
    way = "made up"
    promiscuous: bool | None = None

    def __init__(self, clock: Steady | None = None) -> None:
        self.table = PacketTable()
        self.file = CaptureFile("eth7", "live", [Interface(1, "eth7")])
        self.clock = clock
        watch = None if clock is None else ClockWatch(self.file, lambda: clock.now, lambda: clock.wall)
        self._arrivals = Arrivals(self.file, self.table, clock=watch)

    def wait(self, timeout: float) -> bool:
        return False

    def bring(self, wire: Wire) -> None:
        """What was sent since the last call comes, all at once."""
        frames = [Arrival(build.ethernet(datagram(one)), round(one.time * S)) for one in wire.packets]
        wire.packets.clear()
        self._arrivals.put(frames)
        self.collect()

    def collect(self) -> range:
        return self._arrivals.collect()

    def move(self, table: PacketTable) -> None:
        self.table = table
        self._arrivals.move(table)

    def stop(self) -> None:
        self.collect()


def call(wire: Wire, number: int) -> Call:
    """Another attempt, between hosts of its own."""
    client, server = f"81.2.{number // 200}.{number % 200 + 1}", f"92.5.{number // 200}.{number % 200 + 1}"
    return Call(
        wire,
        f"call {number}",
        Address(client, 40001),
        Address(client, 50001),
        Address(server, 40002),
        Address(server, 50002),
        keys_of(f"client {number}"),
        keys_of(f"server {number}"),
    )


@pytest.mark.parametrize("jump", [-HOUR, -5.0])
def test_a_clock_that_goes_back_is_noted_with_its_size_and_packet(jump: float) -> None:
    source, wire = Wired(), Wire()
    call(wire, 1).connect()
    source.bring(wire)
    before = source.file.packets
    wire.wait(jump)
    call(wire, 2).connect()
    source.bring(wire)
    (found,) = source.file.jumps
    assert found.frame == before + 1
    assert (found.after_ns - found.before_ns) / S == pytest.approx(jump, abs=0.1)
    (note,) = source.file.notes
    assert note.startswith("eth7: the clock jumped back by ")
    assert note.endswith(f"before packet {before + 1}")


def test_a_clock_that_goes_forward_is_told_from_silence_by_the_steady_one() -> None:
    clock, wire = Steady(), Wire()
    source = Wired(clock)
    wire.now = clock.wall
    call(wire, 1).connect()
    source.bring(wire)
    clock.pass_by(HOUR)
    wire.now = clock.wall
    call(wire, 2).connect()
    source.bring(wire)
    assert source.file.jumps == (), "an hour of silence"
    before = source.file.packets
    clock.wall += DAY
    clock.pass_by(1.0)
    wire.now = clock.wall
    call(wire, 3).connect()
    source.bring(wire)
    (found,) = source.file.jumps
    assert found.frame == before + 1
    assert (found.after_ns - found.before_ns) / S == pytest.approx(DAY, abs=1.0)
    assert "forward by 24.0 hours" in source.file.notes[0]
    clock.wall -= DAY
    clock.pass_by(1.0)
    wire.now = clock.wall
    call(wire, 4).connect()
    source.bring(wire)
    assert [one.after_ns > one.before_ns for one in source.file.jumps] == [True, False]
    clock.pass_by(5.0)
    wire.now = clock.wall
    call(wire, 5).connect()
    source.bring(wire)
    assert len(source.file.jumps) == 2


def test_packets_out_of_order_or_late_are_no_jump() -> None:
    clock, wire = Steady(), Wire()
    source = Wired(clock)
    for late in (0.0, 1.5, 0.2, 1.9, 0.0):
        clock.pass_by(2.0)
        wire.now = clock.wall - late
        wire.idle(0.0)
        source.bring(wire)
    assert source.file.jumps == ()


def test_any_number_of_jumps_takes_no_more_room() -> None:
    source, wire = Wired(), Wire()
    for number in range(100):
        wire.wait(-100.0)
        wire.idle(float(number % 2))
        source.bring(wire)
    assert len(source.file.jumps) == KEPT
    assert len(source.file.notes) == NOTED


def test_time_that_passed_leaves_jumps_out() -> None:
    back, forward = Jump(1, 1000 * S, -2600 * S), Jump(2, -2500 * S, 80_000 * S)
    assert passed((), 90.0, 100.0) == 10.0
    assert passed((back,), 990.0, -2590.0) == 20.0
    assert passed((back,), -2595.0, -2590.0) == 5.0
    assert passed((forward,), -2510.0, 80_001.0) == 11.0
    assert passed((back, forward), 990.0, 80_001.0) == 10.0 + 100.0 + 1.0


def test_attempts_are_told_by_the_time_that_passed(source: Wired, wire: Wire) -> None:
    story, conclusions = Story(source.table), Conclusions()

    def told(after: float) -> int:
        return len(conclusions.fresh(story.flows, wire.now + after, source.file.jumps))

    first = call(wire, 1)
    first.find()
    first.handshake()
    source.bring(wire)
    story.update()
    assert told(1.0) == 0
    wire.wait(-HOUR)
    call(wire, 2).find()
    source.bring(wire)
    story.update()
    assert told(1.0) == 0, "neither is over"
    assert told(QUIET_OTHERWISE + 1.0) == 2, "neither lives for ever"
    wire.wait(DAY)
    source.file.jumps += (Jump(9, round((wire.now - DAY) * S), round(wire.now * S)),)
    call(wire, 3).find()
    source.bring(wire)
    story.update()
    assert told(1.0) == 0, "it did not die when the clock jumped"
    assert told(QUIET_OTHERWISE + 1.0) == 1


@pytest.fixture
def source() -> Wired:
    return Wired()


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.mark.parametrize("jump", [-HOUR, DAY])
def test_retention_goes_by_arrival_and_totals_stay_right(source: Wired, wire: Wire, jump: float) -> None:
    story = Story(source.table)
    retention = Retention(story, source, 400, settled=20.0)
    for number in range(80):
        if number == 40:
            wire.wait(jump)
        call(wire, number).connect()
        wire.wait(1.0)
        source.bring(wire)
        story.update()
        retention.step()
        assert len(story.table) < 2000
        ids = [flow.id for flow in story.flows]
        assert call(Wire(), number).noise.id in ids, "the newest attempt is not the one to go"
        assert (np.diff(story.table.frame.astype(np.int64)) > 0).all(), "rows stay in order of arrival"
    assert retention.let_go.attempts > 20
    assert retention.let_go.attempts + len(story.flows) == 80
    assert set(retention.let_go.verdicts) == {VerdictCode.PUNCHED}
    assert {flow.verdict.code for flow in story.flows} == {VerdictCode.PUNCHED}
    assert retention.let_go.packets + len(story.table) == source.file.udp
    assert min(flow.duration for flow in story.flows) >= 0


def test_steady_times_of_several_sources_that_are_apart_are_their_own(wire: Wire) -> None:
    for number in range(20):
        wire.now = 1_700_000_000.0 + number
        wire.send(Address("10.0.0.1", 1), Address("10.0.0.2", 2), b"x" * 20)
    table = wire.table()
    table.files.append(table.files[0])
    table.file[1::2] = 1
    table.time_ns[1::2] -= 10 * S
    assert not steady_times(table, 20)[1], "they are apart, and neither went back"
    table.time_ns[10:] -= 100 * S
    times, went_back = steady_times(table, 20)
    assert went_back
    assert (np.diff(times[::2]) >= 0).all()
    assert (np.diff(times[1::2]) >= 0).all()
