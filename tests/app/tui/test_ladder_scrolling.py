"""Where the ladder is scrolled to: by keys, by the mouse, by the selected step, and while it grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import MouseScrollDown, MouseScrollRight
from textual.pilot import Pilot

from app.tui.ladder_view import LadderView
from capture.model import Flow, Outcome, StepKind
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, UNANSWERED, story
from tests.app.tui.stage import SIZES, inspector, ladder_of, main_of, opened, staged, text_on
from tests.app.tui.test_live import NEVER, Growing, Quiet, live, look

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
MANY_LANES = str(LAB / "consistent-consistent" / "wan.pcap.gz")


def lanes_in_view(ladder: LadderView) -> tuple[bool, bool, bool]:
    """Whether the lanes of the selected step are on screen, the sender's first, and whether both could be."""
    drawn = ladder._ladder()
    assert drawn is not None
    step = drawn.plan.flow.steps[drawn.plan.rows[ladder.cursor].step]
    room = ladder.row_width - drawn.columns_width
    start, end = drawn.lane_x(step.from_lane), drawn.lane_x(step.to_lane)
    assert start is not None
    assert end is not None
    seen = [ladder.scroll_offset.x <= x < ladder.scroll_offset.x + room for x in (start, end)]
    return seen[0], seen[1], abs(start - end) + 5 <= room


@pytest.mark.parametrize("size", SIZES)
async def test_the_lanes_of_the_selected_step_come_into_view(size: tuple[int, int]) -> None:
    async with staged(Story.open([MANY_LANES]), size=size) as pilot:
        await pilot.press("enter", "x")
        await pilot.pause()
        ladder = ladder_of(pilot)
        drawn = ladder._ladder()
        assert drawn is not None
        assert len(drawn.plan.lanes) >= 10
        scrolled = set()
        before = -1
        while ladder.cursor != before:
            sender, receiver, both_fit = lanes_in_view(ladder)
            assert sender
            assert receiver or not both_fit
            scrolled.add(ladder.scroll_offset.x)
            before = ladder.cursor
            await pilot.press("j")
        assert len(scrolled) > 1, "there was something to scroll"


async def test_sideways_by_keys_and_to_both_ends() -> None:
    async with staged(Story.open([MANY_LANES]), size=(80, 24)) as pilot:
        await pilot.press("enter", "x")
        await pilot.pause()
        ladder = ladder_of(pilot)
        before = ladder.scroll_offset.x
        await pilot.press("l")
        assert ladder.scroll_offset.x == before + 8
        await pilot.press("right", "h", "left")
        assert ladder.scroll_offset.x == before
        drawn = ladder._ladder()
        assert drawn is not None
        await pilot.press("shift+right")
        assert ladder.scroll_offset.x == before + drawn.gap
        await pilot.press("shift+left")
        assert ladder.scroll_offset.x == before
        await pilot.press("shift+end")
        assert ladder.scroll_offset.x == ladder.max_scroll_x > 0
        await pilot.pause()
        shown = text_on(pilot)
        assert "DHT node" in shown
        assert "time" in shown, "the columns stay"
        await pilot.press("shift+home")
        assert ladder.scroll_offset.x == 0


async def wheel(
    pilot: Pilot[int], kind: type[MouseScrollDown] | type[MouseScrollRight], *, shift: bool = False
) -> None:
    ladder = ladder_of(pilot)
    event = kind(ladder, 5, 5, 0, 1, 0, shift, False, False)
    ladder.post_message(event)
    await pilot.pause()


async def test_the_wheel_scrolls_and_with_shift_sideways() -> None:
    async with staged(Story.open([MANY_LANES]), size=(80, 24)) as pilot:
        await pilot.press("enter", "x", "g")
        await pilot.pause()
        ladder = ladder_of(pilot)
        at, y, x = ladder.cursor, ladder.scroll_offset.y, ladder.scroll_offset.x
        await wheel(pilot, MouseScrollDown)
        assert ladder.scroll_offset.y > y
        assert ladder.cursor == at, "the wheel looks around, it selects nothing"
        await wheel(pilot, MouseScrollDown, shift=True)
        assert ladder.scroll_offset.x > x


async def test_a_click_selects_a_step() -> None:
    async with staged(story((BOTH_RANDOM,)), size=(120, 40)) as pilot:
        ladder = ladder_of(pilot)
        await pilot.click(LadderView, offset=(30, ladder.top + 4))
        await pilot.pause()
        assert ladder.cursor == 4
        assert pilot.app.screen.focused is ladder


