"""A node of our own in the inspector: real ones on loopback, and made-up states of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from app.exit_status import CommandError
from app.live_feed import LiveFeed
from app.live_node import LiveNode, NodeSettings
from app.node_status import ConnectionStatus, Timer
from app.tui.app import PeepholeApp
from app.tui.bars import Banner
from app.tui.keys.action import Context
from app.tui.node_leaving import LeavingScreen
from app.tui.node_line import NodeLine
from app.tui.node_pages import NodeScreen
from capture.story import Story
from capture.tap import Tap
from protocol.dht.operations import look_up
from protocol.hashes import target_of
from protocol.messages import Address
from protocol.peer.options import ListenOptions
from tests.app.flows_by_hand import BOTH_RANDOM, STORY
from tests.app.hand_node import PAIR, STATUS, Still
from tests.app.small_dht import LOOPBACK, begin_at, small_dht
from tests.app.tui.stage import main_of, opened, text_on
from tests.app.tui.test_live import NEVER, Growing, Quiet, look

SIZES = ((80, 24), (120, 40), (200, 60))


@asynccontextmanager
async def running(node: LiveNode, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    story, feed = Story(node.tap.table), LiveFeed(node.tap)
    app = PeepholeApp(lambda _: story, feed=feed, node=node, tick=NEVER)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await node.settled()
        await look(pilot)
        await see(pilot)
        yield pilot


async def test_it_joins_announces_and_says_so() -> None:
    async with small_dht() as shells:
        node = LiveNode(NodeSettings(begin_at(shells[0]), LOOPBACK, pair=PAIR, listen=ListenOptions()), Tap())
        async with running(node) as pilot:
            shown = text_on(pilot)
            assert "● live node" in shown
            line = next(line for line in shown.splitlines() if line.startswith(" node "))
            for part in ("ephemeral", "seen as 127.0.0.1:", "port open", "online", f"{len(shells)} nodes", "announced"):
                assert part in line
            assert len(node.tap.table) == main_of(pilot).session.files[0].packets > 0
            assert "This node" in shown, "with no attempt to show there is room for the node itself"


async def test_its_pages() -> None:
    async with small_dht() as shells:
        node = LiveNode(NodeSettings(begin_at(shells[0]), LOOPBACK, pair=PAIR, listen=ListenOptions()), Tap())
        async with running(node) as pilot:
            await pilot.press("O")
            await pilot.pause()
            assert isinstance(pilot.app.screen, NodeScreen)
            assert "by the rule" in text_on(pilot)
            await pilot.press("2")
            await pilot.pause()
            for shell in shells:
                assert str(shell.address(1)) in text_on(pilot)
            await pilot.press("tab")
            await pilot.pause()
            assert PAIR.public_key.hex() in text_on(pilot)
            assert text_on(pilot).count("sees us at 127.0.0.1") == 3
            await pilot.press("5")
            await pilot.pause()
            assert "requests sent" in text_on(pilot)
            await pilot.press("escape")
            await pilot.pause()
            assert main_of(pilot)


async def test_leaving_takes_back_what_is_announced() -> None:
    async with small_dht() as shells:
        node = LiveNode(NodeSettings(begin_at(shells[0]), LOOPBACK, pair=PAIR, listen=ListenOptions()), Tap())
        target = target_of(PAIR.public_key)
        async with running(node) as pilot:
            assert (await shells[2].run(look_up, target)).peers
            assert node.farewell == "unannouncing"
            await pilot.press("q")
            await node.stop()
            await pilot.pause()
        assert pilot.app.return_value == 0
        assert not (await shells[2].run(look_up, target)).peers
        assert node.status() is None


async def test_leaving_again_leaves_at_once() -> None:
    async with small_dht() as shells:
        node = LiveNode(NodeSettings(begin_at(shells[0]), LOOPBACK, pair=PAIR, listen=ListenOptions()), Tap())
        async with running(node) as pilot:
            for shell in shells:
                await shell.close()  # nobody answers: taking it back would last
            await pilot.press("q")
            await pilot.pause()
            assert isinstance(pilot.app.screen, LeavingScreen)
            assert "unannouncing…" in text_on(pilot)
            await pilot.press("q")
            await pilot.pause()
        assert pilot.app.return_value == 0
        assert node.status() is None


async def test_a_connection_is_seen_from_both_ends() -> None:
    """A client of ours in the inspector, a server of ours beside it."""
    async with small_dht() as shells:
        server = LiveNode(
            NodeSettings(begin_at(shells[0]), LOOPBACK, pair=PAIR, listen=ListenOptions(), echo=True), Tap()
        )
        await server.start()
        await server.settled()
        settings = NodeSettings(begin_at(shells[0]), LOOPBACK, connect=PAIR.public_key, say=b"hello")
        client = LiveNode(settings, Tap())
        async with running(client) as pilot:
            await client.finished()
            await look(pilot)
            await see(pilot)
            flow = main_of(pilot).flow
            assert flow is not None
            assert flow.verdict.code == "open-server"
            assert flow.key.holepunch_secret is not None or flow.key.server_public_key == PAIR.public_key
            assert "over" in text_on(pilot).splitlines()[1]
            await pilot.press("O", "4")
            await pilot.pause()
            assert "said: hello" in text_on(pilot)
            assert "both sides ended" in text_on(pilot)
        (accepted,) = server.book.status(0.0)
        assert (accepted.initiator, accepted.said, accepted.failed) == (False, "hello", False)
        await server.stop()


async def test_an_attempt_of_ours_has_no_verdict_before_it_is_decided() -> None:
    attempt = bytes.fromhex(BOTH_RANDOM.id)
    own = ConnectionStatus(attempt, True, bytes(32), None, "last round: punching", 1.0, False)
    node = Still(replace(STATUS, connections=(own,)))
    async with still(node, (BOTH_RANDOM,)) as pilot:
        await see(pilot)
        shown = text_on(pilot)
        assert "… under way  last round: punching" in shown
        assert BOTH_RANDOM.verdict.summary[:40] not in shown
        over = replace(own, closing="HOLEPUNCH_ABORTED: both NATs give each destination another port", failed=True)
        node.state = replace(STATUS, connections=(over,))
        await see(pilot)
        shown = text_on(pilot)
        assert "under way" not in shown
        assert BOTH_RANDOM.verdict.code in shown
        assert "our peer  HOLEPUNCH_ABORTED: both NATs give" in shown


async def test_a_server_that_nobody_knows() -> None:
    async with small_dht() as shells:
        client = LiveNode(NodeSettings(begin_at(shells[0]), LOOPBACK, connect=PAIR.public_key), Tap())
        async with running(client) as pilot:
            await client.finished()
            await see(pilot)
            assert "failed" in text_on(pilot).splitlines()[1]
            await pilot.press("O", "4")
            await pilot.pause()
            assert "PEER_NOT_FOUND: no node holds a record of the peer" in text_on(pilot)


async def test_a_port_that_is_not_ours_ends_it_with_a_sentence() -> None:
    node = LiveNode(NodeSettings((), "192.0.2.1"), Tap())
    app = PeepholeApp(lambda _: Story(node.tap.table), feed=LiveFeed(node.tap), node=node)
    async with app.run_test():
        pass
    assert isinstance(app.failure, CommandError)
    assert "192.0.2.1" in str(app.failure)


@asynccontextmanager
async def still(node: Still, *stages: object, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    story = Growing(iter(stages), hand=STORY)  # type: ignore[arg-type]
    app = PeepholeApp(lambda _: story, feed=Quiet("node"), node=node, tick=NEVER)  # type: ignore[arg-type, return-value]
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await look(pilot)
        await see(pilot)
        yield pilot


async def see(pilot: Pilot[int]) -> None:
    main_of(pilot).query_one(NodeLine).look()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_every_page_at_every_size(size: tuple[int, int]) -> None:
    async with still(Still(), size=size) as pilot:
        await pilot.press("O")
        for key, words in (
            ("1", ("203.0.113.7:*", "RANDOM", "degraded")),
            ("2", ("198.51.100.1:1", "1 down hint")),
            ("3", ("announced", "sees us at 203.0.113.7:49737", "1 client not over yet")),
            ("4", ("telling each other", "HOLEPUNCH_ABORTED: no punch arrived", "said: hi", "1 min 01 s")),
            ("5", ("1 234  requests sent", "12  malformed message")),
            ("6", ("wakes in 0.25 s",)),
        ):
            await pilot.press(key)
            await pilot.pause()
            for word in words:
                assert word in text_on(pilot), (key, word)


async def test_the_pages_have_help_and_can_be_left_for_good() -> None:
    async with still(Still()) as pilot:
        await pilot.press("O", "question_mark")
        await pilot.pause()
        lines = text_on(pilot).splitlines()
        assert lines[1].strip() == Context.NODE, "the help begins with where one is"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, NodeScreen)
        await pilot.press("Q")
        await pilot.pause()
    assert pilot.app.return_value == 0


async def test_a_dead_network_says_so_and_says_when_it_is_back() -> None:
    node = Still(replace(STATUS, trouble="Nobody answered: 1 bootstrap node asked (boot.example:49737)."))
    async with still(node, (BOTH_RANDOM,)) as pilot:
        assert "Nobody answered: 1 bootstrap node" in text_on(pilot)
        node.state = STATUS
        await see(pilot)
        assert not main_of(pilot).query_one(Banner).display


async def test_an_attempt_counts_down_what_it_waits_for() -> None:
    asked = next(one for one in BOTH_RANDOM.messages if one.kind == "request")
    again = Timer(0.6, "PEER_HANDSHAKE is sent again (2 of 4)", asked.dst, asked.tid)
    named = Timer(2.0, "passive wait ends", attempt=bytes.fromhex(BOTH_RANDOM.id))
    other = Timer(0.1, "PING is sent again (2 of 4)", Address("198.51.100.1", 1), asked.tid)
    node = Still(replace(STATUS, timers=(other, again, named)))
    async with still(node, (BOTH_RANDOM,)) as pilot:
        await see(pilot)
        shown = text_on(pilot)
        assert "◷ in 0.6 s" in shown
        assert "PEER_HANDSHAKE is sent again (2 of 4)" in shown
        assert "passive wait ends" in shown
        assert "PING is sent" not in shown
        ladder = main_of(pilot).ladder
        assert ladder.selected is not None
        assert ladder.selected[0] is BOTH_RANDOM.steps[-1], "the cursor stays on steps"
        node.state = replace(STATUS, timers=(replace(again, due=0.4),))
        await see(pilot)
        assert "◷ in 0.4 s" in text_on(pilot)
        assert "passive wait" not in text_on(pilot)
        node.state = STATUS
        await see(pilot)
        assert "◷" not in text_on(pilot)


async def test_what_is_no_single_node_has_no_line_and_no_pages() -> None:
    async with still(Still(state=None)) as pilot:
        await pilot.press("O")
        await pilot.pause()
        assert main_of(pilot)
        assert "Waiting for packets" in text_on(pilot)
        await pilot.press("q")
        await pilot.pause()
    assert pilot.app.return_value == 0
