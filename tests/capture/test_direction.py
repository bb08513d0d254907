"""Which way packets passed: as link headers, pcapng flags and packet sockets tell it, and as tshark reads it."""

from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path

import pytest

from capture.direction import Direction, Passage, direction_of
from capture.filter import parse_filter
from capture.links import SLL, SLL2
from capture.opening import read_capture
from capture.pcapng_writer import write_pcapng
from capture.recording.writing import write_recording
from capture.story import Story
from capture.table import PacketTable
from capture.tap import Tap
from protocol.messages import Address
from tests.capture.build import enhanced, ethernet, interface, ipv4, option, pcap, section, sll2, udp
from tests.needs import need_tools

IN, OUT = Passage.INBOUND, Passage.OUTBOUND
BY_TYPE = [IN | Passage.UNICAST, IN | Passage.BROADCAST, IN | Passage.MULTICAST, IN | Passage.PROMISCUOUS, OUT, 0, 0]
PACKET = ipv4(udp(b"\x00"))


def sll(packet: bytes, kind: int) -> bytes:
    return struct.pack(">HHH8sH", kind, 1, 6, b"SSSSSS", 0x0800) + packet


def flagged(*flags: int, order: str = "<", before: bytes = b"") -> bytes:
    """A pcapng with a frame for each flags word."""
    blocks = [section(order), interface(1, order)]
    for number, word in enumerate(flags):
        options = before + option(2, struct.pack(order + "I", word), order) + option(0, b"", order)
        blocks.append(enhanced(ethernet(PACKET), number, order=order, options=options))
    return b"".join(blocks)


def directions(table: PacketTable) -> list[int]:
    found: list[int] = table.direction.tolist()
    return found


def test_the_bits_in_words() -> None:
    assert [direction_of(bits) for bits in BY_TYPE] == [Direction.IN] * 3 + [
        Direction.PASSING,
        Direction.OUT,
        None,
        None,
    ]
    assert direction_of(IN) is Direction.IN
    assert direction_of(Passage.PROMISCUOUS) is None
    assert direction_of(3) is None, "no direction that there is"


@pytest.mark.parametrize("linktype", [SLL, SLL2])
def test_cooked_link_headers_tell(linktype: int) -> None:
    frames = [sll(PACKET, kind) if linktype == SLL else sll2(PACKET, 2, kind) for kind in range(7)]
    assert directions(read_capture(pcap(frames, linktype))) == BY_TYPE


def test_a_packet_type_beyond_a_byte_tells_nothing() -> None:
    assert directions(read_capture(pcap([sll(PACKET, 0x0104)], SLL))) == [0]


def test_ethernet_alone_tells_nothing() -> None:
    assert directions(read_capture(pcap([ethernet(PACKET)]))) == [0]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [0, 1, 31])
def test_flags_of_pcapng_blocks_are_read(order: str, before: int) -> None:
    """Frame check sequence lengths and link errors, the other bits of the word, are no direction."""
    noise = 0xFF00_01E0
    others = option(1, b"said", order) * before
    content = flagged(1, 2, 5, 17, 2 | noise, noise, order=order, before=others)
    assert directions(read_capture(content)) == [1, 2, 5, 17, 2, 0]


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\0\0\0\0"])
def test_flags_of_another_length_are_none(value: bytes) -> None:
    content = section() + interface() + enhanced(ethernet(PACKET), 1, options=option(2, value))
    assert directions(read_capture(content)) == [0]


def test_flags_come_before_what_the_link_header_says() -> None:
    options = option(2, struct.pack("<I", 2))
    content = section() + interface(SLL2) + enhanced(sll2(PACKET, 2, 0), 1, options=options)
    content += enhanced(sll2(PACKET, 2, 0), 2)
    assert directions(read_capture(content)) == [OUT, IN | Passage.UNICAST]


def test_they_are_written_and_read_again() -> None:
    table = read_capture(flagged(1, 2, 17, 0))
    stream = io.BytesIO()
    write_pcapng(stream, table, range(4), comments={1: "a word"})
    again = read_capture(stream.getvalue())
    assert directions(again) == [1, 2, 17, 0]
    assert again.files[0].said is not None
    recording = io.BytesIO()
    write_recording(recording, table)
    assert directions(read_capture(recording.getvalue())) == [1, 2, 17, 0]


def test_a_recording_of_what_tells_nothing_has_no_column_for_it() -> None:
    recording = io.BytesIO()
    write_recording(recording, read_capture(flagged(0, 0)))
    assert b"directions" not in recording.getvalue()


def test_both_pieces_of_a_fragmented_datagram_are_written_with_it() -> None:
    body = udp(bytes(64))
    options = option(2, struct.pack("<I", 2))
    frames = [ethernet(ipv4(body[:32], ip_id=7, fragment=0x2000)), ethernet(ipv4(body[32:], ip_id=7, fragment=4))]
    table = read_capture(section() + interface() + b"".join(enhanced(frame, 1, options=options) for frame in frames))
    stream = io.BytesIO()
    assert write_pcapng(stream, table, [0]) == 2
    assert stream.getvalue().count(options) == 2


def test_a_node_of_ours_knows_what_it_sent() -> None:
    tap = Tap()
    here, there = Address("10.0.0.1", 1), Address("10.0.0.2", 2)
    for number, outgoing in enumerate((True, False)):
        tap.take((number, outgoing, here, there, 64, b"\x00", 0))
    tap.collect()
    assert directions(tap.table) == [OUT, IN]


def test_filters_ask_for_it(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(flagged(1, 2, 17, 0))
    story = Story.open([str(path)])

    def rows(text: str) -> list[bool]:
        found: list[bool] = parse_filter(text).on(story).rows().tolist()
        return found

    assert rows("dir == in") == [True, False, False, False]
    assert rows("dir == out") == [False, True, False, False]
    assert rows("frame.p2p_dir == passing") == [False, False, True, False]
    assert rows("dir == none") == [False, False, False, True]


def test_tshark_reads_the_same(tmp_path: Path) -> None:
    need_tools("tshark")
    cooked = b"".join(enhanced(sll2(PACKET, 2, kind), 9, interface=1) for kind in range(5))
    table = read_capture(
        section()
        + interface()
        + interface(SLL2)
        + flagged(1, 2, 5, 9, 13, 17, 0)[len(section() + interface()) :]
        + cooked
    )
    path = tmp_path / "written.pcapng"
    with path.open("wb") as stream:
        write_pcapng(stream, table, range(len(table)))
    names = ("frame.p2p_dir", "frame.packet_flags_direction", "frame.packet_flags_reception_type", "sll.pkttype")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(word for name in names for word in ("-e", name))]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    bits = directions(table)
    assert len(rows) == len(bits) == 12
    sent = {"": None, "0": Direction.OUT, "1": Direction.IN}
    for row, word in zip(rows, bits, strict=True):
        ours = direction_of(word)
        assert sent[row[0]] == (Direction.IN if ours is Direction.PASSING else ours), row
        assert (int(row[1] or "0", 0), int(row[2] or "0", 0)) == (word & 3, word >> 2), row
    assert [row[3] for row in rows[7:]] == ["0", "1", "2", "3", "4"]
