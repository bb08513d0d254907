"""The statistics screen: counts what is shown, leads to attempts by a filter, and never stops the screen."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.tui.counting import SLICE, Counting
from app.tui.linked_view import LinkedView
from app.tui.main_screen import MainScreen
from app.tui.session import Session
from app.tui.statistics_screen import StatisticsScreen
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, story
from tests.app.tui.stage import SIZES, main_of, staged, text_on
from tests.app.tui.test_live import live, look

TOUR = Path(__file__).parents[2] / "fixtures" / "lab" / "tour" / "wan.pcap.gz"


async def opened(pilot: Pilot[int]) -> None:
    await pilot.press("i")
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def lines(pilot: Pilot[int]) -> list[str]:
    return text_on(pilot).splitlines()


async def go_to(pilot: Pilot[int], words: str) -> None:
    """Move the cursor to the line that begins with some words."""
    view = pilot.app.screen.query_one(LinkedView)
    for _ in range(view.row_count):
        if "".join(span.text for span in view.draw_row(view.cursor)).lstrip("▶ ").startswith(words):
            return
        await pilot.press("j")
    raise AssertionError(f"no line {words}")


@pytest.mark.parametrize("size", SIZES)
async def test_it_opens_and_fits(size: tuple[int, int]) -> None:
    async with staged(Story.open([str(TOUR)]), size=size) as pilot:
        await opened(pilot)
        assert isinstance(pilot.app.screen, StatisticsScreen)
        assert "connected" in text_on(pilot)
        for _ in range(6):
            assert all(strip.cell_length == size[0] for strip in pilot.app.screen._compositor.render_strips())
            await pilot.press("pagedown")
            await pilot.pause()


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ("✗ failed", "outcome == failed"),
        ("● punched", "verdict == punched"),
        ("CONSISTENT × RANDOM", "client.nat == CONSISTENT and server.nat == RANDOM"),
        ("11.0.3.2:49737", "relay == 11.0.3.2:49737"),
    ],
)
async def test_enter_shows_the_attempts_that_a_line_counts(line: str, expression: str) -> None:
    async with staged(Story.open([str(TOUR)]), size=(120, 100)) as pilot:
        await opened(pilot)
        await go_to(pilot, line)
        shown = next(one for one in lines(pilot) if line in one)
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        session = main_of(pilot).session
        assert session.filter.text == expression
        assert session.shown
        if not line.startswith("11."):
            assert f" {len(session.shown)} " in shown.replace("attempts", " ")


async def test_it_counts_what_the_filter_shows_and_narrows_it() -> None:
    async with staged(Story.open([str(TOUR)])) as pilot:
        await pilot.press("slash", *"outcome == failed", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        failed = len(main_of(pilot).session.shown)
        assert 0 < failed < len(main_of(pilot).session.flows)
        await opened(pilot)
        assert f"{failed} attempts that pass outcome == failed" in text_on(pilot)
        assert "● connected" not in text_on(pilot)
        await go_to(pilot, "✗ probes-lost")
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert main_of(pilot).session.filter.text == "(outcome == failed) and verdict == probes-lost"


async def test_y_copies_them() -> None:
    async with staged(Story.open([str(TOUR)])) as pilot:
        await opened(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("peephole statistics\n10 attempts\n")
        assert "Relays: 9" in pilot.app.clipboard


async def test_only_what_changed_is_looked_at_again() -> None:
    session = Session(STORY)
    counting = Counting(session)
    first = await counting.count()
    assert first.attempts == len(STORY.flows)
    assert not counting.changed
    other = replace(STORY.flows[0])
    session.passing = (other, *session.passing[1:])
    assert counting.changed
    assert (await counting.count()).attempts == first.attempts
    assert not counting.changed
    session.passing = session.passing[:2]
    assert counting.changed
    assert (await counting.count()).attempts == 2


async def test_the_event_loop_runs_between_slices() -> None:
    many = tuple(replace(flow, id=f"{number:016x}") for number in range(4000) for flow in STORY.flows[:1])
    counting = Counting(Session(story(many)))
    turns = 0
    longest = 0.0

    async def watch() -> None:
        nonlocal turns, longest
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
            turns += 1

    watcher = asyncio.ensure_future(watch())
    told: list[tuple[int, int]] = []
    counted = await counting.count(lambda done, total: told.append((done, total)))
    watcher.cancel()
    assert counted.attempts == 4000
    assert turns >= 2
    assert longest < 20 * SLICE
    assert all(total == 4000 for _, total in told)


async def test_they_follow_a_live_source() -> None:
    async with live((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM)) as pilot:
        await look(pilot)
        await opened(pilot)
        assert "1 attempt" in text_on(pilot)
        main = pilot.app.screen_stack[1]
        assert isinstance(main, MainScreen)
        await main.look()
        screen = pilot.app.screen
        assert isinstance(screen, StatisticsScreen)
        screen._look_again()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "2 attempts" in text_on(pilot)
        assert "✗ both-nats-random" in text_on(pilot)
