"""The attempt list: columns, order, counts, clearing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from app.draw.attempts import Order, default_columns
from app.tui.attempt_list import AttemptList
from app.tui.column_picker import ColumnScreen, ColumnView
from app.tui.list_actions import ListSettings
from app.tui.ordering import Ordering
from app.tui.pace import LEAST_ALONE
from app.tui.session import Session
from capture.model import FileSummary, Flow
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, TWO_ROUNDS, UNANSWERED, story
from tests.app.tui.stage import main_of, staged, text_on
from tests.app.tui.test_live import Quiet, live, look
from tests.app.tui.test_session import deferred


def list_of(pilot: Pilot[int]) -> AttemptList:
    return main_of(pilot).query_one(AttemptList)


async def settled(pilot: Pilot[int]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def heading(pilot: Pilot[int]) -> str:
    return next(line for line in text_on(pilot).splitlines() if "client" in line and "state" in line)


async def test_keys_choose_the_column_and_turn_the_order_and_the_selection_stays() -> None:
    async with staged() as pilot:
        selected = main_of(pilot).flow
        assert "time▲" in heading(pilot)
        await pilot.press("less_than_sign")
        await settled(pilot)
        assert "state▲" in heading(pilot)
        codes = [flow.verdict.code for flow in main_of(pilot).session.shown]
        assert codes != [flow.verdict.code for flow in STORY.flows]
        assert codes == sorted(codes, key=list(type(codes[0])).index)
        assert main_of(pilot).flow is selected
        await pilot.press("z")
        await settled(pilot)
        assert "state▼" in heading(pilot)
        assert [flow.verdict.code for flow in main_of(pilot).session.shown] == sorted(
            codes, key=list(type(codes[0])).index, reverse=True
        )
        await pilot.press("greater_than_sign", "z")
        await settled(pilot)
        assert main_of(pilot).session.shown == STORY.flows


async def test_a_click_on_a_title_sorts_and_another_turns_round() -> None:
    async with staged() as pilot:
        x = heading(pilot).index("took") + 1
        await pilot.click(AttemptList, offset=(x, 1))
        await settled(pilot)
        assert "▲took" in heading(pilot)
        durations = [flow.duration for flow in main_of(pilot).session.shown]
        assert durations == sorted(durations)
        await pilot.click(AttemptList, offset=(x, 1))
        await settled(pilot)
        assert [flow.duration for flow in main_of(pilot).session.shown] == durations[::-1]


async def test_columns_are_chosen_moved_and_kept() -> None:
    kept: list[Mapping[str, Any]] = []
    async with staged() as pilot:
        main_of(pilot).list_settings = ListSettings(keep=kept.append)
        await pilot.press("t")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ColumnScreen)
        assert "the usual ones for" in text_on(pilot)
        view = pilot.app.screen.query_one(ColumnView)
        width = view._list_width
        await pilot.press("space", "down", "plus", "end", "up")
        await pilot.press("enter")
        await pilot.pause()
        usual = default_columns(width)
        wanted = (usual[2], usual[1], *usual[3:])
        assert kept == [{"list.columns": wanted, "list.sort": "time", "list.reverse": False}]
        assert [column.id for column in list_of(pilot).columns.columns] == list(wanted)
        assert "time" not in heading(pilot)


async def test_leaving_the_choice_changes_nothing_and_the_usual_ones_come_back() -> None:
    async with staged() as pilot:
        await pilot.press("f10", "space", "escape")
        await pilot.pause()
        assert list_of(pilot).chosen is None
        await pilot.press("f10", "space", "backspace", "enter")
        await pilot.pause()
        assert list_of(pilot).chosen is None


async def test_the_last_column_can_not_be_left_out() -> None:
    async with staged() as pilot:
        await pilot.press("t")
        await pilot.pause()
        view = pilot.app.screen.query_one(ColumnView)
        for _ in default_columns(view._list_width):
            await pilot.press("space", "down")
        assert view.chosen is not None
        assert len(view.chosen) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_every_column_can_be_seen_in_the_picker(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("t")
        await pilot.pause()
        view = pilot.app.screen.query_one(ColumnView)
        seen = set()
        for _ in range(view.row_count):
            seen |= {
                line.partition("]")[2].split("  ")[0].strip() for line in text_on(pilot).splitlines() if "]" in line
            }
            await pilot.press("down")
            await pilot.pause()
        assert len(seen) >= view.row_count


async def test_sorting_goes_on_in_slices_says_how_far_it_is_and_can_be_stopped() -> None:
    readers: list[int] = []
    flows = tuple(deferred((FAST_OPEN, UNANSWERED)[i % 2], readers, f"{i:016x}") for i in range(300))
    session = Session(story(flows))
    told: list[tuple[int, int]] = []
    sorting = asyncio.create_task(session.sort(Order("state"), lambda *how_far: told.append(how_far)))
    while len(told) < 3:
        await asyncio.sleep(0)
    sorting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sorting
    assert session.shown == flows, "it stays as it was"
    assert told[0][1] == 300
    before = len(readers)
    await session.sort(Order("state"), lambda *how_far: told.append(how_far))
    assert len(readers) == 300, "what was worked out is not worked out again"
    assert before < 300
    assert {flow.verdict.code for flow in session.shown[:150]} == {FAST_OPEN.verdict.code}
    assert [flow.id for flow in session.shown] == sorted(
        (flow.id for flow in flows), key=lambda one: (int(one, 16) % 2, int(one, 16))
    ), "attempts that are equal stay in order of time"


async def test_escape_stops_sorting_before_it_leaves() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        never = asyncio.Event()

        async def sort(*_: object) -> None:
            await never.wait()

        main.session.sort = sort  # type: ignore[method-assign, assignment]
        await pilot.press("less_than_sign")
        await pilot.pause()
        await pilot.press("escape")
        await settled(pilot)
        assert main_of(pilot) is main
        assert main._sorting is None
        assert "time▲" in heading(pilot)


def test_what_is_not_known_goes_to_the_end_whichever_way() -> None:
    unknown = replace(TWO_ROUNDS, client=None)
    flows = (unknown, BOTH_RANDOM, FAST_OPEN)
    for reverse in (False, True):
        assert Ordering(Order("client", reverse)).arrange(flows)[-1] is unknown


def test_an_unknown_column_of_the_settings_is_order_of_time() -> None:
    assert Ordering(Order("nonsense")).arrange(STORY.flows) == STORY.flows
    assert Ordering(Order("time", reverse=True)).arrange(STORY.flows) == STORY.flows[::-1]
    assert Ordering(Order("comment")).arrange(STORY.flows) == STORY.flows


def slow(flow: Flow) -> Flow:
    return replace(flow, duration=99.0)


async def test_live_a_new_row_goes_where_the_order_says_and_the_selection_stays() -> None:
    stages = ((FAST_OPEN, UNANSWERED), (FAST_OPEN, UNANSWERED, slow(TWO_ROUNDS)), (FAST_OPEN, slow(UNANSWERED)))
    async with live(*stages) as pilot:
        await look(pilot)
        await pilot.press("A")
        await pilot.pause()
        main = main_of(pilot)
        await main.session.sort(Order("took", reverse=True))
        main.show_list()
        assert [flow.id for flow in main.session.shown] == [UNANSWERED.id, FAST_OPEN.id]
        selected = main.flow
        await look(pilot)
        assert [flow.id for flow in main.session.shown] == [TWO_ROUNDS.id, UNANSWERED.id, FAST_OPEN.id]
        assert main.flow is selected
        await look(pilot)
        assert [flow.id for flow in main.session.shown] == [UNANSWERED.id, FAST_OPEN.id]


async def test_following_selects_the_newest_wherever_the_order_puts_it() -> None:
    stages = ((FAST_OPEN, UNANSWERED), (FAST_OPEN, UNANSWERED, TWO_ROUNDS))
    async with live(*stages) as pilot:
        await look(pilot)
        main = main_of(pilot)
        await main.session.sort(Order("time", reverse=True))
        main.show_list()
        await look(pilot)
        assert main.follow
        assert main.flow is TWO_ROUNDS
        assert list_of(pilot).cursor == 0


async def test_clearing_is_asked_and_what_comes_later_is_shown() -> None:
    stages = ((FAST_OPEN, BOTH_RANDOM), (FAST_OPEN, BOTH_RANDOM, UNANSWERED))
    async with live(*stages) as pilot:
        await look(pilot)
        await pilot.press("f5")
        await pilot.pause()
        assert "clear 2 attempts from the list?" in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert list_of(pilot).row_count == 2
        await pilot.press("ctrl+l")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert list_of(pilot).row_count == 0
        assert "0 attempts" in text_on(pilot)
        assert "The list was cleared." in text_on(pilot)
        assert main_of(pilot).session.failed == 0
        await look(pilot)
        assert [flow.id for flow in main_of(pilot).session.shown] == [UNANSWERED.id]
        assert main_of(pilot).session.failed == 1
        assert main_of(pilot).session.number(UNANSWERED) == 1


async def test_a_soft_clear_keeps_what_passes_the_filter() -> None:
    from capture.filter import parse_filter

    async with live((FAST_OPEN, BOTH_RANDOM, UNANSWERED)) as pilot:
        await look(pilot)
        main = main_of(pilot)
        await main.session.apply(parse_filter("outcome == failed"))
        main.show_flows()
        await pilot.press("f9")
        await pilot.pause()
        assert "clear 1 attempt outside the filter from the list?" in text_on(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await main.session.apply(parse_filter(""))
        assert [flow.id for flow in main.session.shown] == [BOTH_RANDOM.id, UNANSWERED.id]


async def test_files_can_not_be_cleared() -> None:
    async with staged() as pilot:
        await pilot.press("f5")
        await pilot.pause()
        assert any("Only what is live can be cleared" in one.message for one in pilot.app._notifications)
        assert list_of(pilot).row_count == len(STORY.flows)


async def test_while_paused_it_says_how_many_are_new() -> None:
    stages = ((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM), (FAST_OPEN, BOTH_RANDOM, UNANSWERED))
    async with live(*stages) as pilot:
        await look(pilot)
        await pilot.press("p")
        await look(pilot)
        await look(pilot)
        assert "‖ paused: 2 new · eth0" in text_on(pilot)
        assert list_of(pilot).row_count == 1


async def test_counts_of_files_say_what_was_decoded_refused_and_lost() -> None:
    summary = FileSummary("lab.pcapng", "pcapng", 1000, 400, 7, 0, udx=300, punches=20, dropped=5)
    async with staged(replace(STORY, files=(summary,)), size=(200, 60)) as pilot:
        status = text_on(pilot).splitlines()[0]
        for said in ("1 000 packets", "400 DHT", "300 UDX", "20 punches", "! 7 undecodable", "! 5 dropped"):
            assert said in status


async def test_where_there_is_little_room_what_was_lost_is_said_before_what_was_seen() -> None:
    summary = FileSummary("lab.pcapng", "pcapng", 1000, 400, 7, 0, udx=300, punches=20, dropped=5)
    async with staged(replace(STORY, files=(summary,)), size=(80, 24)) as pilot:
        status = text_on(pilot).splitlines()[0]
        assert "! 5 dropped" in status
        assert "UDX" not in status


async def test_what_a_live_source_lost_is_said() -> None:
    async with live((FAST_OPEN,), feed=Quiet(dropped=3)) as pilot:
        await look(pilot)
        assert "! 3 dropped" in text_on(pilot)


async def test_in_a_busy_capture_the_list_comes_first_and_what_is_followed_is_drawn_soon() -> None:
    stages = ((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM), (FAST_OPEN, BOTH_RANDOM, UNANSWERED))
    async with live(*stages) as pilot:
        main = main_of(pilot)
        await look(pilot)
        assert main.ladder.flow is FAST_OPEN
        main.tick = LEAST_ALONE
        main._flow_shown = float("inf")
        await look(pilot)
        await look(pilot)
        assert main.flow is UNANSWERED
        assert main.ladder.flow is FAST_OPEN, "drawn a moment ago"
        main.show_flow_now()
        assert main.ladder.flow is UNANSWERED
        main.follow = False
        await pilot.press("up")
        await pilot.pause()
        assert main.ladder.flow is BOTH_RANDOM, "what the user selects is drawn at once"


async def test_while_a_key_is_held_the_list_comes_first_and_going_elsewhere_catches_up() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        main.patience = 3600.0
        main._behind_since = float("inf")
        main._awaited = main.set_timer(3600.0, main.show_flow_now)
        before = main.ladder.flow
        await pilot.press("down")
        await pilot.pause()
        assert main.flow is not before
        assert main.ladder.flow is before, "it has not been left alone for long enough"
        await pilot.press("enter")
        await pilot.pause()
        assert main.ladder.flow is main.flow


async def test_however_long_a_key_is_held_what_is_selected_is_drawn_ten_times_a_second() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        main.patience = 3600.0
        await pilot.press("down")
        await pilot.pause()
        main._behind_since = -1e9
        main._awaited = main.set_timer(3600.0, main.show_flow_now)
        await pilot.press("down")
        await pilot.pause()
        assert main.ladder.flow is main.flow


async def test_a_comment_has_a_sign_and_a_column() -> None:
    async with staged(size=(200, 60)) as pilot:
        main = main_of(pilot)
        main.session.notes = main.session.notes.with_attempt_comment(FAST_OPEN.id, "seen on a Tuesday")
        list_of(pilot).choose_columns(("number", "comment", "file", "state"))
        await pilot.pause()
        row = next(line for line in text_on(pilot).splitlines() if "seen on a Tuesday" in line)
        assert ";" in row
        assert "lab.pcapng" in row
        assert f" {main.session.number(FAST_OPEN)} " in row
