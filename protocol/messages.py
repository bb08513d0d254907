"""Values of the wire, one frozen class for each encoding of dht-rpc and hyperdht.

Encodings are in `protocol.envelope` and `protocol.values`; layouts are given there. Addresses are IPv4 `Address`
pairs, keys, tokens and hashes raw bytes. A field that a capture's snaplen cut away is None, and `truncated_at` names
the first field that is missing.

Source: npm hyperdht 6.34.0 (lib/messages.js) and dht-rpc (lib/io.js).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.constants import Command, InternalCommand


class Address(NamedTuple):
    """A UDP endpoint: dotted IPv4 (or IPv6) host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """A dht-rpc request (first byte 0x03)."""

    tid: int
    to: Address
    """Where the sender believes it sends: the receiver's address as the sender sees it."""
    command: int
    internal: bool = False
    id: bytes | None = None
    token: bytes | None = None
    target: bytes | None = None
    value: bytes | None = None
    truncated_at: str | None = None
    value_offset: int = field(default=0, compare=False)
    """Byte offset of the first byte of `value` in the datagram payload it was decoded from. Of a value that was cut the
    part from there on is left; 0 if none is.
    """

    @property
    def command_name(self) -> str:
        """Upstream's name of the command, or ``UNKNOWN(n)``."""
        try:
            return (InternalCommand if self.internal else Command)(self.command).name
        except ValueError:
            return f"UNKNOWN({self.command})"


@dataclass(frozen=True, slots=True)
class Response:
    """A dht-rpc response (first byte 0x13). It does not name its command: match it to its request."""

    tid: int
    to: Address
    """The receiver's address as the sender of the response sees it: one NAT sample."""
    id: bytes | None = None
    token: bytes | None = None
    closer_nodes: tuple[Address, ...] | None = None
    error: int = 0
    value: bytes | None = None
    truncated_at: str | None = None
    value_offset: int = field(default=0, compare=False)
    """Byte offset of the first byte of `value` in the datagram payload it was decoded from. Of a value that was cut the
    part from there on is left; 0 if none is.
    """


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
