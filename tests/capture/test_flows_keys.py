"""Keys: found on the wire before or after, given before or after, wrong, logged; and what each opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.keylog import Label, Secret, format_secrets
from capture.model import Flow, KeySource
from capture.story import Keys, Story
from protocol.constants import Command
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Announce, LookupReply, PeerRecord, Request, Response
from protocol.peer_values import encode_announce, encode_lookup_reply
from tests.capture.noise_ik import keys_of
from tests.capture.story_builder import CLIENT, RELAY, SERVER, SERVER_TOKEN, Call, called, says
from tests.capture.wire_builder import NODE, Wire


def keyless() -> tuple[Wire, Call]:
    """A call that does not show the server's key."""
    wire = Wire()
    call = Call(wire)
    call.handshake()
    call.probe()
    call.agree()
    return wire, call


def announce(wire: Wire, call: Call, command: Command = Command.ANNOUNCE, target: bytes | None = None) -> None:
    value = encode_announce(Announce(PeerRecord(call.key.public_key, (RELAY,)), None, bytes(64)))
    request = Request(wire.next_tid(), NODE, command, target=target or call.target, value=value)
    wire.send(SERVER, NODE, encode_request(request))


def lookup(wire: Wire, call: Call) -> None:
    tid = wire.next_tid()
    wire.send(CLIENT, NODE, encode_request(Request(tid, NODE, Command.LOOKUP, target=bytes(32))))
    value = encode_lookup_reply(LookupReply((PeerRecord(call.key.public_key, ()),)))
    wire.send(NODE, CLIENT, encode_response(Response(tid, CLIENT, node_id(NODE), value=value)))


def opened(flow: Flow, call: Call) -> bool:
    """Whether all payloads are open, with the right secret."""
    sealed = [m.payload for m in flow.messages if m.payload is not None and m.command == "PEER_HOLEPUNCH"]
    assert sealed
    return flow.key.holepunch_secret == call.noise.secret and all(one.plaintext is not None for one in sealed)


def test_without_a_key_everything_stays_opaque_with_the_reason() -> None:
    wire, call = keyless()
    flow = wire.flow()
    assert flow.key.source is None
    assert flow.key.holepunch_secret is None
    assert "give it with --key" in flow.key.reason
    for message in flow.messages:
        if message.payload is not None:
            assert message.payload.plaintext is None
            assert message.payload.reason
    assert {one.request for one in flow.rounds} == {None}
    assert (flow.server_token, flow.client_token) == ("unreadable", "unreadable")
    assert flow.verdict.code == "incomplete"
    assert flow.id == call.noise.id


@pytest.mark.parametrize("how", ["find", "announce", "unannounce", "announce-topic", "lookup"])
@pytest.mark.parametrize("later", [False, True])
def test_a_key_in_the_capture_opens_what_came_before_and_after(how: str, later: bool) -> None:
    wire = Wire()
    call = Call(wire)

    def tell() -> None:
        if how == "find":
            call.find()
        elif how == "lookup":
            lookup(wire, call)
        elif how == "announce-topic":
            announce(wire, call, target=b"t" * 32)
        else:
            announce(wire, call, Command.ANNOUNCE if how == "announce" else Command.UNANNOUNCE)

    if not later:
        tell()
    call.handshake()
    call.probe()
    if later:
        tell()
    story = wire.story()
    (flow,) = story.flows
    assert opened(flow, call)
    assert flow.key.source is KeySource.CAPTURED
    assert flow.key.server_public_key == call.key.public_key
    assert flow.key.proof is not None
    assert call.key.public_key in story.payload(flow.key.proof)


def test_a_given_key() -> None:
    wire, call = keyless()
    story = wire.story(Keys(public_keys=(call.key.public_key,)))
    assert opened(story.flows[0], call)
    assert story.flows[0].key.source is KeySource.GIVEN
    assert story.notes == ()


def test_a_key_given_while_open() -> None:
    wire, call = keyless()
    story = wire.story()
    before = story.flows
    assert not opened(before[0], call)
    assert story.add_keys(Keys(public_keys=(call.key.public_key,))) == (call.noise.id,)
    assert opened(story.flows[0], call)
    assert not opened(before[0], call)
    assert story.flows[0].server_token == "verified"


def test_a_wrong_key_opens_nothing() -> None:
    wire, call = keyless()
    wrong = keys_of("somebody else").public_key
    story = wire.story(Keys(public_keys=(wrong,)))
    assert not opened(story.flows[0], call)
    assert story.notes == (), "whoever gave the keys is told which are useless, once: app.reading.useless_keys"


def test_a_key_that_came_before_its_packets_opens_them() -> None:
    wire, call = keyless()
    whole = wire.table()
    empty = Story(Wire().table(), Keys(public_keys=(call.key.public_key,)))
    empty.table.files, empty.table.segments = whole.files, whole.segments
    empty.table.append(**{name: whole.stored(name) for name in whole.columns})
    empty.update()
    assert opened(empty.flows[0], call)


def test_the_servers_secret_key_opens_noise_message_1() -> None:
    wire, call = keyless()
    flow = wire.flow(Keys(secret_keys=(call.key.seed,)))
    assert opened(flow, call)
    assert flow.key.noise1 == call.asks
    assert flow.key.noise1_reason == ""
    assert flow.key.noise2 is None
    assert flow.key.noise2_reason
    assert flow.key.client_public_key == call.identity.public_key


