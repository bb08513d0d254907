"""Values of the wire, one frozen class for each encoding of dht-rpc and hyperdht.

Encodings are in `protocol.envelope` and `protocol.values`; layouts are given there. Addresses are IPv4 `Address`
pairs, keys, tokens and hashes raw bytes. A field that a capture's snaplen cut away is None, and `truncated_at` names
the first field that is missing.

Source: npm hyperdht 6.34.0 (lib/messages.js) and dht-rpc (lib/io.js).
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.address import Address
from protocol.peer_messages import Announce, Handshake, Holepunch, LookupReply, PeerRecord
from protocol.rpc_messages import Request, Response

__all__ = (
    "Address",
    "Announce",
    "Foreign",
    "Handshake",
    "Holepunch",
    "HolepunchInfo",
    "HolepunchPayload",
    "LookupReply",
    "Message",
    "MutableGetReply",
    "MutablePut",
    "NoisePayload",
    "Opaque",
    "PeerRecord",
    "PluginRequest",
    "Punch",
    "RelayInfo",
    "RelayThrough",
    "Request",
    "Response",
    "UdxHeader",
    "UdxInfo",
    "Undecodable",
)


@dataclass(frozen=True, slots=True)
class RelayInfo:
    """A relay a server announced through, and the server's address as that relay sees it."""

    relay_address: Address
    peer_address: Address


@dataclass(frozen=True, slots=True)
class HolepunchInfo:
    """The server's offer to punch, inside noise message 2."""

    id: int
    relays: tuple[RelayInfo, ...]


@dataclass(frozen=True, slots=True)
class UdxInfo:
    """The stream that a side opens, inside a noise message."""

    version: int
    reusable_socket: bool
    id: int
    seq: int


@dataclass(frozen=True, slots=True)
class RelayThrough:
    """A blind relay that a side asks to be reached through."""

    version: int
    public_key: bytes
    token: bytes


@dataclass(frozen=True, slots=True)
class NoisePayload:
    """Plaintext of a noise message. With another version than 1 only `version` is meaningful."""

    version: int
    error: int = 0
    firewall: int = 0
    holepunch: HolepunchInfo | None = None
    addresses4: tuple[Address, ...] = ()
    addresses6: tuple[Address, ...] = ()
    udx: UdxInfo | None = None
    secret_stream_version: int | None = None
    relay_through: RelayThrough | None = None
    relay_addresses: tuple[Address, ...] | None = None


@dataclass(frozen=True, slots=True)
class HolepunchPayload:
    """Plaintext of a PEER_HOLEPUNCH payload."""

    error: int
    firewall: int
    round: int
    connected: bool = False
    punching: bool = False
    addresses: tuple[Address, ...] | None = None
    remote_address: Address | None = None
    token: bytes | None = None
    remote_token: bytes | None = None


@dataclass(frozen=True, slots=True)
class MutablePut:
    """Value of a MUTABLE_PUT request."""

    public_key: bytes
    seq: int
    value: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class MutableGetReply:
    """Value of a MUTABLE_GET response."""

    seq: int
    value: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class PluginRequest:
    """Value of a PLUGIN request."""

    plugin: str
    version: int
    command: int
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class UdxHeader:
    """The 20-byte header of a UDX packet (integers little-endian)."""

    flags: int
    data_offset: int
    remote_id: int
    recv_window: int
    seq: int
    ack: int
    truncated_at: str | None = None
    sacks: tuple[tuple[int, int], ...] = ()
    """Ranges of sequence numbers received beyond `ack`: first, and one past the last."""


@dataclass(frozen=True, slots=True)
class Punch:
    """A one-byte hole-punch datagram."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Bytes that claim to be of the protocol and are not well-formed, or were cut before they say what they are."""

    field: str
    offset: int
    reason: str
    truncated: bool = False
    """The capture cut the packet before a field that every message needs; it may well have been sound."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A datagram of some other protocol."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Sealed bytes that no known key opens, and why."""

    reason: str


Message = Request | Response | UdxHeader | Punch | Undecodable | Foreign
"""What one UDP payload turns out to be."""
