"""How far an attempt is open, and what is missing for the rest."""

from __future__ import annotations

from capture.flows.attempt import Attempt


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
        tuple(attempt.token_secrets.items()),
    )


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
