"""Odd packets: malformed values, numbers without a name, IPv6 neighbours, floods. Counted or shown, never a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.opening import read_capture
from capture.story import Story
from protocol.constants import Command, Firewall
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Handshake, Holepunch, Request, Response
from protocol.peer_values import encode_handshake, encode_holepunch
from protocol.secretbox import seal_payload
from tests.capture import build
from tests.capture.story_builder import CLIENT, RELAY, SERVER, Call, called, hello, says, udx
from tests.capture.wire_builder import NODE, Wire, datagram


def ask(wire: Wire, command: int, value: bytes | None, target: bytes | None = bytes(32)) -> None:
    wire.send(CLIENT, RELAY, encode_request(Request(wire.next_tid(), RELAY, command, target=target, value=value)))


@pytest.mark.parametrize("command", [Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH])
@pytest.mark.parametrize("value", [None, b"", b"\0", b"\0\0", b"\1\0\x01x", b"\xff" * 9, b"\0\0\xfd\xff\xff"])
def test_malformed_values_are_counted(command: int, value: bytes | None) -> None:
    wire, call = called()
    ask(wire, command, value)
    call.probe()
    story = wire.story()
    (flow,) = story.flows
    assert len(flow.rounds) == 1
    (note,) = story.notes
    assert note.startswith("1 messages with a value that does not decode, the first: ")


def test_malformed_answers_are_counted() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    tid = call.handshake(legs="123")
    wire.send(RELAY, CLIENT, encode_response(Response(tid, CLIENT, value=b"\x04")))
    story = wire.story()
    assert "1 messages with a value that does not decode" in story.notes[0]
    assert [step.label for step in story.flows[0].steps if step.kind == "missing"] == ["REPLY expected here, none seen"]


def test_malformed_records_are_counted() -> None:
    wire = Wire()
    call = Call(wire)
    tid = wire.next_tid()
    asked = Request(tid, NODE, Command.FIND_PEER, target=call.target)
    wire.send(CLIENT, NODE, encode_request(asked))
    wire.send(NODE, CLIENT, encode_response(Response(tid, CLIENT, value=b"short")))
    announce = Request(wire.next_tid(), NODE, Command.ANNOUNCE, target=call.target, value=b"\1short")
    wire.send(SERVER, NODE, encode_request(announce))
    call.handshake()
    story = wire.story()
    assert "2 messages with a value that does not decode" in story.notes[0]
    assert story.flows[0].key.server_public_key is None


@pytest.mark.parametrize("mode", [5, 9, 252, 2**53 - 1])
def test_unknown_modes_are_no_legs_of_anything(mode: int) -> None:
    wire, call = called()
    for value in (
        encode_handshake(Handshake(mode, call.noise.noise1)),
        encode_holepunch(Holepunch(mode, 1, b"x" * 60)),
    ):
        ask(wire, Command.PEER_HANDSHAKE if b"x" not in value else Command.PEER_HOLEPUNCH, value, call.target)
    story = wire.story()
    assert len(story.flows[0].messages) == 6
    assert story.notes == ("2 relayed answers whose request is not in the capture",)


def test_an_unknown_mode_in_an_answer_is_shown_by_its_number() -> None:
    wire, call = called()
    call.round(says(), says(), mode=77)
    flow = wire.flow()
    assert [message.mode for message in flow.messages if message.round is not None][-1] == "77"
    assert any("mode 77" in step.label for step in flow.steps)


@pytest.mark.parametrize("number", [4, 99, 2**53 - 1])
def test_unknown_firewalls_and_errors(number: int) -> None:
    wire, call = called()
    call.round(replace(says(), firewall=number), replace(says(), firewall=number, error=number))
    wire.idle()
    flow = wire.flow()
    assert flow.rounds[0].reply is not None
    assert flow.rounds[0].reply.error == number
    assert (flow.client_firewall, flow.server_firewall) == (None, None)
    assert flow.verdict.code == "aborted-by-server"
    assert f"error {number}" in flow.verdict.evidence[0].says
    assert any(f"firewall {number}" in step.label for step in flow.steps)


def test_a_payload_that_opens_and_is_malformed() -> None:
    wire, call = called()
    call.round(seal_payload(call.noise.secret, b"\xff", bytes(24)), seal_payload(call.noise.secret, b"\x04", b"n" * 24))
    (probe,) = wire.flow().rounds
    assert (probe.request, probe.reply) == (None, None)
    assert "malformed" in probe.request_reason
    assert "malformed" in probe.reply_reason


@pytest.mark.parametrize("size", [0, 1, 47, 95, 96])
def test_noise_messages_of_any_size(size: int) -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.noise = replace(call.noise, noise1=b"n" * size)
    call.handshake()
    flow = wire.flow()
    assert (flow.key.handshake_hash is not None) == (size == 96)
    assert size == 96 or "malformed" in flow.key.reason or "start" in flow.key.reason


def test_ipv6_neighbours_do_not_matter() -> None:
    wire, call = called()
    call.probe()
    call.punch(by_client=False)
    call.stream()
    plain = wire.flow()
    here, there = bytes(15) + b"\1", bytes(15) + b"\2"
    mixed = []
    for one in wire.packets:
        time_ns = round(one.time * 1e9)
        for payload in (b"\0", udx(5), wire.packets[0].payload, wire.packets[1].payload):
            neighbour = build.ipv6(build.udp(payload, CLIENT.port, RELAY.port), here, there)
            mixed.append((time_ns, build.ethernet(neighbour, 0x86DD)))
        mixed.append((time_ns, build.ethernet(datagram(one))))
    story = Story(read_capture(build.pcap(mixed, nanoseconds=True)))
    flow = story.flow(plain.id)
    assert flow.verdict.code == plain.verdict.code
    assert [message.tid for message in flow.messages] == [message.tid for message in plain.messages]
    assert flow.client_probes == plain.client_probes
    for other in story.flows:
        assert other.steps is not None
        assert other.client is not None


def test_a_node_that_tests_itself_does_not_punch() -> None:
    wire, call = called()
    wire.send(call.server_puncher, call.server_puncher, b"\0")
    call.probe()
    flow = wire.flow()
    assert (flow.server_probes.normal, flow.client_probes.normal) == (0, 0)


def test_one_byte_of_another_value_is_no_punch() -> None:
    wire, call = called()
    call.probe()
    wire.send(call.punch_socket, call.server_puncher, b"\1")
    assert wire.flow().client_probes.normal == 0


def test_a_flood_of_handshakes_of_one_socket() -> None:
    wire = Wire()
    for number in range(300):
        call = Call(wire, f"number {number}", asks=hello())
        call.handshake()
    story = wire.story()
    assert len(story.flows) == 300
    assert {flow.verdict.code for flow in story.flows} == {"incomplete"}


def test_a_capture_without_anything_of_ours() -> None:
    wire = Wire()
    wire.send(Address("1.2.3.4", 53), Address("4.3.2.1", 53), b"dns?")
    story = wire.story()
    assert story.flows == ()
    assert story.notes == ()


def test_packets_out_of_order_in_time() -> None:
    wire, call = called()
    call.probe()
    for port in range(4):
        wire.ping(call.punch_socket, Address("46.5.5.5", 1000 + port), seen_as=call.punch_socket)
    call.punch(times=4, gap=0.1)
    call.stream()
    frames = [(round(one.time * 1e9), build.ethernet(datagram(one))) for one in wire.packets]
    # As captures on several queues have it: every other packet is a little late in the file.
    shuffled = [frame for pair in zip(frames[1::2], frames[::2], strict=False) for frame in pair]
    story = Story(read_capture(build.pcap(shuffled, nanoseconds=True)))
    flow = story.flow(call.noise.id)
    assert flow.verdict.code == "punched"
    assert flow.client_nat is not None
    assert flow.client_nat.classified == Firewall.CONSISTENT
    assert all(step.span >= 0 for step in flow.steps)
    assert sorted(step.time for step in flow.steps) == [step.time for step in flow.steps]
