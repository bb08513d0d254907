"""The clock of a capture set by hand: the files are read again, and all that was made of them stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.tui.app import PeepholeApp
from app.tui.asking import AskScreen
from app.tui.attempt_list import AttemptList
from app.tui.clock_actions import seconds_of
from app.tui.pages import ChoiceScreen
from app.tui.palette import DARK
from capture.opening import Progress
from capture.story import Story
from tests.app.running import LAB
from tests.app.tui.stage import main_of, opened, staged, text_on

TWO = [str(LAB / "relayed" / f"{place}.pcap.gz") for place in ("client", "server")]
THREE = [*TWO, str(LAB / "relayed" / "wan.pcap.gz")]


def read(paths: list[str], ahead: Mapping[str, float], progress: Progress) -> Story:
    return Story.open(paths, progress=progress, ahead=ahead)


@asynccontextmanager
async def several(paths: list[str]) -> AsyncIterator[Pilot[int]]:
    again = partial(read, paths)
    app = PeepholeApp(partial(again, {}), theme=DARK, reread=again)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        yield pilot


def said(pilot: Pilot[int]) -> str:
    """The last notice."""
    return [one.message for one in pilot.app._notifications][-1]


async def answer(pilot: Pilot[int], text: str) -> None:
    assert isinstance(pilot.app.screen, AskScreen)
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await opened(pilot)
    await pilot.pause()


async def test_a_clock_is_set_and_estimated_again() -> None:
    async with several(TWO) as pilot:
        estimated = main_of(pilot).session.files[1]
        assert not estimated.clock_given
        await pilot.press("T")
        await pilot.pause()
        assert "clock of server.pcap.gz, ahead of client.pcap.gz by" in text_on(pilot)
        await answer(pilot, "+12.5 ms")
        assert len(pilot.app.screen_stack) == 2, "nothing of the reading before is left"
        given = main_of(pilot).session.files[1]
        assert (given.clock_offset, given.clock_given) == (0.0125, True)
        await pilot.press("T")
        await pilot.pause()
        assert "as given" in text_on(pilot)
        await answer(pilot, "")
        assert main_of(pilot).session.files[1] == estimated


async def test_of_more_than_two_one_is_chosen() -> None:
    async with several(THREE) as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChoiceScreen)
        await pilot.press("down", "enter")
        await pilot.pause()
        await answer(pilot, "-1")
        files = main_of(pilot).session.files
        assert [file.clock_given for file in files] == [False, False, True]
        assert files[2].clock_offset == -1
        await pilot.press("T", "enter")
        await pilot.pause()
        await answer(pilot, "2")
        assert [file.clock_offset for file in main_of(pilot).session.files[1:]] == [2, -1], "what was set stays"


async def test_marks_filter_selection_and_mask_stay() -> None:
    async with several(TWO) as pilot:
        main = main_of(pilot)
        await pilot.press("slash", *"outcome == connected", "enter")
        await opened(pilot)
        await pilot.press("G", "space", "k")
        selected, marked = main.flow, main.session.notes
        assert selected is not None
        assert marked.attempts
        await pilot.press("T")
        await pilot.pause()
        await answer(pilot, "0.001")
        again = main_of(pilot)
        assert again is not main
        assert again.session.notes == marked
        assert again.session.filter.text == "outcome == connected"
        assert again.query_one(AttemptList).selected is not None
        assert again.flow is not None
        assert again.flow.id == selected.id
        await pilot.press("H")
        await opened(pilot)
        mask = again.mask
        await pilot.press("T")
        await pilot.pause()
        await answer(pilot, "0.002")
        assert main_of(pilot).hidden
        assert main_of(pilot).mask is mask


async def test_nonsense_and_one_capture_are_told() -> None:
    async with several(TWO) as pilot:
        before = main_of(pilot)
        await pilot.press("T")
        await pilot.pause()
        await answer(pilot, "soon")
        assert main_of(pilot) is before
        assert said(pilot).startswith("soon is no time")
    async with several(TWO[:1]) as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert "one clock" in said(pilot)
    async with staged() as pilot:
        await pilot.press("T")
        await pilot.pause()
        assert "can be read again" in said(pilot)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), (" +0.25", 0.25), ("-3 ms", -0.003), ("7µs", 7e-6), ("7 us", 7e-6), ("1e2s", 100)]
)
def test_times(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["x", "1 h", "inf", "nan", "1e9", "ms"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"float|more than"):
        seconds_of(text)
