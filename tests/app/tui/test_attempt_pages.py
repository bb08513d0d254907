"""The pages on an attempt: turned, copied, left towards a packet, and followed while the attempt grows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.draw.attempt_pages import PAGES
from app.tui.attempt_page import AttemptPage, PageStrip
from app.tui.linked_view import LinkedView
from app.tui.main_screen import MainScreen
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, TWO_ROUNDS
from tests.app.tui.stage import SIZES, ladder_of, staged, text_on
from tests.app.tui.test_live import live, look

LAB = Path(__file__).parents[2] / "fixtures" / "lab"


def lab(name: str) -> Story:
    return Story.open([str(LAB / f"{name}.pcap.gz")])


def shown(pilot: Pilot[int]) -> str:
    """The heading of the page on screen."""
    screen = pilot.app.screen
    assert isinstance(screen, AttemptPage)
    return screen.query_one(LinkedView).title.partition(" · ")[0]


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


@pytest.mark.parametrize(("key", "heading"), [(page.key, page.heading) for page in PAGES])
async def test_each_page_opens_with_its_letter_and_turns_with_it(key: str, heading: str) -> None:
    async with staged() as pilot:
        await press(pilot, key)
        assert shown(pilot) == heading
        await press(pilot, "escape", "v", key)
        assert shown(pilot) == heading
        assert len(pilot.app.screen_stack) == 3, "one screen for all pages"


async def test_tab_and_digits_turn_round_and_round() -> None:
    headings = [page.heading for page in PAGES]
    async with staged() as pilot:
        await press(pilot, "v")
        seen = []
        for _ in PAGES:
            seen.append(shown(pilot))
            await press(pilot, "tab")
        assert seen == headings
        assert shown(pilot) == headings[0]
        await press(pilot, "shift+tab")
        assert shown(pilot) == headings[-1]
        for number, heading in enumerate(headings, 1):
            await press(pilot, str(number))
            assert shown(pilot) == heading


@pytest.mark.parametrize("size", SIZES)
async def test_the_strip_says_in_words_where_one_is(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await press(pilot, "C")
        line = text_on(pilot).splitlines()[0]
        assert "[4 candidates C]" in line
        assert all(page.title in line for page in PAGES)
        assert pilot.app.screen.query_one(PageStrip).chosen == 3


async def test_a_click_on_a_title_turns_there() -> None:
    async with staged() as pilot:
        await press(pilot, "v")
        for page in (*PAGES[1:], PAGES[0]):
            line = text_on(pilot).splitlines()[0]
            await pilot.click(PageStrip, offset=(line.index(page.title), 0))
            await pilot.pause()
            assert shown(pilot) == page.heading


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["consistent-random/wan", "unannounced-relay/nat"])
async def test_every_line_of_every_page_fits(size: tuple[int, int], name: str) -> None:
    async with staged(lab(name), size=size) as pilot:
        await press(pilot, "v")
        for page in PAGES:
            assert all(strip.cell_length == size[0] for strip in pilot.app.screen._compositor.render_strips())
            assert shown(pilot) == page.heading
            await press(pilot, "tab")


@pytest.mark.parametrize("key", ["R", "C", "K", "b"])
async def test_enter_goes_to_the_packet_of_the_line(key: str) -> None:
    async with staged(lab("consistent-random/wan")) as pilot:
        await press(pilot, key)
        link = pilot.app.screen.query_one(LinkedView).link
        assert link is not None
        await press(pilot, "enter")
        selected = ladder_of(pilot).selected
        assert selected is not None
        step, sighting = selected
        assert link in (sighting, *step.members)


async def test_a_page_that_was_left_is_found_again_where_it_was() -> None:
    async with staged(lab("consistent-random/wan"), size=(80, 24)) as pilot:
        await press(pilot, "R", "j", "j", "j")
        view = pilot.app.screen.query_one(LinkedView)
        cursor, top = view.cursor, view.scroll_offset.y
        await press(pilot, "C")
        assert view.cursor != cursor or view.scroll_offset.y == 0
        await press(pilot, "R")
        assert (view.cursor, view.scroll_offset.y) == (cursor, top)


async def test_y_copies_the_whole_page_as_text() -> None:
    async with staged(lab("consistent-random/wan"), size=(80, 24)) as pilot:
        await press(pilot, "K", "y")
        text = pilot.app.clipboard
        assert text.startswith("hole-punch attempt adfab98ca1151bea: tokens\n")
        assert "The server's token" in text
        assert "The client's token" in text
        assert "announced itself on" in text, "also what is below the screen"


async def test_nothing_opens_without_an_attempt() -> None:
    async with staged(lab("peer-not-found/relay")) as pilot:
        for page in PAGES:
            await press(pilot, page.key)
        assert len(pilot.app.screen_stack) == 2


async def test_a_page_follows_an_attempt_that_grows() -> None:
    begun_ = replace(BOTH_RANDOM, rounds=BOTH_RANDOM.rounds[:1])
    async with live((FAST_OPEN, begun_), (FAST_OPEN, BOTH_RANDOM), (FAST_OPEN, BOTH_RANDOM, TWO_ROUNDS)) as pilot:
        await look(pilot)
        await press(pilot, "R")
        assert "Round 1" not in text_on(pilot)
        page = pilot.app.screen
        assert isinstance(page, AttemptPage)
        main = pilot.app.screen_stack[1]
        assert isinstance(main, MainScreen)
        for _ in range(2):
            await main.look()
            page._look()
            await pilot.pause()
            assert "Round 1 · ABORTED" in text_on(pilot)
            assert BOTH_RANDOM.id[:8] in page.query_one(LinkedView).title, "also when a newer one came"
