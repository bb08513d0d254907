"""Marks, comments, names, hiding and exports, by keys alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app import names
from app.names import NO_NAMES
from app.tui.asking import AskScreen
from app.tui.exporting import ExportScreen
from app.tui.pages import ChoiceScreen
from capture.model import Sighting
from capture.said import notes_of
from capture.story import Story
from tests.app.running import SAMPLE
from tests.app.tui.stage import ladder_of, main_of, staged, text_on

TOUR = Story.open([str(SAMPLE)])
REAL = ("11.1.0.2", "11.1.1.2", "11.1.4.2", "11.2.1.2")


@pytest.fixture(autouse=True)
def no_names() -> Iterator[None]:
    names.use(NO_NAMES)
    names.show(True)
    yield
    names.use(NO_NAMES)
    names.show(True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def written(pilot: Pilot[int], text: str) -> None:
    """Answer what is asked."""
    assert isinstance(pilot.app.screen, AskScreen)
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await pilot.pause()


def notices(pilot: Pilot[int]) -> list[str]:
    """What was said in passing."""
    return [notification.message for notification in pilot.app._notifications]


async def test_space_in_the_list_marks_in_the_session() -> None:
    async with staged(TOUR) as pilot:
        main = main_of(pilot)
        await pilot.press("g", "space")
        assert main.session.notes.attempts == {TOUR.flows[0].id}
        await pilot.press("g", "space")
        assert main.session.notes.attempts == set()


async def test_space_in_the_ladder_marks_the_packet() -> None:
    async with staged(TOUR) as pilot:
        main = main_of(pilot)
        await pilot.press("enter", "space")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        sighting = selected[1]
        assert isinstance(sighting, Sighting)
        assert main.session.notes.marks(sighting)
        assert "◆" in text_on(pilot)
        await pilot.press("P")
        await pilot.pause()
        assert "1 marked" in text_on(pilot)


async def test_a_comment_on_an_attempt_and_on_a_packet() -> None:
    async with staged(TOUR) as pilot:
        main = main_of(pilot)
        await pilot.press("g", "semicolon")
        await pilot.pause()
        assert "comment on attempt" in text_on(pilot)
        await written(pilot, "the \x1b[31mfirst")
        assert main.session.notes.on_attempt(TOUR.flows[0].id) == "the \x1b[31mfirst"
        await pilot.press("space")
        await pilot.pause()
        assert "◆;" in text_on(pilot)
        await pilot.press("g")
        await pilot.press("enter", "semicolon")
        await pilot.pause()
        assert "comment on packet #" in text_on(pilot)
        await written(pilot, "here it begins")
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert main.session.notes.on(selected[1]) == "here it begins"
        await pilot.press("semicolon")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "here it begins"
        await pilot.press("escape")
        await pilot.pause()
        assert main.session.notes.on(selected[1]) == "here it begins"
        assert "\x1b" not in text_on(pilot)


async def test_a_name_is_given_and_turned_off() -> None:
    async with staged(TOUR) as pilot:
        await pilot.press("g", "ctrl+n")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChoiceScreen)
        await pilot.press("enter")
        await pilot.pause()
        await written(pilot, "laptop")
        flow = TOUR.flows[0]
        assert flow.client is not None
        assert names.chosen().host(flow.client) == "laptop"
        assert f"laptop:{flow.client.port}" in text_on(pilot)
        assert flow.client.host not in text_on(pilot).split("laptop", 1)[0]
        await pilot.press("a")
        await pilot.pause()
        assert f"{flow.client.host}:{flow.client.port}" in text_on(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_nothing_real_is_on_screen_while_hidden(size: tuple[int, int]) -> None:
    keys = [flow.key.server_public_key for flow in TOUR.flows if flow.key.server_public_key]
    async with staged(TOUR, size) as pilot:
        main = main_of(pilot)
        before = [flow.verdict.code for flow in main.session.shown]
        await pilot.press("H")
        await pilot.pause()
        pages = [("g",), ("enter",), ("x",), ("d",), ("v",), *(("escape", page) for page in "bRCKriE"), ("escape", "y")]
        for presses in pages:
            await pilot.press(*presses)
            await pilot.pause()
            shown = text_on(pilot) + pilot.app.clipboard + pilot.app.export_screenshot()
            for host in REAL:
                assert f"{host}:" not in shown, presses
                assert f" {host} " not in shown, presses
            for name in [*(key.hex() for key in keys), *(flow.id for flow in TOUR.flows)]:
                assert name[:8] not in shown, presses
        assert "192.0.2." in pilot.app.clipboard
        await pilot.press("escape", "P")
        await pilot.pause()
        assert not [host for host in REAL if f"{host}:" in text_on(pilot)]
        assert not [flow for flow in TOUR.flows if flow.id[:6] in text_on(pilot)]
        await pilot.press("escape")
        await pilot.pause()
        assert [flow.verdict.code for flow in main.session.shown] == before
        main.action_hide()
        await pilot.pause()
        assert any(host in text_on(pilot) for host in REAL)
        assert not main.hidden


async def test_the_dialog_writes_and_says_so(here: Path) -> None:
    async with staged(TOUR) as pilot:
        await pilot.press("g", "f2")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert screen.wanted.form == "pcapng"
        assert not screen.wanted.redacted
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        (path,) = here.iterdir()
        assert path.name == f"peephole-{TOUR.flows[0].id}.pcapng"
        assert [flow.id for flow in Story.open([str(path)]).flows] == [TOUR.flows[0].id]
        assert any(path.name in said for said in notices(pilot))


async def test_every_form_of_every_scope(here: Path) -> None:
    async with staged(TOUR, (120, 40)) as pilot:
        await pilot.press("g", "space", "space", "g", "f2")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        scopes = [screen.wanted.scope]
        while True:
            await pilot.press("l")
            if screen.wanted.scope == scopes[0]:
                break
            scopes.append(screen.wanted.scope)
        assert [scope.name for scope in scopes] == ["MARKED", "ATTEMPT", "SHOWN", "MESSAGE"]
        await pilot.press("j")
        forms = [screen.wanted.form]
        while True:
            await pilot.press("l")
            if screen.wanted.form == forms[0]:
                break
            forms.append(screen.wanted.form)
        assert set(forms) == {"pcapng", "recording", "json", "text", "markdown", "svg", "mermaid"}
        assert screen.wanted.name.endswith(".pcapng")


async def test_nothing_is_written_over_without_a_question(here: Path) -> None:
    (here / "mine.txt").write_text("dear")
    async with staged(TOUR) as pilot:
        await pilot.press("g", "f2", "j", "h", "h", "h", "h")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert screen.wanted.form == "text"
        await pilot.press("j", "j", "j", "enter")
        await pilot.pause()
        await written(pilot, "mine.txt")
        assert screen.wanted.name == "mine.txt"
        await pilot.press("w")
        await pilot.pause()
        assert "mine.txt is there already" in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert (here / "mine.txt").read_text() == "dear"
        await pilot.press("w")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    assert TOUR.flows[0].verdict.summary[:20] in (here / "mine.txt").read_text()


async def test_hidden_on_screen_is_masked_in_the_file_and_alike(here: Path) -> None:
    async with staged(TOUR) as pilot:
        await pilot.press("g", "H", "f2")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert screen.wanted.redacted
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        shown = main_of(pilot).flow
        assert shown is not None
        (path,) = here.iterdir()
        assert TOUR.flows[0].id not in path.name
        (flow,) = Story.open([str(path)]).flows
        assert (flow.client, flow.server, flow.target) == (shown.client, shown.server, shown.target)


async def test_secrets_are_for_the_owner_alone(here: Path) -> None:
    secret = TOUR.flows[0].key.holepunch_secret
    assert secret is not None
    async with staged(TOUR) as pilot:
        await pilot.press("g", "f2", "j", "j", "j", "l")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert screen.wanted.secrets
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    (path,) = here.iterdir()
    assert secret.hex().encode() in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_notes_travel_with_a_recording(here: Path) -> None:
    async with staged(TOUR) as pilot:
        await pilot.press("g", "semicolon")
        await pilot.pause()
        await written(pilot, "look here")
        await pilot.press("g", "space", "g", "f2", "j", "l")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert screen.wanted.form == "recording"
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    (path,) = here.iterdir()
    again = Story.open([str(path)])
    notes = notes_of(again.table.files)
    assert notes.on_attempt(TOUR.flows[0].id) == "look here"
    assert notes.attempts == {TOUR.flows[0].id}
    async with staged(again) as pilot:
        assert main_of(pilot).session.notes == notes


async def test_a_folder_that_is_gone_is_said(here: Path) -> None:
    async with staged(TOUR) as pilot:
        await pilot.press("g", "f2", "j", "j", "j", "j", "enter")
        await pilot.pause()
        await written(pilot, str(here / "gone" / "x.pcapng"))
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert any("can't be written: No such file or directory" in said for said in notices(pilot))
