"""Lines that are kept are those that Textual would put together anew, after whatever keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.pilot import Pilot
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from app.tui.attempt_list import AttemptList
from app.tui.kept_lines import KeptLines
from app.tui.packet_list import PacketList
from app.tui.scroll_edge import ScrollEdge
from capture.story import Story
from tests.app.tui.stage import main_of, staged

TOUR = Story.open([str(Path(__file__).parents[3] / "app/samples/tour.pcapng")])
KEYS = (*("j", "pagedown", "G", "k", "tab", "j", "d", "escape", "tab", "plus", "c", "v"),)


def compared(pilot: Pilot[int]) -> int:
    """Compare what stands with what a fresh cache gives; the number of widgets."""
    screen = pilot.app.screen
    kept = 0
    for widget, (region, _) in screen._compositor.visible_widgets.items():
        if isinstance(widget._styles_cache, KeptLines):
            kept += 1
            whole = Region(0, 0, region.width, region.height)
            stands = [strip.simplify() for strip in widget.render_lines(whole)]
            assert stands == fresh(widget, whole), widget
    return kept


def fresh(widget: Widget, whole: Region) -> list[object]:
    """The lines as Textual puts them together."""
    return [strip.simplify() for strip in StylesCache().render_widget(widget, whole)]


@pytest.mark.parametrize("theme", ["peephole-dark", "peephole-mono"])
async def test_main_screen(theme: str) -> None:
    async with staged(TOUR, (120, 40)) as pilot:
        pilot.app.theme = theme
        await pilot.pause()
        for key in KEYS:
            await pilot.press(key)
            await pilot.pause()
            assert compared(pilot) > 2, key


async def test_packet_screen() -> None:
    async with staged(TOUR, (120, 40)) as pilot:
        await pilot.press("P")
        await pilot.pause()
        for key in ("j", "pagedown", "space", "tab", "j", "w"):
            await pilot.press(key)
            await pilot.pause()
            assert compared(pilot) > 4, key


async def test_at_other_sizes_and_themes() -> None:
    async with staged(TOUR, (80, 24)) as pilot:
        await pilot.resize_terminal(200, 60)
        await pilot.pause()
        assert compared(pilot) > 5
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert compared(pilot) > 5


async def test_the_scroll_bar_is_painted_where_its_thumb_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(TOUR, (80, 24)) as pilot:
        await pilot.press("P")
        await pilot.pause()
        packets = pilot.app.screen.query_one(PacketList)
        bar = packets.vertical_scrollbar
        assert isinstance(bar, ScrollEdge)
        bar.position = 0
        bar.render()
        apart = (packets.row_count - bar.window_size) // (8 * bar.size.height)
        assert apart > 3
        painted: list[float] = []
        monkeypatch.setattr(ScrollBar, "refresh", lambda one, *_, **__: painted.append(one.position) or one)
        for position in range(1, apart):
            bar.position = position
            bar.refresh()
        assert not painted
        bar.position = 1000
        assert painted == [1000]


async def test_a_list_that_scrolls_draws_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(TOUR, (80, 24)) as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        drawn: list[int] = []
        draw = attempts.draw_row
        monkeypatch.setattr(attempts, "draw_row", lambda index: drawn.append(index) or draw(index))
        await pilot.press("home")
        await pilot.pause()
        drawn.clear()
        await pilot.press("j")
        await pilot.pause()
        assert drawn
        assert len(drawn) == len(set(drawn))
