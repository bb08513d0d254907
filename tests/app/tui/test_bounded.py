"""A live source with a bound in the inspector: old attempts go, what is looked at stays, and the status line counts."""

from __future__ import annotations

import re
import weakref
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from app.live_feed import LiveFeed
from app.tui.app import PeepholeApp
from capture.retention import PATIENCE, Retention
from capture.story import Story
from tests.app.tui.stage import main_of, opened, text_on
from tests.app.tui.test_live import NEVER, look
from tests.capture.test_retention import SETTLED, TOUR, Replay


@asynccontextmanager
async def bounded(first: int) -> AsyncIterator[tuple[Pilot[int], Replay]]:
    source = Replay(TOUR)
    source.bring(first)
    story = Story(source.table)
    feed = LiveFeed(source, retention=Retention(story, source, 1200, SETTLED))
    app = PeepholeApp(lambda _: story, feed=feed, tick=NEVER)
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(pilot)
        yield pilot, source


async def test_old_attempts_go_and_are_counted_and_the_one_on_screen_stays() -> None:
    async with bounded(1000) as (pilot, source):
        main = main_of(pilot)
        await look(pilot)
        first = main.session.flows[0]
        await pilot.press("A", "g")
        await pilot.pause()
        assert main.flow is not None
        assert main.flow.id == first.id
        assert "let go" not in text_on(pilot)
        while source.left:
            source.bring(400)
            await look(pilot)
            await look(pilot)
        gone = main.session.retention.let_go.attempts  # type: ignore[union-attr]
        assert gone >= 1
        assert f"{gone} let go" in text_on(pilot)
        assert len(main.session.flows) + gone == 10
        assert len(main.session.table) < 2711
        assert main.session.generation >= 1
        assert main.flow is not first, "it is another object"
        assert main.flow.id == first.id, "with the same attempt"
        await pilot.press("i")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        shown = text_on(pilot)
        retention = main.session.retention
        assert retention is not None
        assert sum(retention.ledger.verdicts.values()) == gone
        assert "10 attempts" in shown
        assert f"{gone} attempts of them were let go" in shown
        every = Counter(retention.ledger.verdicts) + Counter(flow.verdict.code for flow in main.session.flows)
        assert all(re.search(rf"{code} +{count} ", shown) for code, count in every.items())
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("L")
        await pilot.pause()
        shown = text_on(pilot)
        assert f"let go · {gone} attempts" in shown
        for line in retention.ledger:
            assert line.id[:8] in shown
            assert f"{line.client_class} × {line.server_class}" in shown
        await pilot.press("escape")
        await pilot.pause()
        for key in ("P", "escape", "v", "escape", "G", "enter", "r", "escape"):
            await pilot.press(key)
            await pilot.pause()


async def test_nothing_goes_while_another_screen_is_open() -> None:
    async with bounded(400) as (pilot, source):
        main = main_of(pilot)
        await look(pilot)
        await pilot.press("P")
        await pilot.pause()
        source.bring(1500)
        await main.look()
        await main.look()
        assert main.session.generation == 0
        await pilot.press("escape")
        await look(pilot)
        await look(pilot)
        assert main.session.generation == 1


async def test_nothing_goes_while_it_is_paused() -> None:
    async with bounded(400) as (pilot, source):
        main = main_of(pilot)
        await look(pilot)
        source.bring(1500)
        await pilot.press("p")
        await look(pilot)
        await look(pilot)
        assert main.session.generation == 0
        await pilot.press("p")
        await look(pilot)
        await look(pilot)
        assert main.session.generation == 1


async def test_no_screen_holds_on_to_what_went() -> None:
    async with bounded(1000) as (pilot, source):
        main = main_of(pilot)
        await look(pilot)
        await pilot.press("A", "g", "enter", "down", "down", "P")
        await pilot.pause()
        await pilot.press("escape")
        before = weakref.ref(main.session.table)
        source.bring(1500)
        while not main.session.generation:
            await look(pilot)
        for _ in range(PATIENCE + 2):
            await look(pilot)
        assert before() is None
