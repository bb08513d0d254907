"""A live source that keeps no more than it may: what stays is as it was, and what went is counted."""

from __future__ import annotations

import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from capture.arrivals import Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.errors import LiveError
from capture.frame_rows import frames_of
from capture.kept_rows import ends_of, picked, rows_of
from capture.let_go import LetGo
from capture.opening import open_captures
from capture.retention import Retention
from capture.story import Story
from capture.table import PacketTable

SETTLED = 0.5
TOUR = Path(__file__).parents[2] / "app" / "samples" / "tour.pcapng"


class Replay:
    """A live source that brings the packets of a file."""

    error: LiveError | None = None

    def __init__(self, path: Path) -> None:
        read = open_captures([str(path)])
        self.file = CaptureFile("replay", "live", list(read.files[0].interfaces))
        self.table = PacketTable()
        self._arrivals = Arrivals(self.file, self.table)
        self.left = [Arrival(one.data, one.time_ns, one.interface) for one in frames_of(read, range(len(read)))]

    def wait(self, timeout: float) -> bool:
        return bool(self.left)

    def collect(self) -> range:
        return self._arrivals.collect()

    def bring(self, count: int) -> None:
        """So many packets come."""
        self._arrivals.put(self.left[:count])
        del self.left[:count]
        self.collect()

    def move(self, table: PacketTable) -> None:
        self.table = table
        self._arrivals.move(table)

    def stop(self) -> None:
        self.collect()


def whole() -> Story:
    source = Replay(TOUR)
    source.bring(len(source.left))
    return Story(source.table)


@pytest.mark.parametrize("burst", [50, 333])
def test_what_stays_is_as_it_was_and_what_went_is_counted(burst: int) -> None:
    source = Replay(TOUR)
    story = Story(source.table)
    most = len(source.left) // 4
    retention = Retention(story, source, most, SETTLED)
    sizes, steps = [], 0
    while source.left:
        source.bring(burst)
        story.update()
        before = retention.let_go
        retention.step()
        steps += retention.let_go is not before
        sizes.append(len(story.table))
    everything = {flow.id: flow.verdict.code for flow in whole().flows}
    kept = {flow.id: flow.verdict.code for flow in story.flows}
    gone = Counter(everything.values()) - Counter(kept.values())
    assert steps >= 2
    assert max(sizes) < 3 * most
    assert 0 < len(kept) < len(everything)
    assert kept.items() <= everything.items()
    assert retention.let_go == LetGo(len(whole().table) - len(story.table), gone.total(), dict(gone))


