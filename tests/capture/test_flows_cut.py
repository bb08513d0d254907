"""Captures with a snap length: packets are decoded as far as they go, and what that leaves is told, not made up."""

from __future__ import annotations

import pytest

from capture.model import TokenState
from capture.opening import read_capture
from capture.story import Story
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.story_builder import CLIENT, SERVER, Call, called
from tests.capture.wire_builder import Wire

HEADERS = 14 + 20 + 8
"""Ethernet, IPv4 and UDP in front of every payload."""


def connected() -> tuple[Wire, Call]:
    wire = Wire()
    call = Call(wire)
    call.connect()
    wire.idle()
    return wire, call


@pytest.mark.parametrize("snaplen", [HEADERS + 120, HEADERS + 150, HEADERS + 180])
def test_the_course_of_an_attempt_survives(snaplen: int) -> None:
    wire, _ = connected()
    whole, flow = wire.flow(), wire.flow(snaplen=snaplen)
    assert flow.verdict.code == "punched"
    assert [(m.command, m.mode, m.tid, m.src, m.dst) for m in flow.messages] == [
        (m.command, m.mode, m.tid, m.src, m.dst) for m in whole.messages
    ]
    assert [step.kind for step in flow.steps if step.kind == "missing"] == []
    assert len(flow.rounds) == 2
    assert all(one.answered is not None for one in flow.rounds)
    assert (flow.client, flow.server) == (whole.client, whole.server)
    assert [lane.role for lane in flow.lanes] == [lane.role for lane in whole.lanes]


def test_what_is_cut_says_so() -> None:
    wire, _ = connected()
    flow = wire.flow(snaplen=HEADERS + 120)
    assert flow.key.holepunch_secret is None
    assert flow.key.reason == "the capture kept only the start of noise message 1"
    assert flow.server_token is TokenState.UNREADABLE
    sealed = [message.payload for message in flow.messages if message.payload is not None]
    assert sealed
    for payload in sealed:
        assert payload.plaintext is None
        assert "kept" in payload.reason
    for one in flow.rounds:
        assert "the capture kept only the start" in one.request_reason
        assert "the capture kept only the start" in one.reply_reason
    assert any("cut" in note for note in flow.notes)


def test_the_name_of_an_attempt_is_that_of_its_whole_message() -> None:
    wire, call = connected()
    assert wire.flow(snaplen=HEADERS + 250).id == call.noise.id
    assert wire.flow(snaplen=HEADERS + 120).id != call.noise.id


def test_legs_kept_whole_open_what_longer_legs_lost() -> None:
    # The client's own leg is shorter than the relay's: noise message 1 is still whole in the first of them.
    wire, call = called()
    call.probe()
    call.punch(by_client=False)
    call.stream()
    client_leg = next(packet for packet in wire.packets if call.noise.noise1 in packet.payload)
    relay_leg = [packet for packet in wire.packets if call.noise.noise1 in packet.payload][1]
    assert len(relay_leg.payload) > len(client_leg.payload)
    flow = wire.flow(snaplen=HEADERS + len(client_leg.payload))
    assert flow.id == call.noise.id
    handshakes = [message for message in flow.messages if message.command == "PEER_HANDSHAKE"]
    assert [message.mode for message in handshakes] == ["FROM_CLIENT", "FROM_RELAY", "FROM_SERVER", "REPLY"]


def test_attempts_at_once_stay_apart() -> None:
    wire = Wire()
    calls = [Call(wire, name) for name in ("one", "two")]
    for call in calls:
        call.handshake()
    for call in calls:
        call.round(b"x" * 24 + call.name.encode() * 40, b"y" * 24 + call.name.encode() * 40)
    flows = wire.story(snaplen=HEADERS + 120).flows
    assert [len(flow.messages) for flow in flows] == [8, 8] or [len(flow.messages) for flow in flows] == [4, 12]
    assert len({flow.id for flow in flows}) == 2


def test_too_short_to_tell_is_counted() -> None:
    wire, _ = connected()
    story = wire.story(snaplen=HEADERS + 44)
    assert any("snap length" in note for note in story.notes)
    story = wire.story(snaplen=HEADERS + 8)
    assert story.flows == ()
    assert story.files[0].undecodable > 10


@pytest.mark.parametrize("snaplen", range(HEADERS, HEADERS + 280, 3))
def test_no_length_is_too_odd(snaplen: int) -> None:
    wire, _ = connected()
    story = wire.story(snaplen=snaplen)
    for flow in story.flows:
        assert flow.verdict.summary
        assert flow.steps
    assert isinstance(story.notes, tuple)


def test_a_whole_copy_in_another_file_counts() -> None:
    wire, call = connected()
    table = PacketTable()
    read_capture(wire.pcap([CLIENT.host], snaplen=HEADERS + 120), table)
    read_capture(wire.pcap([SERVER.host, CLIENT.host]), table)
    merge_vantages(table)
    (flow,) = Story(table).flows
    assert flow.id == call.noise.id
    assert flow.key.holepunch_secret == call.noise.secret
    assert flow.server_token is TokenState.VERIFIED


def test_a_cut_record_still_names_the_key() -> None:
    wire, call = connected()
    answer = next(packet.payload for packet in wire.packets if call.key.public_key in packet.payload)
    kept = answer.index(call.key.public_key) + 32
    assert kept < len(answer)
    flow = wire.flow(snaplen=HEADERS + kept)
    assert flow.key.server_public_key == call.key.public_key
    assert flow.key.proof is not None
