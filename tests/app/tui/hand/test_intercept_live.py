"""The intercept screen on a real node in its own thread."""

from __future__ import annotations

import asyncio

from app.hand.rules import Intercepting
from app.live_feed import LiveFeed
from app.live_node import LiveNode, NodeSettings
from app.node_thread import NodeThread
from app.tui.app import PeepholeApp
from app.tui.hand.intercept_screen import InterceptScreen
from capture.story import Story
from capture.tap import Tap
from protocol.dht.bootstrap import parse_bootstrap
from tests.app.small_dht import LOOPBACK, dht_in_a_thread
from tests.app.tui.stage import opened, text_on
from tests.app.tui.test_live import NEVER

FIRST = "kind == request and command == FIND_NODE"
PATIENCE = 20.0


async def test_what_a_node_asks_first_is_held_and_sent_on_from_the_screen() -> None:
    with dht_in_a_thread() as begin:
        tap = Tap()
        intercepting = Intercepting(expression=FIRST)
        settings = NodeSettings((parse_bootstrap(begin),), LOOPBACK, intercepting=intercepting)
        node = NodeThread(LiveNode(settings, tap))
        app = PeepholeApp(lambda _: Story(tap.table), feed=LiveFeed(tap), node=node, tick=NEVER)
        async with app.run_test(size=(120, 40)) as pilot, asyncio.timeout(PATIENCE):
            await opened(pilot)
            await pilot.press("I")
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, InterceptScreen)
            while not screen.messages.held:
                await pilot.pause(0.05)
            shown = text_on(pilot)
            assert f"● on   {FIRST}" in shown
            assert "about to be sent by this node" in shown
            assert "our node sends it again" in shown
            status = node.status()
            assert status is not None
            assert not status.bootstrapped
            await pilot.press("I", "A")
            while (status := node.status()) is None or not status.bootstrapped:
                await pilot.pause(0.05)
            assert not screen.messages.held
            assert "○ off" in text_on(pilot)
            assert "forwarded" in text_on(pilot)
