"""Values of the commands by which peers find and reach each other; their encodings are in `protocol.peer_values`.

Source: npm hyperdht 6.34.0 (lib/messages.js).
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.address import Address


@dataclass(frozen=True, slots=True)
class Handshake:
    """Value of PEER_HANDSHAKE."""

    mode: int
    noise: bytes
    peer_address: Address | None = None
    relay_address: Address | None = None


@dataclass(frozen=True, slots=True)
class Holepunch:
    """Value of PEER_HOLEPUNCH; `payload` is sealed (24-byte nonce, then a secretbox)."""

    mode: int
    id: int
    payload: bytes
    peer_address: Address | None = None


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """A server's record: value of a FIND_PEER response, and part of LOOKUP responses and ANNOUNCE requests."""

    public_key: bytes
    relay_addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class LookupReply:
    """Value of a LOOKUP response."""

    peers: tuple[PeerRecord, ...]
    bump: int = 0


@dataclass(frozen=True, slots=True)
class Announce:
    """Value of ANNOUNCE and UNANNOUNCE requests."""

    peer: PeerRecord | None = None
    refresh: bytes | None = None
    signature: bytes | None = None
    bump: int = 0
