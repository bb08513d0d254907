"""Lines about a message: what opened it, or why it stays closed."""

from pathlib import Path

from app.draw.message import MessageView, message_view
from capture.keylog import Label, Secret, format_secrets
from capture.model import Flow, FlowMessage
from capture.story import Keys, Story
from tests.capture.story_builder import Call, called
from tests.capture.wire_builder import Wire


def message(story: Story, command: str, mode: str) -> MessageView:
    (flow,) = story.flows
    found: FlowMessage = next(one for one in flow.messages if (one.command, one.mode) == (command, mode))
    return taken_apart(story, flow, found)


def taken_apart(story: Story, flow: Flow, found: FlowMessage) -> MessageView:
    sighting = found.sighting
    return message_view(story.payload(sighting), sighting, story.endpoints(sighting), story.ttl(sighting), flow=flow)


def fact(view: MessageView, label: str) -> str:
    return next((one.text for one in view.facts if one.label == label), "")


def logged(path: Path, call: Call, label: Label, value: bytes) -> Keys:
    path.write_text(format_secrets([Secret(label, bytes.fromhex(call.noise.id), value)]))
    return Keys(keylogs=(str(path),))


def punched() -> tuple[Wire, Call]:
    wire, call = called()
    call.probe()
    return wire, call


def test_a_rebuilt_secret_names_the_packet_with_the_key() -> None:
    wire, _ = punched()
    view = message(wire.story(), "PEER_HOLEPUNCH", "FROM_CLIENT")
    assert fact(view, "key") == "opened with the secret rebuilt from the handshake with the server's key from #2"
    assert next(one.link for one in view.facts if one.label == "key") is not None


def test_a_given_key_is_said_to_be_given() -> None:
    wire, call = punched()
    del wire.packets[:2]
    view = message(wire.story(Keys(public_keys=(call.key.public_key,))), "PEER_HOLEPUNCH", "REPLY")
    assert fact(view, "key").endswith("with the server's key as given")


def test_a_secret_of_the_key_log_names_its_line(tmp_path: Path) -> None:
    wire, call = punched()
    del wire.packets[:6]
    keys = logged(tmp_path / "keys.log", call, Label.HOLEPUNCH_SECRET, call.noise.secret)
    view = message(wire.story(keys), "PEER_HOLEPUNCH", "FROM_CLIENT")
    assert fact(view, "key") == "opened with the secret in keys.log line 1"


def test_a_noise_message_names_what_opened_it_and_only_what_is_open(tmp_path: Path) -> None:
    wire, call = punched()
    keys = logged(tmp_path / "keys.log", call, Label.NOISE_1_PAYLOAD_KEY, call.noise.payload_1_key)
    story = wire.story(keys)
    first, second = message(story, "PEER_HANDSHAKE", "FROM_CLIENT"), message(story, "PEER_HANDSHAKE", "REPLY")
    assert fact(first, "key") == "opened with keys.log line 1"
    assert len(first.parts) == 2
    assert fact(second, "key") == ""
    assert len(second.parts) == 1
    assert second.sealed_reason


def test_without_a_key_it_says_what_is_missing() -> None:
    wire, _ = punched()
    del wire.packets[:2]
    view = message(wire.story(), "PEER_HOLEPUNCH", "FROM_CLIENT")
    assert fact(view, "key") == ""
    assert "--key" in view.sealed_reason


def test_a_plaintext_lights_the_bytes_it_was_sealed_to(tmp_path: Path) -> None:
    """Known by the layouts: 16 bytes of tag follow a noise payload, 24 of nonce and 16 of tag come before a punch's."""
    wire, call = punched()
    path = tmp_path / "keys.log"
    number = bytes.fromhex(call.noise.id)
    secrets = {Label.NOISE_1_PAYLOAD_KEY: call.noise.payload_1_key, Label.NOISE_2_PAYLOAD_KEY: call.noise.payload_2_key}
    path.write_text(format_secrets(Secret(label, number, value) for label, value in secrets.items()))
    story = wire.story(Keys(keylogs=(str(path),)))
    for command, mode, before, after in (
        ("PEER_HANDSHAKE", "FROM_RELAY", 32 + 48, 16),
        ("PEER_HANDSHAKE", "FROM_SERVER", 32, 16),
        ("PEER_HOLEPUNCH", "FROM_CLIENT", 24 + 16, 0),
    ):
        view = message(story, command, mode)
        sealed = (call.noise.noise1 if mode == "FROM_RELAY" else call.noise.noise2) if after else None
        body = sealed or next(one.payload.sealed for one in story.flows[0].messages if one.round == 0 and one.payload)
        assert view.sealed_at == view.parts[0].index(body) + before
        assert len(view.parts[1]) == len(body) - before - after
