"""The ladder on the screen: evidence, bursts, options, what never came."""

import pytest

from app.draw.ladder_plan import Bursts, ColourMode, Level, TimeMode
from app.tui.attempt_list import AttemptList
from app.tui.message_pane import FieldTree
from app.tui.pages import PageScreen
from capture.model import StepKind
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, SEALED, UNANSWERED, story
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on


async def test_moving_in_the_list_shows_another_ladder_and_verdict() -> None:
    async with staged() as pilot:
        await pilot.press("j")
        assert main_of(pilot).flow is UNANSWERED
        assert ladder_of(pilot).flow is UNANSWERED
        await pilot.press("k", "k", "k")
        assert main_of(pilot).flow is FAST_OPEN
        await pilot.press("G")
        assert main_of(pilot).flow is SEALED
        await pilot.press("g")
        await pilot.pause()
        assert main_of(pilot).flow is FAST_OPEN
        assert FAST_OPEN.verdict.summary in text_on(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_a_number_jumps_to_that_evidence(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("2")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].sighting == BOTH_RANDOM.verdict.evidence[1].sighting
        assert pilot.app.screen.focused is ladder_of(pilot)
        line = next(line for line in text_on(pilot).splitlines() if line.startswith("▶ 2"))
        assert "HOLEPUNCH" in line


async def test_e_goes_round_the_evidence() -> None:
    async with staged() as pilot:
        await pilot.press("enter")
        seen = []
        for _ in range(3):
            await pilot.press("e")
            selected = ladder_of(pilot).selected
            assert selected is not None
            seen.append(selected[0].sighting)
        proofs = [one.sighting for one in BOTH_RANDOM.verdict.evidence]
        assert seen == [*proofs, proofs[0]]


async def test_evidence_can_be_opened_from_the_panel_and_from_the_page() -> None:
    async with staged() as pilot:
        for _ in range(4):
            await pilot.press("tab")
        assert pilot.app.screen.focused is main_of(pilot).query_one("#verdict")
        await pilot.press("down", "enter")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[1] == BOTH_RANDOM.verdict.evidence[1].sighting
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)
        await pilot.press("enter")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[1] == BOTH_RANDOM.verdict.evidence[0].sighting


async def test_evidence_that_a_verdict_lacks_is_said() -> None:
    async with staged() as pilot:
        await pilot.press("9")
        await pilot.pause()
        assert pilot.app.screen.focused is main_of(pilot).query_one(AttemptList)
        assert [note.message for note in pilot.app._notifications] == ["This verdict has 2 pieces of evidence."]


async def test_a_burst_unfolds_on_its_own_and_folds_again() -> None:
    async with staged(story((CONSISTENT_RANDOM,)), size=(120, 40)) as pilot:
        ladder = ladder_of(pilot)
        burst = next(i for i, step in enumerate(CONSISTENT_RANDOM.steps) if step.count == 660)
        assert ladder.go_to(CONSISTENT_RANDOM.steps[burst].sighting)  # type: ignore[arg-type]
        await pilot.press("tab")
        folded = ladder.row_count
        await pilot.press("enter")
        assert ladder.row_count == folded + 660
        await pilot.press("down", "down")
        selected = ladder.selected
        assert selected is not None
        assert selected[1] == CONSISTENT_RANDOM.steps[burst].members[1]
        assert main_of(pilot).query_one(FieldTree).title == f"PUNCH #{selected[1].frame}"
        await pilot.press("enter")
        assert ladder.row_count == folded
        selected = ladder.selected
        assert selected is not None
        assert selected[0] is CONSISTENT_RANDOM.steps[burst]


async def test_options_of_the_ladder_keep_the_selected_step() -> None:
    async with staged(story((CONSISTENT_RANDOM,)), size=(120, 40)) as pilot:
        await pilot.press("2")
        ladder = ladder_of(pilot)
        before = ladder.selected
        for key in ("m", "s", "c", "w", "m", "c", "w", "s"):
            await pilot.press(key)
            assert ladder.selected == before, key
        assert ladder.options.bursts is Bursts.HIDDEN
        assert ladder.options.colour is ColourMode.TOKEN
        assert ladder.options.level is Level.GIST
        assert ladder.options.time is TimeMode.DELTA
        await pilot.press("w")
        assert ladder.options.time is TimeMode.RELATIVE, "no step is marked, so there is nothing to count from"
        await pilot.press("space", "w", "w", "w")
        assert ladder.options.time is TimeMode.MARK
        assert "time: since mark" in text_on(pilot)


async def test_a_step_that_never_came_is_said_to_be_missing() -> None:
    async with staged(story((UNANSWERED,)), size=(120, 40)) as pilot:
        await pilot.press("enter", "G")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].kind is StepKind.MISSING
        assert "never seen" in text_on(pilot)


async def test_a_nat_sample_leads_to_its_packet() -> None:
    async with staged() as pilot:
        await pilot.press("b", "down", "enter")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].kind is StepKind.SAMPLE
        assert BOTH_RANDOM.client_nat is not None
        assert BOTH_RANDOM.client_nat.samples[1].sighting in selected[0].members
