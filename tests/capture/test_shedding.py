"""Frames that no row points to take no memory for long."""

from __future__ import annotations

import pytest

from capture.arrivals import Arrivals
from capture.bursts import Arrival
from capture.capture_file import CaptureFile
from capture.frames import Interface
from capture.table import PacketTable
from tests.capture import build

TCP = build.ethernet(build.ipv4(bytes(1300), protocol=6))


def udp(number: int) -> bytes:
    return build.ethernet(build.ipv4(build.udp(b"payload %d" % number, 1, 2), "10.0.0.1", "10.0.0.2", 64))


def brought(*bursts: list[bytes]) -> PacketTable:
    table = PacketTable()
    arrivals = Arrivals(CaptureFile("lo", "live", [Interface(1, "lo")]), table)
    for burst in bursts:
        arrivals.put([Arrival(frame, 10**18) for frame in burst])
        arrivals.collect()
    return table


def held(table: PacketTable) -> int:
    return sum(segment.size for segment in table.segments)


def test_what_is_not_udp_is_not_kept() -> None:
    table = brought(*([TCP] * 10 for _ in range(50)))
    assert len(table) == held(table) == 0


@pytest.mark.parametrize("between", [0, 1, 20])
def test_frames_of_rows_are_as_they_were(between: int) -> None:
    table = brought(*([frame for number in range(20) for frame in ([TCP] * between + [udp(number)])] for _ in range(3)))
    assert len(table) == 60
    for row in range(60):
        assert table.frame_bytes(row) == udp(row % 20)
        assert table.payload(row) == b"payload %d" % (row % 20)
    used = 3 * sum(len(udp(number)) for number in range(20))
    assert held(table) < 2 * used + 3 * 4096


def test_pieces_that_wait_for_others_stay() -> None:
    body = build.udp(b"x" * 100, 1, 2)
    first, second = (
        build.ethernet(build.ipv4(part, "10.0.0.1", "10.0.0.2", 64, fragment=fragment, ip_id=7))
        for part, fragment in ((body[:64], 0x2000), (body[64:], 8))
    )
    table = brought([TCP] * 20 + [first], [TCP] * 20 + [second])
    assert len(table) == 1
    assert table.payload(0) == b"x" * 100
    (piece,) = table.pieces[0]
    assert bytes(table.segments[piece.segment].buffer[piece.at : piece.at + piece.length]) == first
    assert table.frame_bytes(0) == second
