"""The interceptor of a running node: what is shown of it, what can be done, and what is kept with the packets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.hand.interception import LiveInterception
from app.hand.preset_files import preset
from app.hand.rules import Rule
from app.hand.rules_reading import parse_rules
from app.intercept_status import InterceptError, InterceptStatus
from capture.tap import Tap
from capture.touches import Touch, touches_of
from protocol.constants import Mode
from protocol.editing.fields import fields_of, with_field
from protocol.messages import Address
from protocol.noise_handshake import KeyLine
from protocol.udp_machine import Tapped
from tests.protocol.intercept.attempt import CLIENT, RECEIVED, SERVER, RelayedAttempt
from tests.protocol.intercept.machines import Echoes

LOCAL = Address("10.0.0.3", 3003)
PUNCH = b"\x00"


class Shell:
    """As much of a shell as there has to be."""

    def __init__(self, rules: Sequence[Rule] = (), expression: str = "") -> None:
        self.tap = Tap()
        self.interception = LiveInterception(self.tap, rules, expression)
        self.machine = Echoes()
        self.face = self.interception.around(self.machine)
        self.sent: list[tuple[bytes, Address]] = []
        self.interception.attach(self)

    def receive(self, data: bytes, source: Address = CLIENT) -> None:
        self._tapped(False, source, data)
        self.face.receive_datagram(data, source, time.monotonic(), 1)
        self.drive()

    def send(self, data: bytes, to: Address = SERVER) -> None:
        from protocol.dht.contact import Outgoing

        self.machine.to_send.append(Outgoing(data, to, 1))
        self.drive()

    def drive(self) -> None:
        while (outgoing := self.face.poll_datagram(time.monotonic())) is not None:
            self._tapped(True, outgoing.to, outgoing.data)
            self.sent.append((outgoing.data, outgoing.to))

    def _tapped(self, outgoing: bool, remote: Address, data: bytes) -> None:
        self.interception.take(Tapped(time.time_ns(), outgoing, LOCAL, remote, 64, data, 1))

    async def look(self) -> InterceptStatus:
        await asyncio.sleep(0)
        status = self.interception.status()
        assert status is not None
        return status

    def touches(self) -> list[tuple[Touch, ...]]:
        self.tap.collect()
        return [touches_of(self.tap.table, row) for row in range(len(self.tap.table))]


def drop_punches() -> Sequence[Rule]:
    return parse_rules('[[rule]]\nname = "no punches"\nmatch = "kind == punch"\ndo = "drop"', "x").rules


async def test_what_is_held_is_shown_with_its_ends_age_and_timers() -> None:
    shell = Shell(expression="command == PEER_HANDSHAKE")
    attempt = RelayedAttempt()
    shell.receive(attempt.announcement(), SERVER)
    shell.receive(attempt.handshake(Mode.FROM_CLIENT))
    status = await shell.look()
    (held,) = status.held
    assert (status.on, status.expression, status.passed) == (True, "command == PEER_HANDSHAKE", 2)
    assert (held.number, held.sent, held.label) == (2, False, "command == PEER_HANDSHAKE")
    assert (held.was.source, held.was.to, held.edited) == (CLIENT, LOCAL, False)
    assert [one.what for one in held.countdowns] == ["the client sends it again", "the client gives this request up"]
    assert 0 <= held.age < 30
    assert held.countdowns[0].due <= 1.0
    assert len(held.attempt) == 8
    assert shell.machine.received == [(attempt.announcement(), SERVER)]


async def test_a_round_is_edited_and_goes_on() -> None:
    shell = Shell(expression="command == PEER_HOLEPUNCH")
    attempt = RelayedAttempt()
    shell.receive(attempt.announcement(), SERVER)
    for mode in (Mode.FROM_CLIENT, Mode.FROM_SERVER):
        shell.receive(attempt.handshake(mode), attempt.way(mode)[1])
    was = attempt.round(Mode.FROM_CLIENT)
    shell.receive(was)
    (held,) = (await shell.look()).held
    assert "firewall" in [field.name for field in fields_of(held.draft, held.opener)]
    draft = with_field(held.draft, "firewall", "RANDOM", held.opener)
    await shell.interception.edit(held.number, draft)
    (held,) = (await shell.look()).held
    assert held.edited
    await shell.interception.revert(held.number)
    await shell.interception.edit(held.number, draft)
    await shell.interception.forward(held.number)
    assert attempt.opened(shell.machine.received[-1][0]) == replace(attempt.opened(was), firewall=3)
    status = await shell.look()
    assert status.held == ()
    (gone,) = status.touched
    assert gone.fate == "edited"
    assert gone.now is not None
    assert gone.now.data == draft.data
    assert [[touch.fate for touch in touches] for touches in shell.touches()] == [[], [], [], ["held", "edited"]]
    assert shell.touches()[3][1].became == draft.data
    await shell.interception.replay(gone.key)
    assert len(shell.machine.received) == 5


async def test_everything_that_can_be_done_with_a_held_one() -> None:
    shell = Shell(expression="kind == punch")
    for number in range(4):
        shell.send(PUNCH, Address("10.0.0.2", 2000 + number))
    works = shell.interception
    await works.move(4, 1)
    assert [one.number for one in (await shell.look()).held] == [4, 1, 2, 3]
    await works.duplicate(1)
    await works.delay(2, 3600.0)
    assert (await shell.look()).held[2].countdowns[0].what == "it goes on by itself"
    await works.drop(1)
    assert await works.forward_all() == 3
    assert [to.port for _, to in shell.sent] == [2000, 2003, 2001, 2002]
    fates = [one.fate for one in (await shell.look()).touched]
    assert fates == ["forwarded", "forwarded", "forwarded", "dropped", "duplicated"]
    for act in (works.forward(1), works.drop(1), works.duplicate(1), works.delay(1, 1.0), works.move(1, None)):
        with pytest.raises(InterceptError, match="#1 is not held any more"):
            await act
    with pytest.raises(InterceptError, match="too long ago"):
        await works.replay(999)


async def test_expressions() -> None:
    shell = Shell()
    works = shell.interception
    await works.intercept("kind == punch", on=True)
    shell.send(PUNCH)
    await works.intercept("kind == punch", on=False)
    shell.send(PUNCH)
    status = await shell.look()
    assert (status.on, status.expression, len(status.held), len(shell.sent)) == (False, "kind == punch", 1, 1)
    for wrong in ("kind ==", "verdict == punched"):
        with pytest.raises(InterceptError):
            await works.intercept(wrong, on=True)
    assert (await shell.look()).expression == "kind == punch"


async def test_rules_are_used_or_not() -> None:
    shell = Shell(drop_punches())
    works = shell.interception
    shell.send(PUNCH)
    await works.use_rule(0, on=False)
    shell.send(PUNCH)
    assert len(shell.sent) == 1
    (rule,) = (await shell.look()).rules
    assert (rule.name, rule.match, rule.does, rule.on, rule.hits, rule.left) == (
        "no punches",
        "kind == punch",
        "drop",
        False,
        1,
        None,
    )
    await works.add_preset("lost-reply")
    with pytest.raises(InterceptError, match="already"):
        await works.add_preset("lost-reply")
    with pytest.raises(InterceptError, match="there is none"):
        await works.add_preset("luck")
    assert [one.name for one in (await shell.look()).rules] == ["no punches", "lost-reply"]
    await works.remove_rule(0)
    for index in (1, -1):
        with pytest.raises(InterceptError, match="gone"):
            await works.remove_rule(index)
        with pytest.raises(InterceptError, match="gone"):
            await works.use_rule(index, on=True)
    assert {one.name for one in works.presets} >= {"dead-relay", "lost-reply"}
    assert all(one.says for one in works.presets)


async def test_touches_are_on_the_packets_that_they_were_done_to() -> None:
    rules = parse_rules(
        """
        [[rule]]
        name = "there"
        match = "command == PEER_HANDSHAKE and mode == FROM_RELAY"
        do = ["edit", "redirect"]
        set = { peer_address = ":+7" }
        to = "10.0.0.9:9"
        [[rule]]
        name = "back"
        match = "command == PEER_HANDSHAKE and mode == REPLY"
        do = "drop"
        [[rule]]
        name = "cannot"
        match = "command == PEER_HANDSHAKE and mode == FROM_SERVER"
        do = "edit"
        set = { firewall = "OPEN" }
        """,
        "x",
    ).rules
    shell, attempt = Shell(rules), RelayedAttempt()
    shell.send(PUNCH)
    shell.receive(attempt.handshake(Mode.FROM_CLIENT))
    passed_on = attempt.handshake(Mode.FROM_RELAY)
    shell.send(passed_on)
    shell.receive(attempt.handshake(Mode.FROM_SERVER), SERVER)
    shell.send(attempt.handshake(Mode.REPLY), CLIENT)
    punch, from_client, from_relay, from_server = shell.touches()
    assert (punch, from_client) == ((), ())
    (there,) = from_relay
    assert (there.fate, there.rule, there.sent, there.remote) == ("redirected", "there", True, SERVER)
    assert (there.original, there.to) == (passed_on, Address("10.0.0.9", 9))
    cannot, back = from_server
    assert (cannot.fate, cannot.rule) == ("unedited", "cannot")
    assert "only the client opens" in cannot.reason
    assert (back.fate, back.unsent, back.original) == ("dropped", True, attempt.handshake(Mode.REPLY))


async def test_a_held_one_that_is_sent_later_is_marked_when_it_is() -> None:
    shell = Shell(expression="kind == punch")
    shell.send(PUNCH)
    assert shell.touches() == []
    await shell.interception.forward(1)
    assert [[touch.fate for touch in one] for one in shell.touches()] == [["held", "forwarded"]]


async def test_own_keys_open_own_tokens() -> None:
    shell, attempt = Shell(expression="command == PEER_HOLEPUNCH"), RelayedAttempt()
    shell.interception.give_server_key(attempt.pair.public_key)
    for line in attempt.result.key_lines:
        shell.interception.take_key(line)
    shell.interception.take_key(KeyLine("CLIENT_TOKEN_SECRET", attempt.result.key_lines[0].attempt, b"c" * 32))
    for mode in (Mode.FROM_CLIENT, Mode.FROM_SERVER):
        shell.receive(attempt.handshake(mode), attempt.way(mode)[1])
    shell.receive(attempt.round(Mode.FROM_CLIENT))
    (held,) = (await shell.look()).held
    assert with_field(held.draft, "token", "recompute", held.opener) != held.draft


async def test_what_rules_did_is_said_at_the_end() -> None:
    wrong = parse_rules(
        '[[rule]]\nname = "w"\nmatch = "command == PEER_HANDSHAKE"\ndo = "edit"\nset = { firewall = "OPEN" }', "x"
    ).rules
    shell = Shell([*drop_punches(), *wrong])
    assert shell.interception.summary() == ["rule no punches: applied 0 times", "rule w: applied 0 times"]
    shell.send(PUNCH)
    shell.receive(RelayedAttempt().handshake(Mode.FROM_CLIENT))
    shell.interception.detach()
    first, second, third, fourth = shell.interception.summary()
    assert (first, second) == ("rule no punches: applied 1 time", "rule w: applied 1 time")
    assert third.startswith("1 could not be edited, the first: w: firewall: ")
    assert fourth == "datagrams: 1 dropped"


async def test_before_and_after_there_is_nothing() -> None:
    alone = LiveInterception(Tap(), drop_punches())
    assert alone.status() is None
    with pytest.raises(InterceptError, match="does not run"):
        await alone.forward(1)
    shell = Shell(expression="kind == punch")
    shell.send(PUNCH)
    shell.face.close(time.monotonic())
    shell.interception.detach()
    assert shell.interception.status() is None
    with pytest.raises(InterceptError, match="does not run"):
        await shell.interception.forward(1)


async def test_a_node_in_another_thread() -> None:
    """What is asked for in one loop is done in the node's."""
    loop = asyncio.new_event_loop()
    made: asyncio.Future[Shell] = asyncio.get_running_loop().create_future()
    here = asyncio.get_running_loop()

    async def begin() -> None:
        shell = Shell(expression="kind == punch")
        shell.send(PUNCH)
        here.call_soon_threadsafe(made.set_result, shell)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(begin())
        loop.run_forever()
        loop.close()

    thread = asyncio.create_task(asyncio.to_thread(run))
    shell = await made
    await shell.interception.forward(1)
    assert shell.sent == [(PUNCH, SERVER)]
    with pytest.raises(InterceptError):
        await shell.interception.forward(1)
    loop.call_soon_threadsafe(loop.stop)
    await thread


def test_presets_have_rules_of_their_own_names() -> None:
    assert preset("dead-relay").rules[0].origin == "dead-relay"
    assert RECEIVED.value == "received"
