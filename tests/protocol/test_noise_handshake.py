"""Both sides of the handshake, against messages of the real packages (noise_vectors.json) and altered ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DecodeError
from protocol.keys import key_pair
from protocol.noise_handshake import HandshakeResult, NoiseInitiator, NoiseResponder
from tests.protocol.test_noise import HANDSHAKES, Vector


def initiator(vector: Vector) -> NoiseInitiator:
    return NoiseInitiator(key_pair(vector.client_static), vector.server_public_key, vector.client_ephemeral)


def responder(vector: Vector) -> NoiseResponder:
    return NoiseResponder(key_pair(vector.server_static), vector.server_ephemeral)


def both(vector: Vector) -> tuple[HandshakeResult, HandshakeResult]:
    client, server = initiator(vector), responder(vector)
    server.read_message_1(client.write_message_1(vector.payload_1))
    noise2, of_server = server.write_message_2(vector.payload_2)
    return client.read_message_2(noise2)[1], of_server


@pytest.mark.parametrize("vector", HANDSHAKES)
def test_the_messages_are_those_of_the_real_packages(vector: Vector) -> None:
    client, server = initiator(vector), responder(vector)
    assert client.write_message_1(vector.payload_1) == vector.noise1
    assert server.read_message_1(vector.noise1) == vector.payload_1
    assert server.remote_public_key == vector.client_public_key
    noise2, of_server = server.write_message_2(vector.payload_2)
    assert noise2 == vector.noise2
    payload, of_client = client.read_message_2(vector.noise2)
    assert payload == vector.payload_2
    for result in (of_client, of_server):
        assert result.handshake_hash == vector.handshake_hash
        assert result.holepunch_secret == vector.holepunch_secret


@pytest.mark.parametrize("vector", HANDSHAKES)
def test_each_side_sends_with_the_key_that_the_other_receives_with(vector: Vector) -> None:
    client, server = both(vector)
    assert (client.tx, client.rx) == (server.rx, server.tx)
    assert client.tx != client.rx
    assert len(client.tx) == len(client.rx) == 32
    assert (client.initiator, server.initiator) == (True, False)
    assert (client.remote_public_key, server.remote_public_key) == (vector.server_public_key, vector.client_public_key)


@pytest.mark.parametrize("vector", HANDSHAKES)
def test_the_key_log_has_the_keys_of_each_field(vector: Vector) -> None:
    client, server = both(vector)
    of_client = {line.label: line.secret for line in client.key_lines}
    of_server = {line.label: line.secret for line in server.key_lines}
    labels = ("NOISE_1_STATIC_KEY", "NOISE_1_PAYLOAD_KEY", "NOISE_2_PAYLOAD_KEY")
    assert [of_client[label] for label in labels] == [of_server[label] for label in labels] == vector.cipher_keys
    assert of_client.keys() - of_server.keys() == {"CLIENT_EPHEMERAL_KEY"}
    assert of_server.keys() - of_client.keys() == {"SERVER_EPHEMERAL_KEY"}
    assert len({line.attempt for line in (*client.key_lines, *server.key_lines)}) == 1


@given(st.data())
def test_an_altered_message_changes_nothing(data: st.DataObject) -> None:
    vector = HANDSHAKES[0]
    client, server = initiator(vector), responder(vector)
    client.write_message_1(vector.payload_1)

    def altered(message: bytes) -> bytes:
        at = data.draw(st.integers(0, len(message) - 1))
        return message[:at] + bytes((message[at] ^ data.draw(st.integers(1, 255)),)) + message[at + 1 :]

    with pytest.raises(DecodeError):
        server.read_message_1(altered(vector.noise1))
    assert server.read_message_1(vector.noise1) == vector.payload_1
    with pytest.raises(DecodeError):
        client.read_message_2(altered(vector.noise2))
    assert client.read_message_2(vector.noise2)[0] == vector.payload_2


@given(st.binary(max_size=200))
def test_arbitrary_bytes(noise: bytes) -> None:
    vector = HANDSHAKES[0]
    client, server = initiator(vector), responder(vector)
    client.write_message_1(vector.payload_1)
    for read in (server.read_message_1, client.read_message_2):
        with pytest.raises(DecodeError):
            read(noise)


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), b"\xff" * 32])
def test_a_server_key_that_is_none(key: bytes) -> None:
    with pytest.raises(DecodeError):
        NoiseInitiator(key_pair(bytes(32)), key, bytes(32))


def test_another_servers_message_is_refused() -> None:
    vector = HANDSHAKES[0]
    with pytest.raises(DecodeError, match=r"noise\.s"):
        NoiseResponder(key_pair(b"x" * 32), bytes(32)).read_message_1(vector.noise1)
