"""Relays that open what they pass on and seal something else: seen where both legs are, and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.model import Flow, TokenState, VerdictCode
from protocol.constants import Firewall
from protocol.messages import Address, HolepunchPayload
from tests.capture.story_builder import CLIENT_TOKEN, SERVER_TOKEN, Call, called, says
from tests.capture.wire_builder import Wire

ISSUES = says(token=SERVER_TOKEN)
PUNCHES = says(punching=True, round=1, token=CLIENT_TOKEN, echo=SERVER_TOKEN)
AGREES = says(punching=True, round=1, token=SERVER_TOKEN, echo=CLIENT_TOKEN)
REFUSES = says(0, error=1, round=1)


def on_the_way(
    call: Call, said: HolepunchPayload, heard: HolepunchPayload, answer: HolepunchPayload, got: HolepunchPayload
) -> None:
    """One round whose relay makes `heard` of `said`, and `got` of `answer`."""
    up, down = call.seal(said), call.seal(answer)
    tid = call.round(up, None, legs="1")
    call.round(up if heard == said else heard, None, legs="2", tid=tid)
    call.round(up, down, legs="3", tid=tid)
    call.round(up, down if got == answer else got, legs="4", tid=tid)


def test_a_token_that_a_relay_takes_out() -> None:
    wire, call = called()
    random = says(Firewall.RANDOM, punching=True, round=1, token=CLIENT_TOKEN, echo=SERVER_TOKEN)
    call.round(says(), ISSUES)
    on_the_way(call, random, replace(random, remote_token=None), REFUSES, REFUSES)
    flow = wire.flow()
    assert len(flow.rounds) == 2
    assert flow.server_token is TokenState.NOT_ECHOED
    assert flow.verdict.code is VerdictCode.UNVERIFIED_ADDRESS
    assert "a relay takes the server's token out on its way to the server" in flow.verdict.summary
    assert [note for note in flow.notes if "changed what is sealed in round 1 on its way to the server" in note]


def test_another_token_and_an_echo_that_is_taken_out() -> None:
    wire, call = called()
    call.round(says(), ISSUES)
    on_the_way(call, PUNCHES, replace(PUNCHES, remote_token=bytes(32)), AGREES, replace(AGREES, remote_token=None))
    flow = wire.flow()
    assert (flow.server_token, flow.client_token) == (TokenState.MISMATCH, TokenState.NOT_ECHOED)
    assert len(flow.notes) == 2


def test_a_class_that_a_relay_changes() -> None:
    wire, call = called()
    flipped = replace(ISSUES, firewall=Firewall.RANDOM)
    on_the_way(call, says(Firewall.RANDOM), says(Firewall.RANDOM), ISSUES, flipped)
    call.round(says(0, error=1, round=1), says(0, error=1, round=1))
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.BOTH_NATS_RANDOM
    assert flow.server_firewall == Firewall.CONSISTENT


def test_a_class_that_a_relay_changes_seen_by_that_relay_alone() -> None:
    wire, call = called()
    on_the_way(call, says(0), says(0), ISSUES, replace(ISSUES, firewall=Firewall.RANDOM))
    call.round(says(0, error=1, round=1), says(0, error=1, round=1))
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.BOTH_NATS_RANDOM
    assert flow.verdict.inferred


@pytest.mark.parametrize("punches", [True, False])
def test_ports_that_a_relay_changes(punches: bool) -> None:
    wire, call = called()
    moved = call.punch_socket._replace(port=call.punch_socket.port + 7)
    said = replace(PUNCHES, addresses=(call.punch_socket,))
    call.round(says(), ISSUES)
    on_the_way(call, said, replace(said, addresses=(moved,)), AGREES, AGREES)
    if punches:
        call.punch(times=10)
    assert wire.flow().verdict.code is VerdictCode.NAT_REMAPPED


def test_a_server_that_a_relay_names_elsewhere() -> None:
    wire, call = called()
    asked = call.seal(PUNCHES)
    call.round(says(), ISSUES)
    call.server_puncher = Address("192.0.2.1", call.server_puncher.port)
    for _ in range(4):
        call.round(asked, None, tid=4711)
        wire.wait(1.0)
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.PUNCH_UNANSWERED
    assert "passed it on to 192.0.2.1, where the server is not" in flow.verdict.summary


def test_an_answer_that_never_reaches_the_client() -> None:
    wire, call = called()
    asked = call.seal(says())
    tid = call.round(asked, ISSUES, legs="123")
    for _ in range(3):
        wire.wait(1.0)
        call.round(asked, ISSUES, legs="123", tid=tid)
    wire.wait(10.0)
    call.find()
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.PROBE_UNANSWERED
    assert "never reaches the client" in flow.verdict.summary


def test_a_token_that_proves_nothing_is_why_a_random_punch_is_refused() -> None:
    wire, call = called()
    elsewhere = (Address("85.5.5.5", 0),)
    call.round(says(), ISSUES)
    call.round(says(Firewall.RANDOM, punching=True, round=1, addresses=elsewhere, echo=SERVER_TOKEN), REFUSES)
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.UNVERIFIED_ADDRESS
    assert "lists addresses of other hosts only" in flow.verdict.summary


def test_a_server_that_lists_another_host_is_not_punched_at() -> None:
    wire, call = called()
    call.round(says(), replace(ISSUES, firewall=Firewall.RANDOM))
    call.round(PUNCHES, replace(AGREES, firewall=Firewall.RANDOM, addresses=(Address("85.5.5.5", 0),)))
    wire.wait(20.0)
    call.find()
    flow = wire.flow()
    assert flow.client_token is TokenState.ADDRESS_CHANGED
    assert flow.verdict.code is VerdictCode.UNVERIFIED_ADDRESS


def test_a_client_that_gives_up_because_the_server_says_unknown() -> None:
    wire, call = called()
    for node in range(4):
        wire.ping(call.server_puncher, Address(f"70.0.0.{node + 1}", 49737))
    call.round(says(), says(Firewall.UNKNOWN, token=SERVER_TOKEN))
    call.round(says(0, error=1, round=1), says(0, error=1, round=1))
    assert wire.flow().verdict.code is VerdictCode.NAT_UNKNOWN


def test_an_answer_that_does_not_open() -> None:
    wire, call = called()
    call.round(says(), bytes(80))
    wire.wait(5.0)
    call.find()
    flow = wire.flow()
    assert flow.verdict.code is VerdictCode.ABORTED_BY_CLIENT
    assert "does not open" in flow.verdict.summary


def altered(flow: Flow) -> list[str]:
    return [note for note in flow.notes if "changed" in note]


def test_what_is_sealed_again_and_says_the_same_is_no_change() -> None:
    wire, call = called()
    tid = call.round(says(), ISSUES, legs="123")
    call.round(says(), ISSUES, legs="34", tid=tid)
    assert altered(wire.flow()) == []


def test_two_clients_with_one_tid_are_two() -> None:
    wire = Wire()
    first, second = (
        Call(wire),
        Call(wire, name="second", client=Address("99.9.9.9", 1), punch_socket=Address("99.9.9.9", 2)),
    )
    for call in (first, second):
        call.find()
        call.handshake()
    first.round(says(), None, legs="1", tid=77)
    second.round(says(), ISSUES, legs="23", tid=77)
    flows = {flow.id: flow for flow in wire.story().flows}
    assert len(flows) == 2
    assert sorted(len(flow.rounds) for flow in flows.values()) == [1, 1]
    assert not any(altered(flow) for flow in flows.values())
