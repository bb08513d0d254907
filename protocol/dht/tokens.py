"""Tokens: proof that a sender receives what is sent to its address. BLAKE2b-256(host as text, key = secret).

Two secrets are valid. Every 7.5 s the older is replaced by a fresh random one, so that a token is good for 7.5 s at
least and for 15 s at most. (The reference makes the next secret from the older of the two by hashing; a random one
is no different to others, and a secret that leaked does not give away its successors.)

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from protocol.hashes import HASH_SIZE, blake2b_256

if TYPE_CHECKING:
    from random import Random

ROTATION_INTERVAL: Final = 7.5
"""Seconds for which a secret issues tokens."""


class TokenIssuer:
    """Issues and checks the tokens of one node."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._accepted = random.randbytes(HASH_SIZE)
        self._issuing = random.randbytes(HASH_SIZE)

    def issue(self, host: str) -> bytes:
        """The current token of a host, 32 bytes; its port does not matter."""
        return blake2b_256(host.encode(), key=self._issuing)

    def accepts(self, token: bytes, host: str) -> bool:
        """Whether this token was issued to this host with one of the two valid secrets."""
        return any(
            compare_digest(token, blake2b_256(host.encode(), key=secret)) for secret in (self._issuing, self._accepted)
        )

    def rotate(self) -> None:
        """Drop the older secret and issue with a new one."""
        self._accepted, self._issuing = self._issuing, self._random.randbytes(HASH_SIZE)
