"""Attempts behind a mask: their noise messages and sealed payloads made anew, so that they still open.

The holepunch secret is made of both noise messages and the server's public key, and whoever has all three reads the
payloads. Behind a mask none of the three is what it was: noise messages become other bytes (nobody's: they are sealed
for keys that do not exist), the public key another one, and so the secret is another one too. What was opened is masked
and sealed with it; so it opens again, for everyone, and says nothing about anybody.

Noise messages that were opened with keys are sealed anew with cipher keys made up for them, which stand in the key log
that goes with the masked capture, and open nothing else. Token secrets are left out: no masked token is made of one.
"""

from __future__ import annotations

from dataclasses import dataclass

from capture.flow import Flow
from capture.keylog import Label, Secret
from capture.masking.bodies import Bodies
from capture.masking.mask import Mask
from capture.masking.payloads import PayloadMask
from capture.model import FlowMessage
from protocol.constants import Command, Mode
from protocol.errors import DecodeError
from protocol.noise import (
    attempt_id,
    handshake_hash,
    hash_of_server,
    holepunch_secret,
    mix_hash,
    split_message_1,
    split_message_2,
)
from protocol.noise_secrets import FIRST_NONCE
from protocol.secretbox import NONCE_SIZE, seal_payload

_TO_SERVER = (Mode.FROM_CLIENT.name, Mode.FROM_RELAY.name, Mode.FROM_SECOND_RELAY.name)


@dataclass(frozen=True, slots=True, repr=False)
class MaskedAttempt:
    """What stands for what is particular to one attempt."""

    id: str
    handshake_hash: bytes | None = None
    holepunch_secret: bytes | None = None
    secrets: tuple[Secret, ...] = ()
    """Key log lines that open what is masked and does not open by itself."""