def log(path: Path, call: Call, *labels: Label) -> Keys:
    values = {
        Label.SERVER_PUBLIC_KEY: call.key.public_key,
        Label.CLIENT_EPHEMERAL_KEY: keys_of(f"client {call.name}").seed,
        Label.SERVER_EPHEMERAL_KEY: keys_of(f"server {call.name}").seed,
        Label.NOISE_1_STATIC_KEY: call.noise.static_1_key,
        Label.NOISE_1_PAYLOAD_KEY: call.noise.payload_1_key,
        Label.NOISE_2_PAYLOAD_KEY: call.noise.payload_2_key,
        Label.HOLEPUNCH_SECRET: call.noise.secret,
    }
    number = bytes.fromhex(call.noise.id)
    with path.open("a") as file:
        file.write(format_secrets(Secret(label, number, values[label]) for label in labels))
    return Keys(keylogs=(str(path),))


def test_a_key_log_opens_everything(tmp_path: Path) -> None:
    wire, call = keyless()
    keys = log(tmp_path / "keys.log", call, *[label for label in Label if "TOKEN" not in label])
    flow = wire.flow(keys)
    assert opened(flow, call)
    assert (flow.key.noise1, flow.key.noise2) == (call.asks, call.offers)
    assert flow.key.client_public_key == call.identity.public_key
    assert flow.key.source is KeySource.KEYLOG
    assert flow.key.noise_from == "keys.log lines 2, 3, 4, 5, 6"
    assert flow.key.secret_from == "", "rebuilt, as the server's key is known"


def test_ephemeral_and_static_keys_together(tmp_path: Path) -> None:
    wire, call = keyless()
    keys = log(tmp_path / "keys.log", call, Label.SERVER_EPHEMERAL_KEY)
    flow = wire.flow(Keys(secret_keys=(call.key.seed,), keylogs=keys.keylogs))
    assert (flow.key.noise1, flow.key.noise2) == (call.asks, call.offers)
    assert flow.key.noise_from == "the server's secret key and keys.log line 1"


def test_two_key_logs_add_up(tmp_path: Path) -> None:
    wire, call = keyless()
    first = log(tmp_path / "client.log", call, Label.SERVER_PUBLIC_KEY, Label.NOISE_1_PAYLOAD_KEY)
    second = log(tmp_path / "server.log", call, Label.NOISE_2_PAYLOAD_KEY)
    flow = wire.flow(Keys(keylogs=first.keylogs + second.keylogs))
    assert (flow.key.noise1, flow.key.noise2) == (call.asks, call.offers)
    assert (flow.key.noise1_reason, flow.key.noise2_reason) == ("", "")
    assert flow.key.noise_from == "client.log line 2 and server.log line 1"


def test_a_key_log_that_grows(tmp_path: Path) -> None:
    wire, call = keyless()
    path = tmp_path / "keys.log"
    story = wire.story(Keys(keylogs=(str(path),)))
    assert story.update() == ()
    assert not opened(story.flows[0], call)
    log(path, call, Label.HOLEPUNCH_SECRET)
    assert story.update() == (call.noise.id,)
    assert opened(story.flows[0], call)
    assert story.flows[0].key.source is KeySource.KEYLOG
    assert story.update() == ()


def test_a_wrong_line_is_overruled_by_the_transcript(tmp_path: Path) -> None:
    wire, call = keyless()
    wrong = Secret(Label.HOLEPUNCH_SECRET, bytes.fromhex(call.noise.id), bytes(32))
    (tmp_path / "keys.log").write_text(format_secrets([wrong]))
    story = wire.story(Keys(keylogs=(str(tmp_path / "keys.log"),)))
    assert not opened(story.flows[0], call)
    assert "does not open it" in story.flows[0].rounds[0].request_reason
    story.add_keys(Keys(public_keys=(call.key.public_key,)))
    assert opened(story.flows[0], call)
    assert story.flows[0].key.secret_from == ""


def test_malformed_lines_are_told(tmp_path: Path) -> None:
    wire, _ = keyless()
    path = tmp_path / "keys.log"
    path.write_text("HOLEPUNCH_SECRET 12 34\n")
    story = wire.story(Keys(keylogs=(str(path),)))
    (error,) = story.keylog_errors
    assert error.startswith(f"{path}: key log line 1: ")


def test_a_logged_secret_opens_an_attempt_whose_handshake_was_not_captured(tmp_path: Path) -> None:
    wire, call = called()
    wire.packets.clear()
    call.probe()
    call.agree()
    keys = log(tmp_path / "keys.log", call, Label.HOLEPUNCH_SECRET)
    flow = wire.flow(keys)
    assert opened(flow, call)
    assert flow.id == call.noise.id
    assert flow.key.secret_from == "keys.log line 1"
    assert flow.server_token == "verified"


def test_a_payload_of_another_attempt_is_not_taken_for_a_malformed_one() -> None:
    wire, call = called()
    call.round(says(), says())
    call.round(b"?" * 60, call.seal(says(token=SERVER_TOKEN)))
    rounds = wire.flow().rounds
    assert rounds[0].request is not None
    assert rounds[1].request is None
    assert "does not open it" in rounds[1].request_reason
    assert rounds[1].reply is not None
