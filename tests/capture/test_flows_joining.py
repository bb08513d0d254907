"""What belongs to which attempt: at once, in a row, over several relays, repeated, begun before the capture."""

from __future__ import annotations

from itertools import product

from capture.model import Role
from protocol.constants import Command
from protocol.envelope import encode_request
from protocol.messages import Address, Request
from tests.capture.noise_ik import keys_of
from tests.capture.story_builder import (
    CLIENT,
    FAR_RELAY,
    OTHER_RELAY,
    RELAY,
    SERVER,
    SERVER_PUNCH,
    SERVER_TOKEN,
    Call,
    called,
    says,
)
from tests.capture.wire_builder import Wire

LEGS = ["FROM_CLIENT", "FROM_RELAY", "FROM_SERVER", "REPLY"]


def test_attempts_at_once_of_one_client_to_one_server() -> None:
    wire = Wire()
    names = ("one", "two", "three")
    calls = [Call(wire, name, punch_socket=Address(CLIENT.host, 50000 + n)) for n, name in enumerate(names)]
    calls[0].find()
    for step in ("handshake", "probe", "agree"):
        for call in calls:
            getattr(call, step)()
    for call in calls[:2]:
        call.punch()
        call.stream()
    wire.idle()
    story = wire.story()
    assert [flow.id for flow in story.flows] == [call.noise.id for call in calls]
    for flow, call in zip(story.flows, calls, strict=True):
        assert flow.key.holepunch_secret == call.noise.secret
        assert [message.mode for message in flow.messages if message.round is not None] == LEGS * 2
        assert flow.rounds[0].request is not None
        assert flow.rounds[0].request.addresses == (call.punch_socket,)
    assert [flow.verdict.code for flow in story.flows][:2] == ["punched", "punched"]
    assert [flow.client_probes.normal for flow in story.flows] == [1, 1, 0]


def test_attempts_at_once_without_keys_are_told_by_their_clients() -> None:
    wire = Wire()
    calls = [Call(wire), Call(wire, "other", client=Address("83.1.1.1", 40001), punch_socket=Address("83.1.1.1", 5000))]
    for step in ("handshake", "probe"):
        for call in calls:
            getattr(call, step)()
    for flow, call in zip(wire.story().flows, calls, strict=True):
        assert flow.key.holepunch_secret is None
        assert flow.client == call.client
        assert [(one.tid, one.request) for one in flow.rounds] == [(flow.messages[-1].tid, None)]


def test_attempts_in_a_row_keep_their_own_punches() -> None:
    wire = Wire()
    calls = [Call(wire, name) for name in ("one", "two", "three")]
    for call in calls:
        call.connect()
        wire.wait(3.0)
    flows = wire.story().flows
    assert [flow.id for flow in flows] == [call.noise.id for call in calls]
    for flow in flows:
        assert flow.verdict.code == "punched"
        assert (flow.client_probes.normal, flow.server_probes.normal) == (1, 1)
        assert len(flow.rounds) == 2
    frames = [message.sighting.frame for flow in flows for message in flow.messages]
    assert len(set(frames)) == len(frames)


def test_reused_tids() -> None:
    wire = Wire()
    other = Call(wire, "other", client=Address("83.1.1.1", 40001), key=keys_of("another server"))
    calls = [Call(wire), other, Call(wire, "again")]
    for call in calls:
        wire.tid = 100
        call.connect()
        wire.wait(60.0)
    flows = wire.story().flows
    assert [flow.id for flow in flows] == [call.noise.id for call in calls]
    for flow in flows:
        assert [message.mode for message in flow.messages if message.mode] == LEGS * 3
        assert flow.verdict.code == "punched"


def test_two_relays_carry_one_message_to_one_attempt() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.handshake(RELAY)
    call.handshake(OTHER_RELAY, legs="123")
    call.probe()
    flow = wire.flow()
    assert flow.relays == (RELAY, OTHER_RELAY)
    assert len({message.tid for message in flow.messages if message.command == "PEER_HANDSHAKE"}) == 2
    assert [step.label for step in flow.steps if step.kind == "missing"] == ["REPLY expected here, none seen"]


