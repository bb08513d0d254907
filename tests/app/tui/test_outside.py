"""What leaves the inspector without an export: texts in other programs, pictures, the clipboard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.app import SuspendNotSupported

from app.config.settings import Config
from app.tui.app import PeepholeApp
from app.tui.clipboard import clipboard_trouble, copied
from app.tui.outside import NoProgramError, editor, pager
from app.tui.pages import ChoiceScreen
from tests.app.flows_by_hand import BOTH_RANDOM, STORY
from tests.app.tui.stage import opened, text_on


class Aside(PeepholeApp):
    """Steps aside although there is no terminal."""

    stepped = 0

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.stepped += 1
        yield


@pytest.fixture
def keeper(tmp_path: Path) -> Path:
    """A program that keeps what it was given, with the name of the file and who may read it."""
    script = tmp_path / "keeper.py"
    script.write_text(
        "import os, shutil, sys\n"
        f"shutil.copy(sys.argv[1], {str(tmp_path / 'kept.txt')!r})\n"
        "rights = os.stat(sys.argv[1]).st_mode & 0o777\n"
        f"open({str(tmp_path / 'name.txt')!r}, 'w').write(f'{{sys.argv[1]}} {{rights:o}}')\n"
    )
    return script


def aside(**settings: str) -> Aside:
    return Aside(lambda _: STORY, config=Config(**settings))  # type: ignore[arg-type]


async def test_the_report_is_opened_in_the_editor_and_the_file_is_gone_then(keeper: Path, tmp_path: Path) -> None:
    app = aside(editor=f"{sys.executable} {keeper}")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+e")
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = (tmp_path / "kept.txt").read_text()
        name, rights = (tmp_path / "name.txt").read_text().split()
    assert app.stepped == 1
    assert BOTH_RANDOM.id in text
    assert BOTH_RANDOM.verdict.summary in text
    assert rights == "600"
    assert Path(name).name == f"attempt-{BOTH_RANDOM.id[:8]}.txt"
    assert not Path(name).exists()


async def test_the_message_is_opened_in_the_pager_and_a_page_too(keeper: Path, tmp_path: Path) -> None:
    app = aside(pager=f"{sys.executable} {keeper}")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("enter", "enter", "ctrl+o")
        await pilot.pause()
        assert "datagram, " in (tmp_path / "kept.txt").read_text()
        await pilot.press("v", "ctrl+o")
        await pilot.pause()
        assert "Both NATs" in (tmp_path / "kept.txt").read_text()
        await pilot.press("escape", "question_mark", "ctrl+o")
        await pilot.pause()
        assert "next row" in (tmp_path / "kept.txt").read_text()


async def test_a_program_that_is_not_there_is_said() -> None:
    app = aside(editor="no-such-editor-here -x")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert "no-such-editor-here can't be started: No such file or directory" in said(app)
        assert BOTH_RANDOM.verdict.summary[:20] in text_on(pilot)


async def test_a_terminal_that_can_not_be_handed_on_is_said() -> None:
    app = PeepholeApp(lambda _: STORY, config=Config(editor="true"))
    async with app.run_test() as pilot:
        await opened(pilot)
        with pytest.raises(SuspendNotSupported), app.suspend():
            pass
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert "this terminal can't be handed to another program" in said(app)


def test_which_program() -> None:
    environment = {"VISUAL": "code --wait", "EDITOR": "nano", "PAGER": "less -R"}
    assert editor("", environment) == ["code", "--wait"]
    assert editor("hx 'a b'", environment) == ["hx", "a b"]
    assert editor("", {"EDITOR": "nano", "VISUAL": ""}) == ["nano"]
    assert editor("", {}) == ["vi"]
    assert pager("", environment) == ["less", "-R"]
    assert pager("", {}) == ["less"]
    with pytest.raises(NoProgramError, match="is no command line"):
        editor("hx 'a", environment)


async def test_pictures_never_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = PeepholeApp(lambda _: STORY)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr("app.tui.app_actions.now_text", lambda zone: "2026-01-02-030405")
        await pilot.press("ctrl+s", "ctrl+s", "ctrl+s")
        await pilot.pause()
    names = sorted(path.name for path in tmp_path.iterdir())
    stem = "peephole-2026-01-02-030405"
    assert names == [f"{stem}-2.svg", f"{stem}-3.svg", f"{stem}.svg"]
    for path in tmp_path.iterdir():
        assert path.read_text().startswith("<svg")
        assert "attempts" in path.read_text()
    assert f"Saved as {tmp_path / names[0]}" in said(app)


async def test_a_folder_that_takes_no_picture_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    app = PeepholeApp(lambda _: STORY)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "can't be written" in said(app)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"TERM": "linux"}, "a terminal of type linux has none"),
        ({"TERM": "xterm", "TERM_PROGRAM": "Apple_Terminal"}, "Terminal.app"),
        ({"TERM": "screen", "TMUX": "/tmp/x"}, "set-clipboard on"),
        ({"TERM": "screen", "STY": "1.a"}, "screen does not hand it on"),
        ({"TERM": "xterm", "VTE_VERSION": "7000"}, "VTE"),
    ],
)
def test_terminals_that_are_known_not_to_take_a_copy(environment: dict[str, str], why: str) -> None:
    assert why in clipboard_trouble(environment)
    assert "may not be in the clipboard" in copied("report", environment)


def test_a_terminal_that_nothing_is_known_against() -> None:
    assert not clipboard_trouble({"TERM": "xterm-kitty"})
    assert "OSC 52" in copied("report", {"TERM": "xterm", "VTE_VERSION": "7801"})


async def test_a_small_terminal_says_so_once_and_goes_on() -> None:
    app = PeepholeApp(lambda _: STORY)
    async with app.run_test(size=(60, 16)) as pilot:
        await opened(pilot)
        assert said(app).count("60x16 is little room; 80x24 shows everything.") == 1
        await pilot.resize_terminal(50, 16)
        await pilot.pause()
        assert said(app).count("little room") == 1
        await pilot.press("enter", "v", "escape", "escape")
        await pilot.pause()
        assert "attempts" in text_on(pilot)
        await pilot.press("q", "f2")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen) or app.return_code is not None


def said(app: PeepholeApp) -> str:
    return "\n".join(str(note.message) for note in app._notifications)
