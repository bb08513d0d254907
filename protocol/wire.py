"""Reading and writing compact-encoding primitives, bounds-checked, with the place of every failure.

| primitive | bytes |
|---|---|
| uint | n <= 0xfc: 1; 0xfd then u16; 0xfe then u32; 0xff then u64; little-endian, at most 2^53 - 1 |
| buffer | uint length, then that many bytes; length 0 is an empty buffer, not an absent one |
| fixed32, fixed64 | 32 or 64 bytes |
| string | uint length, then UTF-8; ill-formed sequences become U+FFFD |
| ipv4 | 4 bytes host, u16 port, little-endian |
| ipv6 | 16 bytes host, u16 port, little-endian |
| array | uint count (at most 0x100000), then the elements |

The reference accepts a uint that is longer than it need be, and bytes that follow the last field; so does this.

Source: npm compact-encoding 3.5.2 (index.js).
"""

# ruff: noqa: ARG002 - a plain reader ignores the names that a recording one shows

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import Final, TypeVar

from protocol.address import Address
from protocol.errors import DecodeError

MAX_UINT: Final = 2**53 - 1
"""Largest integer that the reference, written in JavaScript, reads or writes."""
MAX_ARRAY: Final = 0x100000
"""Largest element count that the reference reads."""

T = TypeVar("T")
Names = type[IntEnum] | type[IntFlag] | None
"""What a number means; a plain reader has no use for it, a recording one shows it."""


@lru_cache(maxsize=4096)
def ipv4_address(raw: bytes) -> Address:
    """The address in the 6 bytes of an ipv4; few addresses recur in many packets, hence the cache."""
    a, b, c, d, low, high = raw
    return Address(f"{a}.{b}.{c}.{d}", low | high << 8)


@lru_cache(maxsize=4096)
def address_bytes(address: Address, ipv6: bool) -> bytes:
    """The bytes of an ipv4 or ipv6; cached as the addresses of `ipv4_address` are.

    Raises:
        ValueError: no address of that family, or no port.
    """
    from socket import AF_INET, AF_INET6, inet_pton  # takes long to import, and who only reads needs it seldom

    try:
        host = inet_pton(AF_INET6 if ipv6 else AF_INET, address.host)
    except OSError:
        kind = "IPv6" if ipv6 else "IPv4"
        raise ValueError(f"{address.host!r} is not an {kind} address") from None
    if not 0 <= address.port < 1 << 16:
        raise ValueError(f"{address.port} does not fit 2 bytes")
    return host + address.port.to_bytes(2, "little")


