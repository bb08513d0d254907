"""The filter on the list of attempts: judged while it is typed, completed, remembered, made from what is selected."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.tui.attempt_list import AttemptList
from app.tui.candidate_list import CandidateList
from app.tui.filter_bar import FilterBar
from app.tui.pages import ChoiceScreen
from capture.model import VerdictCode
from capture.story import Story
from tests.app.tui.stage import main_of, staged, text_on

TOUR = Path(__file__).parents[3] / "app/samples/tour.pcapng"


async def settled(pilot: Pilot[int]) -> None:
    """Wait for the worker that filters."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def expression(pilot: Pilot[int]) -> Input:
    return main_of(pilot).query_one("#expression", Input)


def proposed(pilot: Pilot[int]) -> list[str]:
    found = main_of(pilot).query_one(CandidateList)
    return [one.text for one in found._candidates] if found.display else []


async def test_the_filter_applies_while_typing_and_escape_keeps_what_held() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        await pilot.press("slash", *"verdict == punched")
        await settled(pilot)
        assert [flow.verdict.code for flow in main.session.shown] == ["punched"] * 3
        assert "✓ 3 of 6 attempts" in text_on(pilot)
        assert main.query_one(FilterBar).has_class("good")
        await pilot.press(*" and verdict ==")
        await settled(pilot)
        assert len(main.session.shown) == 3, "an expression that does not hold changes nothing"
        assert "✗ column" in text_on(pilot)
        assert main.query_one(FilterBar).has_class("bad")
        await pilot.press("enter")
        await pilot.pause()
        assert expression(pilot).has_focus, "what does not hold can't be kept"
        await pilot.press("escape")
        await settled(pilot)
        assert len(main.session.shown) == 3
        assert main.session.filter.text == "verdict == punched"
        assert main.focused is main.query_one(AttemptList)
        await pilot.press("slash", "ctrl+u", *"outcome == failed", "enter")
        await settled(pilot)
        assert len(main.session.shown) == 2
        assert not expression(pilot).has_focus
        assert "/ outcome == failed (2 of 6)" in text_on(pilot)


async def test_a_filter_that_nothing_passes_says_so_and_can_be_undone() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"verdict == lan", "enter")
        await settled(pilot)
        assert "No attempt passes the filter: verdict == lan" in text_on(pilot)
        await pilot.press("slash", *["backspace"] * 20, "enter")
        await settled(pilot)
        assert len(main_of(pilot).session.shown) == 6


async def test_names_operators_and_values_are_proposed_and_taken() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"verd")
        await pilot.pause()
        assert proposed(pilot) == ["verdict"]
        assert "the verdict's code" in text_on(pilot)
        await pilot.press("tab")
        await pilot.pause()
        assert expression(pilot).value == "verdict "
        assert proposed(pilot)[:2] == ["==", "!="]
        await pilot.press("tab")
        await pilot.pause()
        assert set(proposed(pilot)) == {*VerdictCode, "none"}
        await pilot.press(*"both", "right")
        await settled(pilot)
        assert expression(pilot).value == "verdict == both-nats-random "
        assert len(main_of(pilot).session.shown) == 1
        assert proposed(pilot) == ["and", "or"]
        await pilot.press("enter")
        await settled(pilot)
        assert main_of(pilot).session.filter.text == "verdict == both-nats-random"


async def test_arrows_choose_a_proposal_and_enter_takes_it() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"client", "down", "down")
        await pilot.pause()
        names = proposed(pilot)
        assert names[0] == "client"
        await pilot.press("enter")
        await pilot.pause()
        assert expression(pilot).value == f"{names[1]} "
        assert expression(pilot).has_focus
        await pilot.press("up")
        await pilot.pause()
        assert main_of(pilot).query_one(CandidateList).selected is not None


async def test_values_of_the_selected_attempt_are_proposed() -> None:
    async with staged() as pilot:
        flow = main_of(pilot).flow
        assert flow is not None
        await pilot.press("slash", *"client == ")
        await pilot.pause()
        assert proposed(pilot)[0] == str(flow.client)
        assert "of the selected attempt" in text_on(pilot)


