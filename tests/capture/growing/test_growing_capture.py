"""A capture that grows is read as the same capture in one piece, wherever it is cut meanwhile."""

from __future__ import annotations

import gzip
import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.growing.bytes import DescriptorBytes
from capture.growing.capture import EndedError, GrowingCapture
from capture.growing.followed_file import FollowedFile
from capture.opening import read_capture
from capture.pcapng_writer import PcapngWriter
from capture.story import Story
from capture.table import PacketTable

LAB = Path(__file__).parent.parent.parent / "fixtures" / "lab"
PCAP = gzip.decompress((LAB / "consistent-random" / "wan.pcap.gz").read_bytes())
COLUMNS = ("time_ns", "src", "dst", "sport", "dport", "frame", "interface", "length", "copy_of", "tid", "kind", "ttl")


def pcapng(pcap: bytes, folder: Path) -> bytes:
    """The same packets as two sections of pcapng, the second with a comment."""
    table = read_capture(pcap)
    path = folder / "made.pcapng"
    with path.open("wb") as out:
        for half in np.array_split(np.arange(len(table)), 2):
            writer = PcapngWriter(out)
            writer.add_interface(table.files[0].interfaces[0].linktype, "eth0", comment="the outside")
            for row in half.tolist():
                writer.add_packet(0, int(table.time_ns[row]), table.frame_bytes(row), int(table.frame_length[row]))
    return path.read_bytes()


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {"pcap": PCAP, "pcapng": pcapng(PCAP, tmp_path_factory.mktemp("sections"))}


class Pieces:
    """Pieces of a capture, each when it is asked for."""

    name = way = "pieces"
    promiscuous: bool | None = None

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self) -> bytes | None:
        return next(self._pieces, None)

    def wake(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


def grown(*pieces: bytes) -> GrowingCapture:
    """A capture whose pieces were each read as they came."""
    at_hand = threading.Semaphore(0)

    def one_by_one() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            at_hand.acquire()

    capture = GrowingCapture(Pieces(one_by_one()))
    capture.start()
    for _ in pieces:
        assert capture.wait(10)
        capture.collect()
        at_hand.release()
    while capture.error is None:
        assert capture.wait(10)
        capture.collect()
    return capture


def equal(table: PacketTable, whole: PacketTable) -> None:
    assert len(table) == len(whole)
    for name in COLUMNS:
        assert np.array_equal(getattr(table, name)[: len(whole)], getattr(whole, name)[: len(whole)]), name
    rows = range(0, len(whole), max(1, len(whole) // 50))
    assert [table.frame_bytes(row) for row in rows] == [whole.frame_bytes(row) for row in rows]
    ours, theirs = table.files[0], whole.files[0]
    for name in (
        "format",
        "packets",
        "udp",
        "dht_messages",
        "duplicates",
        "not_udp",
        "interfaces",
        "notes",
        "truncated",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_wherever_it_is_cut(captures: dict[str, bytes], form: str, data: st.DataObject) -> None:
    content = captures[form]
    near_start = st.integers(0, 200)
    cuts = sorted(data.draw(st.lists(near_start | st.integers(0, len(content)), max_size=12)))
    pieces = [content[a:b] for a, b in itertools.pairwise([0, *cuts, len(content)]) if b > a]
    capture = grown(*pieces)
    assert isinstance(capture.error, EndedError)
    equal(capture.table, read_capture(content))


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_cut_off_at_the_end_is_said(captures: dict[str, bytes], form: str, data: st.DataObject) -> None:
    content = captures[form][: data.draw(st.integers(400, len(captures[form])))]
    middle = data.draw(st.integers(1, len(content) - 1))
    capture = grown(content[:middle], content[middle:])
    whole = read_capture(content)
    assert capture.file.truncated == whole.files[0].truncated
    equal(capture.table, whole)


def test_attempts_are_there_while_it_grows() -> None:
    read_end, write_end = os.pipe()
    with GrowingCapture(DescriptorBytes(read_end, "-")) as capture:
        story = Story(capture.table)
        os.write(write_end, PCAP[:60_000])
        assert capture.wait(10)
        capture.collect()
        story.update()
        early = len(capture.table)
        assert early
        os.write(write_end, PCAP[60_000:120_000])
        assert capture.wait(10)
        capture.collect()
        assert len(capture.table) > early
        os.close(write_end)
        while capture.error is None:
            assert capture.wait(10)
            capture.collect()
    assert str(capture.error) == "-: has ended"


def test_what_is_no_capture_is_refused() -> None:
    capture = grown(b"bash: tcpdump: command not found\n")
    assert str(capture.error) == "pieces: a text file, not a capture"
    assert not len(capture.table)


def test_damage_ends_it_and_is_said() -> None:
    content = PCAP[:50_000]
    whole = len(read_capture(content))
    capture = grown(content, b"\xff" * 4096)
    assert capture.error is not None
    assert capture.error.reason.startswith("damaged at byte ")
    assert capture.file.truncated == capture.error.reason
    assert whole <= len(capture.table) <= whole + 1


def test_another_capture_behind_it_counts_on(captures: dict[str, bytes]) -> None:
    first, second = captures["pcap"], captures["pcapng"]
    capture = grown(first, b"", second[:70], second[70:])
    once = read_capture(first).files[0]
    file = capture.file
    assert file.packets == once.packets + read_capture(second).files[0].packets
    assert [interface.name for interface in file.interfaces] == ["", "eth0", "eth0"]
    frames = capture.table.frame[: len(capture.table)]
    assert (np.diff(frames) > 0).all()


def test_a_file_is_followed_through_rotation(tmp_path: Path) -> None:
    path = tmp_path / "ring.pcap"
    path.write_bytes(PCAP[:30_000])
    source = FollowedFile(str(path), interval=0.01)
    with GrowingCapture(source) as capture:
        assert capture.wait(10)
        capture.collect()
        before = capture.file.packets
        with path.open("ab") as out:
            out.write(PCAP[30_000:90_000])
        path.rename(tmp_path / "ring.pcap.1")
        path.write_bytes(PCAP[:24] + PCAP[24:50_000])
        wanted = read_capture(PCAP[:90_000]).files[0].packets + read_capture(PCAP[:50_000]).files[0].packets
        while capture.file.packets < wanted:
            assert capture.wait(10)
            capture.collect()
    assert capture.error is None
    assert before < capture.file.packets == wanted


def test_a_file_that_is_cut_shorter_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "again.pcap"
    path.write_bytes(PCAP[:30_000])
    source = FollowedFile(str(path), interval=0.01)
    with GrowingCapture(source) as capture:
        assert capture.wait(10)
        capture.collect()
        before = capture.file.packets
        path.write_bytes(PCAP[:20_000])
        wanted = before + read_capture(PCAP[:20_000]).files[0].packets
        while capture.file.packets < wanted:
            assert capture.wait(10)
            capture.collect()
    assert capture.file.packets == wanted
