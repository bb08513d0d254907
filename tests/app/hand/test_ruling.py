"""Rules over the datagrams of a relayed attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hand.asking import datagram_filter
from app.hand.preset_files import preset
from app.hand.rules_reading import parse_rules
from app.hand.ruling import RulingJudge, standing_of
from protocol.constants import Mode
from protocol.decode import decode_datagram
from protocol.envelope import decode_request
from protocol.intercept.book import AttemptBook
from protocol.intercept.rulings import Plan, planned
from protocol.intercept.values import LET_PASS, Delay, Drop, Duplicate, Hold, Redirect, Reorder, Replay, Ruling
from protocol.messages import Address, Request
from protocol.values import decode_handshake, decode_holepunch
from tests.protocol.intercept.attempt import CLIENT, LEGS, RECEIVED, SENT, SERVER, TOKEN, RelayedAttempt, passing

LOCAL = Address("10.0.0.3", 3003)
PUNCH = b"\x00"


class Judged:
    """A judge with rules, and an attempt that it saw the beginning of."""

    def __init__(self, text: str = "", name: str = "") -> None:
        self.judge = RulingJudge(AttemptBook(), lambda _: LOCAL)
        rules = preset(name).rules if name else parse_rules(text, "here").rules if text else ()
        self.judge.rules = [standing_of(rule) for rule in rules]
        self.attempt = RelayedAttempt()
        self.judge(passing(self.attempt.announcement(), (RECEIVED, SERVER)))

    def rule(self, data: bytes, mode: Mode) -> tuple[Ruling, Plan]:
        one = passing(data, self.attempt.way(mode))
        ruling = self.judge(one)
        return ruling, planned(one, ruling)

    def handshake(self) -> list[Plan]:
        return [self.rule(self.attempt.handshake(mode), mode)[1] for mode in LEGS]

    def round(self, mode: Mode, number: int = 0, **given: object) -> Plan:
        return self.rule(self.attempt.round(mode, number, **given), mode)[1]  # type: ignore[arg-type]


def named(data: bytes) -> Address | None:
    message = decode_datagram(data)
    assert not isinstance(message, Request) or message.value is not None
    value = message.value  # type: ignore[union-attr]
    return decode_holepunch(value).peer_address  # type: ignore[arg-type]


def test_every_deed_becomes_its_action() -> None:
    judged = Judged(
        """
        [[rule]]
        name = "all"
        match = "kind == punch"
        do = ["hold", "drop", "delay", "duplicate", "redirect", "reorder", "replay"]
        seconds = 2
        copies = 3
        to = "10.0.0.9:9"
        behind = 4
        ttl = 5
        """
    )
    ruling = judged.judge(passing(PUNCH, (SENT, CLIENT)))
    assert ruling.actions == (
        Hold("all"),
        Drop(),
        Delay(2),
        Duplicate(3),
        Redirect(Address("10.0.0.9", 9)),
        Reorder(4, 10.0, "all"),
        Replay(2, 0, 10.0, "all"),
    )
    assert (ruling.rule, ruling.ttl, ruling.groups) == ("all", 5, {"all"})


def test_rules_are_taken_together_up_to_one_that_lets_pass() -> None:
    judged = Judged(
        """
        [[rule]]
        name = "a"
        match = "kind == punch"
        do = "duplicate"
        [[rule]]
        name = "b"
        match = "src == 10.0.0.1"
        do = "pass"
        [[rule]]
        name = "c"
        match = "kind == punch"
        do = "drop"
        """
    )
    judged.judge.wanted = datagram_filter("kind == punch")
    other = judged.judge(passing(PUNCH, (RECEIVED, SERVER)))
    assert other.actions == (Duplicate(), Drop(), Hold("kind == punch"))
    assert other.rule == "a, c"
    assert judged.judge(passing(PUNCH, (RECEIVED, CLIENT))).actions == (Duplicate(),)
    assert [one.hits for one in judged.judge.rules] == [2, 1, 1]


def test_times_skip_and_switch() -> None:
    judged = Judged('[[rule]]\nname = "r"\nmatch = "kind == punch"\ndo = "drop"\nskip = 1\ntimes = 2')
    dropped = [bool(judged.judge(passing(PUNCH, (SENT, CLIENT))).actions) for _ in range(5)]
    assert dropped == [False, True, True, False, False]
    assert (judged.judge.rules[0].hits, judged.judge.rules[0].left) == (2, 0)
    judged.judge.rules[0].on = False
    assert judged.judge(passing(PUNCH, (SENT, CLIENT))) is LET_PASS


def test_times_for_each_attempt() -> None:
    judged = Judged(
        '[[rule]]\nmatch = "command == PEER_HANDSHAKE and mode == FROM_CLIENT"\ndo = "drop"\ntimes = 1\nper = "attempt"'
    )
    assert [judged.handshake()[0].drop for _ in range(2)] == [True, False]
    judged.attempt = RelayedAttempt(2)
    assert [judged.handshake()[0].drop for _ in range(2)] == [True, False]


def test_only_one_direction() -> None:
    judged = Judged('[[rule]]\nmatch = "kind == punch"\ndo = "drop"\ndirection = "sent"')
    assert judged.judge(passing(PUNCH, (SENT, CLIENT))).actions
    assert not judged.judge(passing(PUNCH, (RECEIVED, CLIENT))).actions


def test_expressions_see_what_is_sealed_and_what_a_response_answers() -> None:
    judged = Judged()
    judged.handshake()
    judged.judge.wanted = datagram_filter(
        "command == PEER_HOLEPUNCH and mode == REPLY and round == 1 and punching and firewall == CONSISTENT "
        "and role == relay and dst == 10.0.0.1:1001 and src.port == 3003"
    )
    judged.round(Mode.FROM_CLIENT, 1)
    assert judged.round(Mode.REPLY, 1, punching=True).hold is not None
    assert judged.round(Mode.REPLY, 1).hold is None


def test_a_retransmission_is_known_as_one() -> None:
    judged = Judged()
    judged.judge.wanted = datagram_filter("retransmission")
    held = [judged.rule(judged.attempt.handshake(Mode.FROM_CLIENT), Mode.FROM_CLIENT)[1].hold for _ in range(2)]
    assert held == [None, Hold("retransmission")]


def test_an_edit_that_can_not_be_made_says_why() -> None:
    judged = Judged('[[rule]]\nmatch = "command == PEER_HANDSHAKE"\ndo = "edit"\nset = { firewall = "OPEN" }')
    plan = judged.handshake()[0]
    assert "only the server opens" in plan.failed
    assert plan.way.data == plan.way.passing.data


def test_delivery_can_be_set_too() -> None:
    judged = Judged('[[rule]]\nmatch = "kind == punch"\ndo = "edit"\nset = { destination = ":+1", ttl = "9" }')
    one = passing(PUNCH, (SENT, CLIENT))
    plan = planned(one, judged.judge(one))
    assert (plan.way.to, plan.way.ttl, plan.way.data) == (Address("10.0.0.1", 1002), 9, PUNCH)


# The presets: exactly which datagrams, and what becomes of them.


def test_lost_reply() -> None:
    judged = Judged(name="lost-reply")
    assert not any(plan.drop for plan in judged.handshake())
    assert [judged.round(mode).drop for mode in LEGS] == [False, False, False, True]


def test_stripped_token() -> None:
    judged = Judged(name="stripped-token")
    judged.handshake()
    for mode in LEGS:
        was, plan = judged.attempt.round(mode, 1, token=TOKEN), judged.round(mode, 1, token=TOKEN)
        assert judged.attempt.opened(was).remote_token == TOKEN
        stripped = mode in (Mode.FROM_RELAY, Mode.REPLY)
        assert judged.attempt.opened(plan.way.data).remote_token == (None if stripped else TOKEN)
        assert judged.round(mode, 0).way.data == judged.attempt.round(mode, 0), "there is none to strip"


def test_stale_address() -> None:
    judged = Judged(name="stale-address")
    plans = judged.handshake()
    assert [plan.way.data == plan.way.passing.data for plan in plans] == [True, True, True, False]
    value = decode_datagram(plans[3].way.data).value  # type: ignore[union-attr]
    assert decode_handshake(value).peer_address == Address("192.0.2.1", SERVER.port)  # type: ignore[arg-type]
    judged.round(Mode.FROM_CLIENT)
    assert named(judged.round(Mode.REPLY).way.data) == Address("192.0.2.1", SERVER.port)


def test_flipped_firewall() -> None:
    judged = Judged(name="flipped-firewall")
    judged.handshake()
    classes = [judged.attempt.opened(judged.round(mode).way.data).firewall for mode in LEGS]
    assert classes == [2, 3, 2, 3]


def test_reordered_rounds() -> None:
    judged = Judged(name="reordered-rounds")
    judged.handshake()
    plans = [judged.round(mode) for mode in LEGS]
    assert [len(plan.way.replays) for plan in plans] == [0, 1, 0, 0]
    assert plans[1].way.replays[0].behind == 1


def test_remapped_port() -> None:
    judged = Judged(name="remapped-port")
    judged.handshake()
    client = Address(CLIENT.host, CLIENT.port + 7)
    plans = {mode: judged.round(mode) for mode in LEGS}
    assert plans[Mode.FROM_CLIENT].way.data == plans[Mode.FROM_CLIENT].way.passing.data
    assert named(plans[Mode.FROM_RELAY].way.data) == client
    assert judged.attempt.opened(plans[Mode.FROM_RELAY].way.data).addresses == (client,)
    assert named(plans[Mode.FROM_SERVER].way.data) == Address(CLIENT.host, CLIENT.port - 7), "7 less than it named"
    assert named(plans[Mode.REPLY].way.data) == SERVER
    assert judged.attempt.opened(plans[Mode.REPLY].way.data).addresses == (client,)


def test_dead_relay() -> None:
    judged = Judged(name="dead-relay")
    assert not any(plan.drop for plan in judged.handshake())
    assert all(judged.round(mode).drop for mode in LEGS)
    assert all(plan.drop for plan in judged.handshake()), "what comes again, too"
    judged.attempt = RelayedAttempt(2)
    assert not any(plan.drop for plan in judged.handshake()), "another attempt finds it alive"


def test_nothing_is_decoded_that_nobody_asks_of(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Judged()
    monkeypatch.setattr(judged.judge, "book", None)
    assert judged.judge(passing(b"\xff\x01" + bytes(30), (SENT, CLIENT))) is LET_PASS
    assert judged.judge.sighted is None


def test_tids_stay_what_they_are() -> None:
    judged = Judged(name="remapped-port")
    judged.handshake()
    assert decode_request(judged.round(Mode.FROM_RELAY).way.data).tid == judged.attempt.tid + 1


EVERYTHING = RulingJudge(AttemptBook(), lambda _: LOCAL)
EVERYTHING.rules = [
    standing_of(rule)
    for text in (
        "round >= 0 or firewall == RANDOM or error != none or punching or token == verified or role == client",
        "time > 0 and length < 100 and not (ttl == 5 or frame == 1 or file ~ x or udx.id > 3 or cut or duplicate)",
        "command != PING or mode == REPLY or target ~ ab or to == 10.0.0.1 or tid > 3 or kind == malformed or refused",
        "payload == 0x03 or 'abc' or text =~ '[a-f]' or joined or retransmission or addr == 10.0.0.0/8",
    )
    for rule in parse_rules(
        f'''[[rule]]
        match = "{text}"
        do = ["edit", "duplicate", "hold"]
        set = {{ firewall = "RANDOM", peer_address = ":+1", tid = "+1", raw = "00" }}''',
        "x",
    ).rules
]


@given(st.integers(0, 7), st.binary(max_size=80), st.integers(0, 3), st.booleans())
def test_every_field_is_asked_of_whatever_passes(leg: int, noise: bytes, how: int, sent: bool) -> None:
    """Nothing that a stranger sends makes a judge fail."""
    attempt = RelayedAttempt()
    data = attempt.handshake(LEGS[leg % 4]) if leg < 4 else attempt.round(LEGS[leg % 4])
    data = (noise, data + noise, data[: len(noise)], data)[how]
    one = passing(data, (SENT if sent else RECEIVED, SERVER))
    planned(one, EVERYTHING(one))
