"""UDX packets as a stream reads and writes them: the header in one step, sequence numbers that do not wrap.

`protocol.udx` is the codec for every view of a packet; it names the field that is wrong. A stream handles each packet
of a transfer and needs only to know whether one is sound, so it takes the same layout apart with `struct`. The two
are tested to agree.

On the wire a sequence number is a u32 that wraps. Inside it is an int that goes on counting: `unwrap` finds the one
nearest to a number already known, as libudx does by comparing signed differences.

Source: libudx as in npm udx-native 1.21.3 (include/udx.h; src/udx.c: udx_write_header, process_packet).
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from protocol.constants import UDX_HEADER_SIZE, UDX_MAGIC, UDX_VERSION, UdxFlag

MTU: Final = 1200
"""Bytes of an IP packet that every path is taken to carry whole, as libudx's base."""
MAX_PAYLOAD: Final = MTU - 20 - 8 - UDX_HEADER_SIZE
"""Bytes of data in a full packet: the MTU less IPv4, UDP and UDX headers."""
MAX_SACKS: Final = 50
"""Ranges that an ack carries at most, and that are read from one."""

DATA: Final = int(UdxFlag.DATA)
END: Final = int(UdxFlag.END)
SACK: Final = int(UdxFlag.SACK)
MESSAGE: Final = int(UdxFlag.MESSAGE)
DESTROY: Final = int(UdxFlag.DESTROY)
HEARTBEAT: Final = int(UdxFlag.HEARTBEAT)
DATA_OR_END: Final = DATA | END

_HEADER: Final = Struct("<4B4I")
_BARE: Final = Struct("<5I")
_BARE_START: Final = UDX_MAGIC | UDX_VERSION << 8
"""Magic, version, no flags and no offset."""
_RANGE: Final = Struct("<2I")
_U32: Final = 0xFFFFFFFF
_HALF: Final = 0x80000000


class Packet(NamedTuple):
    """One packet; `seq`, `ack` and `sacks` are still the u32 of the wire."""

    flags: int
    remote_id: int
    recv_window: int
    seq: int
    ack: int
    sacks: tuple[tuple[int, int], ...]
    data: bytes


def parse(datagram: bytes) -> Packet | None:
    """Take a UDX packet apart; None where it is not one, or not sound.

    Padding between header and data (an MTU probe) is left out. Beyond `MAX_SACKS` ranges are not read.
    """
    if len(datagram) < UDX_HEADER_SIZE:
        return None
    magic, version, flags, data_offset, remote_id, recv_window, seq, ack = _HEADER.unpack_from(datagram)
    start = UDX_HEADER_SIZE + data_offset
    if magic != UDX_MAGIC or version != UDX_VERSION or start > len(datagram):
        return None
    sacks: tuple[tuple[int, int], ...] = ()
    if flags & SACK:
        room = data_offset or len(datagram) - UDX_HEADER_SIZE
        count = min(room // _RANGE.size, MAX_SACKS)
        sacks = tuple(_RANGE.unpack_from(datagram, UDX_HEADER_SIZE + _RANGE.size * index) for index in range(count))
    return Packet(flags, remote_id, recv_window, seq, ack, sacks, datagram[start:])


def parse_bare(datagram: bytes) -> tuple[int, int, int, int] | None:
    """Of an ack without anything else, which is half of what a sender receives: id, window, seq and ack.

    None where it is something else, or not sound: `parse` tells.
    """
    if len(datagram) != UDX_HEADER_SIZE:
        return None
    start, remote_id, recv_window, seq, ack = _BARE.unpack(datagram)
    return (remote_id, recv_window, seq, ack) if start == _BARE_START else None


def build(
    flags: int,
    remote_id: int,
    recv_window: int,
    seq: int,
    ack: int,
    data: bytes = b"",
) -> bytes:
    """Put a packet together; `seq` and `ack` may be past 2^32."""
    return _HEADER.pack(UDX_MAGIC, UDX_VERSION, flags, 0, remote_id, recv_window, seq & _U32, ack & _U32) + data


def sack_field(ranges: list[tuple[int, int]]) -> bytes:
    """What follows the header of an ack with ranges: (first, one past the last), the first `MAX_SACKS` of them."""
    return b"".join(_RANGE.pack(first & _U32, end & _U32) for first, end in ranges[:MAX_SACKS])


def unwrap(wire: int, near: int) -> int:
    """The sequence number that `wire` stands for: of all that end in these 32 bits, the one closest to `near`."""
    return near + ((wire - near + _HALF) & _U32) - _HALF
