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

NO_COMMAND: Final = 0xFF
HASHED_LENGTH: Final = 24
"""Payload bytes that `Envelopes.content` covers, besides the length."""

_TO_END: Final = 10
_FLAGS: Final = 31
"""Bits of the envelope's flags that mean something."""
_UDX: Final = 1
_FIRST_SHAPE: Final = 2
_SLOW: Final = _FIRST_SHAPE + 2 * (_FLAGS + 1)
_INLINE: Final = 0xFC
"""Largest varint of one byte."""
_U16_FORM: Final = 0xFD
_HEAD: Final = np.dtype(
    {
        "names": [
            "type",
            "flags",
            "lead",
            "tid",
            "host",
            "port",
            "udx_flags",
            "udx_offset",
            "udx_id",
            "w0",
            "w1",
            "w2",
        ],
        "formats": ["u1", "u1", "<u2", "<u2", ">u4", "<u2", "u1", "u1", "<u4", "<u8", "<u8", "<u8"],
        "offsets": [0, 1, 0, 2, 4, 8, 2, 3, 4, 0, 8, 16],
        "itemsize": HASHED_LENGTH,
    }
)
_VARINT: Final = np.dtype([("first", "u1"), ("next", "<u2")])
_BYTE: Final = np.dtype("u1")
_TARGET: Final = np.dtype(">u8")
_MASKS: Final = [
    np.array([(1 << 8 * min(max(size - start, 0), 8)) - 1 for size in range(HASHED_LENGTH + 1)], np.uint64)
    for start in range(0, HASHED_LENGTH, 8)
]
"""For each word of a head: which of its bytes are payload, by the payload's length."""
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
    shape = _SHAPES[head["lead"]]
    short = np.flatnonzero(length < 2)
    if short.size:
        shape[short] = 0
        _scan_short(out, head["type"][short], short, length, cut)
    # Rows of one shape next to each other, in order: a radix sort, as shapes are bytes.
    order = np.argsort(shape, kind="stable")
    ends = np.cumsum(np.bincount(shape, minlength=_SLOW + 1))
    place = _Place(window, offset, length, cut)
    slow: list[int] = []
    for number in np.flatnonzero(np.diff(ends)).tolist():
        rows = order[ends[number] : ends[number + 1]]
        if number + 1 == _UDX:
            _scan_udx(out, head, rows, length, wire_length)
        elif number + 1 == _SLOW:
            slow += rows.tolist()
        else:
            kind, flags = divmod(number + 1 - _FIRST_SHAPE, _FLAGS + 1)
            _scan_shape(out, place, head, Kind(Kind.REQUEST + kind), rows, flags, slow)
    for row in slow:
        at = int(window.at[row]) + (offset if isinstance(offset, int) else int(offset[row]))
        _decode_one(out, window.raw, row, at, int(length[row]), int(wire_length[row]))
    return out


def _shapes() -> U8:
    """Shape of a payload by its first two bytes, as a little-endian number."""
    shapes = np.zeros(1 << 16, np.uint8)
    shapes[UDX_MAGIC | UDX_VERSION << 8] = _UDX
    flags = np.arange(256)
    for kind, lead in enumerate((REQUEST_TYPE, RESPONSE_TYPE)):
        number = _FIRST_SHAPE + kind * (_FLAGS + 1) + (flags & _FLAGS)
        shapes[lead | flags << 8] = np.where(flags > _INLINE, _SLOW, number)
    return shapes


_SHAPES: Final = _shapes()


def _scan_short(out: Envelopes, first: U8, rows: I64, length: U32, cut: Bools) -> None:
    """Payloads of less than two bytes."""
    empty = length[rows] == 0
    ours = (first == REQUEST_TYPE) | (first == RESPONSE_TYPE) | ((first == UDX_MAGIC) & cut[rows])
    out.kind[rows[(ours & ~empty) | (empty & cut[rows])]] = Kind.MALFORMED
    out.kind[rows[~empty & (first == 0) & ~cut[rows]]] = Kind.PUNCH


class _Place(NamedTuple):
    """Where payloads are, and how much of them."""

    window: Window
    offset: Offset
    length: U32
    cut: Bools


def _contents(head: Array, length: U32, wire_length: U32) -> U32:
    size = np.minimum(length, HASHED_LENGTH)
    value = wire_length.astype(np.uint64) * _MIX
    for name, masks in zip(("w0", "w1", "w2"), _MASKS, strict=True):
        value ^= head[name] & masks[size]
        value *= _ODD
        value ^= value >> np.uint64(29)
    return (value >> np.uint64(32)).astype(np.uint32)


def _scan_udx(out: Envelopes, head: Array, rows: I64, length: U32, wire_length: U32) -> None:
    offset = head["udx_offset"][rows]
    sound = (length[rows] >= UDX_HEADER_SIZE) & (offset <= wire_length[rows].astype(np.int64) - UDX_HEADER_SIZE)
    if not sound.all():
        out.kind[rows[~sound]] = Kind.MALFORMED
        rows = rows[sound]
    out.kind[rows] = Kind.UDX
    out.flags[rows] = head["udx_flags"][rows]
    out.to_host[rows] = head["udx_id"][rows]


def _scan_shape(out: Envelopes, place: _Place, head: Array, kind: Kind, rows: I64, flags: int, slow: list[int]) -> None:
    """Scan requests or responses that have the same optional fields, so that most fields are at the same place."""
    size = place.length[rows].astype(np.int64)
    if not (size >= _TO_END).all():
        out.kind[rows[size < _TO_END]] = Kind.MALFORMED
        rows, size = rows[size >= _TO_END], size[size >= _TO_END]
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
    good = rows
    if unusual.any() or not sound.all():
        slow += rows[unusual].tolist()
        out.kind[rows[~sound]] = Kind.MALFORMED
        sound &= ~unusual
        good = rows[sound]
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
    from protocol.decode import decode_datagram
    from protocol.messages import Request, Response, Undecodable

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
