"""Values of dht-rpc's own commands (flag `internal`).

| command | value of its request |
|---|---|
| PING | none, or padding of any length |
| PING_NAT | port u16: where to send the reply instead of the port it came from |
| FIND_NODE | none |
| DOWN_HINT | address ipv4: a node that did not answer |
| DELAYED_PING | delay_ms u32: how long to wait with the reply |

Integers are little-endian, more bytes than these are ignored, and no response carries a value. All `decode_*` take the
byte offset of the value in its datagram, for errors, and raise only DecodeError; all `encode_*` raise ValueError for
what the layout can't hold.

Source: npm dht-rpc 6.27.0 (index.js, lib/query.js).
"""

from __future__ import annotations

from protocol.address import Address
from protocol.wire import Reader, Writer


def decode_ping_nat(data: bytes, offset: int = 0) -> int:
    """Decode the value of a PING_NAT request: a port."""
    return read_ping_nat(Reader(data, "ping_nat", offset))


def read_ping_nat(r: Reader) -> int:
    """Read the port of a PING_NAT off `r`."""
    return r.u16("port")


def encode_ping_nat(port: int) -> bytes:
    """Encode the value of a PING_NAT request."""
    w = Writer()
    w.integer(port, 2)
    return w.finish()


def decode_down_hint(data: bytes, offset: int = 0) -> Address:
    """Decode the value of a DOWN_HINT request: the node that is down."""
    return read_down_hint(Reader(data, "down_hint", offset))


def read_down_hint(r: Reader) -> Address:
    """Read the address of a DOWN_HINT off `r`."""
    return r.ipv4("address")


def encode_down_hint(address: Address) -> bytes:
    """Encode the value of a DOWN_HINT request."""
    w = Writer()
    w.ipv4(address)
    return w.finish()


def decode_delayed_ping(data: bytes, offset: int = 0) -> int:
    """Decode the value of a DELAYED_PING request: a delay in milliseconds."""
    return read_delayed_ping(Reader(data, "delayed_ping", offset))


def read_delayed_ping(r: Reader) -> int:
    """Read the delay of a DELAYED_PING off `r`, in milliseconds."""
    return r.u32("delay_ms")


def encode_delayed_ping(delay_ms: int) -> bytes:
    """Encode the value of a DELAYED_PING request."""
    w = Writer()
    w.integer(delay_ms, 4)
    return w.finish()
