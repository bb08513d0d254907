"""Noise IK from both ends, for made-up attempts: with real keys, so that what opens them is what opens real ones."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha512

from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt, crypto_scalarmult_ed25519_noclamp

from protocol.hashes import blake2b_256
from protocol.keys import KeyPair, key_pair
from protocol.messages import NoisePayload
from protocol.noise import INITIAL_CHAINING_KEY, attempt_id, hash_of_server, holepunch_secret, mix_hash
from protocol.sealed_values import encode_noise_payload


def keys_of(name: str) -> KeyPair:
    """A key pair that a name stands for."""
    return key_pair(blake2b_256(name.encode()))


def shared(mine: KeyPair, public_key: bytes) -> bytes:
    scalar = bytearray(sha512(mine.seed).digest()[:32])
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    return crypto_scalarmult_ed25519_noclamp(bytes(scalar), public_key)


@dataclass
class Transcript:
    """Both messages of one handshake, and the keys of its fields as a key log tells them."""

    noise1: bytes
    noise2: bytes
    secret: bytes
    static_1_key: bytes
    payload_1_key: bytes
    payload_2_key: bytes

    @property
    def id(self) -> str:
        return attempt_id(self.noise1).hex()


class _State:
    def __init__(self, server_public_key: bytes) -> None:
        self.chaining_key = INITIAL_CHAINING_KEY
        self.hash = hash_of_server(server_public_key)
        self.key = b""

    def mix(self, secret: bytes) -> None:
        pseudo_random = hmac.digest(self.chaining_key, secret, "blake2b")
        self.chaining_key = hmac.digest(pseudo_random, b"\1", "blake2b")
        self.key = hmac.digest(pseudo_random, self.chaining_key + b"\2", "blake2b")[:32]

    def take(self, field: bytes) -> bytes:
        self.hash = mix_hash(self.hash, field)
        return field

    def seal(self, plaintext: bytes) -> bytes:
        return self.take(crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, self.hash, bytes(12), self.key))


def shake_hands(
    client: KeyPair, server: KeyPair, nonce: str, payload_1: NoisePayload, payload_2: NoisePayload
) -> Transcript:
    """A whole handshake; `nonce` names the ephemeral keys."""
    client_e, server_e = keys_of(f"client {nonce}"), keys_of(f"server {nonce}")
    state = _State(server.public_key)
    noise1 = state.take(client_e.public_key)
    state.mix(shared(client_e, server.public_key))
    static_1_key = state.key
    noise1 += state.seal(client.public_key)
    state.mix(shared(client, server.public_key))
    payload_1_key = state.key
    noise1 += state.seal(encode_noise_payload(payload_1))
    noise2 = state.take(server_e.public_key)
    state.mix(shared(client_e, server_e.public_key))
    state.mix(shared(client, server_e.public_key))
    payload_2_key = state.key
    noise2 += state.seal(encode_noise_payload(payload_2))
    return Transcript(noise1, noise2, holepunch_secret(state.hash), static_1_key, payload_1_key, payload_2_key)
