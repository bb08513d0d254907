"""The settings screen: values seen at once, kept when asked; and what a configuration makes of the screens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app import names
from app.config import read_config
from app.config.settings import DEFAULTS, SETTINGS, Config
from app.configured import configured
from app.draw.ladder_options import Bursts, Level, TimeMode
from app.draw.settings import setting_line
from app.draw.spans import text_of, width_of
from app.options import parser_of
from app.tui.app import PeepholeApp, run_live
from app.tui.app import run as run_inspector
from app.tui.attempt_list import AttemptList
from app.tui.colourless import Colourless
from app.tui.config_check import every_fault, named_wrong
from app.tui.settings_page import SettingsScreen, SettingsView
from app.tui.themes import CONTRAST, DARK, LIGHT, MONO
from capture.story import Keys
from tests.app.flows_by_hand import STORY
from tests.app.tui.stage import SIZES, main_of, opened, text_on


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config.toml"
    file.write_text("# mine\n")
    monkeypatch.setenv("PEEPHOLE_CONFIG", str(file))
    return file


@asynccontextmanager
async def settings(size: tuple[int, int] = (120, 40), config: Config = DEFAULTS) -> AsyncIterator[Pilot[int]]:
    app = PeepholeApp(lambda _: STORY, config=config)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("o")
        await pilot.pause()
        assert isinstance(app.screen, SettingsScreen)
        yield pilot


def row_of(pilot: Pilot[int], name: str) -> str:
    return text_of(pilot.app.screen.query_one(SettingsView).draw_row(list(SETTINGS).index(name)))


async def go_to(pilot: Pilot[int], name: str) -> None:
    await pilot.press("g", *["j"] * list(SETTINGS).index(name))
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_every_setting_is_shown_with_its_value(size: tuple[int, int], path: Path) -> None:
    async with settings(size) as pilot:
        seen = ""
        for name in SETTINGS:
            seen += text_on(pilot)
            await pilot.press("j")
            await pilot.pause()
            assert name in row_of(pilot, name)
        assert all(f" {name} " in seen for name in SETTINGS)
        assert "Enter change" in text_on(pilot).splitlines()[-1]
        assert all(len(line.rstrip()) <= size[0] for line in text_on(pilot).splitlines())


async def test_a_change_is_seen_at_once_and_kept_when_asked(path: Path) -> None:
    async with settings() as pilot:
        await go_to(pilot, "ladder.bursts")
        await pilot.press("enter")
        await pilot.pause()
        assert "unfolded" in row_of(pilot, "ladder.bursts")
        assert "changed, not kept" in row_of(pilot, "ladder.bursts")
        assert path.read_text() == "# mine\n"
        await pilot.press("s")
        await pilot.pause()
        assert path.read_text() == '# mine\n\n[ladder]\nbursts = "unfolded"\n'
        assert "config.toml, line 4" in row_of(pilot, "ladder.bursts")
        await pilot.press("escape")
        await pilot.pause()
        assert main_of(pilot).ladder.options.bursts is Bursts.UNFOLDED


async def test_values_go_round_both_ways_and_to_the_default(path: Path) -> None:
    async with settings() as pilot:
        await go_to(pilot, "theme")
        await pilot.press("right")
        assert pilot.app.theme == DARK
        await pilot.press("l")
        assert pilot.app.theme == LIGHT
        await pilot.press("left", "h", "h")
        assert pilot.app.theme == MONO
        await pilot.press("d")
        assert pilot.app.theme == DARK
        assert "auto" in row_of(pilot, "theme")


async def test_what_is_text_is_written_in_the_file(path: Path) -> None:
    async with settings() as pilot:
        await go_to(pilot, "editor")
        await pilot.press("enter")
        await pilot.pause()
        assert any("e opens it" in str(note.message) for note in pilot.app._notifications)


async def test_where_nothing_can_be_kept_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with settings() as pilot:
        await go_to(pilot, "mouse")
        await pilot.press("enter", "s")
        await pilot.pause()
        assert "changed, not kept" in row_of(pilot, "mouse")
        assert any("nothing can be kept" in str(note.message) for note in pilot.app._notifications)


async def test_settings_over_settings_and_over_a_page() -> None:
    async with settings() as pilot:
        await pilot.press("o", "f8")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 3
        await pilot.press("escape", "v", "o")
        await pilot.pause()
        assert isinstance(pilot.app.screen, SettingsScreen)


async def test_the_ladder_and_the_list_begin_as_configured() -> None:
    ladder = Config(ladder_time="clock", ladder_level="compressed", detail="hidden")
    async with settings(config=replace(ladder, list_sort="took", list_reverse=True)) as pilot:
        await pilot.press("escape")
        await pilot.pause()
        main = main_of(pilot)
        assert main.ladder.options.time is TimeMode.CLOCK
        assert main.ladder.options.level is Level.COMPRESSED
        assert main.detail is False
        assert main.session.ordering.order.column == "took"
        assert main.session.ordering.order.reverse


async def test_the_order_of_the_list_and_masking_follow_at_once(path: Path) -> None:
    async with settings() as pilot:
        for name in ("list.reverse", "aliases_shown"):
            await go_to(pilot, name)
            await pilot.press("enter")
            await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        main = main_of(pilot)
        assert main.session.ordering.order.reverse
        assert not names.shown()
        assert isinstance(pilot.app, PeepholeApp)
        pilot.app.adopt(replace(pilot.app.config, list_columns=("client", "state"), aliases_shown=True))
        await pilot.pause()
        assert main.query_one(AttemptList).chosen == ("client", "state")
        assert names.shown()


async def test_a_theme_is_kept_where_that_is_wanted(path: Path) -> None:
    app = PeepholeApp(lambda _: STORY, config=Config(theme="light", keep_theme=True), theme=LIGHT)
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert app.theme == CONTRAST
    assert path.read_text() == '# mine\ntheme = "contrast"\n'
    assert read_config().config.theme == "contrast"


async def test_without_colours_there_are_none_and_the_cursor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = PeepholeApp(lambda _: STORY)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert app.theme == MONO
        assert [type(one) for one in app.get_line_filters()] == [Colourless]
        await pilot.press("slash", *"verd")
        await pilot.pause()
        reversed_rows = 0
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                assert style is None or (style.color is None and style.bgcolor is None), segment
                reversed_rows += bool(style and style.reverse)
        assert reversed_rows
        await pilot.press("escape", "ctrl+t")
        assert app.theme == MONO


async def test_an_empty_no_color_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As https://no-color.org has it: set, and not empty."""
    monkeypatch.setenv("NO_COLOR", "")
    app = PeepholeApp(lambda _: STORY)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        assert app.theme != MONO
        colours = {
            segment.style.color.get_truecolor()
            for strip in app.screen._compositor.render_strips()
            for segment in strip.apply_filter(app.get_line_filters()[0], app.screen.styles.background)
            if segment.style is not None and segment.style.color is not None
        }
        assert any(len({one.red, one.green, one.blue}) > 1 for one in colours)


