"""What a user does on the main screen."""

import pytest
from textual.widgets import Input

from app.draw.ladder_plan import Bursts, ColourMode, TimeMode
from app.tui.attempt_list import AttemptList
from app.tui.bars import ActionBar
from app.tui.linked_view import LinkedView
from app.tui.message_pane import ByteView, FieldTree, MessagePane
from app.tui.pages import PageScreen
from app.tui.palette import DARK, LIGHT
from capture.model import StepKind
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, SEALED, STORY, UNANSWERED, story
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on


async def test_it_opens_on_the_first_attempt_that_failed_with_its_verdict() -> None:
    async with staged() as pilot:
        assert main_of(pilot).flow is BOTH_RANDOM
        shown = text_on(pilot)
        assert "both NATs random" in shown
        assert BOTH_RANDOM.verdict.summary in shown
        assert "2 failed" in shown


async def test_without_a_failure_it_opens_on_the_first() -> None:
    async with staged(story((FAST_OPEN, CONSISTENT_RANDOM))) as pilot:
        assert main_of(pilot).flow is FAST_OPEN


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


async def test_enter_goes_deeper_and_escape_comes_back_and_leaves() -> None:
    async with staged(size=(80, 24)) as pilot:
        main = main_of(pilot)
        await pilot.press("enter")
        assert main.focused is main.ladder
        await pilot.press("enter")
        await pilot.pause()
        assert main.focused is main.query_one(FieldTree)
        assert not main.ladder.display, "narrow: the message takes the ladder's place"
        await pilot.press("escape")
        assert main.focused is main.ladder
        assert main.ladder.display
        await pilot.press("escape")
        assert main.focused is main.query_one(AttemptList)
        await pilot.press("escape")
        await pilot.pause()
    assert pilot.app.return_code == 0


async def test_the_message_opens_beside_the_ladder_where_there_is_room() -> None:
    async with staged(size=(120, 40)) as pilot:
        pane = main_of(pilot).query_one(MessagePane)
        assert pane.display
        assert main_of(pilot).ladder.display
        await pilot.press("d")
        assert not pane.display
        await pilot.press("d")
        assert pane.display


async def test_a_field_lights_its_bytes_and_a_byte_selects_its_field() -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("1", "enter")
        main = main_of(pilot)
        tree, view = main.query_one(FieldTree), main.query_one(ByteView)
        await pilot.pause()
        while tree.cursor + 1 < tree.row_count and (tree.selected is None or tree.selected.field.name != "firewall"):
            await pilot.press("j")
        field = tree.selected
        assert field is not None
        assert field.field.name == "firewall"
        assert view._lit == (field.part, field.field.start, field.field.end)
        assert field.part == 1, "the firewall class is inside the plaintext"
        view.focus()
        await pilot.press("right", "left")
        assert tree.selected is not None
        assert tree.selected.field.name == "firewall"
        await pilot.press("left")
        assert tree.selected.field.name == "error"


async def test_fields_fold_and_stay_folded_in_the_next_message() -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("1", "enter", "g")
        tree = main_of(pilot).query_one(FieldTree)
        before = tree.row_count
        await pilot.press("enter")
        assert tree.row_count < before
        await pilot.press("escape", "j", "enter")
        assert tree.selected is not None
        assert tree.action_unfold is not None
        folded = tree.row_count
        await pilot.press("g", "right")
        assert tree.row_count > folded


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
        assert ladder.options.time is TimeMode.RELATIVE, "no step is marked, so there is nothing to count from"
        await pilot.press("space", "w", "w")
        assert ladder.options.time is TimeMode.MARK
        assert "time: since the marked step" in text_on(pilot)


