"""What seals the messages between a peer and its proxy: keys that only their connection has.

Every hand-off belongs to one connection (its *link*) between the peer and the proxy's server. Requests and responses
are sealed with keys made from the keys of that connection, so that whoever can start, move or end a hand-off is the
peer that proved its key when it connected; nobody on the way can read, make or change one.

| value of a request | |
|---|---|
| link | 4 bytes: the proxy's UDX id of the connection, little-endian |
| count | 8 bytes, little-endian: greater than that of every request before it on this link |
| sealed | XSalsa20-Poly1305 (crypto_secretbox); the nonce is the count, the command in one byte, and 15 zeros |

| value of a response | |
|---|---|
| sealed | the same, with the other key and the nonce of the request |

The key towards the proxy is BLAKE2b-256("peephole-proxy 1 request", key = tx of the peer), the key back
BLAKE2b-256("peephole-proxy 1 response", key = rx of the peer): tx and rx as the handshake of the link made them.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from protocol.hashes import blake2b_256
from protocol.secretbox import NONCE_SIZE, open_payload, seal_payload

_HEAD: Final = struct.Struct("<IQ")
_REQUEST: Final = b"peephole-proxy 1 request"
_RESPONSE: Final = b"peephole-proxy 1 response"


class LinkKeys(NamedTuple):
    """Keys of one link, the same on both sides."""

    request: bytes
    response: bytes


def link_keys(to_proxy: bytes, from_proxy: bytes) -> LinkKeys:
    """Keys from those of the connection: what the peer sends with, and what the proxy sends with; 32 bytes each."""
    return LinkKeys(blake2b_256(_REQUEST, key=to_proxy[:32]), blake2b_256(_RESPONSE, key=from_proxy[:32]))


class SealedRequest(NamedTuple):
    """A request as it arrives."""

    link: int
    number: int
    """Its count."""
    sealed: bytes


def seal_request(keys: LinkKeys, link: int, count: int, command: int, plain: bytes) -> bytes:
    """The value of a request with this command."""
    return _HEAD.pack(link, count) + _seal(keys.request, _nonce(count, command), plain)


def split_request(value: bytes) -> SealedRequest | None:
    """The parts of a request's value; None where it is too short."""
    if len(value) <= _HEAD.size:
        return None
    link, number = _HEAD.unpack_from(value)
    return SealedRequest(link, number, value[_HEAD.size :])


def open_request(keys: LinkKeys, request: SealedRequest, command: int) -> bytes | None:
    """What a request says; None where these keys did not seal it for that command."""
    return open_payload(keys.request, _nonce(request.number, command) + request.sealed)


def seal_response(keys: LinkKeys, count: int, command: int, plain: bytes) -> bytes:
    """The value of the response to the request with this count and command."""
    return _seal(keys.response, _nonce(count, command), plain)


def open_response(keys: LinkKeys, count: int, command: int, value: bytes) -> bytes | None:
    """What a response says; None where these keys did not seal it for that request."""
    return open_payload(keys.response, _nonce(count, command) + value)


def _seal(key: bytes, nonce: bytes, plain: bytes) -> bytes:
    return seal_payload(key, plain, nonce)[NONCE_SIZE:]


def _nonce(count: int, command: int) -> bytes:
    return count.to_bytes(8, "little") + bytes([command]) + bytes(NONCE_SIZE - 9)
