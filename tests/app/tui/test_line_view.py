"""What all views of rows have in common: they are abstract, set the cursor apart from the text, and say what is cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.strip import Strip

from app.draw.message import Fact
from app.draw.spans import Span
from app.tui.attempt_list import AttemptList
from app.tui.line_view import LineView
from app.tui.message_pane import FieldTree
from app.tui.palette import palette_of
from tests.app.flows_by_hand import BOTH_RANDOM
from tests.app.tui.stage import main_of, staged, text_on


def test_a_view_that_does_not_say_how_to_draw_its_rows_can_not_be_made() -> None:
    class Rowless(LineView):
        @property
        def row_count(self) -> int:
            return 1

    for view in (LineView, Rowless):
        with pytest.raises(TypeError, match="abstract"):
            view()


async def test_a_line_that_is_too_long_ends_in_an_ellipsis() -> None:
    async with staged() as pilot:
        palette = palette_of(pilot.app)
        assert palette.strip((Span("abc"), Span("defgh")), 6).text == "abcde…"
        assert palette.strip((Span("日本語"),), 5).text == "日本…"
        assert palette.strip((Span("abcdef"),), 6).text == "abcdef"


async def test_a_long_line_of_the_message_pane_ends_in_an_ellipsis() -> None:
    async with staged(size=(120, 40)) as pilot:
        tree = pilot.app.screen.query_one(FieldTree)
        assert tree.view is not None
        tree.show(replace(tree.view, facts=(Fact("from", "x" * 200), *tree.view.facts[1:])))
        await pilot.pause()
        (line,) = [line for line in text_on(pilot).splitlines() if "xxx" in line]
        assert "x…" in line


@pytest.mark.parametrize("page", ["v", "b", "R"])
async def test_the_cursor_of_a_page_stands_apart_from_the_text(page: str) -> None:
    async with staged() as pilot:
        await pilot.press(page)
        await pilot.pause()
        (line,) = [line for line in text_on(pilot).splitlines() if "▶" in line]
        assert line.partition("▶")[2].startswith(" ")
        assert line.rstrip().endswith("▶") is False


async def test_times_are_of_one_zone_that_is_said_once() -> None:
    async with staged() as pilot:
        lines = text_on(pilot).splitlines()
        (titled,) = [line for line in lines if "times in" in line]
        assert "2025-07-23, times in UTC" in titled
        assert main_of(pilot).flow is BOTH_RANDOM


async def test_only_lines_that_say_something_else_are_painted() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        painted: list[int] = []
        render_line = attempts.render_line

        def rendered(y: int) -> Strip:
            painted.append(y)
            return render_line(y)

        attempts.render_line = rendered  # type: ignore[method-assign]
        flows = main_of(pilot).session.flows
        attempts.show(flows)
        await pilot.pause()
        assert painted == []
        attempts.show((*flows[:3], replace(flows[3], duration=77.0), *flows[4:]))
        await pilot.pause()
        assert set(painted) == {attempts.top + 3}
        assert "77.000 s" in text_on(pilot)


async def test_what_changed_while_a_view_was_hidden_is_painted_when_it_is_shown() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        flows = main_of(pilot).session.flows
        await pilot.press("enter", "backslash")
        await pilot.pause()
        assert not attempts.display
        attempts.show((*flows[:3], replace(flows[3], duration=77.0), *flows[4:]))
        await pilot.press("backslash")
        await pilot.pause()
        assert "77.000 s" in text_on(pilot)
