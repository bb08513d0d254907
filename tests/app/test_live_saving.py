"""Live packets in files: rings that Wireshark reads, and disks without room, which end nothing."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import main
from app.exit_status import CommandError
from app.live_feed import LiveFeed
from capture.disk_ring import whole_file
from capture.disk_ring.bounds import Bounds
from capture.disk_ring.names import parts_of
from capture.disk_ring.ring import DiskRing
from capture.notes import NO_NOTES, PacketId
from capture.opening import open_captures, read_capture
from capture.said import names_of, notes_of
from capture.table import PacketTable
from capture.tap import Tap
from capture.touches import Touch, Touches, touches_of
from protocol.address import Address
from tests.app.running import PUNCHED, Run, run
from tests.needs import need_tools

__all__ = ["run"]

LOCAL, REMOTE = Address("10.0.0.1", 1000), Address("10.0.0.2", 2000)
START_NS = 1_700_000_000_000_000_000


class Source(Tap):
    """Datagrams that tell their numbers."""

    sent = 0

    def send(self, count: int) -> None:
        for _ in range(count):
            self.sent += 1
            payload = b"\x20" + self.sent.to_bytes(4, "big")
            assert self.take((START_NS + self.sent, self.sent % 2 == 1, LOCAL, REMOTE, 64, payload, 1))


def numbers(table: PacketTable) -> list[int]:
    return [int.from_bytes(payload[1:], "big") for payload in table.payloads(range(len(table)))]


def paths(base: Path) -> list[str]:
    return [part.path for part in parts_of(str(base))]


Limit = Callable[[int | None], None]


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Limit:
    """Sets how many bytes there may be in all files together."""
    room: list[int | None] = [None]
    write = os.write

    def limited(descriptor: int, data: bytes) -> int:
        if room[0] is not None:
            data = data[: max(0, room[0] - sum(path.stat().st_size for path in tmp_path.iterdir()))]
            if not data:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr(whole_file.os, "write", limited)
    return lambda bytes_: room.__setitem__(0, bytes_)


def test_wireshark_reads_every_file_of_a_ring(tmp_path: Path) -> None:
    need_tools("tshark", "capinfos")
    base, tap = tmp_path / "r.pcapng", Source()
    feed = LiveFeed(tap, DiskRing(str(base), Bounds(packets=80)))
    for _ in range(10):
        tap.send(13)
        feed.poll()
    feed.finish()
    seen = []
    for path in paths(base):
        fields = ["-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.interface_name"]
        command = ["tshark", "-n", "-r", path, *fields, "-e", "udp.payload"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "cut short" not in done.stderr
        seen.append([line.split("\t") for line in done.stdout.splitlines()])
    assert [len(file) for file in seen] == [80, 50]
    assert [int(line[0]) for file in seen for line in file] == [
        *(number for file in seen for number in range(1, len(file) + 1))
    ]
    every = [line for file in seen for line in file]
    assert [int(line[3][2:], 16) for line in every] == list(range(1, 131))
    assert [line[1] for line in every] == [f"1700000000.{number:09}" for number in range(1, 131)]
    assert {line[2] for line in every} == {"node"}
    counted = subprocess.run(["capinfos", "-Tmc", *paths(base)], capture_output=True, text=True, check=True).stdout
    assert [line.split(",")[1].strip('"') for line in counted.splitlines()[1:]] == ["80", "50"]


def test_what_is_polled_is_in_the_file(tmp_path: Path) -> None:
    """Without an end: as after a kill."""
    base, tap = tmp_path / "r.pcapng", Source()
    feed = LiveFeed(tap, DiskRing(str(base), Bounds(packets=100)))
    for _ in range(3):
        tap.send(70)
        feed.poll()
        assert [number for path in paths(base) for number in numbers(read_capture(path))] == [*range(1, tap.sent + 1)]
    feed.finish()


def test_a_full_disk_ends_no_watching(tmp_path: Path, limit: Limit, capsys: pytest.CaptureFixture[str]) -> None:
    out, tap = tmp_path / "out.pcapng", Source()
    feed = LiveFeed(tap, DiskRing(str(out)))
    tap.send(100)
    feed.poll()
    feed.tell_changes()
    assert (feed.troubles, capsys.readouterr().err) == ((), "")
    limit(out.stat().st_size + 100)
    tap.send(10)
    feed.poll()
    feed.tell_changes()
    feed.tell_changes()
    kept = numbers(read_capture(str(out)))
    missing = 110 - len(kept)
    assert kept == list(range(1, len(kept) + 1))
    assert 0 < missing < 10
    assert feed.troubles == (f"{out} can't be written: No space left on device; {missing} packets not written",)
    assert capsys.readouterr().err.splitlines() == [
        f"peephole: {out} can't be written: No space left on device; watching goes on, what is not written is counted"
    ]
    assert len(tap.table) == 110
    limit(None)
    assert feed.saving is not None
    feed.saving._ring._retry_at = 0
    tap.send(5)
    feed.poll()
    feed.tell_changes()
    [second] = paths(out)
    assert numbers(read_capture(second)) == [*range(111, 116)]
    assert feed.troubles == ()
    assert capsys.readouterr().err.splitlines() == [
        f"peephole: writing goes on in {second}; {missing} packets were not written"
    ]
    feed.finish()
    feed.tell_losses()
    assert (feed.losses.unwritten, feed.losses.unsaved, feed.losses.missing) == (missing, missing, 0)
    assert capsys.readouterr().err.splitlines() == [
        f"peephole: {missing} packet{'s' * (missing > 1)} that could not be written to the capture file"
    ]
    whole = open_captures([str(out), second])
    assert numbers(whole) == [*kept, *range(111, 116)]
    assert whole.files[0].dropped == missing, "the file itself says so"
    assert main(["report", str(out), second]) == 0
    assert f"{missing} dropped" in capsys.readouterr().out


def test_files_say_what_is_missing_in_them(tmp_path: Path) -> None:
    base, tap = tmp_path / "r.pcapng", Source(room=2000)
    feed = LiveFeed(tap, DiskRing(str(base), Bounds(packets=60)))
    for _ in range(4):
        for _ in range(70):
            tap.take((START_NS, True, LOCAL, REMOTE, 64, b"\x20" * 30, 1))
        feed.poll()
    feed.finish()
    dropped = [read_capture(path).files[0].dropped for path in paths(base)]
    assert feed.losses.queue > 0
    assert sum(number or 0 for number in dropped) == feed.losses.queue
    assert sum(number is not None for number in dropped) > 1
    assert open_captures(paths(base)).files[0].dropped == feed.losses.queue


def test_a_recording_on_a_full_disk(tmp_path: Path, limit: Limit) -> None:
    path, tap = tmp_path / "live.peephole", Source()
    with path.open("wb") as out:
        feed = LiveFeed(tap, record=out)
        tap.send(50)
        feed.poll()
        limit(path.stat().st_size + 10)
        tap.send(7)
        feed.poll()
        feed.take_notes(NO_NOTES.with_comment(PacketId(0, 3), "before"), {"10.0.0.1": "me"})
        feed.take_notes(NO_NOTES.with_comment(PacketId(0, 3), "after"), {"10.0.0.1": "me"})
        assert feed.troubles == (f"{path} can't be written: No space left on device; 7 packets not recorded",)
        assert numbers(read_capture(str(path))) == list(range(1, 51))
        limit(None)
        tap.send(5)
        feed.poll()
        assert (feed.troubles, feed.losses.unrecorded) == ((), 7)
        feed.finish()
    table = read_capture(str(path))
    assert numbers(table) == [*range(1, 51), *range(58, 63)]
    assert (table.files[0].truncated, table.files[0].notes) == (None, [])
    assert names_of(table.files) == {"10.0.0.1": "me"}
    assert notes_of(table.files).on(PacketId(0, 3)) == "after"


def test_what_can_not_be_written_from_the_start_is_refused(tmp_path: Path, limit: Limit) -> None:
    limit(0)
    with pytest.raises(CommandError, match="can't be written: No space left on device"):
        LiveFeed(Source(), DiskRing(str(tmp_path / "out.pcapng")))
    with (tmp_path / "record").open("wb") as out, pytest.raises(CommandError, match="can't be written: No space left"):
        LiveFeed(Source(), record=out)


def test_what_is_done_to_a_packet_later_stands_in_its_file(tmp_path: Path) -> None:
    base, tap = tmp_path / "r.pcapng", Source()
    tap.file.touches = Touches()
    feed = LiveFeed(tap, DiskRing(str(base), Bounds(packets=4)))
    tap.send(6)
    feed.poll()
    early, late, at_once = (Touch(fate, 5, True, REMOTE) for fate in ("too late", "held", "dropped"))
    tap.file.touches.add(2, early)
    tap.file.touches.add(6, late)
    tap.file.touches.add(7, at_once)
    tap.send(3)
    feed.poll()
    feed.finish()
    found = [[touches_of(table, row) for row in range(len(table))] for table in map(read_capture, paths(base))]
    assert found == [[(), (), (), ()], [(), (late,), (at_once,), ()], [()]]


def test_options_that_do_not_go_together(tmp_path: Path, run: Run) -> None:
    capture = tmp_path / "in.pcap"
    capture.write_bytes(gzip.decompress(Path(PUNCHED).read_bytes()))
    watch = ("watch", "--report", "--read", str(capture))
    for wrong, says in (
        (("-b", "packets:5"), "-b goes with -w"),
        (("-b", "packets:5", "-w", str(tmp_path / "no" / "ring")), "can't be written: No such file or directory"),
        (("-b", "files:5", "-w", str(tmp_path / "ring")), "say when one ends"),
        (("-b", "megabytes:5", "-w", str(tmp_path / "ring")), "filesize:KB, packets:N, duration:S"),
        (("-w", str(capture)), "that is what is read"),
    ):
        status, out, err = run(*watch, *wrong)
        assert (status, out) == (2, ""), wrong
        assert says in err
    assert len(read_capture(str(capture))) == 646
    assert [path.name for path in tmp_path.iterdir()] == ["in.pcap"]
