"""Opening the two noise messages with whatever secrets are known.

Who holds what opens what. Noise IK mixes es and ss into message 1, ee and se into message 2, where es is the
Diffie-Hellman result of the client's ephemeral (e) and the server's static key (s), and so on. Either private half
gives the result, so:

==========================================  ================  ==========  ==========
secret keys                                 client's identity  message 1  message 2
==========================================  ================  ==========  ==========
server static                               yes               yes         no
client ephemeral                            yes               no          no
client static + client ephemeral            yes               yes         yes
server static + server ephemeral            yes               yes         yes
both static + either ephemeral              yes               yes         yes
both ephemeral                              yes               no          no
==========================================  ================  ==========  ==========

The cipher key of one sealed field opens that field and nothing else; a key log carries those.

Source: npm noise-handshake 4.2.0 (noise.js, symmetric-state.js, hkdf.js, cipher.js) and noise-curve-ed 2.1.0.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha512
from typing import Final

from protocol.keys import key_pair
from protocol.messages import Opaque
from protocol.noise import INITIAL_CHAINING_KEY, hash_of_server, mix_hash, split_message_1, split_message_2

FIRST_NONCE: Final = bytes(12)
"""Nonce of the first field sealed under a cipher key; in IK every key seals just one field."""


@dataclass(frozen=True, slots=True, repr=False)
class NoiseSecrets:
    """Secrets that may fit an attempt. Each field holds candidates: those that do not fit are passed over.

    Keys of a side are 32-byte Ed25519 seeds, cipher keys are 32 bytes.
    """

    server_static: tuple[bytes, ...] = ()
    client_static: tuple[bytes, ...] = ()
    server_ephemeral: tuple[bytes, ...] = ()
    client_ephemeral: tuple[bytes, ...] = ()
    static_1_key: tuple[bytes, ...] = ()
    """Cipher keys of the sealed static key in message 1."""
    payload_1_key: tuple[bytes, ...] = ()
    """Cipher keys of the payload of message 1."""
    payload_2_key: tuple[bytes, ...] = ()
    """Cipher keys of the payload of message 2."""


@dataclass(frozen=True, slots=True)
class OpenedNoise:
    """What is inside the noise messages of one attempt, each part as far as the secrets reach."""

    client_public_key: bytes | Opaque
    payload_1: bytes | Opaque
    """Plaintext of message 1, an encoded NoisePayload."""
    payload_2: bytes | Opaque | None
    """Plaintext of message 2; None where that message was not given."""


def open_noise(
    secrets: NoiseSecrets, server_public_key: bytes, noise1: bytes, noise2: bytes | None = None
) -> OpenedNoise:
    """Open what `secrets` can open of an attempt's noise messages.

    A secret that does not fit never gives a wrong plaintext: every field carries a tag over the transcript before it.

    Args:
        secrets: candidates, in any combination.
        server_public_key: the server's static key, 32 bytes; it is part of the transcript.
        noise1: noise message 1.
        noise2: noise message 2, where it is known.

    Raises:
        DecodeError: a message too short to be split, or a server key that is not 32 bytes.
    """
    first = split_message_1(noise1)
    second = None if noise2 is None else split_message_2(noise2)
    schedule = _KeySchedule(secrets, server_public_key, first.e, None if second is None else second.e)

    h = mix_hash(hash_of_server(server_public_key), first.e)
    schedule.mix_es()
    client = schedule.open("the client's key", h, first.sealed_s, secrets.static_1_key)
    schedule.client_public_key = client if isinstance(client, bytes) else None

    h = mix_hash(h, first.sealed_s)
    schedule.mix_ss()
    payload_1 = schedule.open("noise message 1", h, first.sealed_payload, secrets.payload_1_key)
    if second is None:
        return OpenedNoise(client, payload_1, None)

    h = mix_hash(mix_hash(h, first.sealed_payload), second.e)
    schedule.mix_ee()
    schedule.mix_se()
    payload_2 = schedule.open("noise message 2", h, second.sealed_payload, secrets.payload_2_key)
    return OpenedNoise(client, payload_1, payload_2)


class _KeySchedule:
    """Chaining and cipher key of an attempt, one Diffie-Hellman result after the other, until one can't be made."""

    def __init__(self, secrets: NoiseSecrets, server_public_key: bytes, e1: bytes, e2: bytes | None) -> None:
        self._secrets = secrets
        self._server_public_key = server_public_key
        self._e1 = e1
        self._e2 = e2
        self._server_static = _seed_of(server_public_key, secrets.server_static)
        self._client_ephemeral = _seed_of(e1, secrets.client_ephemeral)
        self._server_ephemeral = _seed_of(e2, secrets.server_ephemeral)
        self._chaining_key = INITIAL_CHAINING_KEY
        self.client_public_key: bytes | None = None
        """The client's static key, as soon as it is known."""
        self._cipher_key: bytes | None = None
        self._lack: str | None = None
        """What was missing for the first result that could not be made."""

    @property
    def _client_static(self) -> bytes | None:
        return _seed_of(self.client_public_key, self._secrets.client_static)

    def mix_es(self) -> None:
        others = bool(self._secrets.server_static) and self._server_static is None
        self._mix(
            "the server's secret key or the client's ephemeral key" + "; the key given is another server's" * others,
            (self._server_static, self._e1),
            (self._client_ephemeral, self._server_public_key),
        )

    def mix_ss(self) -> None:
        self._mix(
            "the client's key" if self.client_public_key is None else "the server's or the client's secret key",
            (self._server_static, self.client_public_key),
            (self._client_static, self._server_public_key),
        )

    def mix_ee(self) -> None:
        self._mix("an ephemeral key", (self._server_ephemeral, self._e1), (self._client_ephemeral, self._e2))

    def mix_se(self) -> None:
        self._mix(
            "the client's secret key or the server's ephemeral key",
            (self._server_ephemeral, self.client_public_key),
            (self._client_static, self._e2),
        )

    def open(self, what: str, h: bytes, sealed: bytes, logged: tuple[bytes, ...]) -> bytes | Opaque:
        """Open a sealed field with the key of this point of the schedule, or with one of a key log."""
        derived = self._cipher_key
        for key in logged if derived is None else (derived, *logged):
            plaintext = aead_open(key, h, sealed)
            if plaintext is not None:
                return plaintext
        if derived is not None:
            return Opaque(f"{what} was altered: the right key does not open it")
        if logged:
            return Opaque(f"the key log has no key that opens {what}")
        return Opaque(f"{what} needs {self._lack}")

    def _mix(self, lack: str, *halves: tuple[bytes | None, bytes | None]) -> None:
        """Mix in the result of the first pair (seed, public key) that is complete."""
        if self._lack is not None:
            return
        for seed, public_key in halves:
            shared = None if seed is None or public_key is None else diffie_hellman(seed, public_key)
            if shared is not None:
                self._chaining_key, self._cipher_key = mix_key(self._chaining_key, shared)
                return
        self._cipher_key = None
        self._lack = lack


