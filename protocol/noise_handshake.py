"""Both sides of the Noise IK handshake that begins every connection.

The client knows the server's static key and writes message 1, the server reads it and answers with message 2; layouts
are in `protocol.noise`. Each sealed field is ChaCha20-Poly1305 under a key of its own, with the transcript before it as
associated data. Both end with the same 64-byte hash and a key for each direction.

==========  ===================================  =====================================
message     mixed into the keys                  sealed
==========  ===================================  =====================================
1           es, then ss                          the client's static key, a payload
2           ee and se                            a payload
==========  ===================================  =====================================

Reading changes nothing unless the message is right: whoever waits for an answer can be sent any number of wrong ones.
The randomness is the caller's: a seed of 32 bytes for the ephemeral key, used for one handshake.

Source: npm noise-handshake 4.2.0 (noise.js, symmetric-state.js, hkdf.js), noise-curve-ed 2.1.0 and hyperdht 6.34.0
(lib/noise-wrap.js).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.errors import DecodeError
from protocol.keys import KeyPair, key_pair
from protocol.noise import (
    INITIAL_CHAINING_KEY,
    KEY_SIZE,
    attempt_id,
    hash_of_server,
    holepunch_secret,
    mix_hash,
    split_message_1,
    split_message_2,
)
from protocol.noise_secrets import FIRST_NONCE, aead_open, diffie_hellman, mix_key

SEED_SIZE: Final = 32
"""Random bytes that a handshake needs."""

_SEALED_S_AT: Final = KEY_SIZE
_PAYLOAD_1_AT: Final = 2 * KEY_SIZE + 16


@dataclass(frozen=True, slots=True, repr=False)
class KeyLine:
    """One line of a key log: a secret and the attempt it belongs to; labels are described in docs/keylog.md."""

    label: str
    attempt: bytes
    """8 bytes: `protocol.noise.attempt_id` of message 1."""
    secret: bytes
    """32 bytes."""

    @property
    def text(self) -> str:
        """The line, without its end."""
        return f"{self.label} {self.attempt.hex()} {self.secret.hex()}"


@dataclass(frozen=True, slots=True, repr=False)
class HandshakeResult:
    """What a finished handshake leaves. Its representation hides the keys."""

    initiator: bool
    remote_public_key: bytes
    """The other side's static key, 32 bytes, proved by the handshake."""
    handshake_hash: bytes
    """64 bytes, the same on both sides."""
    tx: bytes
    """Key of what this side sends, 32 bytes."""
    rx: bytes
    """Key of what it receives."""
    holepunch_secret: bytes
    """Key of the PEER_HOLEPUNCH payloads, 32 bytes."""
    key_lines: tuple[KeyLine, ...]
    """What a key log gets to know."""


class NoiseInitiator:
    """The client's side.

    Args:
        pair: the client's static keys.
        server_public_key: 32 bytes.
        seed: of the ephemeral key, 32 random bytes.

    Raises:
        DecodeError: the server's key is not 32 bytes, or no point of the curve.
    """

    def __init__(self, pair: KeyPair, server_public_key: bytes, seed: bytes) -> None:
        self.server_public_key = server_public_key
        self._pair = pair
        self._seed = seed
        self._hash = hash_of_server(server_public_key)
        self._e = key_pair(seed).public_key
        self._es = _shared(seed, server_public_key, "server_public_key", 0)
        self._ss = _shared(pair.seed, server_public_key, "server_public_key", 0)
        self._chaining_key = INITIAL_CHAINING_KEY
        self._lines: tuple[KeyLine, ...] = ()

    def write_message_1(self, payload: bytes) -> bytes:
        """Message 1 with an encoded noise payload; the same handshake writes it once."""
        h = mix_hash(self._hash, self._e)
        chaining_key, static_key = mix_key(INITIAL_CHAINING_KEY, self._es)
        sealed_s = _seal(static_key, h, self._pair.public_key)
        h = mix_hash(h, sealed_s)
        self._chaining_key, payload_key = mix_key(chaining_key, self._ss)
        sealed_payload = _seal(payload_key, h, payload)
        self._hash = mix_hash(h, sealed_payload)
        noise = self._e + sealed_s + sealed_payload
        attempt = attempt_id(noise)
        self._lines = (
            KeyLine("SERVER_PUBLIC_KEY", attempt, self.server_public_key),
            KeyLine("CLIENT_EPHEMERAL_KEY", attempt, self._seed),
            KeyLine("NOISE_1_STATIC_KEY", attempt, static_key),
            KeyLine("NOISE_1_PAYLOAD_KEY", attempt, payload_key),
        )
        return noise

    @property
    def key_lines(self) -> tuple[KeyLine, ...]:
        """What a key log gets to know of message 1."""
        return self._lines

    def read_message_2(self, noise: bytes) -> tuple[bytes, HandshakeResult]:
        """The payload of message 2 and the result.

        Raises:
            DecodeError: too short, an ephemeral key that is no point of the curve, or not the answer to message 1.
        """
        message = split_message_2(noise)
        h = mix_hash(self._hash, message.e)
        chaining_key, _ = mix_key(self._chaining_key, _shared(self._seed, message.e, "noise.e", 0))
        chaining_key, key = mix_key(chaining_key, _shared(self._pair.seed, message.e, "noise.e", 0))
        payload = _open(key, h, message.sealed_payload, "noise.payload", KEY_SIZE)
        h = mix_hash(h, message.sealed_payload)
        line = KeyLine("NOISE_2_PAYLOAD_KEY", self._lines[0].attempt, key)
        return payload, _result(True, self.server_public_key, h, chaining_key, (*self._lines, line))


