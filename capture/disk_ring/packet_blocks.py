"""Rows of a packet table as blocks of a pcapng, many at a time.

Enhanced packet block: type u32 (6), size u32, interface u32, time u32 u32 (high, low; nanoseconds), captured length
u32, length on the wire u32, the frame, filled up to 4 bytes, options (the direction, if it is known), size u32.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from capture.pcapng_blocks import ENHANCED_PACKET, EPB_FLAGS
from capture.table import PacketTable

_HEAD = struct.Struct("<IIIIIII")
_SIZE = struct.Struct("<I")
_FILLING: Final = (b"", bytes(3), bytes(2), bytes(1))
_LEAST: Final = 32


class PacketBlocks(NamedTuple):
    """Packets in order of time."""

    blocks: list[bytes]
    frames: list[int]
    """Number of each in its source, from 1."""


def packet_blocks(table: PacketTable, rows: range, interfaces: Mapping[tuple[int, int], int]) -> PacketBlocks:
    """Blocks of rows that each are one frame. What was captured before 1970 has none.

    Args:
        table: where the rows are.
        rows: their numbers.
        interfaces: number of an interface in what is written, by file and interface in the table.
    """
    part = slice(rows.start, rows.stop)
    time_ns = table.time_ns[part]
    # As a rule they have come in order.
    order = np.argsort(time_ns, kind="stable") if (time_ns[1:] < time_ns[:-1]).any() else slice(None)
    columns = (
        table.time_ns,
        table.file,
        table.interface,
        table.segment,
        table.frame_at,
        table.frame_length,
        table.frame_wire_length,
        table.direction,
        table.frame,
    )
    blocks: list[bytes] = []
    frames: list[int] = []
    segments, pack, size_of, filling = table.segments, _HEAD.pack, _SIZE.pack, _FILLING
    for time, file, interface, segment, at, length, wire, direction, frame in zip(
        *(column[part][order].tolist() for column in columns), strict=True
    ):
        if time < 0:
            continue
        options = struct.pack("<HHII", EPB_FLAGS, 4, direction, 0) if direction else b""
        size = _LEAST + (length + 3 & ~3) + len(options)
        number = interfaces[file, interface]
        blocks.append(
            pack(ENHANCED_PACKET, size, number, time >> 32, time & 0xFFFFFFFF, length, wire)
            + segments[segment].buffer[at : at + length]
            + filling[length & 3]
            + options
            + size_of(size)
        )
        frames.append(frame)
    return PacketBlocks(blocks, frames)
