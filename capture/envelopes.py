"""What each UDP payload is, and the fixed fields of its dht-rpc envelope or UDX header, for many payloads at once.

The outcome is by definition that of `protocol.decode.decode_datagram` on every single payload; layouts are in
`protocol.envelope` and `protocol.udx`. Integers in longer forms than today's senders write are rare: such payloads are
handed to that decoder one by one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8, U16, U32, U64, Array, Bools
from capture.raw import Raw
from capture.window import Offset, Window, part
from protocol.constants import REQUEST_TYPE, RESPONSE_TYPE, UDX_HEADER_SIZE, UDX_MAGIC, UDX_VERSION
from protocol.decode import decode_datagram
from protocol.messages import Request, Response, Undecodable

NO_COMMAND: Final = 0xFF
HASHED_LENGTH: Final = 24
"""Payload bytes that `Envelopes.content` covers, besides the length."""

_TO_END: Final = 10
_FLAGS: Final = 31
"""Bits of the envelope's flags that mean something."""
_INLINE: Final = 0xFC
"""Largest varint of one byte."""
_U16_FORM: Final = 0xFD
_HEAD: Final = np.dtype(
    {
        "names": ["type", "flags", "tid", "host", "port", "udx_flags", "udx_offset", "udx_id", "w0", "w1", "w2"],
        "formats": ["u1", "u1", "<u2", ">u4", "<u2", "u1", "u1", "<u4", "<u8", "<u8", "<u8"],
        "offsets": [0, 1, 2, 4, 8, 2, 3, 4, 0, 8, 16],
        "itemsize": HASHED_LENGTH,
    }
)
_VARINT: Final = np.dtype([("first", "u1"), ("next", "<u2")])
_BYTE: Final = np.dtype("u1")
_TARGET: Final = np.dtype(">u8")
_MASKS: Final = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xC2B2AE3D27D4EB4F)


class Kind(IntEnum):
    """What a UDP payload is, by `protocol.decode.decode_datagram`."""

    OTHER = 0
    REQUEST = 1
    RESPONSE = 2
    UDX = 3
    PUNCH = 4
    MALFORMED = 5
    """Begins as one of the above and does not go on as it must."""


class Envelopes(NamedTuple):
    """One entry per payload."""

    kind: U8
    flags: U8
    """Lowest byte of the envelope's flags, or flags of the UDX header; 0 otherwise."""
    tid: U16
    command: U8
    to_host: U32
    """Envelope `to`; the receiver's stream id for UDX."""
    to_port: U16
    target8: U64
    """First eight bytes of a request's target, big-endian; 0 if it has none."""
    content: U32
    """A number that equal payloads share; so may others with the same length and first `HASHED_LENGTH` bytes."""


def scan(window: Window, offset: Offset, length: U32, wire_length: U32) -> Envelopes:
    """Classify payloads.

    Args:
        window: the frames they are in.
        offset: of each.
        length: bytes captured of each.
        wire_length: bytes sent of each, at least `length`.
    """
    head = window.read(offset, _HEAD)
    count = length.size
    cut = wire_length > length
    first = head["type"]
    out = Envelopes(
        np.zeros(count, np.uint8),
        np.zeros(count, np.uint8),
        np.zeros(count, np.uint16),
        np.full(count, NO_COMMAND, np.uint8),
        np.zeros(count, np.uint32),
        np.zeros(count, np.uint16),
        np.zeros(count, np.uint64),
        _contents(head, length, wire_length),
    )
    slow: list[int] = []
    _scan_udx(out, head, np.flatnonzero((first == UDX_MAGIC) & (length > 0)), length, wire_length)
    place = _Place(window, offset, length, cut)
    for kind, lead in ((Kind.REQUEST, REQUEST_TYPE), (Kind.RESPONSE, RESPONSE_TYPE)):
        rows = np.flatnonzero((first == lead) & (length > 0))
        out.kind[rows] = Kind.MALFORMED
        flags = head["flags"][rows]
        long_form = (flags > _INLINE) & (length[rows] >= 2)
        if long_form.any():
            slow += rows[long_form].tolist()
        classes = flags & _FLAGS
        classes[long_form | (length[rows] < _TO_END)] = _FLAGS + 1
        for number in np.flatnonzero(np.bincount(classes, minlength=_FLAGS + 2)[: _FLAGS + 1]).tolist():
            _scan_class(out, place, head, kind, rows[classes == number], number, slow)
    short = np.flatnonzero(length < 2)
    if short.size:
        silent = cut[short] & ((length[short] == 0) | (first[short] == UDX_MAGIC))
        out.kind[short[silent]] = Kind.MALFORMED
        out.kind[short[(length[short] == 1) & (first[short] == 0) & ~cut[short]]] = Kind.PUNCH
    for row in slow:
        at = int(window.at[row]) + (offset if isinstance(offset, int) else int(offset[row]))
        _decode_one(out, window.raw, row, at, int(length[row]), int(wire_length[row]))
    return out


class _Place(NamedTuple):
    """Where payloads are, and how much of them."""

    window: Window
    offset: Offset
    length: U32
    cut: Bools


