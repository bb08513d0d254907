"""Find: text, regular expressions and expressions, in lists and pages, forwards and backwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.draw.spans import Span, Tone, text_of
from app.tui.attempt_list import AttemptList
from app.tui.find import seek
from app.tui.find_bar import FindBar
from app.tui.sought import lit, sought
from capture.story import Story
from tests.app.tui.stage import main_of, staged, text_on

TOUR = Path(__file__).parents[3] / "app/samples/tour.pcapng"


def said(pilot: Pilot[int]) -> list[str]:
    """What was notified."""
    return [notification.message for notification in pilot.app._notifications]


async def test_typing_goes_to_the_first_match_and_n_goes_on_round_and_round() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        await pilot.press("home", "f3", *"punched")
        await pilot.pause()
        first = attempts.cursor
        assert "punched" in text_of(attempts.draw_row(first))
        await pilot.press("enter")
        await pilot.pause()
        assert main_of(pilot).focused is attempts
        seen = [first]
        for _ in range(3):
            await pilot.press("n")
            await pilot.pause()
            seen.append(attempts.cursor)
        matching = [i for i in range(attempts.row_count) if "punched" in text_of(attempts.draw_row(i))]
        assert seen == [*matching, matching[0]]
        assert said(pilot) == ["Search went on from the first row."]
        await pilot.press("N")
        await pilot.pause()
        assert attempts.cursor == matching[-1]


async def test_escape_goes_back_to_where_the_search_began() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        await pilot.press("home", "f3", *"unanswered")
        await pilot.pause()
        assert attempts.cursor == 2
        await pilot.press("escape")
        await pilot.pause()
        assert attempts.cursor == 0
        assert main_of(pilot).focused is attempts


async def test_an_expression_is_asked_of_the_attempts() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        await pilot.press("home", "f3", *"duration > 4 and not fast_open", "enter")
        await pilot.pause()
        assert attempts.selected is not None
        assert attempts.selected.duration > 4


async def test_the_ladder_is_looked_through_and_what_is_found_is_lit() -> None:
    async with staged() as pilot:
        await pilot.press("enter", "f3", *"Find_Peer e")
        await pilot.pause()
        ladder = main_of(pilot).ladder
        assert "FIND_PEER e" in text_of(ladder.draw_row(ladder.cursor))
        drawn = ladder._draw(ladder.cursor - ladder.scroll_offset.y + ladder.top, ()).line
        assert [span.text for span in drawn if span.tone is Tone.LIT] == ["FIND_PEER e"]


async def test_a_step_is_found_by_what_there_is_no_room_for() -> None:
    async with staged() as pilot:
        await pilot.press("enter", "f3", *"from_relay", "enter")
        await pilot.pause()
        selected = main_of(pilot).ladder.selected
        assert selected is not None
        assert "FROM_RELAY" in selected[0].label


async def test_an_expression_is_asked_of_the_packets_of_a_ladder() -> None:
    async with staged(Story.open([str(TOUR)])) as pilot:
        await pilot.press("enter", "f3", *"mode == REPLY and command == PEER_HOLEPUNCH", "enter")
        await pilot.pause()
        await pilot.pause()
        ladder = main_of(pilot).ladder
        assert ladder.selected is not None
        assert ladder.flow is not None
        step = ladder.selected[0]
        assert step.message is not None
        assert ladder.flow.messages[step.message].mode == "REPLY"


async def test_a_page_is_looked_through() -> None:
    async with staged(size=(80, 24)) as pilot:
        await pilot.press("question_mark", "f3", *"never seen", "enter")
        await pilot.pause()
        await pilot.pause()
        assert "expected here and never seen" in text_on(pilot)
        assert not pilot.app.screen.query_one(FindBar).display
        await pilot.press("escape")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 2


async def test_what_is_not_there_is_said() -> None:
    async with staged() as pilot:
        await pilot.press("f3", *"no such thing")
        await pilot.pause()
        assert "✗ nothing found" in text_on(pilot)
        await pilot.press("enter", "n")
        await pilot.pause()
        assert said(pilot) == ["Nothing found."]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_bar_is_seen_at_any_size(size: tuple[int, int]) -> None:
    async with staged(size=size) as pilot:
        await pilot.press("f3", "p")
        await pilot.pause()
        shown = text_on(pilot)
        assert "match" in shown or "row " in shown


async def test_backwards_from_the_first_row_comes_the_last_match() -> None:
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        found = await seek(attempts, sought("11.2.0"), 0, -1)
        assert found.wrapped
        assert found.row is not None
        assert found.row > 0


def test_a_match_across_spans_is_lit() -> None:
    line = (Span("ab", Tone.DIM), Span("cd"))
    assert lit(line, re.compile("bc")) == (
        Span("a", Tone.DIM),
        Span("b", Tone.LIT),
        Span("c", Tone.LIT),
        Span("d"),
    )


def test_what_is_no_regular_expression_is_plain_text() -> None:
    what = sought("/a(/")
    assert what.in_text("x /A(/ y")
    assert "no regular expression" in what.remark


def test_what_is_no_expression_is_plain_text_and_says_so() -> None:
    what = sought("nonsense == 1", lambda wanted: wanted)
    assert what.filter is None
    assert what.in_text("nonsense == 1")
    assert "column 1" in what.remark


async def test_a_long_search_says_how_far_it_is_and_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.tui.find.SLICE", -1.0)
    async with staged() as pilot:
        attempts = main_of(pilot).query_one(AttemptList)
        told: list[tuple[int, int]] = []
        found = await seek(attempts, sought("no such thing"), 0, 1, lambda done, total: told.append((done, total)))
        assert found.row is None
        assert told == [(done, 6) for done in range(1, 7)]
