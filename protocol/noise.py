"""The Noise IK transcript of a connection attempt, as an observer sees it.

Message 1 (client to server) is ``e 32 || sealed s 48 || sealed payload``, message 2 (server to client)
``e 32 || sealed payload``; "sealed" is ChaCha20-Poly1305 with a 16-byte tag. The handshake hash starts from the
protocol name, takes in the prologue and the server's static public key, then every field as it is on the wire:
``h = BLAKE2b-512(h || field)``. No Diffie-Hellman result enters it, so both messages and the public key are enough to
rebuild it, and the secret of the holepunch payloads with it.

Source: npm noise-handshake 4.2.0 (noise.js, symmetric-state.js) and hyperdht 6.34.0 (lib/noise-wrap.js,
lib/constants.js).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

from protocol.constants import Command
from protocol.errors import DecodeError
from protocol.hashes import NS, blake2b_256

PROTOCOL_NAME: Final = b"Noise_IK_Ed25519_ChaChaPoly_BLAKE2b"
HASH_SIZE: Final = 64
KEY_SIZE: Final = 32
TAG_SIZE: Final = 16

PROLOGUE: Final = NS[Command.PEER_HANDSHAKE]
"""What both sides mix in before any key: hyperdht's namespace of PEER_HANDSHAKE."""
HOLEPUNCH_NAMESPACE: Final = NS[Command.PEER_HOLEPUNCH]

INITIAL_CHAINING_KEY: Final = PROTOCOL_NAME.ljust(HASH_SIZE, b"\0")
INITIAL_HASH: Final = blake2b(INITIAL_CHAINING_KEY + PROLOGUE).digest()
"""The handshake hash after the prologue: the same for every attempt."""

_SEALED_S_END: Final = KEY_SIZE + KEY_SIZE + TAG_SIZE


class NoiseMessage1(NamedTuple):
    """Fields of noise message 1."""

    e: bytes
    """The client's ephemeral public key, 32 bytes."""
    sealed_s: bytes
    """The client's static public key, sealed: 48 bytes."""
    sealed_payload: bytes


class NoiseMessage2(NamedTuple):
    """Fields of noise message 2."""

    e: bytes
    """The server's ephemeral public key, 32 bytes."""
    sealed_payload: bytes


def split_message_1(noise: bytes) -> NoiseMessage1:
    """Split noise message 1 into its fields.

    Raises:
        DecodeError: shorter than 96 bytes; offsets count from the start of the noise message.
    """
    if len(noise) < _SEALED_S_END + TAG_SIZE:
        raise _too_short(noise, (("noise.e", 0), ("noise.s", KEY_SIZE), ("noise.payload", _SEALED_S_END)))
    return NoiseMessage1(noise[:KEY_SIZE], noise[KEY_SIZE:_SEALED_S_END], noise[_SEALED_S_END:])


def split_message_2(noise: bytes) -> NoiseMessage2:
    """Split noise message 2 into its fields.

    Raises:
        DecodeError: shorter than 48 bytes; offsets count from the start of the noise message.
    """
    if len(noise) < KEY_SIZE + TAG_SIZE:
        raise _too_short(noise, (("noise.e", 0), ("noise.payload", KEY_SIZE)))
    return NoiseMessage2(noise[:KEY_SIZE], noise[KEY_SIZE:])


def hash_of_server(server_public_key: bytes) -> bytes:
    """The handshake hash before message 1: the same for every attempt to reach this server.

    Raises:
        DecodeError: the key is not 32 bytes.
    """
    if len(server_public_key) != KEY_SIZE:
        raise DecodeError("server_public_key", 0, f"{len(server_public_key)} bytes, a key has {KEY_SIZE}")
    return blake2b(INITIAL_HASH + server_public_key).digest()


def mix_hash(h: bytes, field: bytes) -> bytes:
    """The handshake hash after one more field of the transcript."""
    return blake2b(h + field).digest()


def handshake_hash(server_public_key: bytes, noise1: bytes, noise2: bytes) -> bytes:
    """The 64-byte handshake hash, from what is on the wire.

    Args:
        server_public_key: the server's static key, 32 bytes. A wrong one gives a wrong hash, not an error.
        noise1: noise message 1 as PEER_HANDSHAKE carries it.
        noise2: noise message 2.

    Raises:
        DecodeError: a message is too short, or the key is not 32 bytes.
    """
    h = hash_of_server(server_public_key)
    for field in (*split_message_1(noise1), *split_message_2(noise2)):
        h = blake2b(h + field).digest()
    return h


def holepunch_secret(handshake_hash: bytes) -> bytes:
    """The 32-byte key of the attempt's PEER_HOLEPUNCH payloads, from its handshake hash."""
    return blake2b_256(HOLEPUNCH_NAMESPACE, key=handshake_hash)


def attempt_id(noise1: bytes) -> bytes:
    """The 8 bytes that name an attempt: the head of BLAKE2b-256(noise message 1)."""
    return blake2b_256(noise1)[:8]


def _too_short(noise: bytes, fields: tuple[tuple[str, int], ...]) -> DecodeError:
    """The error for the field in which `noise` ends."""
    name, offset = next(field for field in reversed(fields) if field[1] <= len(noise))
    return DecodeError(name, offset, f"the message ends after {len(noise)} bytes", truncated=True)
