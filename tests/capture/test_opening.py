"""Opening what users name: every container, and a clear word for all that is none."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import sys
from pathlib import Path

import pytest

from capture import compressed, opening
from capture.errors import CaptureError, EnoughError
from capture.flow import Sighting
from capture.keylog import SECRETS_TYPE
from capture.opening import open_captures, read_capture
from capture.story import Story
from tests.capture.build import (
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    obsolete,
    option,
    pcap,
    section,
    simple,
    udp,
)

FRAMES = [ethernet(ipv4(udp(bytes([n]) * n))) for n in range(1, 6)]
GOOD = pcap(FRAMES)


def refusal(path: Path | str) -> CaptureError:
    with pytest.raises(CaptureError) as caught:
        open_captures([str(path)])
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pcap").reason == "no such file or directory"


def test_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "is a directory"


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "the file is empty", None),
        (b"hello, this is no capture\n", "a text file, not a capture", 0),
        ("grüße".encode(), "a text file, not a capture", 0),
        (bytes(100), "neither pcap, pcapng nor a recording", 0),
        (GOOD[:20], "pcap header cut short (20 of 24 bytes)", 20),
        (GOOD[:4] + b"\x03" + GOOD[5:], "pcap version 3.4 is not supported", 4),
        (pcap(FRAMES, 127), "link type 127 (IEEE 802.11 radiotap) can't be read", None),
        (pcap(FRAMES, 60_000), "link type 60000 (unknown) can't be read", None),
        (section()[:20], "section header cut short (20 of 28 bytes)", 20),
        (block(0x0A0D0D0A, bytes(16)), "section header without its byte-order magic", 8),
        (
            block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 9, 0, -1)),
            "pcapng version 9.0 is not supported",
            0,
        ),
        (gzip.compress(b"hello", mtime=0), "a text file, not a capture", 0),
        (gzip.compress(b"", mtime=0), "the file is empty", None),
        (b"\x1f\x8b", "gzip data truncated at byte 2 of the compressed file", None),
    ],
)
def test_no_capture(data: bytes, reason: str, offset: int | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    error = refusal(path)
    assert (error.reason, error.offset) == (reason, offset)


def test_a_capture_without_packets_is_fine() -> None:
    for data in (pcap([]), section(), section() + interface()):
        table = read_capture(data)
        assert len(table) == 0
        assert table.files[0].truncated is None


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (3, "truncated at byte 197: 44 of 47 bytes of a frame"),
        (50, "truncated at byte 197: 13 of 16 bytes of a record header"),
    ],
)
def test_cut_pcap_keeps_what_is_before(cut: int, said: str) -> None:
    assert len(GOOD) == 24 + sum(16 + len(f) for f in FRAMES)
    data = GOOD[: len(GOOD) - cut]
    start = len(GOOD) - 16 - len(FRAMES[-1])
    table = read_capture(data)
    assert len(table) == 4
    assert table.files[0].truncated == said.replace("197", str(start))


def test_absurd_length_is_damage_at_its_offset() -> None:
    at = 24 + 16 + len(FRAMES[0])
    data = GOOD[: at + 8] + struct.pack("<I", 0x7FFFFFFF) + GOOD[at + 12 :]
    table = read_capture(data)
    assert len(table) == 1
    expected = f"damaged at byte {at}: a frame of 2147483647 bytes is claimed, more than 262144"
    assert table.files[0].truncated == expected


def test_gzip_whole_in_members_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "file.pcap.gz"
    path.write_bytes(gzip.compress(GOOD[:100]) + gzip.compress(GOOD[100:]) + bytes(10))
    table = open_captures([str(path)])
    assert len(table) == 5
    assert table.files[0].truncated is None
    noise = random.Random(1).randbytes(4000)
    packed = gzip.compress(pcap([ethernet(ipv4(udp(noise[: 40 * n]))) for n in range(20)]))
    path.write_bytes(packed[: len(packed) // 2])
    file = open_captures([str(path)]).files[0]
    assert 0 < file.packets < 20
    assert file.truncated is not None
    assert file.truncated.startswith(f"gzip data truncated at byte {len(packed) // 2} of the compressed file; ")
    damaged = bytearray(packed)
    damaged[len(packed) // 2 : len(packed) // 2 + 40] = bytes(40)
    path.write_bytes(damaged)
    file = open_captures([str(path)]).files[0]
    assert file.packets > 0
    assert "gzip data damaged at about byte " in str(file.truncated)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MAX_DECOMPRESSED", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    assert refusal(path).reason == "unfolds to more than 1048576 bytes"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(GOOD)

    monkeypatch.setattr(sys, "stdin", Stdin)
    table = open_captures(["-"])
    assert len(table) == 5
    assert table.files[0].path == "-"


def test_large_files_are_mapped_and_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.pcap"
    path.write_bytes(GOOD)
    read = open_captures([str(path)])
    monkeypatch.setattr(opening, "_READ_WHOLE", 10)
    mapped = open_captures([str(path)])
    assert type(mapped.segments[0].buffer).__name__ == "mmap"
    assert mapped.payloads(range(5)) == read.payloads(range(5))


@pytest.mark.parametrize("left", [0, 4096, 60_000])
def test_a_mapped_file_that_is_shortened_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(opening, "_READ_WHOLE", 10)
    path = tmp_path / "shrinking.pcap"
    path.write_bytes(pcap(FRAMES * 500))

    def shorten(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        os.truncate(path, left)

    size = path.stat().st_size
    with pytest.raises(CaptureError) as caught:
        Story.open([str(path)], progress=shorten)
    assert str(caught.value) == f"{path}: was shortened from {size} to {left} bytes while it was open"


def test_a_mapped_file_that_is_shortened_later_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_READ_WHOLE", 10)
    path = tmp_path / "shrinking.pcap"
    path.write_bytes(pcap(FRAMES * 500))
    story = Story.open([str(path)])
    assert story.payload(Sighting(0, 2000, 1999)) == b"\5" * 5
    os.truncate(path, 0)
    with pytest.raises(CaptureError, match="was shortened"):
        story.payload(Sighting(0, 2000, 1999))


def test_a_small_file_may_be_shortened_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.pcap"
    path.write_bytes(pcap(FRAMES * 500))
    story = Story.open([str(path)])
    os.truncate(path, 0)
    assert story.payload(Sighting(0, 2000, 1999)) == b"\5" * 5


def test_progress_counts_bytes_and_then_names_the_stages(tmp_path: Path) -> None:
    path = tmp_path / "some.pcap"
    path.write_bytes(pcap(FRAMES * 20_000))
    told: list[tuple[str, int, int, int]] = []

    def tell(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        told.append((doing, done, total, packets))

    Story.open([str(path)], progress=tell)
    reading = [(done, total) for doing, done, total, _ in told if doing == "reading some.pcap"]
    packets = [packets for doing, _, _, packets in told if doing == "reading some.pcap"]
    assert 0 < packets[0] < packets[-1] == 100_000
    assert len(reading) > 2
    assert reading == sorted(reading)
    assert all(0 < done <= total == path.stat().st_size for done, total in reading)
    assert reading[-1][0] > 0.99 * path.stat().st_size
    stages = [doing for doing, _, _, _ in told[len(reading) :]]
    assert stages[0] == "marking what was captured twice"
    assert "joining messages to attempts" in stages
    assert len(set(stages)) == len(stages) > 5


def test_what_progress_raises_stops_the_reading() -> None:
    class StopError(Exception):
        pass

    told: list[str] = []

    def stop(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        told.append(doing)
        raise StopError

    with pytest.raises(StopError):
        read_capture(pcap(FRAMES * 20_000), progress=stop)
    assert len(told) == 1


def test_who_has_had_enough_gets_what_was_read_and_no_further_file(tmp_path: Path) -> None:
    paths = [tmp_path / "big.pcap", tmp_path / "second.pcap"]
    for path in paths:
        path.write_bytes(pcap(FRAMES * 20_000))

    def enough(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        if packets:
            raise EnoughError

    table = open_captures([str(path) for path in paths], enough)
    (file,) = table.files
    assert file.stopped
    assert 0 < file.packets == len(table) < 100_000
    assert "reading was stopped at byte" in file.notes[0]
    assert "second.pcap" in file.notes[1]
    assert file.truncated is None


def test_who_has_had_enough_of_a_pipe_need_not_wait_for_its_end() -> None:
    content = pcap(FRAMES * 10)
    there, here = os.pipe()
    os.write(here, content[:400])
    told: list[int] = []

    def enough(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        if doing.startswith("reading") and not packets:
            assert total == 0
            told.append(done)
            if done:
                raise EnoughError

    (file,) = open_captures([f"/dev/fd/{there}"], enough).files
    os.close(here)
    os.close(there)
    assert told[0] == 0
    assert told[-1] == 400
    assert file.stopped
    assert 0 < file.packets < 50
    assert "reading was stopped after 400 bytes" in file.notes[0]


def test_nothing_had_come() -> None:
    there, here = os.pipe()

    def enough(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        raise EnoughError

    with pytest.raises(CaptureError, match="nothing had come when reading was stopped"):
        open_captures([f"/dev/fd/{there}"], enough)
    os.close(here)
    os.close(there)


def test_secrets_of_other_protocols_are_named_and_no_key_log() -> None:
    def secrets(type_: int, data: bytes) -> bytes:
        return block(10, struct.pack("<II", type_, len(data)) + data)

    tls = secrets(0x544C534B, b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48)
    start = section() + interface()
    data = start + tls + tls + secrets(0x1234, b"?") + secrets(SECRETS_TYPE, b"KEY") + enhanced(FRAMES[0], 1)
    file = read_capture(data).files[0]
    assert file.secrets == [b"KEY"]
    assert file.notes == [
        "2 decryption-secrets blocks with TLS keys (type 0x544c534b), which open nothing here, left alone",
        "1 decryption-secrets block with other keys (type 0x00001234), which open nothing here, left alone",
    ]


def test_pcapng_sections_interfaces_and_times() -> None:
    frame = FRAMES[0]
    nano = option(9, b"\x09") + option(2, b"wan0")
    binary = option(9, b"\x8a", ">") + option(14, struct.pack(">q", 100), ">")
    data = b"".join(
        (
            section("<"),
            interface(1, "<", options=nano),
            enhanced(frame, 1_000_000_007),
            section(">"),
            interface(101, ">"),
            interface(1, ">", options=binary),
            enhanced(ipv4(udp(b"raw")), 2_000_001, 0, ">"),
            block(0x0BAD, b"what nobody knows", ">"),
            obsolete(frame, 3 * 1024 + 512, 1, ">"),
            block(10, struct.pack(">II", SECRETS_TYPE, 3) + b"KEY", ">"),
            section("<"),
            interface(1, "<", snaplen=45),
            simple(frame),
        )
    )
    table = read_capture(data)
    file = table.files[0]
    assert table.time_ns.tolist() == [1_000_000_007, 2_000_001_000, 103_500_000_000, 0]
    assert table.interface.tolist() == [0, 1, 2, 3]
    assert table.frame.tolist() == [1, 2, 4, 5]
    assert (file.packets, file.udp, file.not_udp) == (5, 4, 1)
    assert [i.linktype for i in file.interfaces] == [1, 101, 1, 1]
    assert file.interfaces[0].name == "wan0"
    assert file.linktypes == [1, 101]
    assert file.secrets == [b"KEY"]
    assert file.notes == ["1 simple packet blocks carry no time"]
    assert file.truncated is None


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (enhanced(FRAMES[0], 1, 3), "packet of interface 3, which was not described"),
        (block(6, struct.pack("<IIIII", 0, 0, 0, 400, 400) + bytes(20)), "frame of 400 bytes in a block of 52"),
        (block(1, bytes(4)), "interface description of less than 8 bytes"),
        (interface(1, options=option(9, b"\x7f")), "time resolution 0x7f is finer than 64 bits can count"),
        (struct.pack("<II", 5, 7) + bytes(20), "a block of type 5 and 7 bytes is claimed"),
        (struct.pack("<III", 5, 16, 0) + b"\0\0\0\1", "a block whose two lengths differ"),
        (block(10, struct.pack("<II", 7, 100)), "decryption secrets longer than their block"),
    ],
)
def test_pcapng_damage_is_told_with_its_offset(broken: bytes, said: str) -> None:
    start = section() + interface() + enhanced(FRAMES[0], 1)
    table = read_capture(start + broken + enhanced(FRAMES[1], 2))
    assert len(table) == 1
    assert table.files[0].truncated == f"damaged at byte {len(start)}: {said}"


def test_what_is_behind_the_damage_is_not_taken_in() -> None:
    start = section() + interface() + enhanced(FRAMES[0], 1)
    secret = block(10, struct.pack("<II", SECRETS_TYPE, 3) + b"KEY")
    file = read_capture(
        start + secret + enhanced(FRAMES[0], 1, 3) + secret + interface() + enhanced(FRAMES[1], 2)
    ).files[0]
    assert file.secrets == [b"KEY"]
    assert len(file.interfaces) == 1
    assert file.packets == 1


def test_unreadable_interfaces_beside_readable_ones_are_noted() -> None:
    data = section() + interface() + interface(127) + enhanced(FRAMES[0], 1, 0) + enhanced(FRAMES[0], 2, 1) * 2
    file = read_capture(data).files[0]
    assert (file.packets, file.udp, file.not_udp) == (3, 1, 2)
    assert file.notes == ["2 frames of link type 127 (IEEE 802.11 radiotap), which can't be read, left out"]


def test_modified_pcap_and_frame_check_sequences() -> None:
    checked = pcap([frame + b"FCS!" for frame in FRAMES])
    checked = checked[:20] + struct.pack("<I", 2 << 28 | 1 << 26 | 1) + checked[24:]
    assert read_capture(checked).payloads(range(5)) == read_capture(GOOD).payloads(range(5))
    modified = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    for frame in FRAMES:
        modified += struct.pack("<IIII8x", 1, 2, len(frame), len(frame)) + frame
    assert read_capture(modified).payloads(range(5)) == read_capture(GOOD).payloads(range(5))
