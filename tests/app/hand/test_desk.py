"""The desk of a running node: orders from another thread, delays, rows, and what the command line says of it."""

from __future__ import annotations

import argparse
import asyncio
import threading
from collections.abc import Callable

import pytest

from app.commands.live import desk_of
from app.exit_status import CommandError
from app.hand.acts import acts_of
from app.hand.desk import DeskControl, DeskView
from app.hand.desk_rows import RowKind, rows_of
from app.live_node import LiveNode, NodeSettings
from app.node_thread import NodeThread
from app.own_options import STEPS
from capture.tap import Tap
from protocol.dht.bootstrap import BootstrapNode
from protocol.keys import key_pair
from protocol.peer.desk import Desk, Fate
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.steps import Act
from tests.app.small_dht import LOOPBACK, dht_in_a_thread
from tests.protocol.peer.test_desk import Machine, Somebody, probe, punch

PATIENCE = 20.0


def named(by_hand: bool = False, hold: tuple[str, ...] = (), headless: bool = False) -> argparse.Namespace:
    return argparse.Namespace(by_hand=by_hand, hold=list(hold), headless=headless)


def test_steps_are_named_on_the_command_line_as_acts_are() -> None:
    assert set(STEPS) == {act.name.lower() for act in Act}
    assert acts_of(["probe, punch", "FIND"]) == {Act.PROBE, Act.PUNCH, Act.FIND}
    with pytest.raises(ValueError, match="'prob' is no step; steps are find, offer"):
        acts_of(["prob"])


def test_a_desk_is_made_for_what_is_to_go_by_hand() -> None:
    assert desk_of(named(), "client") is None
    everything = desk_of(named(by_hand=True), "client")
    assert everything is not None
    assert everything.desk.by_hand == set(Act)
    some = desk_of(named(hold=("probe",)), "client")
    assert some is not None
    assert some.desk.by_hand == {Act.PROBE}


@pytest.mark.parametrize(
    ("options", "said"),
    [(named(by_hand=True, headless=True), "need the inspector"), (named(hold=("x",)), "'x' is no step")],
)
def test_what_can_not_go_by_hand_is_said(options: argparse.Namespace, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        desk_of(options, "client")


class Shell:
    """All of a shell that a desk needs."""

    now = 5.0

    def act(self, deed: object) -> object:
        return deed(None, self.now)  # type: ignore[operator]


async def test_orders_come_from_any_thread_and_tell_what_they_could_not_do() -> None:
    desk, machine = Desk(), Machine()
    control = DeskControl(desk)
    control.bind(Shell())  # type: ignore[arg-type]
    machine.build(desk, probe())
    await asyncio.sleep(0)
    assert len(control.view.held) == 1
    ordered = threading.Thread(target=lambda: [control.do(lambda desk, now: desk.send(1, now)) for _ in range(2)])
    ordered.start()
    await asyncio.to_thread(ordered.join)
    await asyncio.sleep(0)
    assert len(machine.let) == 1
    assert not control.view.held
    assert control.take_troubles() == ["the step does not wait any more"]
    assert control.take_troubles() == []


async def test_a_delayed_step_goes_by_itself() -> None:
    desk, machine, gone = Desk(), Machine(), asyncio.Event()
    control = DeskControl(desk)
    shell = Shell()
    control.bind(shell)  # type: ignore[arg-type]
    machine.build(desk, probe())
    control.do(lambda desk, now: desk.delay(1, 0.01, now))
    await asyncio.sleep(0)
    shell.now += 1
    seen = desk.on_change
    desk.on_change = lambda: (seen and seen(), gone.set())  # type: ignore[func-returns-value, assignment]
    async with asyncio.timeout(PATIENCE):
        await gone.wait()
    assert desk.done[0].fate is Fate.SENT
    assert len(machine.let) == 1
    control.close()


def test_rows_are_steps_under_their_attempts_then_what_is_to_come() -> None:
    desk, machine = Desk(), Machine()
    first, second = Somebody(), Somebody()
    machine.build(desk, probe(first))
    machine.build(desk, probe(second))
    desk.send(1, 0.0)
    machine.build(desk, punch())
    rows = rows_of(view_of(desk))
    assert [(row.kind, row.act) for row in rows[:6]] == [
        (RowKind.ATTEMPT, None),
        (RowKind.STEP, Act.PROBE),
        (RowKind.COMING, Act.PUNCH),
        (RowKind.COMING, Act.BARRAGE),
        (RowKind.COMING, Act.STREAM),
        (RowKind.ATTEMPT, None),
    ]
    assert [row.waiting for row in rows if row.kind is RowKind.ATTEMPT] == [0, 1, 1]
    first.closing = object()
    assert [row.folded for row in rows_of(view_of(desk)) if row.kind is RowKind.ATTEMPT] == [True, False, False]
    assert not rows_of(view_of(desk), {id(first)})[0].folded


def view_of(desk: Desk) -> DeskView:
    return DeskView(desk.held, desk.done)


async def test_steps_of_a_node_in_its_own_thread_wait_until_they_are_sent() -> None:
    server_pair, control = key_pair(b"s" * 32), DeskControl(Desk(), "client")
    with dht_in_a_thread() as begin:
        host, port = begin.split(":")
        bootstrap = (BootstrapNode(host, int(port)),)
        listening = NodeSettings(bootstrap, LOOPBACK, pair=server_pair, listen=ListenOptions(), echo=True)
        server = NodeThread(LiveNode(listening, Tap("server")))
        await server.start()
        await until(lambda: any(one.relays for status in [server.status()] if status for one in status.announcements))
        settings = NodeSettings(
            bootstrap, LOOPBACK, connect=server_pair.public_key, connecting=ConnectOptions(), say=b"hi", desk=control
        )
        client = NodeThread(LiveNode(settings, Tap("client")))
        await client.start()
        assert client.desk is control
        try:
            gone = []
            while Act.STREAM not in gone:
                await until(lambda: bool(control.view.held))
                held = control.view.held[0]
                gone.append(held.came.act)
                control.do(lambda desk, now, number=held.number: desk.send(number, now))  # type: ignore[misc]
                await until(lambda number=held.number: all(one.number != number for one in control.view.held))  # type: ignore[misc]
            assert gone[:3] == [Act.FIND, Act.OFFER, Act.ASK]
            assert control.begin_again()
            await until(lambda: any(held.came.act is Act.FIND for held in control.view.held))
            await until(
                lambda: any(one.said == "hi" for status in [client.status()] if status for one in status.connections)
            )
        finally:
            await client.close_now()
            await server.close_now()
    assert all(done.fate is not Fate.BY_ITSELF for done in control.view.done)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)
