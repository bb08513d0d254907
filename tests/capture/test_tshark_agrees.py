"""Frame numbers, times, addresses, TTLs and payload bytes are those that tshark reads, on every capture fixture."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from capture.opening import open_captures
from capture.table import PacketTable
from tests.capture.build import (
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    obsolete,
    option,
    pcap,
    section,
    sll2,
    udp,
)
from tests.needs import need_tools

FIXTURES = Path(__file__).parents[1] / "fixtures"
CAPTURES = sorted(path for path in FIXTURES.rglob("*") if ".pcap" in path.name)
BATCHES = {
    f"{part[0].relative_to(FIXTURES)} to {part[-1].relative_to(FIXTURES)}": part
    for part in (CAPTURES[start : start + 32] for start in range(0, len(CAPTURES), 32))
}
"""So many at once, because starting tshark takes longer than reading most of them."""
TSHARK, MERGECAP = shutil.which("tshark"), shutil.which("mergecap")


@pytest.fixture(autouse=True)
def others() -> None:
    """There is somebody to compare with."""
    need_tools("tshark", "mergecap")


FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "udp.srcport",
    "udp.dstport",
    "ip.ttl",
    "ipv6.hlim",
    "udp.payload",
)


Row = tuple[object, ...]


def tshark_rows(paths: list[Path]) -> list[Row]:
    """What tshark reads in the files, one appended to the other: starting it once for each would take minutes."""
    fields = [word for name in FIELDS for word in ("-e", name)]
    command = [
        str(TSHARK),
        "-n",
        "-r",
        "-",
        "-Y",
        "udp && !icmp && !icmpv6",
        "-T",
        "fields",
        "-E",
        "occurrence=l",
        *fields,
    ]
    if len(paths) == 1:
        command[3] = str(paths[0])
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    else:
        with subprocess.Popen([str(MERGECAP), "-a", "-w", "-", *map(str, paths)], stdout=subprocess.PIPE) as merge:
            out = subprocess.run(command, stdin=merge.stdout, check=True, capture_output=True, text=True).stdout
    rows: list[Row] = []
    for line in out.splitlines():
        number, time, src4, dst4, src6, dst6, sport, dport, ttl, hops, payload = line.split("\t")
        seconds, fraction = time.split(".")
        time_ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        ends = (src4 or src6, int(sport), dst4 or dst6, int(dport))
        rows.append((int(number), time_ns, *ends, int(ttl or hops), payload.replace(":", "")))
    return rows


def our_rows(table: PacketTable, before: int) -> list[Row]:
    """Our rows of one file, when `before` frames are in the files before it."""
    payloads = table.payloads(range(len(table)))
    return [
        (
            before + int(table.frame[row]),
            int(table.time_ns[row]),
            *table.source(row),
            *table.destination(row),
            int(table.ttl[row]),
            payload.hex(),
        )
        for row, payload in enumerate(payloads)
    ]


@pytest.mark.parametrize("batch", BATCHES)
def test_every_frame_of_every_fixture(batch: str) -> None:
    ours: list[Row] = []
    before = 0
    for path in BATCHES[batch]:
        table = open_captures([str(path)])
        assert table.files[0].truncated is None
        ours += our_rows(table, before)
        before += table.files[0].packets
    theirs = tshark_rows(BATCHES[batch])
    assert len(ours) == len(theirs)
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("fe80" + "00" * 13 + "02")


def zoo() -> dict[str, bytes]:
    """Containers, link types and headers that the fixtures have not."""
    body = udp(bytes(range(0x20, 0x80)) * 2)
    hop_by_hop = b"\x3c\0\x01\x04\0\0\0\0"
    six = ipv6(hop_by_hop + b"\x11\0\x01\x04\0\0\0\0" + udp(b"extended"), A6, B6, 0)
    piece = [
        ipv6(bytes((17, 0, 0, 1)) + b"id06" + body[:96], A6, B6, 44),
        ipv6(b"\x11\0\0\x60id06" + body[96:], A6, B6, 44),
    ]
    four = [ipv4(udp(b"options"), options=b"\x94\x04\0\0"), ipv4(udp(b"plain"), ttl=5), ipv4(b"tcp?", protocol=6)]
    four += [ipv4(body[:96], ip_id=7, fragment=0x2000), ipv4(udp(b"between")), ipv4(body[96:], ip_id=7, fragment=12)]
    four += [ipv4(body[64:], ip_id=8, fragment=8), ipv4(body[:64], ip_id=8, fragment=0x2000)]
    tags = [b"", b"\x81\0\0\x05", b"\x88\xa8\0\1\x81\0\0\2"]
    wired = [ethernet(packet, tags=tag) for packet in four for tag in tags]
    wired += [ethernet(packet, 0x86DD, tag) for packet in (six, ipv6(udp(b"six"), A6, B6)) for tag in tags]
    wired += [ethernet(packet, 0x86DD) for packet in piece]
    null = [b"\2\0\0\0" + packet for packet in four] + [b"\x1e\0\0\0" + six]
    sll = [b"\0\0\0\1\0\6SSSSSS\0\0\x08\0" + packet for packet in four]
    newer = section(">") + interface(1, ">", options=option(9, b"\x09", ">") + option(14, struct.pack(">q", 1000), ">"))
    newer += b"".join(enhanced(frame, 1_600_000_000 * 10**9 + n, 0, ">") for n, frame in enumerate(wired))
    newer += section("<") + interface(276, "<", options=option(9, b"\x94"))
    newer += b"".join(enhanced(sll2(packet), (1_700_000_000 << 20) + n) for n, packet in enumerate(four))
    newer += block(0x0BAD, b"\0\0\x12\x34custom") + interface(101, "<") + obsolete(four[1], 1_700_000_000 * 10**6, 1)
    return {
        "big-endian.pcap": pcap(wired, 1, ">"),
        "nanoseconds.pcap": pcap(
            [(1_700_000_000_123_456_789 + n, frame) for n, frame in enumerate(wired)], 1, "<", True
        ),
        "short.pcap": pcap(wired[:-2], 1, snaplen=90),
        "null.pcap": pcap(null, 0),
        "loop.pcap": pcap([frame[3::-1] + frame[4:] for frame in null], 108),
        "sll.pcap": pcap(sll, 113),
        "raw.pcap": pcap([*four, six], 101),
        "ipv4.pcap": pcap(four, 228),
        "sections.pcapng": newer,
        "compressed.pcap.gz": gzip.compress(pcap(wired)),
    }


@pytest.mark.parametrize("name", zoo())
def test_every_frame_of_the_zoo(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(zoo()[name])
    ours = our_rows(open_captures([str(path)]), 0)
    assert len(ours) > 3
    assert ours == tshark_rows([path])


def test_there_are_fixtures() -> None:
    assert CAPTURES
