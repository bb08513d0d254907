"""Several attempts in one ladder, by marks and by pair; levels of detail; two marked steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.draw.ladder_options import Level
from app.exports import Scope
from app.tui.attempt_list import AttemptList
from app.tui.exporting import ExportScreen
from capture.model import Flow
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, TWO_ROUNDS, UNANSWERED, story
from tests.app.hand_story import HandStory
from tests.app.running import LAB
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on
from tests.app.tui.test_live import live, look


def again(flow: Flow, seconds: float) -> Flow:
    """The same client on the same server, later."""
    steps = tuple(replace(step, time=step.time + seconds) for step in flow.steps)
    return replace(flow, started=flow.started + seconds, steps=steps, id=f"{flow.id[:14]}{seconds:02.0f}")


def retried() -> HandStory:
    tried = story((FAST_OPEN, BOTH_RANDOM))
    flows = (FAST_OPEN, again(FAST_OPEN, 5), BOTH_RANDOM, again(FAST_OPEN, 9))
    return replace(tried, flows=flows)


@pytest.mark.parametrize("size", SIZES)
async def test_marked_attempts_open_in_one_ladder(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("g", "space", "space", "enter")
        await pilot.pause()
        ladder = ladder_of(pilot)
        assert ladder.flows == (FAST_OPEN, BOTH_RANDOM)
        assert pilot.app.screen.focused is ladder
        shown = text_on(pilot)
        assert "ladder · 2 attempts" in shown
        legend = next(line for line in shown.splitlines() if line.startswith("A"))
        assert "B" in legend


async def test_verdict_and_message_are_those_of_the_selected_steps_attempt() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space", "enter")
        await pilot.pause()
        assert main_of(pilot).flow is FAST_OPEN
        assert FAST_OPEN.verdict.summary in text_on(pilot)
        await pilot.press("G")
        await pilot.pause()
        assert main_of(pilot).flow is BOTH_RANDOM
        assert BOTH_RANDOM.verdict.summary.split(".")[0] in text_on(pilot)
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0] in BOTH_RANDOM.steps
        await pilot.press("1")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].sighting == BOTH_RANDOM.verdict.evidence[0].sighting


async def test_back_from_several_leads_to_the_list_and_one() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space", "enter", "G")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert ladder_of(pilot).flows == (BOTH_RANDOM,)
        attempts = main_of(pilot).query_one(AttemptList)
        assert pilot.app.screen.focused is attempts
        assert attempts.selected is BOTH_RANDOM
        await pilot.press("enter")
        await pilot.pause()
        assert ladder_of(pilot).merged, "the marks are still there"


async def test_another_attempt_in_the_list_ends_it() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space", "enter")
        await pilot.pause()
        await pilot.press("shift+tab", "j")
        await pilot.pause()
        assert not ladder_of(pilot).merged
        assert ladder_of(pilot).flow is main_of(pilot).query_one(AttemptList).selected


async def test_x_on_the_list_opens_all_marked_extended() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space", "x")
        await pilot.pause()
        assert ladder_of(pilot).merged
        assert ladder_of(pilot).options.level is Level.EXTENDED
        assert "ladder · extended · 2 attempts" in text_on(pilot)


async def test_all_attempts_of_a_pair_without_marking() -> None:
    async with staged(retried()) as pilot:
        await pilot.press("g", "M")
        await pilot.pause()
        ladder = ladder_of(pilot)
        assert [flow.id for flow in ladder.flows] == [
            flow.id for flow in retried().flows if flow.target == FAST_OPEN.target
        ]
        assert len(ladder.flows) == 3
        await pilot.press("M")
        await pilot.pause()
        assert ladder.flows == (FAST_OPEN,)


async def test_there_are_as_many_as_there_are_letters_the_nearest_ones() -> None:
    flows = tuple(again(FAST_OPEN, seconds) for seconds in range(1, 41))
    async with staged(replace(retried(), flows=flows)) as pilot:
        await pilot.press("G", "M")
        await pilot.pause()
        assert {flow.id for flow in ladder_of(pilot).flows} == {flow.id for flow in flows[-26:]}
        assert any("26 attempts" in note.message for note in pilot.app._notifications)


async def test_a_pair_that_met_once_is_said() -> None:
    async with staged() as pilot:
        await pilot.press("M")
        await pilot.pause()
        assert not ladder_of(pilot).merged
        assert any("only once" in note.message for note in pilot.app._notifications)


async def test_levels_are_in_the_title() -> None:
    async with staged(story((TWO_ROUNDS,)), size=(120, 40)) as pilot:
        await pilot.press("enter")
        for key, title in (("x", "extended"), ("x", ""), ("s", "compressed"), ("s", "gist"), ("s", "")):
            await pilot.press(key)
            await pilot.pause()
            level = ladder_of(pilot).options.level
            assert level.value == title
            assert f"ladder · {title}" in text_on(pilot)


async def test_a_token_is_noted_in_all_levels_but_the_gist() -> None:
    async with staged(story((TWO_ROUNDS,)), size=(120, 60)) as pilot:
        await pilot.press("enter", "G")
        for key, noted in (("g", True), ("s", True), ("s", False), ("s", True), ("x", True)):
            await pilot.press(key)
            await pilot.press("G")
            await pilot.pause()
            assert ("verified" in "".join(line for line in text_on(pilot).splitlines() if "✓ " in line)) is noted, key


async def test_two_marked_steps_and_no_more() -> None:
    async with staged(story((UNANSWERED,)), size=(120, 40)) as pilot:
        await pilot.press("enter", "space", "j", "space")
        ladder = ladder_of(pilot)
        first, second = UNANSWERED.steps[:2]
        assert [step for _, step in ladder.marked_steps] == [first, second]
        await pilot.press("j", "space")
        assert [step for _, step in ladder.marked_steps] == [second, UNANSWERED.steps[2]]
        await pilot.press("space")
        assert [step for _, step in ladder.marked_steps] == [second]
        assert sum("◆" in line for line in text_on(pilot).splitlines()) == 1


async def test_marks_stay_on_their_steps_at_another_level() -> None:
    async with staged(STORY, size=(120, 40)) as pilot:
        await pilot.press("enter", "2", "space", "x")
        await pilot.pause()
        ladder = ladder_of(pilot)
        wanted = BOTH_RANDOM.verdict.evidence[1].sighting
        assert [step.sighting for _, step in ladder.marked_steps] == [wanted]
        selected = ladder.selected
        assert selected is not None
        assert selected[0].sighting == wanted


async def test_attempts_in_one_ladder_grow_there() -> None:
    second = again(FAST_OPEN, 5)
    begun = replace(second, steps=second.steps[:4])
    async with live((FAST_OPEN, begun), (FAST_OPEN, second)) as pilot:
        await look(pilot)
        await pilot.press("A", "g", "M", "j", "j")
        ladder = ladder_of(pilot)
        assert ladder.flows == (FAST_OPEN, begun)
        selected, rows = ladder.selected, ladder.row_count
        await look(pilot)
        assert ladder.flows == (FAST_OPEN, second)
        assert ladder.selected == selected
        assert ladder.row_count > rows


async def test_what_letters_and_signs_mean_stands_above_the_lanes() -> None:
    paths = [str(LAB / "in-a-row" / f"{name}.pcap.gz") for name in ("client", "server")]
    async with staged(Story.open(paths), size=(160, 50)) as pilot:
        await pilot.press("M")
        await pilot.pause()
        lines = text_on(pilot).splitlines()
        top = ladder_of(pilot).region.y
        assert lines[top + 1].startswith("A +0.000 s ●")
        assert lines[top + 2].startswith("◧ client.pcap.gz · ◨ server.pcap.gz clock ")
        assert "±" in lines[top + 2]


async def test_what_is_in_one_ladder_is_written_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged() as pilot:
        await pilot.press("g", "space", "space", "enter", "f2")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, ExportScreen)
        assert (screen.wanted.scope, screen.wanted.form) == (Scope.TOGETHER, "text")
        await pilot.press("w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    (file,) = tmp_path.iterdir()
    drawn = file.read_text()
    assert FAST_OPEN.id in drawn
    assert BOTH_RANDOM.id in drawn
    assert drawn.index("A: hole-punch") < drawn.index("B: hole-punch")
