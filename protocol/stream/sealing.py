"""The ciphers of a secret stream, made from the result of a Noise handshake.

| what | how |
|---|---|
| ids of the streams | BLAKE2b-256(NS 0 of the initiator, NS 1 of the responder; key = handshake hash) |
| in order | libsodium secretstream (XChaCha20-Poly1305), one state per direction; 17 bytes more than the plaintext |
| unordered | ``counter 8 || secretbox``, nonce = counter and 16 zero bytes, 24 bytes more; the counter goes up by one |
| keys of unordered messages | BLAKE2b-256(NS of the sender || NS 2; key = handshake hash) |

NS i = BLAKE2b-256(BLAKE2b-256("hyperswarm/secret-stream") || byte i).

Source: npm @hyperswarm/secret-stream 6.9.2 (index.js), sodium-secretstream 1.2.0 (index.js), hypercore-crypto 3.7.0
(index.js: namespace).
"""

from __future__ import annotations

from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from protocol.hashes import blake2b_256

KEY_SIZE: Final = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES
HEADER_SIZE: Final = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
OVERHEAD: Final = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
"""Bytes that sealing a message in order adds."""
COUNTER_SIZE: Final = 8
MAC_SIZE: Final = bindings.crypto_secretbox_MACBYTES
MESSAGE_OVERHEAD: Final = COUNTER_SIZE + MAC_SIZE
"""Bytes that sealing an unordered message adds."""

_TAG_MESSAGE: Final = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_ROOT: Final = blake2b_256(b"hyperswarm/secret-stream")
INITIATOR, RESPONDER, SEND = (blake2b_256(_ROOT, bytes((index,))) for index in range(3))


def stream_id(handshake_hash: bytes, initiator: bool) -> bytes:
    """The 32 bytes with which a side opens its direction."""
    return blake2b_256(INITIATOR if initiator else RESPONDER, key=handshake_hash)


class OrderedCipher:
    """One direction of libsodium's secretstream.

    Sealing and opening start from the same state; libsodium's function for opening takes the header as an argument,
    its function for sealing draws one. This machine gets its randomness as an argument, so both use the former.
    """

    __slots__ = ("_state",)

    def __init__(self, key: bytes, header: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def seal(self, plain: bytes) -> bytes:
        """The next message, sealed."""
        sealed: bytes = bindings.crypto_secretstream_xchacha20poly1305_push(self._state, plain, None, _TAG_MESSAGE)
        return sealed

    def open(self, sealed: bytes) -> bytes | None:
        """The next message, opened; None where it is not the one that the peer sealed next."""
        if len(sealed) < OVERHEAD:
            return None
        try:
            plain, _tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed, None)
        except CryptoError:
            return None
        return bytes(plain)


class MessageCipher:
    """Seals and opens unordered messages."""

    __slots__ = ("_counter", "_ours", "_theirs")

    def __init__(self, handshake_hash: bytes, initiator: bool, counter: bytes) -> None:
        """Make the keys.

        Args:
            handshake_hash: 64 bytes.
            initiator: whether we began the handshake.
            counter: 8 random bytes to count from.
        """
        sides = (INITIATOR, RESPONDER) if initiator else (RESPONDER, INITIATOR)
        self._ours, self._theirs = (blake2b_256(side, SEND, key=handshake_hash) for side in sides)
        self._counter = int.from_bytes(counter, "little")

    def seal(self, plain: bytes) -> bytes:
        """An unordered message, sealed."""
        self._counter = (self._counter + 1) % (1 << 8 * COUNTER_SIZE)
        counter = self._counter.to_bytes(COUNTER_SIZE, "little")
        return counter + bindings.crypto_secretbox(plain, _nonce(counter), self._ours)

    def open(self, sealed: bytes) -> bytes | None:
        """An unordered message, opened; None where the peer did not seal it."""
        if len(sealed) < MESSAGE_OVERHEAD:
            return None
        try:
            return bindings.crypto_secretbox_open(sealed[COUNTER_SIZE:], _nonce(sealed[:COUNTER_SIZE]), self._theirs)
        except CryptoError:
            return None


def _nonce(counter: bytes) -> bytes:
    return counter.ljust(bindings.crypto_secretbox_NONCEBYTES, b"\0")
