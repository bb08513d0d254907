"""The field types that the layers are made of.

| field | bytes |
|---|---|
| `CompactUint` | 1 to 9: the number itself up to 252, else 0xfd and a u16, 0xfe and a u32, 0xff and a u64 |
| `CompactFlags` | a `CompactUint`; left alone, it says which of the fields it speaks of are there |
| `AddressField` | 6: IPv4 address, u16 port; written ``"192.0.2.1:40000"`` |
| `AddressList` | a `CompactUint` that counts, and so many addresses; IPv4, or IPv6 with 18 bytes each |
| `Fixed` | a fixed number of bytes |
| `Buffer` | a `CompactUint` that counts bytes, and these |
| `Value` | the same, read as a packet |
| `PacketList` | a `CompactUint` that counts packets, and these |
| `Sub` | one packet that knows its own end |

Integers are little-endian. Too few bytes raise scapy's `Scapy_Exception`, so that a layer under UDP becomes `Raw`.

Source: npm compact-encoding 3.5.2, compact-encoding-net 1.3.0.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from scapy.error import Scapy_Exception
from scapy.fields import ConditionalField, Field
from scapy.packet import Packet, Raw

_WIDE = {0xFD: 2, 0xFE: 4, 0xFF: 8}
MOST = 4096
"""Entries of one array that are taken apart; a datagram has no room for more."""


def taken(data: bytes, size: int, name: str) -> tuple[bytes, bytes]:
    """The first `size` bytes, and the rest.

    Raises:
        Scapy_Exception: there are not so many.
    """
    if len(data) < size:
        raise Scapy_Exception(f"{name}: {size} bytes are due, {len(data)} are left")
    return data[:size], data[size:]


def read_uint(data: bytes, name: str) -> tuple[int, bytes]:
    """A compact unsigned integer, and what follows it."""
    first, rest = taken(data, 1, name)
    size = _WIDE.get(first[0])
    if size is None:
        return first[0], rest
    raw, rest = taken(rest, size, name)
    return int.from_bytes(raw, "little"), rest


def write_uint(value: int) -> bytes:
    """A number in as few bytes as it needs."""
    if value <= 0xFC:
        return bytes([value])
    for mark, size in _WIDE.items():
        if value < 1 << 8 * size:
            return bytes([mark]) + value.to_bytes(size, "little")
    raise Scapy_Exception(f"{value} does not fit in 64 bits")


def there(flag: int, field: Field[Any, Any]) -> ConditionalField:
    """A field that is there when a bit of ``flags`` is set; while the flags are left alone: when it has a value."""

    def present(packet: Packet) -> bool:
        flags = packet.getfieldval("flags")
        return bool(packet.fields.get(field.name) is not None if flags is None else flags & flag)

    return ConditionalField(field, present)


class CompactUint(Field[Any, bytes]):
    """An unsigned integer; one of an enumeration may be given by name."""

    __slots__ = ("names",)

    def __init__(self, name: str, default: int | None, names: type[IntEnum] | None = None) -> None:
        super().__init__(name, default, "B")
        self.names = names

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        """Take a name for its number."""
        if isinstance(x, str) and self.names is not None:
            return int(self.names[x])
        return x

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        """The name, where there is one."""
        if self.names is not None and x in set(self.names):
            return self.names(x).name
        return repr(x)

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append the number."""
        return s + write_uint(val or 0)

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take the number off."""
        value, rest = read_uint(s, self.name)
        return rest, value


class CompactFlags(CompactUint):
    """Says which other fields are there.

    Args:
        name: its name.
        bits: bit to the field that it announces. Other bits are given as numbers.
        told: bit to the field that it is: a field without bytes of its own, true or false.
    """

    __slots__ = ("bits", "told")

    def __init__(self, name: str, bits: dict[int, str], told: dict[int, str] | None = None) -> None:
        super().__init__(name, None)
        self.bits = bits
        self.told = told or {}

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        """The names of the bits."""
        if x is None:
            return "None"
        names = [name for bit, name in sorted((self.bits | self.told).items()) if x & bit]
        return "+".join(names) or "0"

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append the flags, worked out if they were left alone."""
        if val is None:
            val = sum(bit for bit, name in self.bits.items() if pkt.fields.get(name) is not None)
            val += sum(bit for bit, name in self.told.items() if pkt.getfieldval(name))
        return s + write_uint(val)


class Told(Field[Any, bytes]):
    """A yes or no that lies in the flags: no bytes of its own."""

    __slots__ = ("bit",)

    def __init__(self, name: str, bit: int) -> None:
        super().__init__(name, False, "B")
        self.bit = bit

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Nothing: see `CompactFlags`."""
        return s

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Read the bit."""
        return s, bool((pkt.getfieldval("flags") or 0) & self.bit)


class AddressField(Field[Any, bytes]):
    """``host:port``, IPv4."""

    def __init__(self, name: str, default: str | None) -> None:
        super().__init__(name, default, "6s")

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append 6 bytes."""
        return s + pack_address(val or "0.0.0.0:0", 4)

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take 6 bytes off."""
        raw, rest = taken(s, 6, self.name)
        return rest, unpack_address(raw)


