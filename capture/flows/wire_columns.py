"""Fields of many datagrams at once, as they are on the wire.

Each length says where the next field begins, for every datagram somewhere else. Readers here take what stands there,
even past the end of a datagram; a caller believes none of it unless the last field ends where the datagram does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, Array, Bools
from capture.raw import WIDEST, Raw
from capture.table import PacketTable

HAS_ID, HAS_TOKEN, HAS_CLOSER, HAS_VALUE = 1, 2, 4, 16
"""Flags of an envelope; the one for 8 is `HAS_TARGET` in requests and `HAS_ERROR` in responses."""
HAS_TARGET: Final = 8
HAS_ERROR: Final = 8
KNOWN_FLAGS: Final = 31
KEY_SIZE: Final = 32
"""Bytes of an id, a token, a target and a public key."""
INLINE: Final = 0xFC
"""Largest integer of one byte."""

_MANY: Final = 16
"""From so many on one indexing operation is quicker than slices."""
_U16_FORM: Final = 0xFD
_TO_END: Final = 10
"""Bytes of an envelope up to and with `to`."""
_BYTE: Final = np.dtype("u1")
_VARINT: Final = np.dtype([("first", "u1"), ("next", "<u2")])
_IPV4: Final = np.dtype([("host", ">u4"), ("port", "<u2")])
IPV4_SIZE: Final = _IPV4.itemsize


class Whole(NamedTuple):
    """Payloads in one source of bytes, all of them captured whole and in one piece."""

    raw: Raw
    places: I64
    """Their places among the rows that were asked for."""
    start: I64
    length: I64


def whole_payloads(table: PacketTable, rows: I64) -> Iterator[Whole]:
    """The payloads of some rows, source by source; not those that were cut or came in fragments."""
    whole = table.wire_length[rows] == table.length[rows]
    if table.assembled:
        whole &= ~np.isin(rows, np.fromiter(table.assembled, np.int64))
    segments = table.segment[rows]
    order = np.argsort(segments, kind="stable")
    order = order[whole[order]]
    if not order.size:
        return
    for index in np.split(order, np.flatnonzero(np.diff(segments[order])) + 1):
        at = rows[index]
        start, length = table.frame_at[at] + table.skip[at], table.length[at].astype(np.int64)
        yield Whole(table.segments[int(segments[index[0]])], index, start, length)


def byte_at(raw: Raw, at: I64) -> Array:
    """The byte at each place."""
    return raw.gather(at, _BYTE)


def flags_at(raw: Raw, start: I64) -> I64:
    """The flags of envelopes, where they take one byte: at most `INLINE`."""
    flags: I64 = byte_at(raw, start + 1).astype(np.int64)
    return flags


def after_keys(start: I64, flags: I64) -> I64:
    """Where an envelope goes on behind id and token."""
    keys = (flags & HAS_ID != 0).astype(np.int64) + (flags & HAS_TOKEN != 0)
    behind: I64 = start + _TO_END + KEY_SIZE * keys
    return behind


def sized(raw: Raw, at: I64) -> tuple[I64, I64, Bools]:
    """Where the bytes behind each length begin, how many they are, and which lengths have no rare form."""
    prefix = raw.gather(at, _VARINT)
    wide = prefix["first"] == _U16_FORM
    size = np.where(wide, prefix["next"], prefix["first"]).astype(np.int64)
    return at + 1 + 2 * wide, size, prefix["first"] <= _U16_FORM


def endpoints_at(raw: Raw, at: I64) -> I64:
    """The IPv4 address at each place, as an endpoint."""
    found = raw.gather(at, _IPV4)
    endpoints: I64 = found["host"].astype(np.int64) << 16 | found["port"]
    return endpoints


def pieces(raw: Raw, at: I64, size: I64) -> list[bytes]:
    """The bytes from each place on, as many as are asked for; all of them lie before the end.

    Those of one length are taken at once, which needs a third of the time of slices of a mapped file.
    """
    found = np.full(at.size, b"", object)
    order = np.argsort(size, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(size[order])) + 1):
        width = int(size[places[0]]) if places.size else 0
        if places.size >= _MANY and 0 < width <= WIDEST:
            found[places] = raw.gather(at[places], np.dtype(f"V{width}")).tolist()
        else:
            found[places] = [raw.buffer[start : start + width] for start in at[places].tolist()]
    taken: list[bytes] = found.tolist()
    return taken
