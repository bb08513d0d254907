"""A ring opened as the one capture that it is, whatever became of its files."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from app.cli import main
from capture.disk_ring.names import part_path
from capture.errors import CaptureError, EnoughError
from capture.opening import open_captures, read_capture
from capture.pcapng_writer import PcapngWriter
from capture.story import Story
from capture.table import PacketTable
from tests.app.running import PUNCHED

ORIGINAL = read_capture(PUNCHED)


def ring(folder: Path, cuts: Sequence[int], table: PacketTable = ORIGINAL) -> list[str]:
    """The frames of a capture in several files, with the same interfaces."""
    paths = []
    ends = [0, *cuts, len(table)]
    for number, (start, end) in enumerate(pairwise(ends), 1):
        paths.append(part_path(str(folder / "ring.pcapng"), number, 100 * number))
        with open(paths[-1], "wb") as out:
            writer = PcapngWriter(out)
            for interface in table.files[0].interfaces:
                writer.add_interface(interface.linktype, interface.name)
            for row in range(start, end):
                data, wire = table.whole_frame(row)
                comment = "here" if row == 40 else None
                writer.add_packet(int(table.interface[row]), int(table.time_ns[row]), data, wire, comment)
    return paths


def test_a_ring_is_one_capture(tmp_path: Path) -> None:
    paths = ring(tmp_path, [7, 8, 30])
    story = Story(open_captures([*reversed(paths)]))
    [file] = story.table.files
    assert (file.path, file.truncated, file.packets) == (str(tmp_path / "ring.pcapng"), None, len(ORIGINAL))
    assert story.table.frame.tolist() == list(range(1, len(ORIGINAL) + 1))
    assert story.table.copy_of.tolist() == ORIGINAL.copy_of.tolist()
    assert story.table.payloads(range(len(ORIGINAL))) == ORIGINAL.payloads(range(len(ORIGINAL)))
    assert file.said is not None
    assert file.said.packet_comments == {(0, 41): "here"}
    [expected] = Story(ORIGINAL).flows
    [flow] = story.flows
    assert (flow.id, flow.verdict.code) == (expected.id, expected.verdict.code)
    story.table.check_size()


def test_a_ring_beside_another_capture(tmp_path: Path) -> None:
    first, *others = ring(tmp_path, [20])
    table = open_captures([first, PUNCHED, *others])
    assert [file.path for file in table.files] == [str(tmp_path / "ring.pcapng"), PUNCHED]


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda data: data[:-5], "truncated"),
        (lambda data: b"", "empty"),
        (lambda data: data[:9], "cut short"),
        (lambda data: b"no capture\n", "text file"),
    ],
    ids=["cut block", "empty", "cut header", "something else"],
)
def test_a_harmed_file_takes_nothing_with_it(harm: object, says: str, tmp_path: Path) -> None:
    paths = ring(tmp_path, [10, 20])
    harmed = Path(paths[1])
    harmed.write_bytes(harm(harmed.read_bytes()))  # type: ignore[operator]
    table = open_captures(paths)
    lost = 1 if says == "truncated" else 10
    assert len(table) == len(ORIGINAL) - lost
    assert table.files[0].truncated is not None
    assert says in table.files[0].truncated
    assert harmed.name in table.files[0].truncated


def test_no_file_that_can_be_read(tmp_path: Path) -> None:
    paths = ring(tmp_path, [10])
    for path in paths:
        Path(path).write_bytes(b"")
    with pytest.raises(CaptureError, match="empty"):
        open_captures(paths)


def test_compressed_files(tmp_path: Path) -> None:
    paths = ring(tmp_path, [10, 20])
    for path in paths[:2]:
        Path(path).write_bytes(gzip.compress(Path(path).read_bytes()))
    assert len(open_captures(paths)) == len(ORIGINAL)


def test_reading_that_is_stopped(tmp_path: Path) -> None:
    def enough(doing: str, done: int, total: int, packets: int = 0) -> None:
        if packets >= 20:
            raise EnoughError

    table = open_captures(ring(tmp_path, [10, 20, 30]), enough)
    assert len(table) == 20
    assert any("the last 2 files" in note for note in table.files[0].notes)


def test_the_name_of_a_ring_opens_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = ring(tmp_path, [10, 20])
    assert main(["report", str(tmp_path / "ring.pcapng")]) == 0
    by_name = capsys.readouterr().out
    assert main(["report", *paths]) == 0
    assert capsys.readouterr().out == by_name
    assert "punched" in by_name
    assert main(["report", str(tmp_path / "other.pcapng")]) == 3


def test_the_clock_of_a_ring_is_given_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = ring(tmp_path, [10, 20])
    for name in (str(tmp_path / "ring.pcapng"), paths[1], Path(paths[2]).name):
        assert main(["report", PUNCHED, *paths, "--offset", f"{name}=2.5"]) == 0
        assert "clock +2.500000 s" in capsys.readouterr().out
    assert main(["report", PUNCHED, *paths, "--offset", "nosuch=1"]) == 2
