"""What a user does on the main screen: moving about, going deeper and back, pages, sizes, marks, clicks."""

import pytest

from app.tui.attempt_list import AttemptList
from app.tui.bars import ActionBar
from app.tui.filter_bar import FilterBar
from app.tui.linked_view import LinkedView
from app.tui.message_pane import FieldTree
from app.tui.themes import ANSI, CONTRAST, DARK, LIGHT, MONO
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, STORY, UNANSWERED, story
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on


async def test_it_opens_on_the_first_attempt_that_failed_with_its_verdict() -> None:
    async with staged() as pilot:
        assert main_of(pilot).flow is BOTH_RANDOM
        shown = text_on(pilot)
        assert "both NATs random" in shown
        assert BOTH_RANDOM.verdict.summary in shown
        assert "2 failed" in shown


async def test_without_a_failure_it_opens_on_the_first() -> None:
    async with staged(story((FAST_OPEN, CONSISTENT_RANDOM))) as pilot:
        assert main_of(pilot).flow is FAST_OPEN


async def test_no_failure_is_no_cross() -> None:
    async with staged(story((FAST_OPEN, CONSISTENT_RANDOM))) as pilot:
        first = text_on(pilot).splitlines()[0]
        assert "0 failed" in first
        assert "✗" not in first


async def test_the_footer_says_where_escape_leads() -> None:
    async with staged() as pilot:
        assert text_on(pilot).splitlines()[-1].rstrip().endswith("Esc quit")
        await pilot.press("enter")
        assert text_on(pilot).splitlines()[-1].rstrip().endswith("Esc back")
        await pilot.press("escape", "backslash")
        assert text_on(pilot).splitlines()[-1].rstrip().endswith("Esc back")


@pytest.mark.parametrize("key", ["slash", "f", "f7"])
async def test_the_filter_opens_with_the_keys_of_other_inspectors_too(key: str) -> None:
    async with staged() as pilot:
        await pilot.press(key)
        assert main_of(pilot).query_one(FilterBar).display


async def test_enter_goes_deeper_and_escape_comes_back_and_leaves() -> None:
    async with staged(size=(80, 24)) as pilot:
        main = main_of(pilot)
        await pilot.press("enter")
        assert main.focused is main.ladder
        await pilot.press("enter")
        await pilot.pause()
        assert main.focused is main.query_one(FieldTree)
        assert not main.ladder.display, "narrow: the message takes the ladder's place"
        await pilot.press("escape")
        assert main.focused is main.ladder
        assert main.ladder.display
        await pilot.press("escape")
        assert main.focused is main.query_one(AttemptList)
        await pilot.press("escape")
        await pilot.pause()
    assert pilot.app.return_code == 0


@pytest.mark.parametrize("size", SIZES)
async def test_resizing_keeps_attempt_and_step(size: tuple[int, int]) -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("j", "j", "enter", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j")
        before = main_of(pilot).flow, ladder_of(pilot).selected
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert (main_of(pilot).flow, ladder_of(pilot).selected) == before
        assert any(line.startswith("▶") and "│" in line for line in text_on(pilot).splitlines()[6:]), "out of view"


@pytest.mark.parametrize("size", SIZES)
async def test_every_line_fits_the_screen(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        for keys in (("g",), ("enter", "G"), ("enter",), ("escape", "v"), ("b",), ("R",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert all(strip.cell_length == size[0] for strip in pilot.app.screen._compositor.render_strips()), keys


async def test_pages_turn_into_each_other_and_close() -> None:
    async with staged() as pilot:
        for key, title in (("v", "verdict"), ("b", "NAT evidence"), ("R", "rounds")):
            await pilot.press(key)
            await pilot.pause()
            assert len(pilot.app.screen_stack) == 3
            assert pilot.app.screen.query_one(LinkedView).title.startswith(title)
        await pilot.press("q")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2


async def test_maximise_gives_one_pane_everything_and_back() -> None:
    async with staged() as pilot:
        await pilot.press("enter", "backslash")
        await pilot.pause()
        main = main_of(pilot)
        assert main.ladder.size.height == 38
        assert not main.query_one(AttemptList).display
        await pilot.press("escape")
        await pilot.pause()
        assert main.query_one(AttemptList).display


async def test_the_theme_switches_and_words_stay() -> None:
    async with staged() as pilot:
        before = text_on(pilot)
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert pilot.app.theme == LIGHT
        assert text_on(pilot) == before
        for name in (CONTRAST, ANSI, MONO, DARK):
            await pilot.press("ctrl+t")
            assert pilot.app.theme == name
        assert text_on(pilot) == before


async def test_marks_are_kept_by_attempt() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space")
        marked = main_of(pilot).query_one(AttemptList).marked
        assert marked == {STORY.flows[0].id, STORY.flows[1].id}
        await pilot.press("g", "space")
        assert main_of(pilot).query_one(AttemptList).marked == {STORY.flows[1].id}


async def test_a_click_on_the_footer_works_as_the_key() -> None:
    async with staged() as pilot:
        bar = main_of(pilot).query_one(ActionBar)
        at = next(start for start, _, action in bar._places if action.method == "nat")
        await pilot.click(ActionBar, offset=(at, 0))
        await pilot.pause()
        assert pilot.app.screen.query_one(LinkedView).title.startswith("NAT evidence")


async def test_clicks_select_and_open() -> None:
    async with staged() as pilot:
        await pilot.click(AttemptList, offset=(20, 2))
        assert main_of(pilot).flow is FAST_OPEN
        await pilot.click(AttemptList, offset=(20, 4), times=2)
        await pilot.pause()
        assert main_of(pilot).flow is UNANSWERED
        assert main_of(pilot).focused is ladder_of(pilot)