class AttemptMask:
    """Makes attempts anew, each once; all before the first payload is masked.

    Args:
        mask: what stands for what.
        bodies: gets what stands for the sealed bodies.
        payloads: masks plaintexts.
    """

    def __init__(self, mask: Mask, bodies: Bodies, payloads: PayloadMask) -> None:
        self._mask = mask
        self._bodies = bodies
        self._payloads = payloads
        self._made: dict[tuple[str, int], MaskedAttempt] = {}

    def made(self, flow: Flow) -> MaskedAttempt:
        """What stands for an attempt; a growing one is made further."""
        place = (flow.id, len(flow.messages))
        found = self._made.get(place)
        if found is None:
            found = self._made[place] = self._make(flow)
            self._mask.know(bytes.fromhex(flow.id), bytes.fromhex(found.id))
        return found

    def _make(self, flow: Flow) -> MaskedAttempt:
        first = [one for one in _sealed(flow, Command.PEER_HANDSHAKE) if one.mode in _TO_SERVER]
        second = [one for one in _sealed(flow, Command.PEER_HANDSHAKE) if one.mode not in _TO_SERVER]
        noise1 = max((_body(one) for one in first), key=len, default=None)
        if noise1 is None:
            # A search without a handshake, or a capture that begins after it.
            id_ = self._mask.mapping.digest(b"attempt", bytes.fromhex(flow.id), 8)
            return self._without_handshake(flow, id_)
        key = flow.key
        answers = list(dict.fromkeys(_body(one) for one in second))
        noise2 = _answer(flow, noise1, answers)
        masked_key = None if key.server_public_key is None else self._mask.key(key.server_public_key)
        secrets: dict[Label, bytes] = {}
        masked1 = self._first(flow, noise1, _plain(first), masked_key, secrets)
        self._bodies.add(noise1, masked1)
        masked2 = None
        for answer in answers:
            plain = _plain(second, answer) if answer == noise2 or len(answers) == 1 else None
            made = self._second(flow, answer, plain, masked_key, masked1, secrets)
            self._bodies.add(answer, made)
            if answer == noise2:
                masked2 = made
        id_ = attempt_id(masked1)
        hash_ = secret = None
        if masked_key is not None and masked2 is not None and key.handshake_hash is not None:
            hash_ = handshake_hash(masked_key, masked1, masked2)
            secret = holepunch_secret(hash_)
            secrets[Label.SERVER_PUBLIC_KEY] = masked_key
        elif key.holepunch_secret is not None:
            secret = secrets[Label.HOLEPUNCH_SECRET] = self._mask.mapping.digest(b"secret", key.holepunch_secret)
        self._seal_payloads(flow, secret)
        return MaskedAttempt(id_.hex(), hash_, secret, _lines(id_, secrets))

    def _without_handshake(self, flow: Flow, id_: bytes) -> MaskedAttempt:
        known = flow.key.holepunch_secret
        if known is None:
            return MaskedAttempt(id_.hex())
        secret = self._mask.mapping.digest(b"secret", known)
        self._seal_payloads(flow, secret)
        return MaskedAttempt(id_.hex(), None, secret, _lines(id_, {Label.HOLEPUNCH_SECRET: secret}))

    def _first(
        self, flow: Flow, noise: bytes, plain: bytes | None, key: bytes | None, secrets: dict[Label, bytes]
    ) -> bytes:
        """Noise message 1: sealed anew where it was opened, else opaque."""
        opaque = self._mask.opaque(noise)
        if plain is None or key is None:
            return opaque
        try:
            parts = split_message_1(opaque)
        except DecodeError:
            return opaque
        h = mix_hash(hash_of_server(key), parts.e)
        sealed_s = parts.sealed_s
        client = flow.key.client_public_key
        if client is not None:
            secrets[Label.NOISE_1_STATIC_KEY] = self._mask.mapping.digest(b"static 1", noise)
            sealed_s = _seal(secrets[Label.NOISE_1_STATIC_KEY], h, self._mask.key(client))
        secrets[Label.NOISE_1_PAYLOAD_KEY] = self._mask.mapping.digest(b"payload 1", noise)
        h = mix_hash(h, sealed_s)
        sealed = _seal(secrets[Label.NOISE_1_PAYLOAD_KEY], h, self._payloads.noise_plaintext(plain))
        return parts.e + sealed_s + sealed

    def _second(
        self,
        flow: Flow,
        noise: bytes,
        plain: bytes | None,
        key: bytes | None,
        masked1: bytes,
        secrets: dict[Label, bytes],
    ) -> bytes:
        """Noise message 2: sealed anew where it was opened, else opaque."""
        opaque = self._mask.opaque(noise)
        if plain is None or key is None or flow.key.noise2 is None:
            return opaque
        try:
            parts, before = split_message_2(opaque), split_message_1(masked1)
        except DecodeError:
            return opaque
        h = hash_of_server(key)
        for field in (*before, parts.e):
            h = mix_hash(h, field)
        secrets[Label.NOISE_2_PAYLOAD_KEY] = self._mask.mapping.digest(b"payload 2", noise)
        return parts.e + _seal(secrets[Label.NOISE_2_PAYLOAD_KEY], h, self._payloads.noise_plaintext(plain))

    def _seal_payloads(self, flow: Flow, secret: bytes | None) -> None:
        if secret is None:
            return
        for message in _sealed(flow, Command.PEER_HOLEPUNCH):
            sealed = message.payload
            if sealed is not None and sealed.plaintext is not None:
                nonce = self._mask.opaque(sealed.sealed[:NONCE_SIZE])
                plain = self._payloads.holepunch_plaintext(sealed.plaintext)
                self._bodies.add(sealed.sealed, seal_payload(secret, plain, nonce))


def _sealed(flow: Flow, command: Command) -> list[FlowMessage]:
    return [one for one in flow.messages if one.command == command.name and one.payload is not None]


def _body(message: FlowMessage) -> bytes:
    assert message.payload is not None
    return message.payload.sealed


def _plain(messages: list[FlowMessage], body: bytes | None = None) -> bytes | None:
    for message in messages:
        payload = message.payload
        if payload is not None and payload.plaintext is not None and body in (None, payload.sealed):
            return payload.plaintext
    return None


def _answer(flow: Flow, noise1: bytes, answers: list[bytes]) -> bytes | None:
    """The answer that the attempt's secret is made of."""
    key = flow.key
    if key.server_public_key is None or key.handshake_hash is None:
        return None
    for answer in answers:
        try:
            if handshake_hash(key.server_public_key, noise1, answer) == key.handshake_hash:
                return answer
        except DecodeError:
            continue  # cut or malformed: not the one
    return None


def _lines(attempt: bytes, secrets: dict[Label, bytes]) -> tuple[Secret, ...]:
    return tuple(Secret(label, attempt, value) for label, value in secrets.items())


def _seal(key: bytes, h: bytes, plain: bytes) -> bytes:
    from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt

    return crypto_aead_chacha20poly1305_ietf_encrypt(plain, h, FIRST_NONCE, key)