class AddressList(Field[Any, bytes]):
    """Addresses of one kind."""

    islist = 1

    __slots__ = ("size",)

    def __init__(self, name: str, default: Sequence[str] | None, ipv6: bool = False) -> None:
        super().__init__(name, default, "B")
        self.size = 16 if ipv6 else 4

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append count and addresses."""
        return s + write_uint(len(val or ())) + b"".join(pack_address(one, self.size) for one in val or ())

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take count and addresses off."""
        count, rest = read_uint(s, self.name)
        raw, rest = taken(rest, count * (self.size + 2), self.name)
        step = self.size + 2
        return rest, [unpack_address(raw[at : at + step]) for at in range(0, len(raw), step)]


class Fixed(Field[Any, bytes]):
    """Bytes of a fixed number: a key, a hash, a token, a signature."""

    def __init__(self, name: str, default: bytes | None, size: int = 32) -> None:
        super().__init__(name, default, f"{size}s")

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        """Hex."""
        return "None" if x is None else x.hex()

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append the bytes, filled up with zeros or cut to the size."""
        return s + (val or b"")[: self.sz].ljust(self.sz, b"\0")

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take the bytes off."""
        raw, rest = taken(s, self.sz, self.name)
        return rest, raw


class Buffer(Field[Any, bytes]):
    """Bytes behind their count."""

    def __init__(self, name: str, default: bytes | None) -> None:
        super().__init__(name, default, "B")

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        """Hex."""
        return "None" if x is None else bytes(x).hex()

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append count and content; a packet is taken for its bytes."""
        content = b"" if val is None else bytes(val)
        return s + write_uint(len(content)) + content

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take the content off."""
        size, rest = read_uint(s, self.name)
        content, rest = taken(rest, size, self.name)
        return rest, content


class Value(Field[Any, Any]):
    """A packet behind the count of its bytes; `Raw` where nobody knows more of it, or where it is not well-formed.

    Args:
        name: its name.
        kind: tells from the packet around it what it is; None where nothing does.
    """

    __slots__ = ("kind",)

    holds_packets = 1

    def __init__(self, name: str, kind: Callable[[Packet], type[Packet] | None] | None = None) -> None:
        super().__init__(name, None, "B")
        self.kind = kind

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        """Take bytes as they are."""
        return Raw(x) if isinstance(x, bytes) else x

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append count and content."""
        content = b"" if val is None else bytes(val)
        return s + write_uint(len(content)) + content

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take the content off."""
        size, rest = read_uint(s, self.name)
        content, rest = taken(rest, size, self.name)
        try:
            kind = self.kind(pkt) if self.kind is not None else None
            return rest, (kind or Raw)(content, _parent=pkt)
        except (Scapy_Exception, struct.error):
            return rest, Raw(content)


class PacketList(Field[Any, Any]):
    """Packets behind their count."""

    islist = 1
    holds_packets = 1

    __slots__ = ("kind",)

    def __init__(self, name: str, default: Sequence[Packet] | None, kind: type[Packet]) -> None:
        super().__init__(name, default, "B")
        self.kind = kind

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append count and packets."""
        return s + write_uint(len(val or ())) + b"".join(bytes(one) for one in val or ())

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take count and packets off."""
        count, rest = read_uint(s, self.name)
        if count > MOST:
            raise Scapy_Exception(f"{self.name}: {count} entries where a datagram has room for {MOST}")
        found = []
        for _ in range(count):
            one, rest = cut_off(self.kind, rest, pkt)
            found.append(one)
        return rest, found


class Sub(Field[Any, Any]):
    """One packet that knows where it ends."""

    holds_packets = 1

    __slots__ = ("kind",)

    def __init__(self, name: str, default: Packet | None, kind: type[Packet]) -> None:
        super().__init__(name, default, "B")
        self.kind = kind

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        """Append the packet."""
        return s + (bytes(val) if val is not None else bytes(self.kind()))

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, Any]:
        """Take the packet off."""
        one, rest = cut_off(self.kind, s, pkt)
        return rest, one


def cut_off(kind: type[Packet], data: bytes, parent: Packet) -> tuple[Packet, bytes]:
    """A packet at the start of `data`, and what follows it."""
    one = kind(data, _parent=parent)
    rest = bytes(one.payload)
    one.remove_payload()
    return one, rest


def pack_address(text: str, size: int) -> bytes:
    """``host:port`` or ``[host]:port`` as `size` bytes of host and a port."""
    host, _, port = text.rpartition(":")
    try:
        packed = ipaddress.ip_address(host.strip("[]")).packed
        if len(packed) != size:
            raise ValueError(f"{8 * size} bits are due")
        return packed + int(port).to_bytes(2, "little")
    except (ValueError, OverflowError) as error:
        raise Scapy_Exception(f"no address: {text!r} ({error})") from error


def unpack_address(raw: bytes) -> str:
    """Host and port as text."""
    host = ipaddress.ip_address(raw[:-2])
    port = int.from_bytes(raw[-2:], "little")
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"
