"""Several live sources tell the story of the same packets read at once, however they come."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from capture.errors import LiveError
from capture.frame_rows import frames_of
from capture.growing.again import AgainBytes
from capture.growing.capture import GrowingCapture
from capture.growing.command_bytes import CommandBytes
from capture.opening import read_capture
from capture.several import across, staged
from capture.several.sources import SeveralSources
from capture.several.staged import HOLD
from capture.story import Story
from capture.table import PacketTable
from tests.capture.build import ethernet, ipv4, ipv6, pcap, udp
from tests.capture.several.vantages import Clock, Live, Vantage, at_once, scenario
from tests.capture.test_drift import drifting
from tests.capture.test_flows_growing import same
from tests.capture.test_vantages import LAB, SCENARIOS

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


THOROUGH = [name for name in SCENARIOS if name not in ("thirty-to-five", "punches-dropped-random")]


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("consistent-consistent", 2),
        *((name, 1) for name in ("far-apart", "in-a-row", "loss", "relayed")),
        *(pytest.param(name, seed, marks=pytest.mark.thorough) for name in THOROUGH for seed in (1, 2)),
    ],
)
def test_in_the_end_it_is_the_story_of_all_packets(name: str, seed: int) -> None:
    there = [place for place in PLACES if (LAB / name / f"{place}.pcap.gz").exists()]
    places = random.Random(name).sample(there, min(len(there), 2 * seed))
    order = random.Random(seed)
    live = Live(vantages(name, tuple(places)))
    while any(one.left for one in live.vantages):
        chosen = order.choice(live.vantages)
        chosen.bring(order.choice((1, 3, 40, 200)))
        live.look(order.choice((0.01, 0.3, 2)))
    live.finish()
    equal(live, whole(name, tuple(places)))


def paced(live: Live, clocks: tuple[Clock, ...], lags: tuple[float, ...], after: float = 1.5) -> None:
    """Packets come as they were sent, from each vantage some seconds late; a look every tenth of a second."""
    now, rest = live.vantages[0].left[0].time_ns - S, round(after * 10)
    while rest:
        now += S // 10
        rest -= not any(one.left for one in live.vantages)
        for one, clock, lag in zip(live.vantages, clocks, lags, strict=True):
            one.bring_until(clock(now - round(lag * S)))
        live.look(0.1)


def ladders(story: Story) -> dict[str, list[tuple[int, int] | None]]:
    return {
        flow.id: [step.sighting and (step.sighting.file, step.sighting.frame) for step in flow.steps]
        for flow in story.flows
    }


@pytest.mark.parametrize("per_million", [200, pytest.param(-200, marks=pytest.mark.thorough)])
def test_clocks_that_drift_leave_ladders_in_order_while_packets_come(per_million: float) -> None:
    """The server's clock is 3 s ahead and strays by 6 ms in these 30 s: a packet takes a hundredth of that."""
    places, clocks = ("client", "server"), (exact, drifting("thirty-to-five", per_million))
    truth = at_once(scenario("thirty-to-five", places, (exact, exact)))
    captured = scenario("thirty-to-five", places, clocks)
    live = Live([Vantage(content, place) for content, place in zip(captured, places, strict=True)])
    paced(live, clocks, (0.01, 0.12))
    assert live.remade, "the clocks were not known in the beginning"
    assert ladders(live.story) == ladders(truth)
    assert live.story.table.files[1].clock_drift == pytest.approx(per_million * 1e-6, rel=0.03)
    live.finish()
    assert ladders(live.story) == ladders(truth)
    equal(live, at_once(captured))


@pytest.mark.parametrize("name", ["consistent-consistent", "in-a-row", "upgraded"])
def test_it_is_right_before_it_ends(name: str) -> None:
    """Of vantages that are not equally quick."""
    clocks = (exact, ahead)
    live = Live(vantages(name, ("client", "server")))
    paced(live, clocks, (0.02, 0.2))
    read = whole(name, ("client", "server"))
    assert ladders(live.story) == ladders(read)
    assert [flow.verdict for flow in live.story.flows] == [
        replace(flow.verdict, evidence=live_flow.verdict.evidence)
        for flow, live_flow in zip(read.flows, live.story.flows, strict=True)
    ]


