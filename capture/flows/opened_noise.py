"""The inside of an attempt's noise messages, with the secrets of servers and key logs.

Most captures come without any; then this is never imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.flows.attempt import Attempt
from capture.keylog import NOISE_LABELS, KeyLog
from protocol.errors import DecodeError
from protocol.messages import NoisePayload, Opaque
from protocol.noise_secrets import OpenedNoise, open_noise
from protocol.sealed_values import decode_noise_payload


def open_attempt(attempt: Attempt, public_key: bytes, seeds: Sequence[bytes], logs: Sequence[KeyLog]) -> None:
    """Open what can be opened, and keep it with the attempt, or why it stays closed.

    Args:
        attempt: the attempt, with noise message 1 whole.
        public_key: the server's.
        seeds: secret keys of that server.
        logs: key logs; without any the seeds are tried alone.
    """
    for log in logs or (KeyLog(),):
        before = attempt.noise1_plaintext, attempt.noise2_plaintext
        secrets = log.noise_secrets(attempt.id, tuple(seeds))
        try:
            _take(attempt, open_noise(secrets, public_key, attempt.noise1, attempt.noise2))
        except DecodeError as error:
            attempt.noise1_reason = attempt.noise2_reason = f"malformed: {error}"
        if before != (attempt.noise1_plaintext, attempt.noise2_plaintext):
            used = (attempt.noise_from, "the server's secret key" if seeds else "", log.where(attempt.id, NOISE_LABELS))
            attempt.noise_from = " and ".join(dict.fromkeys(filter(None, used)))


def _take(attempt: Attempt, opened: OpenedNoise) -> None:
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