async def test_a_step_that_never_came_is_said_to_be_missing() -> None:
    async with staged(story((UNANSWERED,)), size=(120, 40)) as pilot:
        await pilot.press("enter", "G")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].kind is StepKind.MISSING
        assert "never seen" in text_on(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_resizing_keeps_attempt_and_step(size: tuple[int, int]) -> None:
    async with staged(size=(120, 40)) as pilot:
        await pilot.press("j", "j", "enter", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j")
        before = main_of(pilot).flow, ladder_of(pilot).selected
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert (main_of(pilot).flow, ladder_of(pilot).selected) == before
        assert any(line.startswith("▶") and "│" in line for line in text_on(pilot).splitlines()[6:]), "out of view"


@pytest.mark.parametrize("size", SIZES)
async def test_every_line_fits_the_screen(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        for keys in (("g",), ("enter", "G"), ("enter",), ("escape", "v"), ("n",), ("r",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert all(strip.cell_length == size[0] for strip in pilot.app.screen._compositor.render_strips()), keys


async def test_pages_turn_into_each_other_and_close() -> None:
    async with staged() as pilot:
        for key, title in (("v", "verdict"), ("n", "NAT evidence"), ("r", "rounds and tokens")):
            await pilot.press(key)
            await pilot.pause()
            assert len(pilot.app.screen_stack) == 3
            assert pilot.app.screen.query_one(LinkedView).title.startswith(title)
        await pilot.press("q")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2


async def test_a_nat_sample_leads_to_its_packet() -> None:
    async with staged() as pilot:
        await pilot.press("n", "down", "enter")
        await pilot.pause()
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0].kind is StepKind.SAMPLE
        assert BOTH_RANDOM.client_nat is not None
        assert BOTH_RANDOM.client_nat.samples[1].sighting in selected[0].members


async def test_maximise_gives_one_pane_everything_and_back() -> None:
    async with staged() as pilot:
        await pilot.press("enter", "backslash")
        await pilot.pause()
        main = main_of(pilot)
        assert main.ladder.size.height == 38
        assert not main.query_one(AttemptList).display
        await pilot.press("escape")
        await pilot.pause()
        assert main.query_one(AttemptList).display


async def test_the_filter_applies_while_typing_and_escape_takes_it_back() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        await pilot.press("slash", *"verdict == punched")
        await pilot.pause()
        assert [flow.verdict.code for flow in main.session.shown] == ["punched"] * 3
        assert "3 of 6 attempts" in text_on(pilot)
        await pilot.press(*" and nonsense")
        await pilot.pause()
        assert len(main.session.shown) == 3, "an expression that does not hold changes nothing"
        assert "✗ column" in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert len(main.session.shown) == 6
        assert main.focused is main.query_one(AttemptList)
        await pilot.press("slash", *"outcome == failed", "enter")
        await pilot.pause()
        assert len(main.session.shown) == 2
        assert not main.query_one(Input).has_focus
        assert "/ outcome == failed (2 of 6)" in text_on(pilot)


async def test_a_filter_that_nothing_passes_says_so_and_can_be_undone() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"verdict == lan", "enter")
        await pilot.pause()
        assert "No attempt passes the filter: verdict == lan" in text_on(pilot)
        await pilot.press("slash", *["backspace"] * 20, "enter")
        await pilot.pause()
        assert len(main_of(pilot).session.shown) == 6


async def test_the_theme_switches_and_words_stay() -> None:
    async with staged() as pilot:
        before = text_on(pilot)
        await pilot.press("t")
        await pilot.pause()
        assert pilot.app.theme == LIGHT
        assert text_on(pilot) == before
        await pilot.press("t")
        assert pilot.app.theme == DARK


async def test_marks_are_kept_by_attempt() -> None:
    async with staged() as pilot:
        await pilot.press("g", "space", "space")
        marked = main_of(pilot).query_one(AttemptList).marked
        assert marked == {STORY.flows[0].id, STORY.flows[1].id}
        await pilot.press("g", "space")
        assert main_of(pilot).query_one(AttemptList).marked == {STORY.flows[1].id}


async def test_a_click_on_the_footer_works_as_the_key() -> None:
    async with staged() as pilot:
        bar = main_of(pilot).query_one(ActionBar)
        at = next(start for start, _, action in bar._places if action.method == "nat")
        await pilot.click(ActionBar, offset=(at, 0))
        await pilot.pause()
        assert pilot.app.screen.query_one(LinkedView).title.startswith("NAT evidence")


async def test_clicks_select_and_open() -> None:
    async with staged() as pilot:
        await pilot.click(AttemptList, offset=(20, 2))
        assert main_of(pilot).flow is FAST_OPEN
        await pilot.click(AttemptList, offset=(20, 4), times=2)
        await pilot.pause()
        assert main_of(pilot).flow is UNANSWERED
        assert main_of(pilot).focused is ladder_of(pilot)