class NoiseResponder:
    """The server's side.

    Args:
        pair: the server's static keys.
        seed: of the ephemeral key, 32 random bytes.
    """

    def __init__(self, pair: KeyPair, seed: bytes) -> None:
        self.remote_public_key = b""
        """The client's static key, once message 1 was read."""
        self._pair = pair
        self._seed = seed
        self._hash = hash_of_server(pair.public_key)
        self._e1 = b""
        self._chaining_key = INITIAL_CHAINING_KEY
        self._lines: tuple[KeyLine, ...] = ()

    def read_message_1(self, noise: bytes) -> bytes:
        """The payload of message 1.

        Raises:
            DecodeError: too short, a key that is no point of the curve, or not sealed for this server.
        """
        message = split_message_1(noise)
        h = mix_hash(self._hash, message.e)
        chaining_key, static_key = mix_key(INITIAL_CHAINING_KEY, _shared(self._pair.seed, message.e, "noise.e", 0))
        client = _open(static_key, h, message.sealed_s, "noise.s", _SEALED_S_AT)
        h = mix_hash(h, message.sealed_s)
        chaining_key, payload_key = mix_key(chaining_key, _shared(self._pair.seed, client, "noise.s", _SEALED_S_AT))
        payload = _open(payload_key, h, message.sealed_payload, "noise.payload", _PAYLOAD_1_AT)
        self._hash = mix_hash(h, message.sealed_payload)
        self._chaining_key = chaining_key
        self._e1 = message.e
        self.remote_public_key = client
        attempt = attempt_id(noise)
        self._lines = (
            KeyLine("SERVER_PUBLIC_KEY", attempt, self._pair.public_key),
            KeyLine("NOISE_1_STATIC_KEY", attempt, static_key),
            KeyLine("NOISE_1_PAYLOAD_KEY", attempt, payload_key),
        )
        return payload

    def write_message_2(self, payload: bytes) -> tuple[bytes, HandshakeResult]:
        """Message 2 with an encoded noise payload, and the result.

        Raises:
            DecodeError: the client's ephemeral key is no point of the curve.
        """
        e = key_pair(self._seed).public_key
        h = mix_hash(self._hash, e)
        chaining_key, _ = mix_key(self._chaining_key, _shared(self._seed, self._e1, "noise.e", 0))
        shared = _shared(self._seed, self.remote_public_key, "noise.s", _SEALED_S_AT)
        chaining_key, key = mix_key(chaining_key, shared)
        sealed_payload = _seal(key, h, payload)
        h = mix_hash(h, sealed_payload)
        attempt = self._lines[0].attempt
        lines = (
            *self._lines,
            KeyLine("SERVER_EPHEMERAL_KEY", attempt, self._seed),
            KeyLine("NOISE_2_PAYLOAD_KEY", attempt, key),
        )
        return e + sealed_payload, _result(False, self.remote_public_key, h, chaining_key, lines)


def _result(
    initiator: bool, remote_public_key: bytes, h: bytes, chaining_key: bytes, lines: tuple[KeyLine, ...]
) -> HandshakeResult:
    first, second = mix_key(chaining_key, b"")
    secret = holepunch_secret(h)
    tx, rx = (first[:KEY_SIZE], second) if initiator else (second, first[:KEY_SIZE])
    line = KeyLine("HOLEPUNCH_SECRET", lines[0].attempt, secret)
    return HandshakeResult(initiator, remote_public_key, h, tx, rx, secret, (*lines, line))


def _shared(seed: bytes, public_key: bytes, field: str, offset: int) -> bytes:
    shared = diffie_hellman(seed, public_key)
    if shared is None:
        raise DecodeError(field, offset, "no point of the curve's main subgroup")
    return shared


def _seal(key: bytes, h: bytes, plain: bytes) -> bytes:
    from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt

    return crypto_aead_chacha20poly1305_ietf_encrypt(plain, h, FIRST_NONCE, key)


def _open(key: bytes, h: bytes, sealed: bytes, field: str, offset: int) -> bytes:
    plain = aead_open(key, h, sealed)
    if plain is None:
        raise DecodeError(field, offset, "not sealed with the keys of this handshake")
    return plain
