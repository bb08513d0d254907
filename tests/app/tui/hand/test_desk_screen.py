"""The screen of a client and of a server by hand: every key, and a machine that takes down what goes."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from app.hand.desk import DeskControl
from app.tui.app import PeepholeApp
from app.tui.hand.desk_screen import DeskScreen
from app.tui.hand.form import FormScreen
from app.tui.ladder_view import LadderView
from app.tui.main_screen import MainScreen
from app.tui.palette import DARK, LIGHT
from protocol.messages import Address, HolepunchPayload, NoisePayload
from protocol.peer.desk import Desk, Fate
from protocol.peer.events import Stage
from protocol.peer.steps import Act, HolepunchStep, Let, NoiseStep, PunchStep, Sending, Skipped, Step
from tests.app.flows_by_hand import STORY
from tests.app.hand_node import SilentFeed, Still
from tests.app.tui.stage import SIZES, opened, text_on

RELAY = Address("198.51.100.1", 49737)
SERVER = Address("203.0.113.9", 4000)


class Peer:
    """A client or server that somebody has a hand in."""

    def __init__(self, name: int, *, initiator: bool) -> None:
        self.attempt = bytes([name]) * 8
        self.remote_public_key = bytes([name]) * 32
        self.initiator = initiator
        self.stage = Stage.PROBING
        self.opened = False
        self.closing = None

    def set_stage(self, stage: Stage) -> None:
        """It gets further."""
        self.stage = stage


class Table:
    """A desk, a machine behind it, and a clock that stands still."""

    def __init__(self) -> None:
        self.now = 10.0
        self.desk = Desk()
        self.control = DeskControl(self.desk, "client")
        self.let: list[Let] = []
        self.again: list[Step] = []

    def act(self, deed: Callable[[None, float], object]) -> object:
        """The face of a shell."""
        return deed(None, self.now)

    def build(self, step: Step) -> None:
        self.desk(step, Sending(lambda let, _: self.let.append(let), lambda step, _: self.again.append(step)), self.now)

    def probe(self, peer: Peer, number: int = 0) -> None:
        payload = HolepunchPayload(0, 2, number, addresses=(SERVER,))
        self.build(HolepunchStep(Act.PROBE, peer, payload, RELAY, SERVER, 3, 0, own_token=bytes(range(32))))


CLIENT = Peer(0x36, initiator=True)
Play = Callable[[Pilot[int], Table], Awaitable[None]]


def play(steps: Callable[[Table], None], keys: Play, size: tuple[int, int] = (120, 40), theme: str = DARK) -> Table:
    """Put steps on a desk, press keys on its screen."""

    async def run() -> Table:
        table = Table()
        table.control.bind(table)  # type: ignore[arg-type]  # all of a shell that a desk needs
        node: Any = Still(desk=table.control)
        app = PeepholeApp(lambda _: STORY, theme=theme, feed=SilentFeed(), zone=datetime.UTC, tick=0.1, node=node)
        async with app.run_test(size=size) as pilot:
            await opened(pilot)
            steps(table)
            await settled(pilot)
            await keys(pilot, table)
        return table

    return asyncio.run(run())


async def settled(pilot: Pilot[int]) -> DeskScreen:
    """Let orders be done, and look."""
    await pilot.pause()
    screen = pilot.app.screen
    if isinstance(screen, DeskScreen):
        screen.look()
        await pilot.pause()
        return screen
    [desk] = [one for one in pilot.app.screen_stack if isinstance(one, DeskScreen)]
    return desk


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


@pytest.mark.parametrize(("size", "theme"), zip(SIZES, (DARK, LIGHT, DARK), strict=True))
def test_it_opens_by_itself_and_says_what_waits_and_for_how_long(size: tuple[int, int], theme: str) -> None:
    async def look(pilot: Pilot[int], table: Table) -> None:
        table.now += 3.0
        table.control.look()
        await settled(pilot)
        shown = text_on(pilot)
        words = ("1 held", "probe round", "3.0 s", "the server stops waiting", "7.0 s", "punch round", "server 3636")
        assert [word for word in (*words, "a send", "help") if word not in shown] == []
        seen = []
        for _ in range(3):
            await press(pilot, "tab")
            focused = pilot.app.screen.focused
            assert focused is not None
            assert focused.region
            seen.append(focused.id)
        assert seen == ["desk-step", "ladder", "desk"]

    play(lambda table: table.probe(CLIENT), look, size, theme)


def test_one_key_decides() -> None:
    def build(table: Table) -> None:
        for number in range(4):
            table.probe(CLIENT, number)

    async def decide(pilot: Pilot[int], _: Table) -> None:
        for key in ("a", "enter", "X", "s"):
            await press(pilot, key)

    table = play(build, decide)
    assert [done.fate for done in table.desk.done] == [Fate.SENT, Fate.SENT, Fate.LEFT_OUT, Fate.SKIPPED]
    assert [type(let) for let in table.let] == [HolepunchStep, HolepunchStep, type(None), Skipped]


def test_fields_are_changed_in_a_form_or_by_ready_made_decisions() -> None:
    def build(table: Table) -> None:
        for number in range(3):
            table.probe(CLIENT, number)

    async def change(pilot: Pilot[int], table: Table) -> None:
        await press(pilot, "e")
        assert isinstance(pilot.app.screen, FormScreen)
        await press(pilot, "down", "right", "ctrl+j")
        assert table.desk.held[0].edited
        assert "was CONSISTENT" in text_on(pilot)
        await press(pilot, "V")
        assert not table.desk.held[0].edited
        await press(pilot, "e", "down", "right", "ctrl+j")
        await press(pilot, "a")
        await press(pilot, "c")
        assert "claim RANDOM" in text_on(pilot)
        await press(pilot, *["down"] * 4, "enter")
        # One that needs a value asks for it.
        await press(pilot, "c", *["down"] * 5, "enter")
        assert isinstance(pilot.app.screen, FormScreen)
        assert pilot.app.screen.query_one("#form-fields").selected.name == "addresses"  # type: ignore[attr-defined]
        await press(pilot, *["backspace"] * 4, *"9999", "ctrl+j")
        await press(pilot, "a")

    sent = [step.payload for step in play(build, change).let if isinstance(step, HolepunchStep)]
    assert [payload.firewall for payload in sent] == [3, 3, 2]
    assert sent[-1].addresses == (Address(SERVER.host, 9999),)


def test_a_step_is_put_off_delayed_and_repeated() -> None:
    async def work(pilot: Pilot[int], table: Table) -> None:
        await press(pilot, "D")
        assert "Send it first" in text_on(pilot)
        await press(pilot, "J")
        assert "put off" in text_on(pilot)
        table.build(PunchStep(Act.BARRAGE, CLIENT))
        await settled(pilot)
        await press(pilot, "d", *"2.5", "enter")
        assert "goes by itself in 2.5 s" in text_on(pilot)
        for key in ("a", "a", "D"):
            await press(pilot, key)
        await press(pilot, "a")
        assert "D sends it once more" in text_on(pilot)
        await press(pilot, "g", "X")
        assert "Select a step of this attempt" in text_on(pilot)
        await press(pilot, "G", "a")
        assert "has not come yet" in text_on(pilot)
        await press(pilot, "N")
        assert "waits for clients" in text_on(pilot)

    table = play(lambda table: table.probe(CLIENT), work)
    assert [done.fate for done in table.desk.done] == [Fate.SENT, Fate.LATE, Fate.REPEATED]
    assert len(table.again) == 2


def test_kinds_of_steps_and_everything_go_by_itself_from_here_on() -> None:
    async def automatic(pilot: Pilot[int], table: Table) -> None:
        await press(pilot, "t")
        assert "by itself: probe round" in text_on(pilot)
        assert not table.desk.held
        table.build(PunchStep(Act.BARRAGE, CLIENT))
        await settled(pilot)
        await press(pilot, "T")
        assert "everything goes by itself" in text_on(pilot)
        await press(pilot, "T")
        assert "everything by hand" in text_on(pilot)

    table = play(lambda table: table.probe(CLIENT), automatic)
    assert len(table.let) == 2


def test_each_client_of_a_server_has_rows_of_its_own() -> None:
    clients = [Peer(number, initiator=False) for number in (0x41, 0x42)]

    def arrive(table: Table) -> None:
        for client in clients:
            table.build(NoiseStep(Act.ANSWER, client, NoisePayload(1, 0, 2), mode=1, peer_address=SERVER))

    async def serve(pilot: Pilot[int], table: Table) -> None:
        shown = text_on(pilot)
        assert "client 4141" in shown
        assert "client 4242" in shown
        assert "the client gives this relay up" in shown
        await press(pilot, "n")
        await press(pilot, "c", "down", "enter")
        assert table.let == [None]
        assert [held.came.connection for held in table.desk.held] == clients[:1]
        # The cursor stays with that client, and the next key does nothing to the other one.
        await press(pilot, "X")
        assert len(table.desk.held) == 1

    play(arrive, serve)


def test_the_ladder_of_the_selected_attempt_stands_beside_it_with_what_waits() -> None:
    mine = Peer(0x36, initiator=True)
    mine.attempt = bytes.fromhex(STORY.flows[0].id)

    async def look(pilot: Pilot[int], _: Table) -> None:
        [main] = [screen for screen in pilot.app.screen_stack if isinstance(screen, MainScreen)]
        await main.look()
        await settled(pilot)
        ladder = pilot.app.screen.query_one(LadderView)
        assert ladder.flow is not None
        assert ladder.flow.id == STORY.flows[0].id
        assert "probe round is held" in text_on(pilot)

    play(lambda table: table.probe(mine), look)


def test_the_main_screen_and_back_while_a_step_waits_behind_the_mask_too() -> None:
    async def go(pilot: Pilot[int], table: Table) -> None:
        assert "203.0.113.9" in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, MainScreen)
        assert "by hand" in text_on(pilot)
        await pilot.press("H", "B")
        await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        assert isinstance(pilot.app.screen, DeskScreen)
        shown = text_on(pilot)
        assert "203.0.113.9" not in shown
        assert "hidden" in shown
        await press(pilot, "e")
        assert "can't be changed" in text_on(pilot)
        assert len(table.desk.held) == 1
        await pilot.press("Q")
        await pilot.pause()
        assert "1 step waits for you" in text_on(pilot)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DeskScreen)

    play(lambda table: table.probe(CLIENT), go, (120, 50))
