"""The page of problems: counts, what they mean, and ways to the packets."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from app.tui.main_screen import MainScreen
from app.tui.packet_screen import PacketScreen
from app.tui.problem_page import MOST_NAMED, ProblemScreen, ProblemView, filter_of
from capture.model import Sighting
from capture.opening import read_capture
from capture.problems import Problem, Severity
from capture.story import Story
from tests.app.tui.stage import staged, text_on
from tests.capture.build import ethernet, ipv4, pcap, udp

REQUEST = bytes.fromhex("0300") + bytes(8) + b"\5"
FRAMES = [ethernet(ipv4(udp(payload))) for payload in (REQUEST, REQUEST[:5], REQUEST[:5], REQUEST[:3])]


def story() -> Story:
    return Story(read_capture(pcap([*FRAMES, ethernet(ipv4(udp(b"", length=3)))]) + b"\1\2"))


async def opened(pilot: Pilot[int]) -> ProblemView:
    await pilot.press("E")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    assert isinstance(pilot.app.screen, ProblemScreen)
    return pilot.app.screen.query_one(ProblemView)


async def test_it_groups_problems_by_severity_with_words_and_counts() -> None:
    async with staged(story()) as pilot:  # type: ignore[arg-type]
        await opened(pilot)
        shown = text_on(pilot)
        assert "problems of 5 packets" in shown
        assert shown.index("✗ errors") < shown.index("truncated at byte") < shown.index("! warnings")
        assert "2 ▸ undecodable request.to: needs" in shown
        assert "1 ▸ <memory>: frames whose IP or UDP header is cut short" in shown


async def test_a_problem_unfolds_to_its_packets_and_one_of_them_opens_in_the_packet_list() -> None:
    async with staged(story()) as pilot:  # type: ignore[arg-type]
        view = await opened(pilot)
        await pilot.press("down")
        assert view.here is not None
        assert view.here.head
        await pilot.press("enter")
        await pilot.pause()
        shown = text_on(pilot)
        assert "the first: request.to at byte 4" in shown
        assert "#2 " in shown
        assert "10.0.0.1:1000 → 10.0.0.2:2000" in shown
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, PacketScreen)
        assert screen.packets.selected is not None
        assert screen.packets.selected.frame == 3


async def test_space_folds_and_unfolds_and_escape_goes_back() -> None:
    async with staged(story()) as pilot:  # type: ignore[arg-type]
        view = await opened(pilot)
        folded = view.row_count
        await pilot.press("down", "space")
        assert view.row_count > folded
        await pilot.press("space")
        assert view.row_count == folded
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, ProblemScreen)


async def test_nothing_wrong_is_said_so() -> None:
    async with staged(Story(read_capture(pcap([FRAMES[0]])))) as pilot:  # type: ignore[arg-type]
        await opened(pilot)
        assert "Nothing was lost, cut or refused." in text_on(pilot)


async def test_a_copy_says_what_it_shows_again() -> None:
    tour = Path(__file__).parents[3] / "app/samples/tour.pcapng"
    async with staged(Story.open([str(tour)])) as pilot:  # type: ignore[arg-type]
        view = await opened(pilot)
        await pilot.press("enter", "down")
        await pilot.pause()
        assert view.here is not None
        copy = view.here.sighting
        assert copy is not None
        table = main_of_below(pilot).session.table
        first = table.frame[table.copy_of[copy.row]]
        line = next(line for line in text_on(pilot).splitlines() if f"#{copy.frame} " in line)
        assert f"shows #{first} again" in line


def main_of_below(pilot: Pilot[int]) -> MainScreen:
    below = pilot.app.screen_stack[-2]
    assert isinstance(below, MainScreen)
    return below


async def test_the_packets_of_a_problem_are_shown_by_a_filter() -> None:
    async with staged(story()) as pilot:  # type: ignore[arg-type]
        view = await opened(pilot)
        while view.problem is None or "needs" not in view.problem.says:
            await pilot.press("down")
        count = view.problem.count
        await pilot.press("F")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, PacketScreen)
        assert screen.filter.text == "frame == 2 or frame == 3"
        assert screen.packets.row_count == count == 2
        await pilot.press("slash")
        await pilot.pause()
        assert "frame == 2 or frame == 3" in text_on(pilot)


async def test_where_no_filter_tells_them_it_says_so() -> None:
    async with staged(story()) as pilot:  # type: ignore[arg-type]
        view = await opened(pilot)
        while view.problem is None or "truncated" not in view.problem.says:
            await pilot.press("down")
        await pilot.press("F")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ProblemScreen)
        assert "No filter" in [one.message for one in pilot.app._notifications][-1]


def test_many_packets_are_told_by_their_kind_and_few_by_file_and_frame() -> None:
    few = Problem(Severity.WARNING, "cut", "x", 1, "", [Sighting(1, 7, 0)])
    assert filter_of(few, ["a/one.pcap", "two or more.pcap"]) == "(frame == 7 and file ~ 'two or more.pcap')"
    many = Problem(Severity.WARNING, "undecodable", "x", MOST_NAMED + 1, "", [Sighting(0, 7, 0)] * (MOST_NAMED + 1))
    assert filter_of(many, ["a.pcap"]) == "malformed"
    assert filter_of(Problem(Severity.NOTE, "aside", "x", 3), ["a.pcap"]) == ""
