"""Blocks that are made many at a time are those that the writer makes one by one."""

from __future__ import annotations

from typing import BinaryIO, cast

import numpy as np

from app.live_pieces import Pieces
from capture.direction import Passage
from capture.disk_ring.packet_blocks import packet_blocks
from capture.frame_rows import frames_of
from capture.opening import open_captures
from capture.pcapng_writer import PcapngWriter
from capture.table import PacketTable
from tests.app.running import PUNCHED, RANDOM


def one_by_one(table: PacketTable, rows: range) -> list[bytes]:
    pieces = Pieces()
    writer = PcapngWriter(cast("BinaryIO", pieces))
    for _ in range(2):
        writer.add_interface(1)
    pieces.taken()
    for frame in frames_of(table, rows):
        writer.add_packet(frame.file, frame.time_ns, frame.data, frame.wire_length, None, frame.direction)
    return pieces.taken()


def test_blocks_are_those_of_the_writer() -> None:
    table = open_captures([PUNCHED, RANDOM])
    table.direction[::3] = Passage.INBOUND
    table.direction[1::3] = Passage.OUTBOUND
    interfaces = {(0, 0): 0, (1, 0): 1}
    for rows in (range(0), range(1), range(100, 300), range(len(table))):
        made = packet_blocks(table, rows, interfaces)
        assert made.blocks == one_by_one(table, rows)
        assert sorted(made.frames) == sorted(table.frame[rows.start : rows.stop].tolist())


def test_packets_that_did_not_come_in_order_are_written_in_order() -> None:
    table = open_captures([PUNCHED])
    table.time_ns[:] = np.roll(table.time_ns, 20)
    rows = range(len(table))
    assert packet_blocks(table, rows, {(0, 0): 0}).blocks == one_by_one(table, rows)


def test_there_is_no_block_before_1970() -> None:
    table = open_captures([PUNCHED])
    table.time_ns[3] = -1
    assert packet_blocks(table, range(10), {(0, 0): 0}).frames == [1, 2, 3, 5, 6, 7, 8, 9, 10]
