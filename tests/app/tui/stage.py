"""Puts the inspector on a stage: a story, a size, and a pilot once the main screen is up."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from app.tui.app import PeepholeApp
from app.tui.ladder_view import LadderView
from app.tui.main_screen import MainScreen
from app.tui.palette import DARK
from app.tui.story_view import Feed, StoryView
from tests.app.flows_by_hand import STORY

SIZES = ((80, 24), (120, 40), (200, 60))


def inspector(
    story: StoryView = STORY, *, theme: str = DARK, feed: Feed | None = None, tick: float = 0.1
) -> PeepholeApp:
    return PeepholeApp(lambda _: story, theme=theme, feed=feed, zone=datetime.UTC, tick=tick)


async def opened(pilot: Pilot[int]) -> None:
    """Wait for the thread that reads the files."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@asynccontextmanager
async def staged(
    story: StoryView = STORY, size: tuple[int, int] = (120, 40), feed: Feed | None = None
) -> AsyncIterator[Pilot[int]]:
    app = inspector(story, feed=feed)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        yield pilot


def main_of(pilot: Pilot[int]) -> MainScreen:
    screen = pilot.app.screen_stack[-1]
    assert isinstance(screen, MainScreen)
    return screen


def ladder_of(pilot: Pilot[int]) -> LadderView:
    return main_of(pilot).ladder


def text_on(pilot: Pilot[int]) -> str:
    """All text on screen, line by line."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
