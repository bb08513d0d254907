"""Pictures of the screens by hand: a change of looks is seen and agreed to, not slipped in. All clocks stand still."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from app.intercept_status import Countdown, HeldMessage, RuleStatus, TouchedMessage
from app.tui.app import PeepholeApp
from app.tui.main_screen import MainScreen
from app.tui.palette import DARK, LIGHT
from protocol.editing.fields import with_field
from protocol.messages import HolepunchPayload, NoisePayload
from protocol.peer.steps import Act, HolepunchStep, NoiseStep
from tests.app.flows_by_hand import STORY
from tests.app.hand_interception import OPENER, Posing, held_message
from tests.app.hand_node import SilentFeed, Still
from tests.app.tui.hand.test_desk_screen import SERVER, Peer, Table, press, settled
from tests.app.tui.stage import main_of, opened

Compare = Callable[..., bool]

NEVER = 3600.0
AGAIN = Countdown("the client sends it again (2 of 4)", 0.8, estimated=True)
GIVEN_UP = Countdown("the client gives this request up", 2.3, estimated=True, final=True)
EXPRESSION = "command == PEER_HOLEPUNCH"

INTERCEPTED = {
    "held": (DARK, (120, 40), ()),
    "held-small-light": (LIGHT, (80, 24), ()),
    "form": (DARK, (120, 40), ("e", "down", "down")),
    "side-by-side": (DARK, (120, 40), ("j",)),
    "side-by-side-light": (LIGHT, (160, 45), ("j", "enter")),
    "presets": (DARK, (120, 40), ("p",)),
    "rules": (DARK, (120, 40), ("tab", "tab", "j")),
    "expression": (DARK, (80, 24), ("i",)),
    "bytes": (DARK, (120, 40), ("b",)),
}
BY_HAND = {
    "steps": (DARK, (120, 40), ()),
    "steps-small-light": (LIGHT, (80, 24), ()),
    "form": (DARK, (120, 40), ("e", "down", "right")),
    "edited": (LIGHT, (120, 40), ("e", "down", "right", "ctrl+j")),
    "choices": (DARK, (120, 40), ("c",)),
}


def posing() -> Posing:
    """One as it came, one edited, its repeat; one that went, one that is lost; two rules."""
    first = held_message(12, countdowns=(AGAIN, GIVEN_UP))
    second = held_message(13, age=2.1)
    edited = with_field(second.draft, "firewall", "RANDOM", OPENER)
    second = replace(second, now=replace(second.now, data=edited.data))
    return Posing(
        [first, second, held_message(14, sent=True, age=0.4)],
        [went(11, "forwarded"), went(9, "dropped")],
        [
            RuleStatus("lost-reply", "mode == REPLY", "drop", "preset lost-reply", True, 3, 1),
            RuleStatus("slow", "kind == request", "delay 0.4 s", "mine.toml", False, 0),
        ],
        EXPRESSION,
        on=True,
    )


def went(number: int, fate: str) -> TouchedMessage:
    one: HeldMessage = held_message(number)
    return TouchedMessage(
        number, number, False, -4.0, one.was, None if fate == "dropped" else one.now, fate, one.label, one.opener
    )


@pytest.mark.parametrize("name", INTERCEPTED)
def test_the_intercept_screen_looks_as_agreed(name: str, snap_compare: Compare) -> None:
    theme, size, keys = INTERCEPTED[name]
    node = Still(interception=posing())
    app = PeepholeApp(lambda _: STORY, theme=theme, feed=SilentFeed(), zone=datetime.UTC, tick=NEVER, node=node)

    async def act(pilot: Pilot[int]) -> None:
        await opened(pilot)
        assert main_of(pilot)
        await pilot.press("I", *keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=act)


def desk(table: Table, theme: str) -> PeepholeApp:
    """Its shell is bound in the event loop that the inspector runs in."""
    node: Any = Still(desk=table.control)
    return PeepholeApp(lambda _: STORY, theme=theme, feed=SilentFeed(), zone=datetime.UTC, tick=NEVER, node=node)


def steps_of_a_client(table: Table) -> None:
    """Some went, one waits, of the attempt whose ladder stands beside it."""
    client = Peer(0x36, initiator=True)
    client.attempt = bytes.fromhex(STORY.flows[0].id)
    table.build(NoiseStep(Act.OFFER, client, NoisePayload(1, 0, 2)))
    table.desk.let_all_go(table.now)
    table.now += 0.5
    table.probe(client)
    table.desk.leave_out(table.desk.held[0].number, table.now)
    table.now += 1.0
    table.probe(client, 1)
    table.now += 3.0


def clients_of_a_server(table: Table) -> None:
    """Two of them: the round of one, and the handshake of the other, wait to be answered."""
    clients = [Peer(number, initiator=False) for number in (0x41, 0x42)]
    for client in clients:
        table.build(NoiseStep(Act.ANSWER, client, NoisePayload(1, 0, 2), mode=1, peer_address=SERVER))
        table.now += 0.7
    table.desk.send(table.desk.held[0].number, table.now)
    payload = HolepunchPayload(0, 2, 0, addresses=(SERVER,), token=bytes(range(32)))
    table.build(HolepunchStep(Act.REPLY, clients[0], payload))
    table.now += 1.5


SIDES: dict[str, Callable[[Table], None]] = {"client": steps_of_a_client, "server": clients_of_a_server}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_desk_looks_as_agreed(name: str, side: str, snap_compare: Compare) -> None:
    theme, size, keys = BY_HAND[name]
    table = Table()
    table.control.what = side

    async def act(pilot: Pilot[int]) -> None:
        table.control.bind(table)  # type: ignore[arg-type]  # all of a shell that a desk needs
        await opened(pilot)
        SIDES[side](table)
        table.control.look()
        [main] = [screen for screen in pilot.app.screen_stack if isinstance(screen, MainScreen)]
        await main.look()
        await settled(pilot)
        await press(pilot, *keys)

    assert snap_compare(desk(table, theme), terminal_size=size, run_before=act)