def test_a_packet_waits_for_others_only_so_long() -> None:
    live = Live(vantages("consistent-consistent", ("client", "server")))
    quick, slow = live.vantages
    quick.bring(10)
    assert not live.source.collect(), "the other one may show earlier ones"
    live.seconds += HOLD
    assert len(live.source.collect()) == 10
    quick.bring(10)
    slow.bring(5)
    live.source.collect()
    live.seconds += HOLD / 2
    quick.bring(10)
    assert len(live.source.collect()) < 15
    slow.end()
    live.source.collect()
    live.seconds += HOLD
    live.source.collect()
    assert len(live.source.table) == 35


def test_one_that_ends_is_told_and_leaves_the_others() -> None:
    live = Live(vantages("consistent-consistent", ("client", "server", "wan")))
    one, two, three = live.vantages
    two.bring(10)
    two.end()
    live.look()
    assert live.source.error is None
    assert live.source.take_told() == ["server has ended; 2 of 3 go on"]
    assert live.source.take_told() == []
    assert live.source.troubles == ("server has ended; 2 of 3 go on",)
    assert live.source.file.path == "client, wan (1 ended)"
    three.error = LiveError("wan", "the network is down")
    one.bring(10)
    live.look(HOLD + 0.1)
    assert live.source.take_told() == ["wan: the network is down; one of 3 goes on"]
    assert len(live.source.table) == 20
    one.end()
    live.look()
    assert str(live.source.error) == "wan: the network is down"
    assert live.source.take_told() == []
    live.finish()
    assert one.stopped
    assert two.stopped


def test_clocks_that_the_user_knows() -> None:
    places = ("client", "server")
    live = Live(vantages("in-a-row", places), {1: 3.004})
    paced(live, (exact, ahead), (0, 0))
    live.finish()
    given = at_once(contents("in-a-row", places), {1: 3_004_000_000})
    equal(live, given)
    assert live.story.table.files[1].clock_given
    live.source.give(1, None)
    live.look()
    live.retention.step()
    equal(live, whole("in-a-row", places))
    assert not live.story.table.files[1].clock_given


@pytest.mark.parametrize(("keep", "place"), [(1000, "client"), pytest.param(3000, "nat", marks=pytest.mark.thorough)])
def test_no_more_is_kept_than_may_be(keep: int, place: str) -> None:
    clocks = (exact, ahead)
    captured = scenario("thirty-to-five", (place, "server"), clocks)
    live = Live([Vantage(content, f"{number}") for number, content in enumerate(captured)], keep=keep)
    live.retention._settled = 0.5
    paced(live, clocks, (0, 0.1))
    live.finish()
    table, read = live.story.table, at_once(captured)
    assert live.retention.let_go.packets + len(table) == len(read.table)
    assert live.retention.let_go.packets
    verdicts = {flow.id: flow.verdict.code for flow in read.flows}
    gone = {line.id: line.code for line in map(live.retention.ledger.line, range(len(live.retention.ledger)))}
    kept = {flow.id: flow.verdict.code for flow in live.story.flows}
    assert gone.keys() | kept.keys() == verdicts.keys()
    assert abs(table.files[1].clock_offset_ns - 3 * S) < S // 1000
    assert (np.diff(table.time_ns) >= 0).all()
    by_place = {
        (file, frame): row for row, (file, frame) in enumerate(zip(read.table.file, read.table.frame, strict=True))
    }
    for row in range(len(table)):
        assert table.payload(row) == read.table.payload(by_place[table.file[row], table.frame[row]])


