"""The palette and the help know where one is: every action of every pane in reach, each under its key."""

from __future__ import annotations

import threading

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from app.draw.spans import Span
from app.tui.app import PeepholeApp
from app.tui.here import contexts_here, doable
from app.tui.keys.action import NUMBERED, Context, key_text
from app.tui.keys.registry import actions_in
from app.tui.loading import LoadingScreen
from app.tui.main_screen import MainScreen
from app.tui.pages import ChoiceScreen, HelpScreen, PageScreen
from app.tui.story_view import StoryView
from capture.opening import Progress
from tests.app.flows_by_hand import STORY
from tests.app.tui.stage import ladder_of, main_of, opened, staged, text_on


def titles(pilot: Pilot[int]) -> list[str]:
    assert isinstance(pilot.app, PeepholeApp)
    return [command.title for command in pilot.app.get_system_commands(pilot.app.screen)]


def named(*contexts: Context) -> set[str]:
    return {
        f"{action.label[:1].upper()}{action.label[1:]}  ({key_text(action.keys)})"
        for action in actions_in(*contexts)
        if action.method not in NUMBERED
    }


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_on_the_main_screen_every_pane_counts(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        here = {Context.EVERYWHERE, Context.MAIN, Context.FIND, Context.ROWS, Context.ATTEMPTS, Context.LADDER}
        if size != (80, 24):
            here |= {Context.FIELDS, Context.BYTES}
        assert named(*here) <= set(titles(pilot))
        assert not named(Context.LIVE, Context.OWN_NODE, Context.DEMO) & set(titles(pilot)) - named(*here)
        assert {f"Evidence {number}  ({number})" for number in range(1, 10)} <= set(titles(pilot))


async def test_on_a_page_its_own_count_and_those_below_do_not() -> None:
    async with staged() as pilot:
        await pilot.press("v")
        await pilot.pause()
        found = set(titles(pilot))
        assert named(Context.EVERYWHERE, Context.PAGE, Context.TURNING, Context.ROWS, Context.LINKS) <= found
        assert not (named(Context.ATTEMPTS) - named(Context.LINKS)) & found


async def test_an_action_of_another_pane_goes_there_first() -> None:
    async with staged() as pilot:
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "attempts"
        here = [one for one in doable(pilot.app.screen) if one.action.context is Context.LADDER]
        (mark,) = [one for one in here if one.action.label == "mark"]
        assert mark.away
        assert isinstance(pilot.app, PeepholeApp)
        await pilot.app._doing(mark)()
        await pilot.pause()
        assert pilot.app.focused.id == "ladder"
        assert ladder_of(pilot).options.marked


@pytest.mark.parametrize("key", ["ctrl+p", "colon"])
async def test_a_command_is_found_by_typing_and_done(key: str) -> None:
    async with staged() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(pilot.app.screen, CommandPalette)
        await pilot.press(*"maximise")
        await pilot.pause(0.5)
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert main_of(pilot).maximised


async def test_contexts_are_those_of_the_focused_pane_first() -> None:
    async with staged(size=(200, 60)) as pilot:
        assert contexts_here(pilot.app.screen)[0] is Context.ATTEMPTS
        main = main_of(pilot)
        for pane, context in (
            ("#ladder", Context.LADDER),
            ("#fields", Context.FIELDS),
            ("#bytes", Context.BYTES),
            ("#verdict", Context.LINKS),
        ):
            main.query_one(pane).focus()
            await pilot.pause()
            assert contexts_here(pilot.app.screen)[0] is context
        await pilot.press("slash")
        await pilot.pause()
        assert contexts_here(pilot.app.screen)[0] is Context.FILTER
        await pilot.press("escape", "o")
        await pilot.pause()
        assert contexts_here(pilot.app.screen)[0] is Context.SETTINGS


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_help_is_readable_at_every_size_and_can_be_searched(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        lines = text_on(pilot).splitlines()
        assert "Esc back" in lines[-1]
        page = pilot.app.screen.query_one("#page").region
        assert not any("…" in line[page.x : page.right] for line in lines[1:-1])
        await pilot.press("f3", *"token of")
        await pilot.pause()
        await pilot.pause(0.3)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)


async def test_the_settings_and_the_help_have_help_and_palette_themselves() -> None:
    async with staged() as pilot:
        await pilot.press("o", "f1")
        await pilot.pause()
        assert text_on(pilot).splitlines()[1].strip().startswith(Context.SETTINGS)


@pytest.mark.parametrize(
    ("keys", "context"),
    [
        (("slash",), Context.FILTER),
        (("f3",), Context.FINDING),
        (("f2",), Context.EXPORTING),
        (("semicolon",), Context.ASKING),
        (("t",), Context.COLUMNS),
        (("P",), Context.PACKETS),
        (("i",), Context.LINKS),
        (("E",), Context.PROBLEMS),
        (("C",), Context.TURNING),
        (("o",), Context.SETTINGS),
        (("enter", "r"), Context.RAW),
    ],
)
async def test_f1_helps_everywhere_and_one_comes_back(keys: tuple[str, ...], context: Context) -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        before = pilot.app.screen
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, HelpScreen)
        assert text_on(pilot).splitlines()[1].strip().startswith(context)
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is before


async def test_help_over_a_choice_and_over_the_progress() -> None:
    go_on = threading.Event()

    def slow(progress: Progress) -> StoryView:
        go_on.wait(10)
        return STORY

    app = PeepholeApp(slow)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("f1")
        await pilot.pause()
        assert text_on(pilot).splitlines()[1].strip() == Context.LOADING
        go_on.set()
        await opened(pilot)
        assert isinstance(app.screen, MainScreen)
        assert not any(isinstance(screen, LoadingScreen | HelpScreen) for screen in app.screen_stack)
        app.push_screen(ChoiceScreen("which?", [(Span("this"),)]))
        await pilot.pause()
        await pilot.press("f1")
        await pilot.pause()
        assert text_on(pilot).splitlines()[1].strip() == Context.CHOICE
