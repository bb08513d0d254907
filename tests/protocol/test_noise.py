"""The transcript, the secrets and the seals against handshakes of the real packages (noise_vectors.json)."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DecodeError
from protocol.messages import Opaque
from protocol.noise import (
    PROLOGUE,
    attempt_id,
    handshake_hash,
    holepunch_secret,
    split_message_1,
    split_message_2,
)
from protocol.noise_secrets import NoiseSecrets, open_noise
from protocol.sealed_values import decode_holepunch_payload, decode_noise_payload
from protocol.secretbox import OVERHEAD, open_payload, seal_payload

VECTORS = json.loads((Path(__file__).parent / "noise_vectors.json").read_text())


class Vector(NamedTuple):
    """One handshake of the real packages."""

    server_public_key: bytes
    client_public_key: bytes
    client_static: bytes
    server_static: bytes
    client_ephemeral: bytes
    server_ephemeral: bytes
    noise1: bytes
    noise2: bytes
    cipher_keys: list[bytes]
    payload_1: bytes
    payload_2: bytes
    handshake_hash: bytes
    holepunch_secret: bytes
    holepunch_payloads: list[bytes]


def _bytes(value: str | list[str]) -> Any:
    return bytes.fromhex(value) if isinstance(value, str) else [bytes.fromhex(item) for item in value]


HANDSHAKES = [Vector(**{name: _bytes(value) for name, value in entry.items()}) for entry in VECTORS["handshakes"]]
FIRST, SECOND = HANDSHAKES[:2]

STATIC_AND_EPHEMERAL = ("server_static", "client_static", "server_ephemeral", "client_ephemeral")

OPENS_CLIENT = [{"server_static"}, {"client_ephemeral"}]
OPENS_1 = [{"server_static"}, {"client_static", "client_ephemeral"}]
OPENS_2 = [
    {"client_static", "client_ephemeral"},
    {"server_static", "server_ephemeral"},
    {"server_static", "client_static", "client_ephemeral"},
]


def _secrets(vector: Vector, names: tuple[str, ...] | set[str]) -> NoiseSecrets:
    return NoiseSecrets(**{name: (getattr(vector, name),) for name in names})


@pytest.mark.parametrize("vector", HANDSHAKES)
class TestTranscript:
    def test_hash_and_secret_equal_the_peers(self, vector: Vector) -> None:
        h = handshake_hash(vector.server_public_key, vector.noise1, vector.noise2)
        assert h == vector.handshake_hash
        assert holepunch_secret(h) == vector.holepunch_secret

    def test_every_field_enters_the_hash(self, vector: Vector) -> None:
        right = (vector.server_public_key, vector.noise1, vector.noise2)
        hashes = {handshake_hash(*right)}
        count = 1
        for index, field in enumerate(right):
            for position in range(len(field)):
                changed = list(right)
                changed[index] = field[:position] + bytes((field[position] ^ 1,)) + field[position + 1 :]
                hashes.add(handshake_hash(*changed))
                count += 1
        assert len(hashes) == count

    def test_fields_make_up_the_message(self, vector: Vector) -> None:
        first = split_message_1(vector.noise1)
        second = split_message_2(vector.noise2)
        assert b"".join(first) == vector.noise1
        assert b"".join(second) == vector.noise2
        assert [len(first.e), len(first.sealed_s), len(second.e)] == [32, 48, 32]

    def test_every_cut_is_a_typed_error_at_the_field_that_is_cut(self, vector: Vector) -> None:
        for length in range(96):
            with pytest.raises(DecodeError) as caught:
                split_message_1(vector.noise1[:length])
            expected = ("noise.e", 0) if length < 32 else ("noise.s", 32) if length < 80 else ("noise.payload", 80)
            assert (caught.value.field, caught.value.offset) == expected
            assert caught.value.truncated
        for length in range(48):
            with pytest.raises(DecodeError) as caught:
                split_message_2(vector.noise2[:length])
            expected = ("noise.e", 0) if length < 32 else ("noise.payload", 32)
            assert (caught.value.field, caught.value.offset) == expected


@pytest.mark.parametrize("vector", HANDSHAKES)
class TestPayloads:
    def test_open(self, vector: Vector) -> None:
        opened = [open_payload(vector.holepunch_secret, sealed) for sealed in vector.holepunch_payloads]
        values = [decode_holepunch_payload(plaintext) for plaintext in opened if plaintext is not None]
        assert [(value.firewall, value.round, value.punching) for value in values] == [(0, 0, False), (3, 2, True)]
        assert values[1].token == values[1].remote_token

    def test_wrong_secret_altered_and_cut_bytes_do_not_open(self, vector: Vector) -> None:
        sealed = vector.holepunch_payloads[1]
        assert open_payload(bytes(32), sealed) is None
        assert open_payload(vector.holepunch_secret[:31], sealed) is None
        for length in range(len(sealed)):
            assert open_payload(vector.holepunch_secret, sealed[:length]) is None
            altered = sealed[:length] + bytes((sealed[length] ^ 0x80,)) + sealed[length + 1 :]
            assert open_payload(vector.holepunch_secret, altered) is None

    def test_sealing_again_gives_the_same_bytes(self, vector: Vector) -> None:
        for sealed in vector.holepunch_payloads:
            plaintext = open_payload(vector.holepunch_secret, sealed)
            assert plaintext is not None
            assert seal_payload(vector.holepunch_secret, plaintext, sealed[:24]) == sealed


@pytest.mark.parametrize("vector", HANDSHAKES)
class TestOpenNoise:
    @pytest.mark.parametrize(
        "names", [names for size in range(5) for names in combinations(STATIC_AND_EPHEMERAL, size)], ids="+".join
    )
    def test_each_set_of_keys_opens_what_it_must_and_nothing_else(self, vector: Vector, names: tuple[str, ...]) -> None:
        opened = open_noise(_secrets(vector, names), vector.server_public_key, vector.noise1, vector.noise2)
        for value, plaintext, sufficient in (
            (opened.client_public_key, vector.client_public_key, OPENS_CLIENT),
            (opened.payload_1, vector.payload_1, OPENS_1),
            (opened.payload_2, vector.payload_2, OPENS_2),
        ):
            if any(keys <= set(names) for keys in sufficient):
                assert value == plaintext
            else:
                assert isinstance(value, Opaque)
                assert "needs" in value.reason

    def test_cipher_keys_of_a_key_log_open_one_field_each(self, vector: Vector) -> None:
        fields = ("static_1_key", "payload_1_key", "payload_2_key")
        plaintexts = (vector.client_public_key, vector.payload_1, vector.payload_2)
        for index, field in enumerate(fields):
            secrets = NoiseSecrets(**{field: (vector.cipher_keys[index],)})
            opened = open_noise(secrets, vector.server_public_key, vector.noise1, vector.noise2)
            values = (opened.client_public_key, opened.payload_1, opened.payload_2)
            assert values[index] == plaintexts[index]
            assert all(isinstance(value, Opaque) for other, value in enumerate(values) if other != index)

    def test_plaintexts_are_noise_payloads(self, vector: Vector) -> None:
        assert decode_noise_payload(vector.payload_1).version == 1
        assert decode_noise_payload(vector.payload_2).version == 1

    def test_without_message_2(self, vector: Vector) -> None:
        opened = open_noise(_secrets(vector, {"server_static"}), vector.server_public_key, vector.noise1)
        assert opened.payload_1 == vector.payload_1
        assert opened.payload_2 is None

    def test_the_right_one_of_many_candidates_is_used(self, vector: Vector) -> None:
        other = bytes(31) + b"\7"
        secrets = NoiseSecrets(
            server_static=(other, vector.server_static), server_ephemeral=(other, vector.server_ephemeral, other)
        )
        opened = open_noise(secrets, vector.server_public_key, vector.noise1, vector.noise2)
        assert (opened.payload_1, opened.payload_2) == (vector.payload_1, vector.payload_2)

    def test_wrong_keys_open_nothing_and_say_so(self, vector: Vector) -> None:
        other = FIRST if vector is SECOND else SECOND
        opened = open_noise(
            _secrets(other, STATIC_AND_EPHEMERAL), vector.server_public_key, vector.noise1, vector.noise2
        )
        assert isinstance(opened.payload_1, Opaque)
        assert "another server's" in opened.payload_1.reason
        logged = NoiseSecrets(payload_1_key=(other.cipher_keys[1],), payload_2_key=(b"short",))
        opened = open_noise(logged, vector.server_public_key, vector.noise1, vector.noise2)
        assert opened.payload_1 == Opaque("the key log has no key that opens noise message 1")
        assert opened.payload_2 == Opaque("the key log has no key that opens noise message 2")

    def test_an_altered_message_is_told_from_a_missing_key(self, vector: Vector) -> None:
        noise1 = vector.noise1[:-1] + bytes((vector.noise1[-1] ^ 1,))
        opened = open_noise(_secrets(vector, {"server_static"}), vector.server_public_key, noise1)
        assert opened.client_public_key == vector.client_public_key
        assert opened.payload_1 == Opaque("noise message 1 was altered: the right key does not open it")


def test_an_ephemeral_key_that_is_no_point_is_opaque() -> None:
    for e in (bytes(32), b"\1" + bytes(31), b"\xff" * 32):
        noise1 = e + FIRST.noise1[32:]
        opened = open_noise(_secrets(FIRST, {"server_static"}), FIRST.server_public_key, noise1)
        assert isinstance(opened.client_public_key, Opaque)


def test_a_server_key_of_another_size_is_a_typed_error() -> None:
    with pytest.raises(DecodeError, match="31 bytes"):
        handshake_hash(bytes(31), FIRST.noise1, FIRST.noise2)
    with pytest.raises(DecodeError, match="33 bytes"):
        open_noise(NoiseSecrets(), bytes(33), FIRST.noise1)


def test_secrets_are_not_shown() -> None:
    assert FIRST.server_static.hex() not in repr(_secrets(FIRST, STATIC_AND_EPHEMERAL))
    assert repr(FIRST.server_static) not in repr(_secrets(FIRST, STATIC_AND_EPHEMERAL))


def test_prologue_is_the_namespace_of_peer_handshake() -> None:
    assert PROLOGUE.hex() == "14d6d4b49214ab1033ed204976caa258bae9e1e8543b9ad1fd996a910b0c4e3a"


def test_attempts_are_told_apart() -> None:
    ids = {attempt_id(vector.noise1) for vector in HANDSHAKES}
    assert len(ids) == len(HANDSHAKES)
    assert all(len(attempt) == 8 for attempt in ids)


def test_seal_payload_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match="secret of 31"):
        seal_payload(bytes(31), b"x", bytes(24))
    with pytest.raises(ValueError, match="nonce of 23"):
        seal_payload(bytes(32), b"x", bytes(23))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=300), st.binary(min_size=24, max_size=24))
def test_payloads_round_trip(secret: bytes, plaintext: bytes, nonce: bytes) -> None:
    sealed = seal_payload(secret, plaintext, nonce)
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert open_payload(secret, sealed) == plaintext


@given(
    st.binary(max_size=40) | st.binary(min_size=32, max_size=32),
    st.binary(max_size=200) | st.binary(min_size=96, max_size=200),
    st.binary(max_size=200) | st.binary(min_size=48, max_size=200),
)
def test_any_bytes_give_a_value_or_a_decode_error(key: bytes, noise1: bytes, noise2: bytes) -> None:
    """The law: bytes of the network give a value or DecodeError, whatever the secrets."""
    assert open_payload(key, noise1) is None
    secrets = _secrets(FIRST, STATIC_AND_EPHEMERAL)
    if len(key) == 32 and len(noise1) >= 96 and len(noise2) >= 48:
        assert len(holepunch_secret(handshake_hash(key, noise1, noise2))) == 32
        assert isinstance(open_noise(secrets, key, noise1, noise2).payload_1, Opaque)
        return
    with pytest.raises(DecodeError):
        handshake_hash(key, noise1, noise2)
    with pytest.raises(DecodeError):
        open_noise(secrets, key, noise1, noise2)


@given(st.binary(max_size=120), st.binary(max_size=120))
def test_any_tail_on_real_ephemerals_stays_sealed(tail1: bytes, tail2: bytes) -> None:
    noise1 = FIRST.noise1[:32] + bytes(64) + tail1
    noise2 = FIRST.noise2[:32] + bytes(16) + tail2
    opened = open_noise(_secrets(FIRST, STATIC_AND_EPHEMERAL), FIRST.server_public_key, noise1, noise2)
    assert isinstance(opened.client_public_key, Opaque)
    assert isinstance(opened.payload_1, Opaque)
    assert isinstance(opened.payload_2, Opaque)
