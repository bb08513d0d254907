"""PEER_HOLEPUNCH payloads: ``nonce 24 || secretbox`` (XSalsa20-Poly1305, 16-byte tag first).

The key is the attempt's holepunch secret (`protocol.noise.holepunch_secret`). PyNaCl is imported with the first
payload, so that a start without any does not pay for it.

Source: npm hyperdht 6.34.0 (lib/secure-payload.js).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

SECRET_SIZE: Final = 32
NONCE_SIZE: Final = 24
TAG_SIZE: Final = 16
OVERHEAD: Final = NONCE_SIZE + TAG_SIZE
"""Bytes that sealing adds to a plaintext."""


def open_payload(secret: bytes, sealed: bytes) -> bytes | None:
    """The plaintext of a sealed holepunch payload, or None where `secret` does not open it.

    None covers a wrong secret, altered or cut bytes, and, as upstream, a payload with nothing inside.

    Args:
        secret: the holepunch secret, 32 bytes.
        sealed: nonce and secretbox as PEER_HOLEPUNCH carries them.
    """
    if len(sealed) <= OVERHEAD or len(secret) != SECRET_SIZE:
        return None
    crypto_secretbox_open, crypto_error = _sodium()
    try:
        return crypto_secretbox_open(sealed[NONCE_SIZE:], sealed[:NONCE_SIZE], secret)
    except crypto_error:
        return None


def seal_payload(secret: bytes, plaintext: bytes, nonce: bytes) -> bytes:
    """Seal a holepunch payload.

    Args:
        secret: the holepunch secret, 32 bytes.
        plaintext: an encoded HolepunchPayload.
        nonce: 24 bytes, never used twice with one secret.

    Raises:
        ValueError: secret or nonce of another size.
    """
    from nacl.bindings import crypto_secretbox

    if len(secret) != SECRET_SIZE or len(nonce) != NONCE_SIZE:
        raise ValueError(f"secret of {len(secret)} and nonce of {len(nonce)} bytes, not {SECRET_SIZE} and {NONCE_SIZE}")
    return nonce + crypto_secretbox(plaintext, nonce, secret)


@cache
def _sodium() -> tuple[Callable[[bytes, bytes, bytes], bytes], type[Exception]]:
    """The opening function and its error, imported once: importing in each call would cost as much as opening."""
    from nacl.bindings import crypto_secretbox_open
    from nacl.exceptions import CryptoError

    return crypto_secretbox_open, CryptoError
