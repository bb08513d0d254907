"""A ring that grows is the capture that it is in the end; files that are gone before they are read are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.live_saving import LiveSaving
from capture.disk_ring.bounds import Bounds
from capture.disk_ring.names import parts_of
from capture.disk_ring.ring import DiskRing
from capture.errors import CaptureError
from capture.growing.capture import GrowingCapture
from capture.growing.followed_ring import FollowedRing
from capture.opening import open_captures, read_capture
from tests.app.running import PUNCHED

WHOLE = read_capture(PUNCHED)


class Source:
    table = WHOLE
    file = WHOLE.files[0]


def saving(base: Path, files: int | None = None) -> LiveSaving:
    return LiveSaving(DiskRing(str(base), Bounds(packets=50, files=files)), Source())  # type: ignore[arg-type]


def collected(capture: GrowingCapture, rows: int) -> None:
    while len(capture.table) < rows:
        assert capture.wait(30), f"{len(capture.table)} of {rows}"
        capture.collect()


def test_a_ring_that_grows(tmp_path: Path) -> None:
    base = tmp_path / "r.pcapng"
    writing = saving(base)
    writing.write(range(120))
    with GrowingCapture(FollowedRing(str(base), 0.01)) as capture:
        collected(capture, 120)
        for start in range(120, len(WHOLE), 170):
            writing.write(range(start, min(start + 170, len(WHOLE))))
            collected(capture, min(start + 170, len(WHOLE)))
        writing.finish()
    read = open_captures([part.path for part in parts_of(str(base))])
    for name in ("time_ns", "frame", "src", "dst", "copy_of", "interface", "tid"):
        assert getattr(capture.table, name).tolist() == getattr(read, name).tolist(), name
    assert (capture.error, capture.file.truncated) == (None, None)


def test_what_was_written_when_somebody_has_enough_is_read(tmp_path: Path) -> None:
    base = tmp_path / "r.pcapng"
    writing = saving(base)
    writing.write(range(220))
    with GrowingCapture(FollowedRing(str(base), 0.01)) as capture:
        capture.wait_for_first()
    assert len(capture.table) == 220
    writing.finish()


def test_files_that_are_gone_are_left_out(tmp_path: Path) -> None:
    base = tmp_path / "r.pcapng"
    writing = saving(base, files=3)
    writing.write(range(100))
    source = FollowedRing(str(base), 0.01)
    writing.write(range(100, 400))
    with GrowingCapture(source) as capture:
        pass
    payloads = capture.table.payloads(range(len(capture.table)))
    assert payloads == WHOLE.payloads([*range(50), *range(250, 400)])
    writing.finish()


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="none of a ring"):
        FollowedRing(str(tmp_path / "r.pcapng"))
    with pytest.raises(CaptureError, match="no such file"):
        FollowedRing(str(tmp_path / "no" / "r.pcapng"))