def test_retransmissions_are_marked_and_no_new_rounds() -> None:
    wire, call = called()
    asks = call.seal(says())
    answers = [call.seal(says(token=SERVER_TOKEN)) for _ in range(2)]
    assert answers[0] != answers[1]
    tid = call.round(asks, answers[0], legs="123")
    wire.wait(1.0)
    call.round(asks, answers[1], tid=tid)
    (probe,) = wire.flow().rounds
    assert probe.retransmissions == 1
    assert probe.reply is not None
    assert probe.reply.token == SERVER_TOKEN
    flow = wire.flow()
    marks = [(message.mode, message.retransmission) for message in flow.messages if message.round is not None]
    assert marks == list(product(LEGS[:3], [False])) + list(product(LEGS[:3], [True])) + [("REPLY", False)]
    assert flow.server_token == "issued"


def test_a_handshake_sent_again() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    tid = call.handshake(legs="12")
    wire.wait(1.0)
    call.handshake(tid=tid)
    call.probe()
    flow = wire.flow()
    handshakes = [message for message in flow.messages if message.command == "PEER_HANDSHAKE"]
    assert [message.retransmission for message in handshakes] == [False, False, True, True, False, False]


def test_a_second_relay() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    call.handshake(RELAY, second=FAR_RELAY)
    call.round(says(), says(), relay=FAR_RELAY)
    flow = wire.flow()
    modes = [message.mode for message in flow.messages if message.command == "PEER_HANDSHAKE"]
    assert modes == ["FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY", "FROM_SERVER", "REPLY"]
    roles = {lane.addresses[0]: lane.role for lane in flow.lanes if "relay" in lane.role}
    assert roles == {RELAY: Role.CLIENT_RELAY, FAR_RELAY: Role.SERVER_RELAY}
    assert flow.server == SERVER_PUNCH
    lanes = {message.mode: (message.from_role, message.to_role) for message in flow.messages}
    assert lanes["FROM_SECOND_RELAY"] == (Role.SERVER_RELAY, Role.SERVER)


def test_a_round_on_a_relay_of_its_own() -> None:
    wire, call = called()
    call.probe()
    call.round(says(punching=True, round=1, echo=SERVER_TOKEN), says(round=1), relay=OTHER_RELAY)
    flow = wire.flow()
    assert [one.relay for one in flow.rounds] == [RELAY, OTHER_RELAY]


def test_a_reply_that_never_came_is_an_entry() -> None:
    wire, call = called()
    call.round(says(), says(), legs="123")
    flow = wire.flow()
    (gap,) = [step for step in flow.steps if step.kind == "missing"]
    assert gap.label == "REPLY expected here, none seen"
    assert gap.sighting is None
    assert gap.dashed
    assert gap.round == 0
    # At the server nobody would see a REPLY: nothing is missing there.
    at_server = wire.flow(only=[SERVER.host])
    assert [step.label for step in at_server.steps if step.kind == "missing"] == []


def test_a_capture_that_begins_after_the_handshake() -> None:
    wire, call = called()
    del wire.packets[:]
    call.probe()
    call.agree()
    wire.idle()
    story = wire.story()
    (flow,) = story.flows
    assert flow.id != call.noise.id
    assert flow.target == call.target
    assert flow.key.reason == "the handshake is not in the capture"
    assert [message.mode for message in flow.messages if message.mode] == LEGS * 2
    assert flow.verdict.code == "incomplete"


def test_a_capture_that_begins_between_a_request_and_its_answer() -> None:
    wire, call = called()
    call.handshake(tid=900, legs="34")
    del wire.packets[: -len("34")]
    story = wire.story()
    assert story.flows == ()
    # A lone REPLY is a response to nobody knows what: only FROM_SERVER names itself.
    assert story.notes == ("1 relayed answers whose request is not in the capture",)


def test_somebody_else_asking_for_the_target_is_not_the_client() -> None:
    wire, call = called()
    stranger = Address("84.4.4.4", 4444)
    for node in (RELAY, OTHER_RELAY):
        wire.send(stranger, node, encode_request(Request(wire.next_tid(), node, Command.FIND_PEER, target=call.target)))
    flows = wire.story().flows
    assert len(flows) == 2
    assert not any(stranger in (message.src, message.dst) for message in flows[0].messages)
    assert flows[1].client == stranger


def test_samples_of_the_punching_socket_are_evidence() -> None:
    wire, call = called()
    call.probe()
    for port in range(4):
        wire.ping(call.punch_socket, Address("46.5.5.5", 1000 + port), seen_as=call.punch_socket)
        wire.ping(CLIENT, Address("46.5.5.5", 2000 + port))
    flow = wire.flow()
    assert flow.client_nat is not None
    own = [sample for sample in flow.client_nat.samples if sample.socket == call.punch_socket]
    assert len(own) == len(flow.client_nat.samples)
    assert flow.client_nat.classified == 2
    assert "CONSISTENT" in flow.client_nat.rule
