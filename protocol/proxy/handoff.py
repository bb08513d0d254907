"""What a peer and its proxy tell each other: values, and their encoding as CBOR maps.

| command of the plugin | request | response |
|---|---|---|
| START 0 | `Start`: an attempt is handed over | `Status` |
| ROUND 1 | `Round`: a round of the client's that still came to the server | `Status` |
| KEEP 2 | `Named`: still wanted; how is it? | `Status` |
| END 3 | `Named`: no longer wanted | `Status` |

Each map has text keys, named as the fields are. Addresses are byte strings of 6 (IPv4, port in network order); keys,
secrets, tokens and payloads are byte strings; a field that may be None is left out where it is. Keys that are not
known are ignored, so that fields can be added.

All `decode_*` raise only DecodeError: `field` names the key, and `offset` is 0, for CBOR does not tell where it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from ipaddress import AddressValueError, IPv4Address
from typing import Any, Final, TypeVar

import cbor2

from protocol.constants import Firewall
from protocol.errors import DecodeError
from protocol.messages import Address, RelayInfo

PLUGIN: Final = "peephole-proxy"
VERSION: Final = 1
ID_SIZE: Final = 16
MAX_RELAYS: Final = 8
MAX_ADDRESSES: Final = 8
MAX_PAYLOAD: Final = 1024
MAX_TEXT: Final = 120

T = TypeVar("T")


class HandoffCommand(IntEnum):
    """Commands of the plugin."""

    START = 0
    ROUND = 1
    KEEP = 2
    END = 3


class ProxyRole(StrEnum):
    """On whose behalf the proxy punches."""

    CLIENT = "client"
    SERVER = "server"


class ProxyState(StrEnum):
    """How far a hand-off has come."""

    PUNCHING = "punching"
    CONNECTED = "connected"
    """The other peer was heard on a path of the proxy's; datagrams of the stream are passed on."""
    FAILED = "failed"
    ENDED = "ended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Known:
    """What a client has learned in its own probe round, when it hands over after that."""

    round: int
    """Number of the next round."""
    firewall: int
    """The server's class."""
    addresses: tuple[Address, ...]
    """Where the server says it is."""
    server: Address
    """Where the relay has the server's answer from."""
    token: bytes | None = None
    """The server's token, which proves the client's host, not the proxy's."""


@dataclass(frozen=True, slots=True, repr=False)
class Start:
    """An attempt that is handed over. Its representation hides the secrets."""

    handoff: bytes
    """16 random bytes that name it."""
    role: ProxyRole
    target: bytes
    id: int
    """The server's number for the attempt."""
    secret: bytes
    """Key of the PEER_HOLEPUNCH payloads."""
    local_stream: int
    """UDX id of the peer that hands over: datagrams that name it are passed on to that peer."""
    remote_stream: int
    """UDX id of the other peer."""
    firewall: int
    """Class of the other peer as the handshake told it."""
    relays: tuple[RelayInfo, ...]
    """The server's relays: where a client sends its rounds, and which of them prove an address to a server."""
    relay: Address | None = None
    """Client: the relay of the handshake."""
    server: Address | None = None
    """Client: the server as that relay sees it."""
    token_key: bytes | None = None
    """Server: key of its tokens, so that those that it has issued itself stay good."""
    fast_open: bool = True
    """Client: send a first punch along with the first round."""
    known: Known | None = None
    """Client: what its own probe round told; the proxy then begins with the punch round."""

    def __repr__(self) -> str:
        return f"Start({self.role}, handoff={self.handoff.hex()}, id={self.id})"


@dataclass(frozen=True, slots=True)
class Round:
    """A round of the client that came to the server, to be answered by the proxy."""

    handoff: bytes
    tid: int
    relay: Address
    """Where it came from, and where the answer goes."""
    client: Address
    """The client as that relay sees it."""
    payload: bytes
    """Sealed."""
    size: int
    """Bytes of the datagram that it came in: no more are sent to a relay that has not proved its address."""


