"""The UDX packet header: the reliable streams that run on a punched path.

| field | bytes |
|---|---|
| magic | 1, 0xff |
| version | 1, 1 |
| flags | 1: DATA 1, END 2, SACK 4, MESSAGE 8, DESTROY 16, HEARTBEAT 32; none of them is a plain ACK |
| data_offset | 1, bytes between the header and the data; 0 from today's senders |
| remote_id | 4, the receiver's stream id |
| recv_window | 4 |
| seq | 4 |
| ack | 4, the next seq that is expected |
| sacks | flag SACK: pairs of u32 (first, one past the last) that fill data_offset bytes, or the packet when that is 0 |
| data | the rest |

Integers are little-endian.

Source: libudx as in npm udx-native 1.21.3 (include/udx.h, src/udx.c).
"""

from __future__ import annotations

from protocol.constants import UDX_HEADER_SIZE, UDX_MAGIC, UDX_VERSION, UdxFlag
from protocol.errors import DecodeError
from protocol.messages import UdxHeader
from protocol.wire import Reader, Writer

_SACK_SIZE = 8


def decode_udx(data: bytes, wire_length: int | None = None) -> UdxHeader:
    """Decode the header of a UDX packet.

    Args:
        data: the datagram payload, or as much of it as a capture kept.
        wire_length: how long the payload was when it was sent; None when `data` is all of it.

    Raises:
        DecodeError: no UDX packet, less than a header, or a data_offset past the end.
    """
    return read_udx(Reader(data, "udx"), wire_length)


def read_udx(r: Reader, wire_length: int | None = None) -> UdxHeader:
    """Read a UDX header off `r`, up to the data; see `decode_udx`."""
    size = max(wire_length or 0, len(r.data))
    _expect(r, "magic", UDX_MAGIC)
    _expect(r, "version", UDX_VERSION)
    flags = r.u8("flags", UdxFlag)
    room = size - UDX_HEADER_SIZE
    if r.pos < len(r.data) and r.data[r.pos] > room >= 0:
        raise r.malformed("data_offset", f"{r.data[r.pos]} where {room} bytes follow the header")
    data_offset = r.u8("data_offset")
    remote_id = r.u32("remote_id")
    recv_window = r.u32("recv_window")
    seq = r.u32("seq")
    ack = r.u32("ack")
    sacks: list[tuple[int, int]] = []
    truncated_at = "data" if size > len(r.data) else None
    if flags & UdxFlag.SACK:
        try:
            for index in range((data_offset or room) // _SACK_SIZE):
                sacks.append(r.record(f"sacks[{index}]", _read_range))
        except DecodeError:
            truncated_at = "sacks"
    return UdxHeader(flags, data_offset, remote_id, recv_window, seq, ack, truncated_at, tuple(sacks))


def encode_udx(header: UdxHeader, data: bytes = b"") -> bytes:
    """Encode a UDX packet.

    Args:
        header: its `data_offset` has to leave room for its `sacks` unless it is 0.
        data: what follows header and sacks.

    Raises:
        ValueError: a field can't hold its value, or `data_offset` is neither 0 nor the size of the sacks.
    """
    extension = _SACK_SIZE * len(header.sacks)
    if header.data_offset not in (0, extension):
        raise ValueError(f"data_offset {header.data_offset} where {extension} bytes of sacks follow the header")
    w = Writer()
    for byte in (UDX_MAGIC, UDX_VERSION, header.flags, header.data_offset):
        w.integer(byte, 1)
    for word in (header.remote_id, header.recv_window, header.seq, header.ack):
        w.integer(word, 4)
    for first, end in header.sacks:
        w.integer(first, 4)
        w.integer(end, 4)
    w.fixed(data, len(data))
    return w.finish()


def _read_range(r: Reader) -> tuple[int, int]:
    return r.u32("first"), r.u32("end")


def _expect(r: Reader, field: str, due: int) -> None:
    if r.pos < len(r.data) and r.data[r.pos] != due:
        raise r.malformed(field, f"0x{r.data[r.pos]:02x} where 0x{due:02x} is due")
    r.u8(field)