def aead_open(key: bytes, h: bytes, sealed: bytes) -> bytes | None:
    """The plaintext of a ChaCha20-Poly1305 field with the transcript as associated data, or None."""
    from nacl.bindings import crypto_aead_chacha20poly1305_ietf_decrypt
    from nacl.exceptions import CryptoError

    if len(key) != 32:
        return None
    try:
        return crypto_aead_chacha20poly1305_ietf_decrypt(sealed, h, FIRST_NONCE, key)
    except CryptoError:
        return None


def _seed_of(public_key: bytes | None, candidates: Iterable[bytes]) -> bytes | None:
    """The candidate whose public key this is."""
    return next((seed for seed in candidates if _public_key(seed) == public_key), None)


@lru_cache(maxsize=1024)
def _public_key(seed: bytes) -> bytes:
    return key_pair(seed).public_key


def mix_key(chaining_key: bytes, shared: bytes) -> tuple[bytes, bytes]:
    """The next chaining key (64 bytes) and the cipher key (32 bytes) after mixing in a shared secret: HKDF-BLAKE2b."""
    pseudo_random_key = hmac.digest(chaining_key, shared, "blake2b")
    first = hmac.digest(pseudo_random_key, b"\1", "blake2b")
    return first, hmac.digest(pseudo_random_key, first + b"\2", "blake2b")[:32]


def diffie_hellman(seed: bytes, public_key: bytes) -> bytes | None:
    """The shared point of a seed and a public key; None for a public key that is no point of the main subgroup."""
    from nacl.bindings import crypto_scalarmult_ed25519_noclamp
    from nacl.exceptions import RuntimeError as SodiumError

    scalar = bytearray(sha512(seed).digest()[:32])
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    try:
        return crypto_scalarmult_ed25519_noclamp(bytes(scalar), public_key)
    except SodiumError:
        return None
