"""The law of the capture reader.

Law: for all bytes,
- `read_capture` gives a table, or raises CaptureError whose offset lies within them, and nothing else;
- rows, counts, secrets and the place of damage are those of the plain reading in `tests.capture.slow_reader`;
- copies are of rows that are none, with no higher TTL, and the same payload as far as both were captured;
- merged with another capture, no row is lost, times are in order, and the law of copies holds;
- what the writer writes of them reads back as the same frames.
"""

from __future__ import annotations

import io
from collections import Counter

import numpy as np

from capture.errors import CaptureError
from capture.opening import read_capture
from capture.pcapng_writer import write_pcapng
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.reading_law import assert_equal


def check(data: bytes) -> None:
    """Hold one input to the law: its first byte says where it is divided into two captures."""
    if not data:
        return
    body = data[1:]
    table = outcome(body)
    if isinstance(table, CaptureError):
        assert table.reason
        assert table.offset is None or 0 <= table.offset <= len(body)
        return
    if body[:2] != b"\x1f\x8b":
        assert_equal(body)
    check_copies(table)
    check_merged(body, len(body) * data[0] // 256)
    check_written(table)


def outcome(body: bytes) -> PacketTable | CaptureError:
    """The table, or the one error that there may be."""
    try:
        return read_capture(body)
    except CaptureError as error:
        return error


def check_copies(table: PacketTable) -> None:
    """The law of copies."""
    for row in np.flatnonzero(table.copy_of >= 0).tolist():
        primary = int(table.copy_of[row])
        assert table.copy_of[primary] == -1
        assert table.ttl[row] <= table.ttl[primary]
        ours, theirs = table.payload(row), table.payload(primary)
        shared = min(len(ours), len(theirs))
        assert ours[:shared] == theirs[:shared]
        assert table.wire_length[row] == table.wire_length[primary]


def check_merged(body: bytes, cut: int) -> None:
    """The law of merging, for the capture and a part of it that begins at the same byte."""
    table = PacketTable()
    read_capture(body, table)
    alone = Counter(zip(table.frame.tolist(), table.payloads(range(len(table))), strict=True))
    try:
        read_capture(body[:cut], table)
    except CaptureError:
        return
    counts = len(table)
    merge_vantages(table)
    assert len(table) == counts
    assert (np.diff(table.time_ns) >= 0).all()
    first = np.flatnonzero(table.file == 0)
    assert Counter(zip(table.frame[first].tolist(), table.payloads(first), strict=True)) == alone
    check_copies(table)


def check_written(table: PacketTable) -> None:
    """The law of writing: times before 1970 can't be written, all else reads back."""
    rows = np.flatnonzero(table.time_ns >= 0)
    if any(piece.time_ns < 0 for row in rows.tolist() for piece in table.pieces.get(row, ())):
        return
    out = io.BytesIO()
    count = write_pcapng(out, table, rows)
    again = read_capture(out.getvalue())
    assert again.files[0].packets == count
    wanted = Counter(
        (int(table.time_ns[row]), table.frame_bytes(row)) for row in rows.tolist() if row not in table.pieces
    )
    found = Counter((int(again.time_ns[row]), again.frame_bytes(row)) for row in range(len(again)))
    assert not wanted - found