def _contents(head: Array, length: U32, wire_length: U32) -> U32:
    size = np.minimum(length, HASHED_LENGTH).astype(np.int8)
    value = wire_length.astype(np.uint64) * _MIX
    for start, name in enumerate(("w0", "w1", "w2")):
        value ^= head[name] & _MASKS[np.clip(size - 8 * start, 0, 8)]
        value *= _ODD
        value ^= value >> np.uint64(29)
    return (value >> np.uint64(32)).astype(np.uint32)


def _scan_udx(out: Envelopes, head: Array, rows: I64, length: U32, wire_length: U32) -> None:
    rows = rows[(head["flags"][rows] == UDX_VERSION) & (length[rows] > 1)]
    offset = head["udx_offset"][rows]
    sound = (length[rows] >= UDX_HEADER_SIZE) & (offset <= wire_length[rows].astype(np.int64) - UDX_HEADER_SIZE)
    out.kind[rows] = np.where(sound, Kind.UDX, Kind.MALFORMED)
    rows = rows[sound]
    out.flags[rows] = head["udx_flags"][rows]
    out.to_host[rows] = head["udx_id"][rows]


def _keep_fixed(out: Envelopes, head: Array, rows: I64, kind: Kind) -> None:
    out.kind[rows] = kind
    out.flags[rows] = head["flags"][rows]
    out.tid[rows] = head["tid"][rows]
    out.to_host[rows] = head["host"][rows]
    out.to_port[rows] = head["port"][rows]


def _scan_class(out: Envelopes, place: _Place, head: Array, kind: Kind, rows: I64, flags: int, slow: list[int]) -> None:
    """Scan requests or responses that have the same optional fields, so that most fields are at the same place."""
    size = place.length[rows].astype(np.int64)
    window, start = place.window, part(place.offset, rows)
    pos: Offset = _TO_END + 32 * ((flags & 1) + (flags >> 1 & 1))
    unusual = np.zeros(rows.size, np.bool_)
    has_command: Bools | bool = True
    if kind is Kind.REQUEST:
        command = window.read_some(rows, start + pos, _BYTE)
        has_command = pos < size
        unusual |= (command > _INLINE) & (pos < size)
        pos += 1
        target_at = pos
        if flags & 8:
            pos += 32
        has_target = pos <= size
    else:
        if flags & 4:
            count = window.read_some(rows, start + pos, _BYTE)
            unusual |= (count > _INLINE) & (pos < size)
            pos = pos + 1 + 6 * count.astype(np.int64)
        if flags & 8:
            unusual |= (window.read_some(rows, start + pos, _BYTE) > _INLINE) & (pos < size)
            pos += 1
    if flags & 16:
        pos, odd = _after_value(window, rows, start, pos, size)
        unusual |= odd
    sound = ((pos <= size) | place.cut[rows]) & has_command
    if unusual.any():
        slow += rows[unusual].tolist()
        sound &= ~unusual
    good = rows if sound.all() else rows[sound]
    out.kind[good] = kind
    out.flags[good] = head["flags"][good]
    out.tid[good] = head["tid"][good]
    out.to_host[good] = head["host"][good]
    out.to_port[good] = head["port"][good]
    if kind is Kind.REQUEST:
        out.command[good] = command[sound]
        if flags & 8:
            targeted = np.flatnonzero(sound & has_target)
            target = window.read_some(rows[targeted], part(start, targeted) + target_at, _TARGET)
            out.target8[rows[targeted]] = target


def _after_value(window: Window, rows: I64, start: Offset, pos: Offset, size: I64) -> tuple[I64, Bools]:
    """Where the value at `pos` ends, past `size` if it does not fit; and which have lengths in rare forms."""
    prefix = window.read_some(rows, start + pos, _VARINT)
    value_size = prefix["first"].astype(np.int64)
    wide = value_size == _U16_FORM
    value_size[wide] = prefix["next"][wide]
    begin = pos + 1 + 2 * wide
    # The length itself may not fit: then what was read as one is the start of the next packet.
    end = np.where(begin <= size, begin + value_size, size + 1)
    return end, (prefix["first"] > _U16_FORM) & (pos < size)


def _decode_one(out: Envelopes, raw: Raw, row: int, at: int, length: int, wire_length: int) -> None:
    payload = bytes(raw.buffer[at : at + length])
    message = decode_datagram(payload, wire_length)
    if isinstance(message, Undecodable):
        out.kind[row] = Kind.MALFORMED
    elif isinstance(message, Request | Response):
        is_request = isinstance(message, Request)
        out.kind[row] = Kind.REQUEST if is_request else Kind.RESPONSE
        out.flags[row] = payload[1] if payload[1] <= _INLINE else payload[2]
        out.tid[row] = message.tid
        out.to_host[row] = host_number(message.to.host)
        out.to_port[row] = message.to.port
        if isinstance(message, Request):
            out.command[row] = min(message.command, NO_COMMAND)
            out.target8[row] = int.from_bytes((message.target or b"")[:8], "big")


def host_number(host: str) -> int:
    """A dotted IPv4 host as the integer that the columns hold."""
    a, b, c, d = host.split(".")
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)