async def test_a_theme_that_there_is_not_is_said(path: Path) -> None:
    app = PeepholeApp(lambda _: STORY, theme="drk")
    async with app.run_test() as pilot:
        await opened(pilot)
        assert app.theme == DARK
        assert any("there is no theme 'drk'; did you mean dark?" in str(note.message) for note in app._notifications)


def test_what_only_the_screens_know_is_checked(path: Path) -> None:
    path.write_text(
        'theme = "norrd"\n[list]\ncolumns = ["client", "cleint"]\nsort = "x"\n[keys]\n"main.verdict" = "?"\n'
        '[aliases]\n"nowhere" = "left"\n'
    )
    said = [str(fault).removeprefix(str(path)) for fault in every_fault(read_config())]
    assert said == [
        ", line 1: theme: there is no theme 'norrd'; did you mean nord?",
        ", line 3: list.columns: there is no column 'cleint'; did you mean client?",
        ", line 4: list.sort: there is no column 'x'; t shows all",
        ", line 8: aliases.nowhere: nowhere is no address, host, network (10.0.0.0/8), key or first 4 digits",
        ", line 6: keys.main.verdict: ? is the key of everywhere.help (help), heard at the same place",
    ]
    assert not list(named_wrong(Config()))


@pytest.mark.parametrize("width", [40, 79, 110])
def test_a_row_of_settings_keeps_its_width(width: int) -> None:
    for setting in SETTINGS.values():
        value = "x" * 60 if setting.name == "editor" else setting.default
        line = setting_line(setting, value, "/a/very/long/path/config.toml, line 12", width, changed=True)
        assert width_of(line) <= width, text_of(line)


def test_the_inspector_opens_as_configured_under_what_the_options_say(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text('theme = "light"\nmouse = false\ndetail = "x"\n')
    shown: list[PeepholeApp] = []
    monkeypatch.setattr("app.tui.app._show", lambda app: shown.append(app) or 0)
    for given, theme in (([], LIGHT), (["--theme", "contrast"], CONTRAST)):
        options = parser_of("open").parse_args(["x.pcap", *given])
        assert run_inspector(["x.pcap"], Keys(), reading=configured(options)) == 0
        assert shown[-1].theme == theme
        assert shown[-1].config.mouse is False
        assert any("line 3: detail: has to be auto or shown or hidden" in fault for fault in shown[-1]._faults)
    assert run_live(STORY, Quiet(), reading=configured(parser_of("demo").parse_args(["--theme", "nord"]))) == 0
    assert shown[-1].theme == "nord"


class Quiet:
    """A feed that brings nothing."""

    name = "nothing"
    dropped = 0

    def poll(self) -> None:
        pass
