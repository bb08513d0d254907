"""Rings of capture files: bounds, names, a second start, and disks without room."""

from __future__ import annotations

import errno
import os
import resource
import struct
from pathlib import Path

import pytest

from capture.disk_ring import ring as ring_module
from capture.disk_ring import whole_file
from capture.disk_ring.bounds import Bounds, read_bound, together
from capture.disk_ring.names import base_of, chains, part_path, parts_of
from capture.disk_ring.ring import RETRY, DiskRing
from capture.opening import read_capture

SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
INTERFACE = struct.pack("<IIHHII", 1, 20, 228, 0, 0, 20)
FRAME = bytes.fromhex("4500001d000040004011f2aa7f0000017f00000100090009000900ec20")
FRAME = FRAME[:28] + b"\x20"


class Clocks:
    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clocks:
    return Clocks()


def block(number: int) -> bytes:
    head = struct.pack("<IIIII", 0, 0, number, len(FRAME), len(FRAME))
    body = head + FRAME + bytes(-len(FRAME) % 4)
    size = 12 + len(body)
    return struct.pack("<II", 6, size) + body + struct.pack("<I", size)


def put(ring: DiskRing, first: int, count: int = 1) -> None:
    numbers = range(first, first + count)
    ring.write([block(number) for number in numbers], numbers)


SIZE = len(block(1))


def opened(path: Path, bounds: Bounds, clock: Clocks) -> DiskRing:
    ring = DiskRing(str(path), bounds, monotonic=clock, now=clock)
    ring.begin([SECTION, INTERFACE])
    return ring


def frames(path: str) -> list[int]:
    """The numbers that the packets of a file have for times, in microseconds."""
    table = read_capture(path)
    assert table.files[0].truncated is None
    return [int(time) // 1000 for time in table.time_ns]


def contents(base: Path) -> list[list[int]]:
    return [frames(part.path) for part in parts_of(str(base))]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("filesize:10", Bounds(file_bytes=10_000)),
        ("packets:3", Bounds(packets=3)),
        ("duration:0.5", Bounds(duration=0.5)),
        ("interval:3600", Bounds(interval=3600)),
        ("files:5", Bounds(files=5)),
    ],
)
def test_bounds_as_dumpcap_writes_them(text: str, bounds: Bounds) -> None:
    assert read_bound(text) == bounds


@pytest.mark.parametrize(
    "text", ["", "files", "files:0", "files:-1", "files:1e3", "filesize:x", "duration:nan", "duration:0", "nosuch:1"]
)
def test_what_is_no_bound(text: str) -> None:
    with pytest.raises(ValueError, match=r"files:N|is followed by"):
        read_bound(text)


def test_files_alone_never_end() -> None:
    with pytest.raises(ValueError, match="say when one ends"):
        together([Bounds(files=3)])
    assert together([Bounds(files=3), Bounds(packets=1), Bounds(files=4)]) == Bounds(files=4, packets=1)


def test_names_are_dumpcaps(tmp_path: Path) -> None:
    path = part_path("a.b/ring.pcapng", 7, 0)
    assert path.startswith("a.b/ring_00007_19")
    assert path.endswith(".pcapng")
    assert len(path) == len("a.b/ring_00007_20261122210000.pcapng")
    assert base_of(path) == "a.b/ring.pcapng"
    assert base_of(part_path("a.b/ring", 100_000, 0)) == "a.b/ring"
    assert base_of("ring_7_20261122210000.pcapng") is None


def test_files_of_a_ring_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (100_000, 2, 99_999, 1):
        Path(part_path(str(tmp_path / "r.pcapng"), number, 0)).touch()
    Path(part_path(str(tmp_path / "other.pcapng"), 3, 0)).touch()
    assert [part.number for part in parts_of(str(tmp_path / "r.pcapng"))] == [1, 2, 99_999, 100_000]


def test_paths_of_a_ring_stand_together() -> None:
    first, second = part_path("r.pcap", 1, 0), part_path("r.pcap", 2, 5)
    assert chains([second, "x.pcap", first, "r.pcap"]) == [["r.pcap", first, second], ["x.pcap"]]
    assert chains(["x", "x", "r.pcap"]) == [["x"], ["x"], ["r.pcap"]]


def test_a_file_ends_before_it_is_longer_than_allowed(tmp_path: Path, clock: Clocks) -> None:
    head = len(SECTION) + len(INTERFACE)
    ring = opened(tmp_path / "r.pcapng", Bounds(file_bytes=head + 3 * SIZE), clock)
    put(ring, 1, 8)
    ring.close()
    assert contents(tmp_path / "r.pcapng") == [[1, 2, 3], [4, 5, 6], [7, 8]]
    assert all(os.path.getsize(part.path) <= head + 3 * SIZE for part in parts_of(str(tmp_path / "r.pcapng")))