@dataclass(frozen=True, slots=True)
class Named:
    """A hand-off, by name."""

    handoff: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """What the proxy answers."""

    handoff: bytes
    state: ProxyState
    cause: str = ""
    """Why it failed, ended or was refused; text for people."""
    forwarded: int = 0
    """Bytes of the stream passed on so far, both ways."""
    lease: float = 0.0
    """Seconds until it is forgotten unless it is kept."""


def encode_start(value: Start) -> bytes:
    """Encode the value of a START."""
    known = value.known
    return _packed(
        {
            "handoff": value.handoff,
            "role": str(value.role),
            "target": value.target,
            "id": value.id,
            "secret": value.secret,
            "local_stream": value.local_stream,
            "remote_stream": value.remote_stream,
            "firewall": int(value.firewall),
            "relays": [_pack(one.relay_address) + _pack(one.peer_address) for one in value.relays[:MAX_RELAYS]],
            "relay": None if value.relay is None else _pack(value.relay),
            "server": None if value.server is None else _pack(value.server),
            "token_key": value.token_key,
            "fast_open": value.fast_open,
            "known": None
            if known is None
            else _without_none(
                {
                    "round": known.round,
                    "firewall": int(known.firewall),
                    "addresses": [_pack(one) for one in known.addresses[:MAX_ADDRESSES]],
                    "server": _pack(known.server),
                    "token": known.token,
                }
            ),
        }
    )


def decode_start(data: bytes) -> Start:
    """Decode the value of a START."""
    r = _Map(data, "start")
    relays = r.each("relays", MAX_RELAYS, 12)
    inner = r.optional("known", dict)
    known = None
    if inner is not None:
        k = _Map.of(inner, "start.known")
        known = Known(
            k.number("round", 1 << 32),
            k.number("firewall", len(Firewall)),
            tuple(_address(raw) for raw in k.each("addresses", MAX_ADDRESSES, 6)),
            _address(k.fixed("server", 6)),
            k.maybe_fixed("token", 32),
        )
    relay, server = r.maybe_fixed("relay", 6), r.maybe_fixed("server", 6)
    start = Start(
        r.fixed("handoff", ID_SIZE),
        r.member("role", ProxyRole),
        r.fixed("target", 32),
        r.number("id", 1 << 53),
        r.fixed("secret", 32),
        r.number("local_stream", 1 << 32),
        r.number("remote_stream", 1 << 32),
        r.number("firewall", len(Firewall)),
        tuple(RelayInfo(_address(raw[:6]), _address(raw[6:])) for raw in relays),
        None if relay is None else _address(relay),
        None if server is None else _address(server),
        r.maybe_fixed("token_key", 32),
        r.need("fast_open", bool),
        known,
    )
    if start.role is ProxyRole.CLIENT and (start.relay is None or start.server is None or not start.relays):
        raise r.wrong("relay", "a client's hand-off names relays and server")
    if start.role is ProxyRole.SERVER and start.token_key is None:
        raise r.wrong("token_key", "a server's hand-off has the key of its tokens")
    return start


def encode_round(value: Round) -> bytes:
    """Encode the value of a ROUND."""
    return _packed(
        {
            "handoff": value.handoff,
            "tid": value.tid,
            "relay": _pack(value.relay),
            "client": _pack(value.client),
            "payload": value.payload,
            "size": value.size,
        }
    )


def decode_round(data: bytes) -> Round:
    """Decode the value of a ROUND."""
    r = _Map(data, "round")
    payload = r.need("payload", bytes)
    if len(payload) > MAX_PAYLOAD:
        raise r.wrong("payload", f"{len(payload)} bytes, {MAX_PAYLOAD} at most")
    return Round(
        r.fixed("handoff", ID_SIZE),
        r.number("tid", 1 << 16),
        _address(r.fixed("relay", 6)),
        _address(r.fixed("client", 6)),
        payload,
        r.number("size", 1 << 16),
    )


def encode_named(value: Named) -> bytes:
    """Encode the value of a KEEP or END."""
    return _packed({"handoff": value.handoff})


