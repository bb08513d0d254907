"""A story that grows while it is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from textual.pilot import Pilot

from app.draw.spans import Span
from app.tui.attempt_list import AttemptList
from app.tui.bars import Banner
from app.tui.pages import ChoiceScreen
from capture.errors import LiveError
from capture.flows.waiting import Haste
from capture.losses import NOTHING_LOST, Losses
from capture.model import FileSummary, Flow
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, STORY, TWO_ROUNDS, UNANSWERED
from tests.app.hand_story import HandStory
from tests.app.tui.stage import inspector, ladder_of, main_of, opened, text_on

NEVER = 3600.0
"""Seconds between looks: tests look themselves."""


@dataclass
class Growing:
    """Answers like a story; `update` goes on to the next of `stages`."""

    stages: Iterator[tuple[Flow, ...]]
    flows: tuple[Flow, ...] = ()
    files: tuple[FileSummary, ...] = (FileSummary("eth0", "live", 0, 0, 0, 0),)
    notes: tuple[str, ...] = ()
    hand: HandStory = STORY
    gone: frozenset[str] = frozenset()

    def update(self, *, haste: Haste | None = None) -> tuple[str, ...]:
        before = {flow.id: flow for flow in self.flows}
        self.flows = next(self.stages, self.flows)
        self.gone = frozenset(before.keys() - {flow.id for flow in self.flows})
        self.files = (replace(self.files[0], packets=self.files[0].packets + 10),)
        return tuple(flow.id for flow in self.flows if before.get(flow.id) is not flow)

    def __getattr__(self, name: str) -> object:
        return getattr(self.hand, name)


@dataclass
class Quiet:
    """A feed that brings nothing itself."""

    name: str = "eth0"
    dropped: int = 0
    losses: Losses = NOTHING_LOST
    troubles: tuple[str, ...] = ()
    polls: int = 0
    error: LiveError | None = None

    def poll(self) -> None:
        self.polls += 1
        if self.error is not None:
            raise self.error


def begun(flow: Flow, steps: int) -> Flow:
    """The attempt when only its first steps had been seen."""
    return replace(flow, steps=flow.steps[:steps])


@asynccontextmanager
async def live(
    *stages: tuple[Flow, ...], feed: Quiet | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Pilot[int]]:
    app = inspector(Growing(iter(stages)), feed=feed or Quiet(), tick=NEVER)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        yield pilot


async def look(pilot: Pilot[int]) -> None:
    await main_of(pilot).look()
    await pilot.pause()


async def test_it_waits_for_packets_and_says_what_to_do() -> None:
    async with live((), (FAST_OPEN,)) as pilot:
        await look(pilot)
        shown = text_on(pilot)
        assert "Waiting for packets" in shown
        assert "● live eth0" in shown
        await look(pilot)
        assert main_of(pilot).flow is FAST_OPEN
        assert "Waiting for packets" not in text_on(pilot)


async def test_it_follows_the_newest_attempt_and_the_end_of_its_ladder() -> None:
    async with live((FAST_OPEN,), (FAST_OPEN, begun(BOTH_RANDOM, 5)), (FAST_OPEN, BOTH_RANDOM)) as pilot:
        await look(pilot)
        await look(pilot)
        assert main_of(pilot).flow == begun(BOTH_RANDOM, 5)
        await look(pilot)
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[0] is BOTH_RANDOM.steps[-1]


async def test_moving_ends_following_and_f_begins_it_again() -> None:
    stages = (
        (FAST_OPEN, BOTH_RANDOM),
        (FAST_OPEN, BOTH_RANDOM, UNANSWERED),
        (FAST_OPEN, BOTH_RANDOM, UNANSWERED, TWO_ROUNDS),
    )
    async with live(*stages) as pilot:
        await look(pilot)
        assert main_of(pilot).flow is BOTH_RANDOM
        await pilot.press("k")
        await look(pilot)
        assert main_of(pilot).flow is FAST_OPEN
        assert "following" not in text_on(pilot)
        await pilot.press("A")
        assert main_of(pilot).flow is UNANSWERED
        await look(pilot)
        assert main_of(pilot).flow is TWO_ROUNDS


async def test_a_growing_ladder_does_not_move_under_the_cursor() -> None:
    late = replace(CONSISTENT_RANDOM, steps=CONSISTENT_RANDOM.steps[3:])
    async with live((FAST_OPEN, late), (FAST_OPEN, CONSISTENT_RANDOM)) as pilot:
        await look(pilot)
        await pilot.press("A", "enter", "k", "k", "k")
        await pilot.pause()
        ladder = ladder_of(pilot)
        selected, height = ladder.selected, ladder.cursor - ladder.scroll_offset.y
        await look(pilot)
        assert ladder.flow is CONSISTENT_RANDOM
        assert ladder.selected == selected
        assert ladder.cursor - ladder.scroll_offset.y == height or ladder.scroll_offset.y == 0


async def test_pause_freezes_what_is_shown_while_the_story_grows() -> None:
    async with live((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM), (FAST_OPEN, BOTH_RANDOM, UNANSWERED)) as pilot:
        await look(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert "‖ paused: 0 new · eth0" in text_on(pilot)
        await look(pilot)
        assert main_of(pilot).query_one(AttemptList).row_count == 1
        assert "‖ paused: 1 new · eth0" in text_on(pilot)
        await pilot.press("p")
        await look(pilot)
        assert main_of(pilot).query_one(AttemptList).row_count == 3, "nothing was lost while it was paused"


async def test_leaving_while_capturing_is_asked_first() -> None:
    async with live((FAST_OPEN,)) as pilot:
        await look(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert "still capturing on eth0" in text_on(pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert main_of(pilot).flow is FAST_OPEN
        await pilot.press("Q")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
    assert pilot.app.return_value == 0


async def test_drops_are_shown() -> None:
    async with live((FAST_OPEN,), feed=Quiet(dropped=7)) as pilot:
        await look(pilot)
        assert "7 dropped" in text_on(pilot)


async def test_a_feed_that_ends_by_itself_says_why_and_what_was_seen_stays() -> None:
    feed = Quiet()
    async with live((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM), feed=feed) as pilot:
        await look(pilot)
        feed.error = LiveError("eth0", "the interface went down")
        await look(pilot)
        assert main_of(pilot).query_one(Banner).display
        shown = text_on(pilot)
        assert "eth0: the interface went down" in shown
        assert "■ ended" in shown
        assert main_of(pilot).query_one(AttemptList).row_count == 2
        await look(pilot)
        assert feed.polls == 2, "not polled again"


async def test_a_file_that_can_not_be_written_is_said_while_it_is_so() -> None:
    feed = Quiet()
    async with live((FAST_OPEN,), (FAST_OPEN, BOTH_RANDOM), feed=feed) as pilot:
        await look(pilot)
        assert not main_of(pilot).query_one(Banner).display
        feed.troubles = ("out.pcapng can't be written: No space left on device; 7 packets not written",)
        feed.losses = Losses(unwritten=7)
        await look(pilot)
        shown = text_on(pilot)
        assert "! out.pcapng can't be written: No space left on device; 7 packets not written" in shown
        assert "! 7 not saved" in shown
        assert "● live" in shown
        assert main_of(pilot).query_one(AttemptList).row_count == 2, "watching goes on"
        feed.troubles = ()
        await look(pilot)
        assert not main_of(pilot).query_one(Banner).display
        assert "! 7 not saved" in text_on(pilot)
        await pilot.press("E")
        await pilot.pause()
        assert "packets that could not be written to the capture file" in text_on(pilot)


async def test_asked_again_while_the_question_stands_it_leaves_but_not_from_another_choice() -> None:
    async with live((FAST_OPEN,)) as pilot:
        await look(pilot)
        pilot.app.push_screen(ChoiceScreen("which?", [(Span("this"),)]))
        await pilot.pause()
        assert isinstance(pilot.app.screen, ChoiceScreen)
        await pilot.press("Q")
        await pilot.pause()
        assert "still capturing" in text_on(pilot)
        assert pilot.app.return_code is None
        await pilot.press("Q")
        await pilot.pause()
        assert pilot.app.return_code == 0


class Ring(Quiet):
    """A feed that says how its packets come."""

    way = "packet ring"
    promiscuous = True


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_the_status_line_names_the_way_of_capture(width: int) -> None:
    async with live((FAST_OPEN,), feed=Ring(), size=(width, 24)) as pilot:
        await look(pilot)
        status = text_on(pilot).splitlines()[0]
        assert "● live eth0 · packet ring, promiscuous" in status
        assert "1 attempt" in status


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_what_was_lost_is_said_before_the_way_of_capture(width: int) -> None:
    async with live((FAST_OPEN,), feed=Ring(dropped=3), size=(width, 24)) as pilot:
        await look(pilot)
        status = text_on(pilot).splitlines()[0]
        assert "! 3 dropped" in status
        assert "● live eth0" in status
        assert ("packet ring" in status) is (width > 80)
