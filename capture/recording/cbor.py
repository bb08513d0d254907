"""Reading the part of CBOR that recordings are made of, straight off a file, with the place of everything wrong.

Whole numbers, byte and text strings, arrays, maps with text keys, tags, false, true, null and double-precision floats,
all of definite length. A byte string is given as its place, so that a megabyte of frames is not copied to be looked at.
Whatever the bytes are, the result is a value or `CborError`: no length is believed beyond the bytes that are there, and
nothing nests deeper than `DEEPEST`.

Source: RFC 8949.
"""

from __future__ import annotations

import struct
from mmap import mmap
from typing import Final, NamedTuple

Buffer = bytes | mmap

DEEPEST: Final = 8
_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None}
_DOUBLE: Final = 27
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}


class CborError(ValueError):
    """Bytes that are no such item.

    Attributes:
        offset: of the byte in the file.
        reason: what is wrong, one clause.
        short: the file ends too soon; what is there is no contradiction.
    """

    def __init__(self, offset: int, reason: str, *, short: bool = False) -> None:
        super().__init__(f"{reason} (byte {offset})")
        self.offset = offset
        self.reason = reason
        self.short = short


class Span(NamedTuple):
    """Where a byte string is."""

    start: int
    end: int

    def of(self, buffer: Buffer) -> bytes:
        """The bytes."""
        return bytes(buffer[self.start : self.end])


class Tagged(NamedTuple):
    """A value and what its tag says it is."""

    tag: int
    value: Value


Value = int | float | str | bool | None | Span | Tagged | list["Value"] | dict[str, "Value"]


class Head(NamedTuple):
    """The head of an item: major type, its argument, and where what follows begins."""

    major: int
    argument: int
    at: int


def read_head(buffer: Buffer, at: int, end: int) -> Head:
    """The head of the item at `at`.

    Raises:
        CborError: none, or one of indefinite length.
    """
    if at >= end:
        raise CborError(at, "an item is missing", short=True)
    first = buffer[at]
    major, low = first >> 5, first & 31
    if low < 24:
        return Head(major, low, at + 1)
    size = _SIZES.get(low)
    if size is None:
        raise CborError(at, f"0x{first:02x} begins no item of definite length")
    if at + 1 + size > end:
        raise CborError(at, f"the head of an item has {1 + size} bytes, {end - at} are left", short=True)
    return Head(major, int.from_bytes(buffer[at + 1 : at + 1 + size], "big"), at + 1 + size)


def read_value(buffer: Buffer, at: int, end: int, depth: int = DEEPEST) -> tuple[Value, int]:
    """The item at `at`, and where the next one begins.

    Raises:
        CborError: there is none, or it is none of those that recordings are made of.
    """
    head = read_head(buffer, at, end)
    if depth == 0:
        raise CborError(at, f"items nested more than {DEEPEST} deep")
    match head.major:
        case 0:
            return head.argument, head.at
        case 1:
            return -1 - head.argument, head.at
        case 2 | 3:
            span = _string(head, at, end)
            return (span if head.major == _BYTES else _text(buffer, span)), span.end
        case 4:
            return _array(buffer, head, at, end, depth)
        case 5:
            return _map(buffer, head, at, end, depth)
        case 6:
            value, after = read_value(buffer, head.at, end, depth - 1)
            return Tagged(head.argument, value), after
        case _:
            return _simple(buffer, head, at)


def _string(head: Head, at: int, end: int) -> Span:
    if head.argument > end - head.at:
        reason = f"a string of {head.argument} bytes where {end - head.at} are left"
        raise CborError(at, reason, short=True)
    return Span(head.at, head.at + head.argument)


def _text(buffer: Buffer, span: Span) -> str:
    try:
        return span.of(buffer).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CborError(span.start + error.start, "text that is not UTF-8") from None


def _array(buffer: Buffer, head: Head, at: int, end: int, depth: int) -> tuple[list[Value], int]:
    if head.argument > end - head.at:
        raise CborError(at, f"an array of {head.argument} items where {end - head.at} bytes are left", short=True)
    found: list[Value] = []
    place = head.at
    for _ in range(head.argument):
        value, place = read_value(buffer, place, end, depth - 1)
        found.append(value)
    return found, place


def _map(buffer: Buffer, head: Head, at: int, end: int, depth: int) -> tuple[dict[str, Value], int]:
    if head.argument > end - head.at:
        raise CborError(at, f"a map of {head.argument} entries where {end - head.at} bytes are left", short=True)
    found: dict[str, Value] = {}
    place = head.at
    for _ in range(head.argument):
        start = place
        key, place = read_value(buffer, place, end, depth - 1)
        if not isinstance(key, str):
            raise CborError(start, "a map whose key is no text")
        if key in found:
            raise CborError(start, f"a map that has {key!a} twice")
        found[key], place = read_value(buffer, place, end, depth - 1)
    return found, place


def _simple(buffer: Buffer, head: Head, at: int) -> tuple[float | bool | None, int]:
    low = buffer[at] & 31
    if low == _DOUBLE:
        return float(struct.unpack(">d", buffer[at + 1 : at + 9])[0]), head.at
    if low not in _SIMPLE_VALUES:
        raise CborError(at, f"0x{buffer[at]:02x} is none of false, true, null and a double")
    return _SIMPLE_VALUES[low], head.at