def test_a_packet_that_is_longer_than_a_file_has_one_of_its_own(tmp_path: Path, clock: Clocks) -> None:
    ring = opened(tmp_path / "r", Bounds(file_bytes=10), clock)
    put(ring, 1, 2)
    ring.close()
    assert contents(tmp_path / "r") == [[1], [2]]


def test_files_go_when_packets_stand_in_a_newer_one(tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "r.pcapng"
    ring = opened(base, Bounds(packets=2, files=2), clock)
    for number in range(1, 8):
        put(ring, number)
    assert contents(base) == [[5, 6], [7]]
    put(ring, 8)
    assert contents(base) == [[5, 6], [7, 8]]
    ring.close()


def test_duration_and_interval(tmp_path: Path, clock: Clocks) -> None:
    ring = opened(tmp_path / "d", Bounds(duration=10), clock)
    clock.seconds += 100  # nothing came: there is no empty file
    for number in range(1, 5):
        put(ring, number)
        clock.seconds += 6
    ring.close()
    assert contents(tmp_path / "d") == [[1, 2], [3, 4]]
    clock.seconds = 1_000_050
    ring = opened(tmp_path / "i", Bounds(interval=100), clock)
    for number in range(1, 5):
        put(ring, number)
        clock.seconds += 30
    ring.close()
    assert contents(tmp_path / "i") == [[1, 2], [3, 4]]


def test_two_programs_do_not_write_one_ring(tmp_path: Path, clock: Clocks) -> None:
    base, bounds = tmp_path / "r.pcapng", Bounds(packets=2, files=3)
    ring = opened(base, bounds, clock)
    put(ring, 1, 5)
    assert contents(base) == [[1, 2], [3, 4], [5]]
    with pytest.raises(OSError, match="another program writes"):
        opened(base, bounds, clock)
    ring.close()


def test_old_files_count_and_stay_as_they_are(tmp_path: Path, clock: Clocks) -> None:
    base, bounds = tmp_path / "r.pcapng", Bounds(packets=2, files=3)
    ring = opened(base, bounds, clock)
    put(ring, 1, 5)
    ring.close()
    last = parts_of(str(base))[-1].path
    with open(last, "ab") as out:
        out.write(block(6)[:-7])  # killed in the midst of a block
    ring = opened(base, bounds, clock)
    assert [part.number for part in parts_of(str(base))] == [1, 2, 3, 4]
    put(ring, 7)
    assert [part.number for part in parts_of(str(base))] == [2, 3, 4]
    cut = read_capture(last)
    assert len(cut) == 1
    assert "cut" in str(cut.files[0].truncated) or "truncated" in str(cut.files[0].truncated)
    ring.close()


def test_starts_without_packets_push_nothing_out(tmp_path: Path, clock: Clocks) -> None:
    base, bounds = tmp_path / "r.pcapng", Bounds(packets=2, files=2)
    ring = opened(base, bounds, clock)
    put(ring, 1, 2)
    ring.close()
    Path(part_path(str(base), 2, 0)).write_bytes(SECTION + INTERFACE)  # killed before a packet came
    Path(part_path(str(base), 3, 0)).touch()
    opened(base, bounds, clock).close()
    ring = opened(base, bounds, clock)
    put(ring, 3)
    ring.close()
    assert contents(base) == [[1, 2], [3]]


class Disk:
    """Room for so many bytes in all files together; removed ones give theirs back."""

    def __init__(self, folder: Path, room: int, number: int) -> None:
        self.folder, self.room, self.number = folder, room, number
        self._write = os.write

    def write(self, descriptor: int, data: bytes) -> int:
        used = sum(path.stat().st_size for path in self.folder.iterdir())
        free = self.room - used
        if free <= 0:
            raise OSError(self.number, os.strerror(self.number))
        return self._write(descriptor, data[:free])


@pytest.fixture(params=[errno.ENOSPC, errno.EDQUOT])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk(tmp_path, 1 << 20, request.param)
    monkeypatch.setattr(whole_file.os, "write", found.write)
    return found


HEAD = len(SECTION) + len(INTERFACE)


def test_a_full_disk_damages_nothing_and_is_counted(disk: Disk, tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "one.pcapng"
    disk.room = HEAD + 3 * SIZE + 5
    ring = opened(base, Bounds(), clock)
    put(ring, 1, 6)
    assert (ring.lost, ring.error is not None and ring.error.errno) == (3, disk.number)
    put(ring, 7, 2)
    assert ring.lost == 5
    assert os.path.getsize(base) == HEAD + 3 * SIZE
    disk.room = 1 << 20
    put(ring, 9)
    assert ring.lost == 6, "it is not tried with every packet"
    clock.seconds += RETRY
    put(ring, 10, 2)
    ring.close()
    assert (ring.lost, ring.error) == (6, None)
    assert frames(str(base)) == [1, 2, 3]
    assert contents(base) == [[10, 11]]


def test_a_disk_that_stays_full_gets_no_files(disk: Disk, tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "one.pcapng"
    disk.room = HEAD + 2 * SIZE
    ring = opened(base, Bounds(), clock)
    for number in range(1, 10):
        put(ring, number)
        clock.seconds += RETRY
    ring.close()
    assert ring.lost == 7
    assert [path.name for path in tmp_path.iterdir()] == ["one.pcapng"]


def test_a_ring_gives_up_old_files_to_go_on(disk: Disk, tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "r.pcapng"
    disk.room = 3 * (HEAD + 2 * SIZE) + 10
    ring = opened(base, Bounds(packets=2, files=10), clock)
    for number in range(1, 12):
        put(ring, number)
    ring.close()
    assert (ring.lost, ring.given_up) == (0, 3)
    assert contents(base) == [[7, 8], [9, 10], [11]]


def test_the_newest_finished_file_stays(disk: Disk, tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "r.pcapng"
    disk.room = HEAD + 2 * SIZE + 10
    ring = opened(base, Bounds(packets=2, files=10), clock)
    put(ring, 1, 5)
    ring.close()
    assert (ring.lost, ring.given_up) == (3, 0)
    assert contents(base) == [[1, 2]]


def test_without_a_number_of_files_none_is_given_up(disk: Disk, tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "r.pcapng"
    disk.room = 2 * (HEAD + 2 * SIZE) + 10
    ring = opened(base, Bounds(packets=2), clock)
    put(ring, 1, 9)
    ring.close()
    assert (ring.lost, ring.given_up) == (5, 0)
    assert contents(base) == [[1, 2], [3, 4]]


def test_a_disk_is_used_again_when_there_is_some_room(
    tmp_path: Path, clock: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, HEAD + SIZE, errno.ENOSPC)
    monkeypatch.setattr(whole_file.os, "write", disk.write)
    free = os.statvfs(tmp_path)
    ring = opened(tmp_path / "one.pcapng", Bounds(), clock)
    put(ring, 1, 2)
    disk.room = 1 << 20
    clock.seconds += RETRY
    little = os.statvfs_result((4096, 4096, 1000, 5, 5, *tuple(free)[5:10]))
    monkeypatch.setattr(ring_module.os, "statvfs", lambda _: little)
    put(ring, 3)
    assert ring.lost == 2
    monkeypatch.setattr(ring_module.os, "statvfs", lambda _: free)
    put(ring, 4)
    ring.close()
    assert contents(tmp_path / "one.pcapng") == [[4]]


def test_a_file_as_long_as_it_may_be_has_a_successor(tmp_path: Path, clock: Clocks) -> None:
    """The system's own limit, as a shell sets it with ``ulimit -f``; nothing is lost."""
    base = tmp_path / "one.pcapng"
    ring = opened(base, Bounds(), clock)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HEAD + 2 * SIZE + 7, hard))
    try:
        put(ring, 1, 5)
        ring.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (ring.lost, ring.error) == (0, None)
    assert [frames(str(base)), *contents(base)] == [[1, 2], [3, 4], [5]]


def test_a_pipe_without_a_reader_is_counted(tmp_path: Path, clock: Clocks) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    ring = opened(path, Bounds(), clock)
    put(ring, 1, 2)
    assert len(os.read(reader, 1 << 16)) == HEAD + 2 * SIZE
    os.close(reader)
    for number in range(3, 6):
        put(ring, number)
        clock.seconds += RETRY
    ring.close()
    assert (ring.lost, ring.error is not None) == (3, True)
    assert path.exists()


def test_interfaces_that_come_later_are_in_every_file_from_then_on(tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "r.pcapng"
    ring = opened(base, Bounds(packets=1), clock)
    put(ring, 1)
    ring.describe(INTERFACE)
    put(ring, 2, 2)
    ring.close()
    assert [len(read_capture(part.path).files[0].interfaces) for part in parts_of(str(base))] == [2, 2, 2]


def test_a_file_that_somebody_removes_is_counted_and_followed_by_another(tmp_path: Path, clock: Clocks) -> None:
    base = tmp_path / "one.pcapng"
    ring = opened(base, Bounds(), clock)
    put(ring, 1, 3)
    base.unlink()
    put(ring, 4, 2)
    ring.close()
    assert ring.lost == 3
    assert contents(base) == [[4, 5]]


def test_a_folder_that_goes_away_and_comes_back(tmp_path: Path, clock: Clocks) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ring = opened(folder / "r", Bounds(packets=2), clock)
    put(ring, 1, 2)
    folder.rename(tmp_path / "elsewhere")
    put(ring, 3, 2)
    assert (ring.lost, ring.error is not None) == (2, True)
    folder.mkdir()
    clock.seconds += RETRY
    put(ring, 5, 2)
    ring.close()
    assert (ring.lost, ring.error) == (2, None)
    assert contents(folder / "r") == [[5, 6]]
    assert contents(tmp_path / "elsewhere" / "r") == [[1, 2]]