class Reader:
    """Takes fields off the front of `data` in order.

    Every method names the field it reads. If the bytes don't hold it the reader stays where it was and raises
    DecodeError with `path` and field name, and `origin` added to the position.
    """

    __slots__ = ("data", "origin", "path", "pos")

    def __init__(self, data: bytes, path: str, origin: int = 0) -> None:
        self.data = data
        self.pos = 0
        self.path = path
        self.origin = origin

    def short(self, field: str, need: int) -> DecodeError:
        """The error for a field that needs more bytes than are left."""
        left = len(self.data) - self.pos
        reason = f"needs {need} byte{'s' if need != 1 else ''}, {left} left"
        return DecodeError(f"{self.path}.{field}", self.origin + self.pos, reason, truncated=True)

    def malformed(self, field: str, reason: str) -> DecodeError:
        """The error for a field whose bytes are there but can't be right."""
        return DecodeError(f"{self.path}.{field}", self.origin + self.pos, reason)

    def uint(self, field: str, names: Names = None) -> int:
        """A varint of 1, 3, 5 or 9 bytes."""
        data = self.data
        pos = self.pos
        if pos >= len(data):
            raise self.short(field, 1)
        first = data[pos]
        if first <= 0xFC:
            self.pos = pos + 1
            return first
        size = 3 if first == 0xFD else 5 if first == 0xFE else 9
        if pos + size > len(data):
            raise self.short(field, size)
        value = int.from_bytes(data[pos + 1 : pos + size], "little")
        if value > MAX_UINT:
            raise self.malformed(field, f"{value} is above 2^53 - 1")
        self.pos = pos + size
        return value

    def flags(self, field: str, names: tuple[str, ...]) -> int:
        """A varint of flag bits; `names[i]` is the name of bit i."""
        pos = self.pos
        if pos < len(self.data) and self.data[pos] <= 0xFC:
            self.pos = pos + 1
            return self.data[pos]
        return self.uint(field)

    def u8(self, field: str, names: Names = None) -> int:
        """One byte."""
        if self.pos >= len(self.data):
            raise self.short(field, 1)
        self.pos += 1
        return self.data[self.pos - 1]

    def u16(self, field: str) -> int:
        """Two bytes, little-endian."""
        pos = self.pos
        data = self.data
        if pos + 2 > len(data):
            raise self.short(field, 2)
        self.pos = pos + 2
        return data[pos] | data[pos + 1] << 8

    def u32(self, field: str) -> int:
        """Four bytes, little-endian."""
        pos = self.pos
        end = pos + 4
        if end > len(self.data):
            raise self.short(field, 4)
        self.pos = end
        return int.from_bytes(self.data[pos:end], "little")

    def fixed(self, field: str, size: int) -> bytes:
        """Exactly `size` bytes."""
        pos = self.pos
        end = pos + size
        if end > len(self.data):
            raise self.short(field, size)
        self.pos = end
        return self.data[pos:end]

    def rest(self, field: str) -> bytes:
        """All bytes that are left, perhaps none."""
        return self.fixed(field, len(self.data) - self.pos)

    def buffer(self, field: str, inner: Callable[[Reader], object] | None = None) -> bytes:
        """Length-prefixed bytes. `inner` reads their inside; only a recording reader calls it."""
        start = self.pos
        size = self.uint(field)
        pos = self.pos
        end = pos + size
        if end > len(self.data):
            self.pos = start
            raise self.short(field, end - start)
        self.pos = end
        return self.data[pos:end]

    def string(self, field: str) -> str:
        """Length-prefixed UTF-8."""
        return self.buffer(field).decode("utf-8", "replace")

    def ipv4(self, field: str) -> Address:
        """Four bytes of host and a port."""
        pos = self.pos
        end = pos + 6
        if end > len(self.data):
            raise self.short(field, 6)
        self.pos = end
        return ipv4_address(self.data[pos:end])

    def ipv6(self, field: str) -> Address:
        """Sixteen bytes of host and a port."""
        from socket import AF_INET6, inet_ntop

        raw = self.fixed(field, 18)
        return Address(inet_ntop(AF_INET6, raw[:16]), raw[16] | raw[17] << 8)

    def record(self, field: str, read: Callable[[Reader], T]) -> T:
        """A value of several fields, whose names it prefixes with its own."""
        path = self.path
        self.path = f"{path}.{field}"
        value = read(self)
        self.path = path
        return value

    def array(self, field: str, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """A counted list of `read`; the count alone reserves no memory."""
        return tuple([self.record(f"{field}[{index}]", read) for index in range(self.count(field))])

    def ipv4_array(self, field: str) -> tuple[Address, ...]:
        """A counted list of ipv4."""
        count = self.count(field)
        data = self.data
        pos = self.pos
        end = pos + 6 * count
        if end > len(data):
            return self.each(field, count, self.ipv4)
        self.pos = end
        return tuple([ipv4_address(data[at : at + 6]) for at in range(pos, end, 6)])

    def ipv6_array(self, field: str) -> tuple[Address, ...]:
        """A counted list of ipv6."""
        return self.each(field, self.count(field), self.ipv6)

    def each(self, field: str, count: int, read: Callable[[str], T]) -> tuple[T, ...]:
        """`count` primitives, each named with its index."""
        return tuple([read(f"{field}[{index}]") for index in range(count)])

    def count(self, field: str) -> int:
        """The element count of an array, within the reference's limit."""
        start = self.pos
        count = Reader.uint(self, field)
        if count > MAX_ARRAY:
            self.pos = start
            raise self.malformed(field, f"{count} elements are more than {MAX_ARRAY}")
        return count


class Writer:
    """Appends fields to a buffer; a value that its field can't hold raises ValueError."""

    __slots__ = ("_out",)

    def __init__(self) -> None:
        self._out = bytearray()

    def finish(self) -> bytes:
        """All that was written."""
        return bytes(self._out)

    def uint(self, value: int) -> None:
        """A varint in its shortest form."""
        if not 0 <= value <= MAX_UINT:
            raise ValueError(f"uint {value} is outside 0 to 2^53 - 1")
        if value <= 0xFC:
            self._out.append(value)
        elif value <= 0xFFFF:
            self._out += b"\xfd" + value.to_bytes(2, "little")
        elif value <= 0xFFFFFFFF:
            self._out += b"\xfe" + value.to_bytes(4, "little")
        else:
            self._out += b"\xff" + value.to_bytes(8, "little")

    def integer(self, value: int, size: int) -> None:
        """`size` bytes, little-endian."""
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(f"{value} does not fit {size} bytes")
        self._out += value.to_bytes(size, "little")

    def fixed(self, value: bytes, size: int) -> None:
        """Exactly `size` bytes."""
        if len(value) != size:
            raise ValueError(f"{len(value)} bytes where {size} are due")
        self._out += value

    def buffer(self, value: bytes) -> None:
        """Length-prefixed bytes."""
        self.uint(len(value))
        self._out += value

    def string(self, value: str) -> None:
        """Length-prefixed UTF-8."""
        self.buffer(value.encode("utf-8"))

    def ipv4(self, address: Address) -> None:
        """Four bytes of host and a port."""
        self._out += address_bytes(address, False)

    def ipv6(self, address: Address) -> None:
        """Sixteen bytes of host and a port."""
        self._out += address_bytes(address, True)

    def ipv4_array(self, addresses: tuple[Address, ...]) -> None:
        """A counted list of ipv4."""
        self.uint(len(addresses))
        for address in addresses:
            self.ipv4(address)

    def ipv6_array(self, addresses: tuple[Address, ...]) -> None:
        """A counted list of ipv6."""
        self.uint(len(addresses))
        for address in addresses:
            self.ipv6(address)
