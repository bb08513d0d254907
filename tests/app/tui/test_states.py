"""Loading, errors, empty captures, damaged files, exports, and text that would do harm."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.draw.spans import text_of
from app.reading import useless_keys
from app.tui.app import PeepholeApp
from app.tui.bars import Banner
from app.tui.loading import LoadingScreen, Report, StoppedError, report_lines
from app.tui.story_view import StoryView
from capture.errors import CaptureError
from capture.model import Evidence, FileSummary, Sighting, Verdict
from capture.opening import Progress
from capture.story import Keys, Story
from protocol.messages import Address
from tests.app.flows_by_hand import BOTH_RANDOM, STORY, story
from tests.app.hand_story import HandStory
from tests.app.tui.stage import SIZES, main_of, opened, staged, text_on
from tests.capture.build import ethernet, ipv4, pcap, udp


async def test_the_screen_is_up_while_files_are_read() -> None:
    go_on = threading.Event()
    half_way = threading.Event()

    def slow(progress: Progress) -> StoryView:
        progress("reading slow.pcap", 1, 2, 9)
        half_way.set()
        go_on.wait(10)
        return STORY

    app = PeepholeApp(slow)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        while not half_way.is_set():
            await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, LoadingScreen)
        assert "█" * 20 + "░" * 20 + "  50 %" in text_on(pilot)
        assert "reading slow.pcap" in text_on(pilot)
        assert "Esc stop" in text_on(pilot)
        go_on.set()
        await opened(pilot)
        assert main_of(pilot).flow is BOTH_RANDOM


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_asked_twice_reading_ends_and_so_does_the_inspector(key: str) -> None:
    left = threading.Event()
    stopped = threading.Event()

    def endless(progress: Progress) -> StoryView:
        left.wait(10)
        try:
            progress("reading", 1, 2)
        except StoppedError:
            stopped.set()
            raise
        return STORY

    app = PeepholeApp(endless)
    async with app.run_test() as pilot:
        await pilot.press(key, key)
        left.set()
    assert stopped.wait(10)
    assert app.return_code == 0
    assert app.failure is None


async def test_asked_once_what_was_read_so_far_is_shown_and_that_is_said(tmp_path: Path) -> None:
    big, second = tmp_path / "big.pcap", tmp_path / "second.pcap"
    frames = [ethernet(ipv4(udp(bytes([size]) * size))) for size in range(1, 6)]
    big.write_bytes(pcap(frames * 20_000))
    second.write_bytes(pcap(frames))
    half_way, go_on = threading.Event(), threading.Event()

    def opener(progress: Progress) -> StoryView:
        def told(doing: str, done: int, total: int, packets: int = 0, /) -> None:
            if packets:
                half_way.set()
                go_on.wait(10)
            progress(doing, done, total, packets)

        return Story.open([str(big), str(second)], progress=told)

    async with PeepholeApp(opener).run_test(size=(120, 40)) as pilot:
        while not half_way.is_set():
            await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert "leave; what was read is being put together" in text_on(pilot)
        go_on.set()
        await opened(pilot)
        session = main_of(pilot).session
        assert 0 < session.files[0].packets < 100_000
        assert len(session.files) == 1
        shown = text_on(pilot)
        assert "reading was stopped at byte" in shown
        assert any("not read at all" in note and "second.pcap" in note for note in session.files[0].notes)


def test_progress_tells_bytes_packets_and_the_time_left() -> None:
    report = Report("reading big.pcap", 25_000_000, 100_000_000, 300_000, 2.0)
    lines = [text_of(line) for line in report_lines(report, had_enough=False, key="Esc", width=80)]
    assert lines[0].endswith("reading big.pcap")
    assert "  25 %" in lines[1]
    assert lines[2] == "25.0 of 100.0 MB · 300 000 packets · about 6 s left"
    assert lines[4] == "Esc stop and show what was read; twice: leave"
    assert all(len(line) <= 30 for line in map(text_of, report_lines(report, had_enough=True, key="Esc", width=30)))
    together = Report("putting attempts together", 3, 4)
    assert together.left is None
    assert text_of(report_lines(together, had_enough=False, key="Esc", width=80)[4]) == "Esc twice: leave"
    assert Report("reading", 10, 20, 5, 0.1).left is None
    pipe = [text_of(line) for line in report_lines(Report("reading standard input", 2_500_000, 0), had_enough=False,
                                                    key="Esc", width=80)]  # fmt: skip
    assert pipe[2] == "2.5 MB came"
    assert pipe[4].startswith("Esc stop and show what was read")
    assert "%" not in pipe[1]


async def test_a_file_that_is_no_capture_ends_the_screen_with_the_error() -> None:
    error = CaptureError("notes.txt", "is not a capture", 0)

    def failing(_: Progress) -> StoryView:
        raise error

    app = PeepholeApp(failing)
    async with app.run_test() as pilot:
        while app.failure is None:
            await pilot.pause()
    assert app.failure is error
    assert app.return_value == 1


async def test_a_file_that_is_shortened_under_the_inspector_is_said() -> None:
    error = CaptureError("big.pcap", "was shortened from 9 to 4 bytes while it was open")

    class Shortened(HandStory):
        def payload(self, sighting: Sighting) -> bytes:
            raise error

    async with staged(Shortened(STORY.files, STORY.flows, STORY.pencils)) as pilot:
        assert str(error) in text_on(pilot)
        await pilot.press("enter", "j")
        assert main_of(pilot).ladder.has_focus


async def test_a_useless_key_is_said_in_the_inspector() -> None:
    app = PeepholeApp(lambda _: STORY, remarks=lambda story: useless_keys(story, Keys(public_keys=(b"\xab" * 32,))))
    async with app.run_test() as pilot:
        await opened(pilot)
        assert "--key abab…abab is the key of no attempt in here" in text_on(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_capture_without_attempts_says_what_it_holds_and_what_to_do(size: tuple[int, int]) -> None:
    empty = replace(STORY, flows=(), files=(FileSummary("dns.pcap", "pcap", 1200, 0, 0, 0),))
    async with staged(empty, size=size) as pilot:
        shown = text_on(pilot)
        assert "none of the 1 200 packets is DHT traffic" in " ".join(shown.split())
        assert "What to do" in shown
        await pilot.press("j", "enter", "tab", "v", "b", "d", "s", "w", "m", "c", "1", "f2", "y", "backslash", "A")
        assert main_of(pilot).flow is None


async def test_a_damaged_file_is_announced_with_its_offset() -> None:
    damaged = replace(STORY, files=(replace(STORY.files[0], truncated="cut short inside a packet at byte 48213"),))
    async with staged(damaged, size=(80, 24)) as pilot:
        assert pilot.app.screen.query_one(Banner).display
        assert "at byte 48213" in text_on(pilot)
        assert main_of(pilot).flow is BOTH_RANDOM


HARM = "\x1b[31m[bold]red[/bold]\u202eexe\r\n[@click=app.bell]x[/] 日本 \ud800שלום"


async def test_text_from_outside_is_shown_harmlessly() -> None:
    verdict = replace(BOTH_RANDOM.verdict, summary=HARM, advice=HARM, application_error=HARM)
    proof = Evidence(verdict.evidence[0].sighting, HARM)
    steps = tuple(replace(step, label=HARM) for step in BOTH_RANDOM.steps)
    flow = replace(
        BOTH_RANDOM,
        client=Address(HARM, 1),
        verdict=replace(verdict, evidence=(proof,)),
        steps=steps,
        notes=(HARM,),
        key=replace(BOTH_RANDOM.key, noise1_reason=HARM),
    )
    files = (FileSummary("/tmp/" + HARM, "pcap", 1, 1, 0, 0, truncated=HARM),)
    async with staged(replace(story((flow,)), files=files), size=(200, 60)) as pilot:
        everything = ""
        for keys in ((), ("enter",), ("enter",), ("v",), ("b",), ("R",)):
            await pilot.press(*keys)
            await pilot.pause()
            shown = text_on(pilot)
            everything += shown
            assert not [character for character in shown if character != "\n" and not character.isprintable()]
            assert "\u202e" not in shown
            assert "ש" not in shown
            assert all(strip.cell_length == 200 for strip in pilot.app.screen._compositor.render_strips())
        assert "[bold]red[/bold]" in everything or "\\e[31m" in everything
        await pilot.press("q", "f2")
        await pilot.pause()
        await pilot.press("escape", "9")
        await pilot.pause()


async def test_y_copies_the_report_of_the_attempt() -> None:
    async with staged() as pilot:
        await pilot.press("y")
        assert BOTH_RANDOM.id in pilot.app.clipboard
        assert BOTH_RANDOM.verdict.summary in pilot.app.clipboard


async def test_the_filter_of_the_command_line_holds_from_the_start() -> None:
    app = PeepholeApp(lambda _: STORY, filter_text="outcome == failed")
    async with app.run_test() as pilot:
        await opened(pilot)
        assert len(main_of(pilot).session.shown) == 2


def test_a_verdict_without_evidence_has_a_page() -> None:
    from app.draw.verdict import verdict_page

    bare = replace(BOTH_RANDOM, verdict=Verdict(BOTH_RANDOM.verdict.code, "", (), ""))
    assert any("no single packet" in span.text for linked in verdict_page(bare, (), 80) for span in linked.line)