async def test_expressions_are_remembered() -> None:
    async with staged() as pilot:
        for text in ("outcome == failed", "rounds > 1"):
            await pilot.press("slash", "ctrl+u", *text, "enter")
            await settled(pilot)
        await pilot.press("slash", "up", "up")
        await settled(pilot)
        assert expression(pilot).value == "outcome == failed"
        assert len(main_of(pilot).session.shown) == 2
        await pilot.press("down")
        await settled(pilot)
        assert expression(pilot).value == "rounds > 1"


async def test_the_beginning_of_a_name_filters_nothing_yet() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"verdic")
        await settled(pilot)
        assert len(main_of(pilot).session.shown) == 6
        assert "the beginning of a name" in text_on(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert main_of(pilot).session.filter.text == "verdic"


async def test_a_text_alone_is_looked_for_everywhere() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"40112", "enter")
        await settled(pilot)
        assert [flow.client and flow.client.port for flow in main_of(pilot).session.shown] == [40112]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_proposals_fit_at_any_size(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("slash", *"s")
        await pilot.pause()
        region = main_of(pilot).query_one(CandidateList).region
        assert region.height > 2
        assert region.right <= size[0]
        assert region.bottom <= size[1]
        lines = text_on(pilot).splitlines()
        assert lines[region.y].strip()
        assert "server" in "\n".join(lines[region.y : region.bottom])


async def test_a_filter_is_made_of_a_value_of_the_attempt() -> None:
    async with staged() as pilot:
        await pilot.press("F")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChoiceScreen)
        assert "verdict == both-nats-random" in text_on(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert expression(pilot).value == "verdict == both-nats-random"
        assert len(main_of(pilot).session.shown) == 1
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("F", "down", "enter")
        await settled(pilot)
        assert expression(pilot).value == "verdict == both-nats-random and outcome == failed"


async def test_a_filter_is_made_of_a_step_and_of_a_field() -> None:
    async with staged(Story.open([str(TOUR)])) as pilot:
        await pilot.press("enter", "F")
        await pilot.pause()
        assert "command == FIND_PEER" in text_on(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert expression(pilot).value == "command == FIND_PEER"
        assert main_of(pilot).session.shown
        await pilot.press("escape")
        await settled(pilot)
        main = main_of(pilot)
        main.ladder.focus()
        await pilot.press("enter")
        await pilot.pause()
        tree = main.query_one("#fields")
        tree.focus()
        for _ in range(30):
            row = tree.selected  # type: ignore[attr-defined]
            if row is not None and row.field.name == "tid":
                break
            await pilot.press("down")
        await pilot.press("F")
        await settled(pilot)
        assert f"tid == {row.field.value}" in expression(pilot).value


async def test_what_asks_of_packets_filters_attempts() -> None:
    story = Story.open([str(TOUR)])
    async with staged(story) as pilot:
        await pilot.press("slash", *"command == PEER_HOLEPUNCH and error == ABORTED", "enter")
        await settled(pilot)
        wanted = [
            flow
            for flow in story.flows
            if any(payload and payload.error == 1 for one in flow.rounds for payload in (one.request, one.reply))
        ]
        assert list(main_of(pilot).session.passing) == wanted
        assert wanted


async def test_untrusted_text_of_an_error_is_escaped() -> None:
    async with staged() as pilot:
        await pilot.press("slash")
        expression(pilot).value = "\u202e\x1b[31m == 1"
        await settled(pilot)
        said = next(line for line in text_on(pilot).splitlines() if "✗ column 1" in line)
        assert "\\u202e" in said
        assert said.isprintable()


async def test_a_proposal_is_taken_with_the_mouse() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"outc")
        await pilot.pause()
        await pilot.click(CandidateList, offset=(3, 0))
        await settled(pilot)
        assert expression(pilot).value == "outcome "
        assert expression(pilot).has_focus


async def test_marks_and_comments_can_be_asked_for() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        marked = main.session.shown[1]
        await pilot.press("g", "down", "space", "semicolon", *"look", "enter", "slash", *"marked", "enter")
        await settled(pilot)
        assert main.session.shown == (marked,)
        commented = main.session.notes.attempt_comments
        await pilot.press("slash", "ctrl+u", *"comment ~ oo", "enter")
        await settled(pilot)
        assert {flow.id for flow in main.session.shown} == set(commented)
