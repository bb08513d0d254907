"""The two address tokens of an attempt: issued, echoed, by whom and for which address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.model import Flow, TokenState
from protocol.messages import Address, HolepunchPayload
from tests.capture.story_builder import (
    CLIENT_TOKEN,
    OTHER_RELAY,
    SERVER_TOKEN,
    Call,
    called,
    says,
)
from tests.capture.wire_builder import Wire

ELSEWHERE = Address("85.5.5.5", 50001)
OTHER_TOKEN = bytes(32)


def tokens(flow: Flow) -> tuple[str, str]:
    return str(flow.server_token), str(flow.client_token)


def rounds(*exchanges: tuple[HolepunchPayload, HolepunchPayload | None]) -> Wire:
    wire, call = called()
    for asks, answers in exchanges:
        call.round(asks, answers)
    return wire


PLAIN = says()
PUNCHING = says(punching=True, round=1)
ASKS = replace(PUNCHING, remote_token=SERVER_TOKEN, token=CLIENT_TOKEN)


@pytest.mark.parametrize(
    ("exchanges", "server", "client"),
    [
        pytest.param([(PLAIN, PLAIN)], "not-issued", "not-issued", id="none"),
        pytest.param([(PLAIN, says(token=SERVER_TOKEN))], "issued", "not-issued", id="issued"),
        pytest.param([(PLAIN, says(token=SERVER_TOKEN)), (ASKS, None)], "verified", "issued", id="echoed"),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (ASKS, says(echo=CLIENT_TOKEN))],
            "verified",
            "verified",
            id="echoed-both-ways",
        ),
        pytest.param(
            [(PLAIN, says(token=OTHER_TOKEN)), (ASKS, says(echo=OTHER_TOKEN))],
            "mismatch",
            "mismatch",
            id="other-tokens",
        ),
        pytest.param([(PLAIN, PLAIN), (ASKS, PLAIN)], "mismatch", "not-echoed", id="echo-of-nothing"),
        pytest.param([(PLAIN, None), (ASKS, PLAIN)], "issued", "not-echoed", id="issue-not-captured"),
        pytest.param(
            [(PLAIN, says(token=OTHER_TOKEN)), (PUNCHING, says(token=SERVER_TOKEN)), (ASKS, PLAIN)],
            "verified",
            "not-echoed",
            id="issued-again",
        ),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (replace(ASKS, remote_token=None), says(echo=CLIENT_TOKEN))],
            "not-echoed",
            "verified",
            id="stripped-by-the-client",
        ),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (ASKS, says(error=1))],
            "verified",
            "issued",
            id="an-abort-echoes-nothing",
        ),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (replace(ASKS, error=1), says(error=1))],
            "not-accepted",
            "issued",
            id="in-a-round-with-an-error",
        ),
        pytest.param(
            [
                (PLAIN, says(token=SERVER_TOKEN)),
                (says(round=5), says(token=SERVER_TOKEN)),
                (replace(ASKS, round=1), says(token=SERVER_TOKEN, echo=CLIENT_TOKEN)),
            ],
            "not-accepted",
            "verified",
            id="in-an-old-round",
        ),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (replace(ASKS, addresses=(ELSEWHERE,)), says(error=1))],
            "address-changed",
            "issued",
            id="lists-another-host",
        ),
        pytest.param(
            [(PLAIN, says(token=SERVER_TOKEN)), (replace(ASKS, addresses=()), says(error=1))],
            "not-accepted",
            "issued",
            id="lists-no-address",
        ),
    ],
)
def test_states(exchanges: list[tuple[HolepunchPayload, HolepunchPayload | None]], server: str, client: str) -> None:
    assert tokens(rounds(*exchanges).flow()) == (server, client)


def test_a_token_echoed_from_another_host() -> None:
    wire, call = called()
    call.round(PLAIN, says(token=SERVER_TOKEN))
    call.round(ASKS, PLAIN, named=ELSEWHERE)
    assert wire.flow().server_token is TokenState.ADDRESS_CHANGED


def test_another_port_of_the_same_host_is_no_change() -> None:
    wire, call = called()
    call.round(PLAIN, says(token=SERVER_TOKEN))
    answer = says(token=SERVER_TOKEN)
    call.round(ASKS, answer, socket=Address(call.punch_socket.host, 50999), relay=OTHER_RELAY)
    assert wire.flow().server_token is TokenState.VERIFIED


def test_an_echo_over_a_relay_that_the_server_does_not_own() -> None:
    wire, call = called()
    call.round(PLAIN, says(token=SERVER_TOKEN))
    call.round(ASKS, says(echo=CLIENT_TOKEN), relay=OTHER_RELAY)
    assert tokens(wire.flow()) == ("not-accepted", "verified")


def test_a_server_that_answers_from_another_host() -> None:
    wire, call = called()
    call.round(PLAIN, says(token=SERVER_TOKEN))
    tid = call.round(ASKS, None)
    asked = call.server_puncher
    call.server_puncher = ELSEWHERE
    call.round(ASKS, says(echo=CLIENT_TOKEN), legs="34", tid=tid)
    flow = wire.flow()
    assert asked.host != ELSEWHERE.host
    assert flow.client_token is TokenState.ADDRESS_CHANGED


def test_sealed_payloads_leave_both_unreadable() -> None:
    wire = Wire()
    call = Call(wire)
    call.handshake()
    call.agree()
    assert tokens(wire.flow()) == ("unreadable", "unreadable")


def test_no_rounds_no_tokens() -> None:
    wire, _ = called()
    assert tokens(wire.flow()) == ("not-issued", "not-issued")


def test_the_ladder_says_where_it_happened() -> None:
    wire = rounds((PLAIN, says(token=SERVER_TOKEN)), (ASKS, says(echo=CLIENT_TOKEN)))
    flow = wire.flow()
    notes = [(step.message, note.lane, note.token) for step in flow.steps for note in step.notes]
    places = [(flow.messages[message or 0].mode, lane, token) for message, lane, token in notes]
    assert places == [
        ("FROM_SERVER", "server", TokenState.ISSUED),
        ("FROM_CLIENT", "client", None),
        ("FROM_CLIENT", "client", TokenState.ISSUED),
        ("FROM_RELAY", "server", TokenState.VERIFIED),
        ("FROM_SERVER", "server", None),
        ("REPLY", "client", TokenState.VERIFIED),
    ]