def test_what_each_row_costs_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are looked at for copies are those of the last moments, however many there are."""
    looked = []
    real = across.excerpt

    def counting(table: PacketTable, rows: np.ndarray) -> PacketTable:  # type: ignore[type-arg]
        looked.append(rows.size)
        return real(table, rows)

    monkeypatch.setattr(across, "excerpt", counting)
    live = Live(vantages("in-a-row", ("client", "server", "wan")))
    paced(live, (exact, ahead, behind), (0, 0, 0))
    assert sum(looked) < 6 * len(live.story.table)
    half = len(looked) // 2
    assert sum(looked[half:]) < 2 * sum(looked[:half])


def odd_frames(number: int, ttl: int, at: int) -> list[tuple[int, bytes]]:
    """An IPv6 datagram from a host of its own, and one in three pieces, as they come by some hops from their sender."""
    host = (0x20010DB8 << 96 | number).to_bytes(16, "big")
    short = udp(b"\x03\x04" + number.to_bytes(2, "little") + bytes(16), 4000 + number, 49737)
    long = udp(number.to_bytes(4, "little") * 50, 5000, 49737)
    pieces = [(long[:80], 0x2000), (long[80:160], 0x2000 | 10), (long[160:], 20)]
    return [
        (at, ethernet(ipv6(short, host, bytes(15) + b"\2", hops=ttl), 0x86DD)),
        *(
            (at + (place + 1) * 1000, ethernet(ipv4(part, "192.0.2.1", "192.0.2.2", ttl, ip_id=number, fragment=flags)))
            for place, (part, flags) in enumerate(pieces)
        ),
    ]


@pytest.mark.parametrize("keep", [0, 1000])
def test_fragments_and_ipv6_hosts_of_several_sources(keep: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "TRIM", 50)
    start = 1_700_000_000 * S
    near, far = [], []
    for number in range(700):
        near += odd_frames(number, 64, start + number * S // 50)
        far += odd_frames(number, 60, start + number * S // 50 + S // 100 + 2 * S)
    captured = [pcap(frames, nanoseconds=True) for frames in (near, far)]
    read = at_once(captured)
    live = Live([Vantage(content, f"{number}") for number, content in enumerate(captured)], keep=keep)
    live.retention._settled = 0.1
    order = random.Random(5)
    while any(one.left for one in live.vantages):
        for one in live.vantages:
            one.bring(order.choice((7, 30, 111)))
        live.look(0.2)
    live.finish()
    table = live.story.table
    if not keep:
        equal(live, read)
    else:
        assert 300 < len(table) < len(read.table)
    place = {key: row for row, key in enumerate(zip(read.table.file.tolist(), read.table.frame.tolist(), strict=True))}
    for row, key in enumerate(zip(table.file.tolist(), table.frame.tolist(), strict=True)):
        whole_row = place[key]
        assert table.source(row) == read.table.source(whole_row)
        assert table.payload(row) == read.table.payload(whole_row)
        ours, theirs = frames_of(table, [row]), frames_of(read.table, [whole_row])
        assert [one.data for one in ours] == [one.data for one in theirs]
        assert [one.time_ns for one in ours] == [one.time_ns for one in theirs]


def test_what_brings_nothing_any_more_is_started_again(tmp_path: Path) -> None:
    """A program that captures for us and is killed; the other one goes on meanwhile."""
    path = tmp_path / "client.pcap"
    path.write_bytes(contents("consistent-consistent", ("client", "server"))[0])
    following = iter((f"head -c 5000 {path}; kill -9 $$", f"cat {path}"))
    program = GrowingCapture(AgainBytes(lambda: CommandBytes(["sh", "-c", next(following)], "there")))
    (server,) = vantages("consistent-consistent", ("client", "server"))[1:]
    with program, SeveralSources([program, server]) as source:
        while not source.stopped:
            source.wait(0.01)
            source.collect()
        assert source.stopped == "there: was ended by signal 9; one of 2 goes on"
        assert source.error is None
        source.start_again()
        while program.error is None:
            source.wait(0.01)
            source.collect()
        server.bring(1000)
        server.end()
        while source.error is None:
            source.collect()
    assert not source.stopped
    assert source.take_told() == ["there has ended; one of 2 goes on"]
    first = read_capture(path.read_bytes()[:5000])
    client = source.table.frame[source.table.file == 0]
    assert client.size == len(first) + len(read_capture(path.read_bytes()))
