"""Verdicts of attempts that failed, each from the packets that prove it, and of those that nothing tells of."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.keylog import Label, Secret, format_secrets
from capture.model import Flow, Outcome, VerdictCode
from capture.story import Keys
from protocol.constants import ErrorCode, Firewall
from protocol.messages import Address
from tests.capture.story_builder import (
    CLIENT,
    CLIENT_TOKEN,
    CONSISTENT,
    OTHER_RELAY,
    RANDOM,
    SERVER_TOKEN,
    UNKNOWN,
    Call,
    called,
    hello,
    says,
    udx,
)
from tests.capture.wire_builder import NODE, OTHER_NODE, Wire


def failed(flow: Flow, code: VerdictCode, *, inferred: bool = False, error: str | None = "HOLEPUNCH_ABORTED") -> Flow:
    verdict = flow.verdict
    assert (verdict.code, verdict.inferred) == (code, inferred), verdict.summary
    assert flow.outcome is Outcome.FAILED
    assert flow.path is None
    assert verdict.application_error == error
    assert verdict.evidence
    assert verdict.advice
    return flow


def incomplete(flow: Flow) -> None:
    assert (flow.verdict.code, flow.outcome) == (VerdictCode.INCOMPLETE, Outcome.UNKNOWN), flow.verdict.summary
    assert flow.verdict.application_error is None


def log_of(call: Call, folder: Path) -> Keys:
    """A key log of both noise messages of a call."""
    number = bytes.fromhex(call.noise.id)
    keys = {
        Label.SERVER_PUBLIC_KEY: call.key.public_key,
        Label.NOISE_1_STATIC_KEY: call.noise.static_1_key,
        Label.NOISE_1_PAYLOAD_KEY: call.noise.payload_1_key,
        Label.NOISE_2_PAYLOAD_KEY: call.noise.payload_2_key,
    }
    path = folder / "keys.log"
    path.write_text(format_secrets(Secret(label, number, value) for label, value in keys.items()))
    return Keys(keylogs=(str(path),))


# --- no handshake, or no answer to it ---


def test_peer_not_found() -> None:
    wire = Wire()
    call = Call(wire)
    call.find(NODE, record=False)
    call.find(OTHER_NODE, record=False)
    flow = failed(wire.flow(), VerdictCode.PEER_NOT_FOUND, error="PEER_NOT_FOUND")
    assert flow.target == call.target
    assert flow.server is None


def test_a_server_found_and_no_handshake_is_incomplete() -> None:
    wire = Wire()
    Call(wire).find()
    incomplete(wire.flow())


def test_handshake_unanswered() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    for _ in range(4):
        call.handshake(OTHER_RELAY, legs="12", tid=900)
        wire.wait(1.0)
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.HANDSHAKE_UNANSWERED, error="PEER_CONNECTION_FAILED")
    assert "4 times" in flow.verdict.summary
    assert [step.to_lane for step in flow.steps if step.kind == "missing"] == ["client", "relay1"]


def test_handshake_unanswered_because_the_relay_has_no_route() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.no_route()
    flow = failed(wire.flow(), VerdictCode.HANDSHAKE_UNANSWERED, error="PEER_CONNECTION_FAILED")
    assert "no route" in flow.verdict.summary


def test_a_capture_that_ends_before_the_handshake_is_answered_is_incomplete() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.handshake(legs="12")
    incomplete(wire.flow())


def test_handshake_refused_needs_keys(tmp_path: Path) -> None:
    wire = Wire()
    call = Call(wire, offers=hello(error=ErrorCode.ABORTED))
    call.find()
    call.handshake()
    wire.idle()
    incomplete(wire.flow())
    incomplete(wire.flow(Keys(secret_keys=(call.key.seed,))))
    failed(wire.flow(log_of(call, tmp_path)), VerdictCode.HANDSHAKE_REFUSED, error="SERVER_ERROR")


def test_a_server_of_another_version_refuses(tmp_path: Path) -> None:
    wire = Wire()
    call = Call(wire, offers=hello(version=2))
    call.find()
    call.handshake()
    wire.idle()
    flow = failed(wire.flow(log_of(call, tmp_path)), VerdictCode.HANDSHAKE_REFUSED, error="SERVER_INCOMPATIBLE")
    assert "version 2" in flow.verdict.summary


def test_not_holepunchable_needs_keys(tmp_path: Path) -> None:
    wire = Wire()
    call = Call(wire, offers=hello(CONSISTENT))
    call.find()
    call.handshake()
    wire.idle()
    incomplete(wire.flow())
    failed(wire.flow(log_of(call, tmp_path)), VerdictCode.NOT_HOLEPUNCHABLE, error="ETIMEDOUT")


# --- rounds that were never answered ---


def test_probe_unanswered() -> None:
    wire, call = called()
    body = call.seal(says())
    for _ in range(4):
        call.round(body, None, legs="12", tid=900)
        wire.wait(1.0)
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.PROBE_UNANSWERED)
    (probe,) = flow.rounds
    assert (probe.retransmissions, probe.answered) == (3, None)
    assert "the relay passed it on" in flow.verdict.summary


def test_punch_unanswered() -> None:
    wire, call = called()
    call.probe()
    body = call.seal(says(punching=True, round=1, echo=SERVER_TOKEN))
    for _ in range(4):
        call.round(body, None, legs="1", tid=900)
        wire.wait(1.0)
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.PUNCH_UNANSWERED)
    assert "sent nothing back" in flow.verdict.summary


def test_a_capture_that_ends_before_a_round_is_answered_is_incomplete() -> None:
    wire, call = called()
    call.round(says(), None)
    incomplete(wire.flow())


# --- NATs ---


def test_nat_unknown_on_the_servers_side() -> None:
    wire, call = called()
    call.round(says(), says(UNKNOWN))
    call.round(says(error=ErrorCode.ABORTED), says(UNKNOWN, error=ErrorCode.ABORTED))
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.NAT_UNKNOWN)
    assert flow.server_firewall == Firewall.UNKNOWN
    assert "server" in flow.verdict.summary


def test_both_nats_random() -> None:
    wire, call = called()
    call.probe(RANDOM, RANDOM)
    call.round(says(RANDOM, error=ErrorCode.ABORTED), says(RANDOM, error=ErrorCode.ABORTED))
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.BOTH_NATS_RANDOM)
    assert (flow.client_firewall, flow.server_firewall) == (Firewall.RANDOM, Firewall.RANDOM)
    assert [proof.says for proof in flow.verdict.evidence] == ["the client says RANDOM", "the server says RANDOM"]


def test_unverified_address() -> None:
    wire, call = called()
    call.probe(RANDOM, token=False)
    call.round(says(RANDOM, punching=True, round=1, token=CLIENT_TOKEN), says(error=ErrorCode.ABORTED, round=1))
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.UNVERIFIED_ADDRESS, inferred=True)
    assert flow.server_token == "not-issued"


def test_nat_remapped() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    moved = Address(CLIENT.host, 50077)
    for _ in range(10):
        wire.send(moved, call.server_puncher, b"\0")
        call.punch(by_client=False)
        wire.wait(1.0)
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.NAT_REMAPPED)
    assert "50001" in flow.verdict.summary
    assert "50077" in flow.verdict.summary


# --- one side calls it off ---


def test_try_later() -> None:
    wire, call = called()
    call.probe(CONSISTENT, RANDOM)
    call.round(says(punching=True, round=1, echo=SERVER_TOKEN), says(RANDOM, error=ErrorCode.TRY_LATER, round=1))
    wire.idle()
    failed(wire.flow(), VerdictCode.TRY_LATER)


def test_aborted_by_server() -> None:
    wire, call = called()
    call.probe()
    call.round(says(punching=True, round=1, echo=SERVER_TOKEN), says(error=ErrorCode.ABORTED, round=1))
    wire.idle()
    failed(wire.flow(), VerdictCode.ABORTED_BY_SERVER)


def test_aborted_by_client() -> None:
    wire, call = called()
    call.probe()
    call.round(says(error=ErrorCode.ABORTED, round=1), says(error=ErrorCode.ABORTED, round=1))
    wire.idle()
    failed(wire.flow(), VerdictCode.ABORTED_BY_CLIENT)


def test_a_client_that_goes_silent_is_taken_to_have_aborted() -> None:
    wire, call = called()
    call.probe()
    incomplete(wire.flow())
    wire.idle()
    failed(wire.flow(), VerdictCode.ABORTED_BY_CLIENT, inferred=True)


# --- everything was agreed ---


def test_probes_lost() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    for _ in range(10):
        call.punch()
        call.punch(by_client=False)
        wire.wait(1.0)
    wire.idle()
    flow = failed(wire.flow(), VerdictCode.PROBES_LOST)
    assert (flow.client_probes.normal, flow.server_probes.normal) == (10, 10)


def test_a_capture_that_ends_while_both_punch_is_incomplete() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch(times=3)
    incomplete(wire.flow())


@pytest.mark.parametrize("by_client", [True, False])
def test_stream_not_up(by_client: bool) -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch()
    ends = (call.punch_socket, call.server_puncher)
    for _ in range(4):
        wire.send(*(ends if by_client else ends[::-1]), udx(77))
        wire.wait(1.0)
    wire.idle()
    failed(wire.flow(), VerdictCode.STREAM_NOT_UP, error=None)


def test_a_capture_that_ends_as_the_stream_begins_is_incomplete() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch()
    call.stream(answered=False)
    incomplete(wire.flow())