async def test_head_and_columns_stay_while_it_scrolls() -> None:
    async with staged(story((CONSISTENT_RANDOM,)), size=(80, 24)) as pilot:
        await pilot.press("enter", "m")
        await pilot.pause()
        ladder = ladder_of(pilot)
        top = ladder.region.y
        head = text_on(pilot).splitlines()[top + 1 : top + ladder.top]
        await pilot.press("G")
        await pilot.pause()
        assert text_on(pilot).splitlines()[top + 1 : top + ladder.top] == head


def without(flow: Flow, *gone: int) -> Flow:
    return replace(flow, steps=tuple(step for index, step in enumerate(flow.steps) if index not in gone))


def screen_row(ladder: LadderView) -> int:
    return ladder.cursor - ladder.scroll_offset.y + ladder.top


@pytest.mark.parametrize("gone", [(0,), (3, 5), (0, 1, 2, 7, 9)])
async def test_a_growing_ladder_keeps_step_row_and_mark(gone: tuple[int, ...]) -> None:
    """Steps come in before, between and after what is looked at; scrolled down, none of it moves."""
    begun = without(CONSISTENT_RANDOM, *gone, len(CONSISTENT_RANDOM.steps) - 1)
    async with live((FAST_OPEN, begun), (FAST_OPEN, CONSISTENT_RANDOM)) as pilot:
        await look(pilot)
        await pilot.press("A", "enter", "m", "G", "k", "k", "space")
        await pilot.pause()
        ladder = ladder_of(pilot)
        assert ladder.scroll_offset.y > 0
        selected, row, marks = ladder.selected, screen_row(ladder), ladder.marked_steps
        line = text_on(pilot).splitlines()[ladder.region.y + row]
        await look(pilot)
        assert ladder.flow is CONSISTENT_RANDOM
        assert ladder.selected == selected
        assert screen_row(ladder) == row
        assert [step for _, step in ladder.marked_steps] == [step for _, step in marks]
        assert text_on(pilot).splitlines()[ladder.region.y + row] == line


async def test_what_is_learnt_of_the_lanes_moves_no_row() -> None:
    bare = replace(CONSISTENT_RANDOM, lanes=tuple(replace(lane, inside=()) for lane in CONSISTENT_RANDOM.lanes))
    async with live((FAST_OPEN, bare), (FAST_OPEN, CONSISTENT_RANDOM)) as pilot:
        await look(pilot)
        await pilot.press("A", "enter", "g", "j")
        ladder = ladder_of(pilot)
        row = screen_row(ladder)
        await look(pilot)
        assert ladder.flow is CONSISTENT_RANDOM
        assert screen_row(ladder) == row


async def test_a_missing_entry_that_comes_after_all_gives_way_to_it() -> None:
    whole = UNANSWERED
    assert whole.steps[-1].kind is StepKind.MISSING
    answered = replace(whole, steps=(*whole.steps[:-1], replace(whole.steps[0], time=whole.steps[-1].time + 0.1)))
    async with live((FAST_OPEN, whole), (FAST_OPEN, answered)) as pilot:
        await look(pilot)
        await pilot.press("A", "enter", "G")
        ladder = ladder_of(pilot)
        assert ladder.selected is not None
        assert ladder.selected[0].kind is StepKind.MISSING
        await look(pilot)
        assert ladder.selected is not None
        assert ladder.selected[0].kind is not StepKind.MISSING
        assert main_of(pilot).flow is answered


async def test_what_is_awaited_appears_as_missing_once_the_protocol_gives_up() -> None:
    """Time goes on with packets of others; the attempt itself is silent."""
    last = UNANSWERED.steps[-1]
    awaited = replace(last, due=last.time + 3)
    going = replace(UNANSWERED, steps=(*UNANSWERED.steps[:-1], awaited), outcome=Outcome.UNKNOWN)
    growing = Growing(iter([(FAST_OPEN, going)]))
    growing.last_time = last.time  # type: ignore[attr-defined]
    app = inspector(growing, feed=Quiet(), tick=NEVER)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await look(pilot)
        await pilot.press("A", "enter", "G")
        await pilot.pause()
        ladder = ladder_of(pilot)
        selected, row = ladder.selected, screen_row(ladder)
        assert ladder.flow is going
        assert "none seen" not in text_on(pilot)
        growing.last_time = last.time + 3  # type: ignore[attr-defined]
        await look(pilot)
        assert "none seen" in text_on(pilot)
        assert ladder.selected == selected
        assert screen_row(ladder) == row