def test_what_went_is_freed() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    story = Story(source.table)
    before = weakref.ref(story.table)
    Retention(story, source, len(story.table) // 4, SETTLED).step()
    assert before() is None


def test_frames_keep_their_numbers_and_bytes() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    story = Story(source.table)
    before = {int(story.table.frame[row]): story.table.frame_bytes(row) for row in range(len(story.table))}
    Retention(story, source, len(story.table) // 2, SETTLED).step()
    table = story.table
    assert table is source.table
    assert len(table) < len(before)
    after = {int(table.frame[row]): table.frame_bytes(row) for row in range(len(table))}
    assert after.items() <= before.items()
    assert story.files[0].packets == len(before)


def test_an_attempt_that_is_wanted_stays_whole() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    story = Story(source.table)
    first, second = story.flows[:2]
    shown = len(first.steps), len(first.messages), first.verdict
    Retention(story, source, len(story.table) // 4, SETTLED).step(lambda flow: flow.id == first.id)
    ids = [flow.id for flow in story.flows]
    assert second.id not in ids
    again = story.flow(first.id)
    assert (len(again.steps), len(again.messages), again.verdict.code) == (*shown[:2], shown[2].code)


def test_within_the_bound_and_without_one_nothing_goes() -> None:
    for most in (0, 10**6):
        source = Replay(TOUR)
        source.bring(len(source.left))
        story = Story(source.table)
        retention = Retention(story, source, most)
        assert not retention.due
        retention.step()
        assert story.table is source.table
        assert retention.let_go == LetGo()


def test_copies_and_what_they_show_again_stay_together() -> None:
    table = whole().table
    table.copy_of[5] = 2
    new = picked(table, np.array([2, 3, 5, 9]))
    assert new.copy_of.tolist() == [-1, -1, 0, -1]
    assert [new.payload(row) for row in range(4)] == [table.payload(row) for row in (2, 3, 5, 9)]
    assert len(picked(table, np.array([], np.int64))) == 0


def test_every_packet_of_an_attempt_is_known() -> None:
    story = whole()
    for flow in story.flows:
        rows, _ = rows_of(flow)
        assert {message.sighting.row for message in flow.messages} <= rows
        assert {one.sighting.row for one in flow.verdict.evidence} <= rows


@pytest.mark.parametrize("burst", [40, 400])
def test_a_smaller_story_is_made_while_the_source_goes_on(burst: int) -> None:
    source = Replay(TOUR)
    story = Story(source.table)
    most = len(source.left) // 3
    retention = Retention(story, source, most, SETTLED)
    prepared: set[str] = set()
    grown = adopted = 0
    while source.left:
        source.bring(burst)
        story.update()
        before = len(story.table)
        less = retention.work(prepare=lambda flow: prepared.add(flow.id), little=4)
        if less is not None:
            assert len(less.story.table) < before
            retention.adopt(less)
            adopted += 1
            assert prepared >= {flow.id for flow in story.flows}
        else:
            grown += before > most
        retention.tidy()
    everything = {flow.id: flow for flow in whole().flows}
    assert adopted
    assert grown > adopted, "it takes several looks"
    for flow in story.flows:
        assert flow.verdict.code == everything[flow.id].verdict.code
        assert len(flow.steps) == len(everything[flow.id].steps)
    assert retention.let_go.packets == len(whole().table) - len(story.table)
    assert retention.let_go.attempts == len(everything) - len(story.flows)


def test_an_attempt_that_comes_to_be_wanted_meanwhile_stays() -> None:
    source = Replay(TOUR)
    source.bring(len(source.left))
    story = Story(source.table)
    first = story.flows[0]
    wanted: set[str] = set()
    retention = Retention(story, source, len(story.table) // 4, SETTLED)
    assert retention.work(lambda flow: flow.id in wanted, little=2) is None
    wanted.add(first.id)
    while (less := retention.work(lambda flow: flow.id in wanted)) is None:
        assert retention.due
    retention.adopt(less)
    assert first.id in {flow.id for flow in story.flows}


def test_ipv6_hosts_that_no_packet_has_any_more_are_let_go() -> None:
    source = Replay(TOUR)
    source.bring(40)
    table = source.table
    hosts = [bytes(15) + bytes((number,)) for number in range(1, 31)]
    table.family6[:30] = True
    table.src[:30] = table.host6_numbers(hosts)
    table.dst[:30] = table.host6_numbers(hosts[:1])
    new = picked(table, np.array([3, 7, 35]))
    assert new.hosts6 == [hosts[3], hosts[7], hosts[0]]
    assert [new.source(row) for row in range(3)] == [table.source(row) for row in (3, 7, 35)]
    assert [new.destination(row) for row in range(3)] == [table.destination(row) for row in (3, 7, 35)]


def test_fewer_packets_stay_where_they_are_large() -> None:
    source = Replay(TOUR)
    story = Story(source.table)
    size = sum(len(one.frame) for one in source.left)
    retention = Retention(story, source, len(source.left), SETTLED, most_bytes=size // 4)
    held = []
    while source.left:
        source.bring(50)
        story.update()
        retention.step()
        held.append(sum(segment.size for segment in story.table.segments))
    assert retention.let_go.packets > 0
    assert max(held) < size * 3 // 4
    assert retention.let_go.attempts + len(story.flows) == len(whole().flows)


def test_an_attempt_without_an_end_keeps_its_first_and_last_packets() -> None:
    assert list(ends_of(range(10), 10)) == list(range(10))
    assert list(ends_of({*range(100)}, 10)) == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
