"""Several live sources in the inspector: what ends is said, clocks are shown and set, and all is merged in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.live_feed import LiveFeed
from app.tui.asking import AskScreen
from tests.app.tui.stage import inspector, main_of, opened, text_on
from tests.capture.several.test_several import contents, equal, vantages, whole
from tests.capture.several.vantages import Live, at_once

NEVER = 3600.0
SIDES = ("client", "server")
SCENARIO = "consistent-consistent"


@asynccontextmanager
async def watched(live: Live) -> AsyncIterator[Pilot[int]]:
    feed = LiveFeed(live.source, retention=live.retention)
    app = inspector(live.story, feed=feed, tick=NEVER)
    async with app.run_test(size=(140, 40)) as pilot:
        await opened(pilot)
        yield pilot


async def look(pilot: Pilot[int], live: Live, times: int = 1) -> None:
    for _ in range(times):
        live.seconds += 0.5
        await main_of(pilot).look()
        await pilot.pause()


async def test_one_ends_the_other_goes_on_and_all_is_merged_in_the_end() -> None:
    live = Live(vantages(SCENARIO, SIDES))
    client, server = live.vantages
    async with watched(live) as pilot:
        client.bring(1000)
        server.bring(20)
        await look(pilot, live)
        assert "● live client, server" in text_on(pilot)
        client.end()
        await look(pilot, live, 2)
        shown = text_on(pilot)
        assert "client has ended; one of 2 goes on" in shown
        assert "● live server (1 ended)" in shown
        server.bring(1000)
        server.end()
        await look(pilot, live, 30)
        shown = text_on(pilot)
        assert "■ ended" in shown
        assert "punched" in shown
        equal(live, whole(SCENARIO, SIDES))
        assert main_of(pilot).session.files[1].clock_offset == pytest.approx(3, abs=0.001)


async def test_a_clock_is_set_while_they_run() -> None:
    live = Live(vantages(SCENARIO, SIDES))
    async with watched(live) as pilot:
        for one in live.vantages:
            one.bring(1000)
        await look(pilot, live, 8)
        await pilot.press("T")
        await pilot.pause()
        assert isinstance(pilot.app.screen, AskScreen)
        assert "clock of server, ahead of client by" in text_on(pilot)
        pilot.app.screen.query_one(Input).value = "3.004"
        await pilot.press("enter")
        await look(pilot, live, 30)
        file = main_of(pilot).session.files[1]
        assert (file.clock_offset, file.clock_given) == (3.004, True)
        live.finish()
        equal(live, at_once(contents(SCENARIO, SIDES), {1: 3_004_000_000}))