def decode_named(data: bytes) -> Named:
    """Decode the value of a KEEP or END."""
    return Named(_Map(data, "named").fixed("handoff", ID_SIZE))


def encode_status(value: Status) -> bytes:
    """Encode the value of a response."""
    return _packed(
        {
            "handoff": value.handoff,
            "state": str(value.state),
            "cause": value.cause[:MAX_TEXT] or None,
            "forwarded": value.forwarded,
            "lease": value.lease,
        }
    )


def decode_status(data: bytes) -> Status:
    """Decode the value of a response. What a proxy writes as cause is somebody else's text."""
    r = _Map(data, "status")
    lease = r.need("lease", float)
    if not 0 <= lease <= 1e9:
        raise r.wrong("lease", f"{lease} seconds")
    cause = r.optional("cause", str) or ""
    return Status(
        r.fixed("handoff", ID_SIZE),
        r.member("state", ProxyState),
        cause[:MAX_TEXT],
        r.number("forwarded", 1 << 63),
        lease,
    )


class _Map:
    """A CBOR map that is read key by key."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        try:
            found = cbor2.loads(data)
        except (cbor2.CBORDecodeError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            raise DecodeError(name, 0, f"no CBOR: {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise DecodeError(name, 0, "no map")
        self._found: dict[Any, Any] = found

    @classmethod
    def of(cls, found: dict[Any, Any], name: str) -> _Map:
        """A map inside another."""
        inner = cls.__new__(cls)
        inner._name, inner._found = name, found
        return inner

    def wrong(self, key: str, reason: str) -> DecodeError:
        """An error at a key."""
        return DecodeError(f"{self._name}.{key}", 0, reason)

    def optional(self, key: str, kind: type[T]) -> T | None:
        """The value at a key, None where there is none."""
        value = self._found.get(key)
        if value is None:
            return None
        # True is an int to Python, but not here.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"{type(value).__name__} where {kind.__name__} is due")
        return value

    def need(self, key: str, kind: type[T]) -> T:
        """The value at a key that has to be there."""
        value = self.optional(key, kind)
        if value is None:
            raise self.wrong(key, "missing")
        return value

    def number(self, key: str, end: int) -> int:
        """A number from 0 on, below `end`."""
        value = self.need(key, int)
        if not 0 <= value < end:
            raise self.wrong(key, f"{value} where 0 to {end - 1} is due")
        return value

    def fixed(self, key: str, size: int) -> bytes:
        """So many bytes."""
        value = self.maybe_fixed(key, size)
        if value is None:
            raise self.wrong(key, "missing")
        return value

    def maybe_fixed(self, key: str, size: int) -> bytes | None:
        """So many bytes, or None."""
        value = self.optional(key, bytes)
        if value is not None and len(value) != size:
            raise self.wrong(key, f"{len(value)} bytes where {size} are due")
        return value

    def each(self, key: str, most: int, size: int) -> list[bytes]:
        """A list of byte strings of one size."""
        values = self.need(key, list)
        if len(values) > most:
            raise self.wrong(key, f"{len(values)} entries, {most} at most")
        for index, value in enumerate(values):
            if not isinstance(value, bytes) or len(value) != size:
                raise self.wrong(f"{key}[{index}]", f"a string of {size} bytes is due")
        return list(values)

    def member(self, key: str, kind: Callable[[str], T]) -> T:
        """One of an enumeration."""
        text = self.need(key, str)
        try:
            return kind(text)
        except ValueError as error:
            raise self.wrong(key, "not one of those that are known") from error


def _packed(fields: dict[str, Any]) -> bytes:
    return cbor2.dumps(_without_none(fields))


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _pack(address: Address) -> bytes:
    try:
        return IPv4Address(address.host).packed + struct.pack(">H", address.port)
    except (AddressValueError, struct.error) as error:
        raise ValueError(f"no IPv4 address: {address}") from error


def _address(raw: bytes) -> Address:
    return Address(str(IPv4Address(raw[:4])), int.from_bytes(raw[4:], "big"))
