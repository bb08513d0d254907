"""How far an attempt is open: what was read of its noise messages, what is missing for the rest."""

from __future__ import annotations

from capture.flows.attempt import Attempt
from protocol.errors import DecodeError
from protocol.messages import NoisePayload, Opaque
from protocol.noise_secrets import OpenedNoise
from protocol.sealed_values import decode_noise_payload


def standing(attempt: Attempt) -> tuple[object, ...]:
    """How far an attempt is open, to tell whether anything changed."""
    return (
        attempt.server_public_key,
        attempt.key_source,
        attempt.key_proof,
        attempt.key_reason,
        attempt.holepunch_secret,
        attempt.client_public_key,
        attempt.noise1_plaintext,
        attempt.noise1_reason,
        attempt.noise2_plaintext,
        attempt.noise2_reason,
    )


def take_noise(attempt: Attempt, opened: OpenedNoise) -> None:
    """Keep what was opened of the noise messages, and why the rest is not."""
    if isinstance(opened.client_public_key, bytes):
        attempt.client_public_key = opened.client_public_key
    if attempt.noise1_plaintext is None:
        attempt.noise1_plaintext, attempt.noise1_payload, attempt.noise1_reason = _read_noise(opened.payload_1)
    if attempt.noise2_plaintext is None and opened.payload_2 is not None:
        attempt.noise2_plaintext, attempt.noise2_payload, attempt.noise2_reason = _read_noise(opened.payload_2)


def _read_noise(opened: bytes | Opaque) -> tuple[bytes | None, NoisePayload | None, str]:
    """Plaintext, payload, and why there is none."""
    if isinstance(opened, Opaque):
        return None, None, opened.reason
    try:
        return opened, decode_noise_payload(opened), ""
    except DecodeError as error:
        return opened, None, f"opened, but malformed: {error}"


def lack(attempt: Attempt) -> str:
    """What is missing for the secret of an attempt."""
    if not attempt.handshakes:
        return "the handshake is not in the capture"
    if attempt.server_public_key is None:
        return "the server's public key is not in the capture; give it with --key"
    if not attempt.whole:
        return "the capture kept only the start of noise message 1"
    if attempt.handshake_answered is not None:
        return "the capture kept only the start of noise message 2"
    return "no answer of the server to the handshake was seen"
