"""The mouse does what keys do: rows, titles of pages, the footer, headings of columns, scroll bars."""

from __future__ import annotations

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widget import Widget

from app.tui.attempt_list import AttemptList
from app.tui.attempt_page import AttemptPage, PageStrip
from app.tui.bars import ActionBar
from app.tui.linked_view import LinkedView
from app.tui.pages import HelpScreen
from app.tui.tab_bar import TabBar
from tests.app.tui.stage import ladder_of, main_of, staged, text_on


def shown(widget: Widget) -> str:
    """The first line of a widget, cell by cell."""
    return widget.render_line(0).text


async def test_a_click_selects_a_row_and_a_double_click_opens_it() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        await pilot.click(attempts, offset=(20, attempts.top + 2))
        await pilot.pause()
        assert attempts.cursor == 2
        await pilot.click(attempts, offset=(20, attempts.top + 1), times=2)
        await pilot.pause()
        assert attempts.cursor == 1
        assert ladder_of(pilot).has_focus


async def test_a_click_in_the_footer_does_what_the_key_does() -> None:
    async with staged() as pilot:
        bar = main_of(pilot).query_one(ActionBar)
        await pilot.click(bar, offset=(shown(bar).index("help"), 0))
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        back = pilot.app.screen.query_one(ActionBar)
        await pilot.click(back, offset=(shown(back).index("back"), 0))
        await pilot.pause()
        assert not isinstance(pilot.app.screen, HelpScreen)


async def test_a_click_on_a_title_turns_to_its_page() -> None:
    async with staged() as pilot:
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(pilot.app.screen, AttemptPage)
        strip = pilot.app.screen.query_one(PageStrip)
        for word, heading in (("NAT", "NAT evidence"), ("tokens", "token"), ("verdict", "verdict")):
            await pilot.click(strip, offset=(shown(strip).index(word), 0))
            await pilot.pause()
            assert heading in text_on(pilot).splitlines()[1]
        await pilot.click(strip, offset=(strip.size.width - 2, 0))
        await pilot.pause()
        assert "verdict" in text_on(pilot).splitlines()[1]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (
            " [1 verdict v]  2 NAT b   3 rounds R   be14 11.1.4.2:1718 x",
            {2: 1, 12: 1, 16: 2, 20: 2, 26: 3, 14: None, 45: None},
        ),
        (" 1 overview  2 routing table  ", {1: 1, 10: 1, 12: None, 13: 2, 27: 2, 29: None}),
    ],
)
def test_which_title_is_where(text: str, places: dict[int, int | None]) -> None:
    from app.draw.spans import Span

    class Fixed(TabBar):
        TURNS = "x"

        def line(self):  # type: ignore[no-untyped-def]
            return (Span(text),)

    assert {x: Fixed().number_at(x) for x in places} == places


async def test_a_click_on_a_heading_sorts() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        head = attempts.render_line(attempts.top - 1).text
        await pilot.click(attempts, offset=(head.index("took") + 1, attempts.top - 1))
        await pilot.pause()
        assert main_of(pilot).session.ordering.order.column == "took"


async def test_the_wheel_scrolls_beside_a_scroll_bar() -> None:
    async with staged(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        page = pilot.app.screen.query_one("#page", LinkedView)
        assert page.show_vertical_scrollbar
        for wheel, lines in ((MouseScrollDown, 1), (MouseScrollUp, -1)):
            before = page.scroll_offset.y
            await pilot._post_mouse_events([wheel], page, offset=(5, 5))
            await pilot.pause(0.3)
            assert (page.scroll_offset.y - before) * lines > 0
