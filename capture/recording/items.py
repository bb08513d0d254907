"""The items of a recording, one after the other, with what can be said where one is damaged.

An item whose body is not what its checksum says is stepped over: its frame says where the next one begins. Where even
that is damaged, or the file ends, there is no way on: what was read before counts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from capture.raw import Raw
from capture.recording.cbor import CborError, Span, Value, read_head, read_value
from capture.recording.layout import MAGIC

_ARRAY, _UINT, _BYTES = 4, 0, 2
_PIECE: Final = 1 << 20


class Body(NamedTuple):
    """One item."""

    order: int
    """From 0, the header."""
    at: int
    """Offset of its first byte."""
    kind: int
    span: Span
    """Its body."""
    trouble: str = ""
    """Why the body can't be trusted: a wrong checksum, or an end of the file inside it."""
    cut: bool = False
    """The file ends inside it."""


def read_items(raw: Raw) -> Iterator[Body]:
    """Every item of a recording.

    Raises:
        CborError: an item is no item, or the file ends before its body begins.
    """
    at, index = len(MAGIC), 0
    while at < raw.size or index == 0:
        start = at if index else 0
        head = read_head(raw.buffer, at, raw.size)
        if head.major != _ARRAY or head.argument != 3:
            raise CborError(at, "no item begins here")
        kind = read_head(raw.buffer, head.at, raw.size)
        checksum = read_head(raw.buffer, kind.at, raw.size)
        if kind.major != _UINT or checksum.major != _UINT:
            raise CborError(head.at, "an item without kind and checksum")
        body = read_head(raw.buffer, checksum.at, raw.size)
        if body.major != _BYTES:
            raise CborError(checksum.at, "an item without a body")
        end = body.at + body.argument
        if end > raw.size:
            trouble = f"{raw.size - body.at} of {body.argument} bytes of a body"
            yield Body(index, start, kind.argument, Span(body.at, raw.size), trouble, True)
            return
        span = Span(body.at, end)
        sound = _checksum(raw, span) == checksum.argument
        yield Body(index, start, kind.argument, span, "" if sound else "its checksum is wrong")
        at, index = end, index + 1


def read_map(raw: Raw, body: Body) -> dict[str, Value]:
    """The body of an item.

    Raises:
        CborError: it is no map, or more than one.
    """
    value, after = read_value(raw.buffer, body.span.start, body.span.end)
    if not isinstance(value, dict):
        raise CborError(body.span.start, "a body that is no map")
    if after != body.span.end:
        raise CborError(after, "bytes behind the map of a body")
    return value


def _checksum(raw: Raw, span: Span) -> int:
    found = 0
    for start in range(span.start, span.end, _PIECE):
        found = zlib.crc32(raw.buffer[start : min(start + _PIECE, span.end)], found)
    return found
