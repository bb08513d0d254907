"""The demo in the inspector: it says what it is, and shows what is played."""

from __future__ import annotations

from textual.pilot import Pilot

from app.tui.app import PeepholeApp
from app.tui.demo_page import DemoScreen
from tests.app.flows_by_hand import STORY
from tests.app.hand_demo import Posed
from tests.app.hand_node import SilentFeed
from tests.app.tui.stage import opened, text_on


def demo(shown: Posed) -> PeepholeApp:
    return PeepholeApp(lambda _: STORY, feed=SilentFeed("demo"), demo=shown, tick=3600.0)


async def shown_with(pilot: Pilot[int], *keys: str) -> str:
    await opened(pilot)
    await pilot.press(*keys)
    await pilot.pause()
    return text_on(pilot)


async def test_the_main_screen_says_what_this_is_and_which_key_tells_more() -> None:
    async with demo(Posed()).run_test(size=(80, 24)) as pilot:
        shown = await shown_with(pilot)
        assert "an internet in this process" in shown
        assert "D what is this?" in shown


async def test_the_page_opens_and_closes() -> None:
    async with demo(Posed()).run_test(size=(120, 40)) as pilot:
        shown = await shown_with(pilot, "D")
        assert isinstance(pilot.app.screen, DemoScreen)
        assert "Nothing leaves this machine" in shown
        await pilot.press("D")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, DemoScreen)


async def test_before_it_has_begun_there_is_no_page() -> None:
    async with demo(Posed(None)).run_test(size=(120, 40)) as pilot:
        await shown_with(pilot, "D")
        assert not isinstance(pilot.app.screen, DemoScreen)


async def test_a_capture_is_no_demo() -> None:
    app = PeepholeApp(lambda _: STORY, feed=SilentFeed("eth0"), tick=3600.0)
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await shown_with(pilot, "D")
        assert "what is this?" not in shown
        assert not isinstance(pilot.app.screen, DemoScreen)
