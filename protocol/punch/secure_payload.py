"""The payloads of one attempt's rounds: sealing, opening, and the tokens that prove an address.

A token is a keyed hash of the peer's host. Who can send it back receives what is sent to that host; the key is made for
each attempt and never leaves this side.

Source: npm hyperdht 6.34.0 (lib/secure-payload.js).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from protocol.errors import DecodeError
from protocol.messages import HolepunchPayload
from protocol.sealed_values import decode_holepunch_payload, encode_holepunch_payload
from protocol.secretbox import NONCE_SIZE, open_payload, seal_payload

if TYPE_CHECKING:
    from random import Random

TOKEN_SIZE: Final = 32


class SecurePayload:
    """Seals and opens with the holepunch secret of one attempt.

    Args:
        secret: the holepunch secret, 32 bytes.
        random: source of nonces and of the tokens' key; unpredictable on a real network.
        token_key: of tokens that another peer has issued for this attempt; a fresh one if None.
    """

    def __init__(self, secret: bytes, random: Random, token_key: bytes | None = None) -> None:
        self._secret = secret
        self._random = random
        self.token_key = random.randbytes(TOKEN_SIZE) if token_key is None else token_key
        """Key of our tokens, for a key log."""

    def encrypt(self, payload: HolepunchPayload) -> bytes:
        """Seal a payload with a fresh nonce."""
        return self.seal(encode_holepunch_payload(payload))

    def seal(self, plaintext: bytes) -> bytes:
        """Seal any bytes with a fresh nonce."""
        return seal_payload(self._secret, plaintext, self._random.randbytes(NONCE_SIZE))

    def decrypt(self, sealed: bytes) -> HolepunchPayload | None:
        """Open a payload; None where the secret does not open it, or what is inside is malformed."""
        plaintext = open_payload(self._secret, sealed)
        if plaintext is None:
            return None
        try:
            return decode_holepunch_payload(plaintext)
        except DecodeError:
            return None

    def token(self, host: str) -> bytes:
        """The token that proves this host, 32 bytes."""
        return blake2b(host.encode(), digest_size=TOKEN_SIZE, key=self.token_key).digest()
