"""Servers' records in FIND_PEER responses, read in columns: what the codec reads, one by one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.flows.records import Record, _found_record, found_records
from capture.opening import open_captures, read_capture
from capture.table import Kind, PacketTable
from protocol.errors import DecodeError
from tests.capture.build import ethernet, ipv4, pcap, udp

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


def one_by_one(table: PacketTable, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[tuple[int, object]]:
    """What the codec makes of each row; a reason as its text."""
    found: list[tuple[int, object]] = []
    for row in rows.tolist():
        try:
            record = _found_record(table, row)
        except DecodeError as error:
            found.append((row, str(error)))
        else:
            if record is not None:
                found.append((row, record))
    return found


def in_columns(table: PacketTable, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[tuple[int, object]]:
    """The same, read all at once."""
    return [(row, one if isinstance(one, Record) else str(one)) for row, one in found_records(table, rows)]


def responses(table: PacketTable) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.flatnonzero((table.kind == Kind.RESPONSE) & (table.flags & 16 != 0))


@cache
def payloads() -> list[bytes]:
    """Real responses with a value: FIND_PEER and all others."""
    table = open_captures([str(LAB / "tour" / "wan.pcap.gz")])
    return sorted({table.payload(row) for row in responses(table).tolist()})


def test_real_responses_are_read_alike() -> None:
    paths = [str(LAB / name / "wan.pcap.gz") for name in ("tour", "relayed", "random-consistent")]
    table = open_captures(paths)
    rows = responses(table)
    found = in_columns(table, rows)
    assert found == one_by_one(table, rows)
    assert sum(isinstance(one, Record) for _, one in found) > 20


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_responses_are_read_alike(data: st.DataObject) -> None:
    frames = []
    for _ in range(data.draw(st.integers(1, 8))):
        damaged = bytearray(data.draw(st.sampled_from(payloads())))
        for _ in range(data.draw(st.integers(0, 3))):
            damaged[data.draw(st.integers(1, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(2, len(damaged))) if data.draw(st.booleans()) else len(damaged)
        frames.append((0, ethernet(ipv4(udp(bytes(damaged[:end]))))))
    table = read_capture(pcap(frames, 1))
    rows = responses(table)
    assert in_columns(table, rows) == one_by_one(table, rows)
