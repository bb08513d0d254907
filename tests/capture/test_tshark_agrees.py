"""Frame numbers, times, addresses, TTLs and payload bytes are those that tshark reads, on every capture fixture."""

from __future__ import annotations

import shutil
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from capture.opening import open_captures
from capture.table import PacketTable

FIXTURES = Path(__file__).parents[1] / "fixtures"
CAPTURES = sorted(path for path in FIXTURES.rglob("*") if ".pcap" in path.name)
FOLDERS = {folder: list(paths) for folder, paths in groupby(CAPTURES, key=lambda path: path.parent)}
TSHARK, MERGECAP = shutil.which("tshark"), shutil.which("mergecap")

pytestmark = pytest.mark.skipif(
    TSHARK is None or MERGECAP is None, reason="tshark and mergecap are not installed: nothing to compare with"
)

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


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(FIXTURES)))
def test_every_frame_of_every_fixture(folder: Path) -> None:
    ours: list[Row] = []
    before = 0
    for path in FOLDERS[folder]:
        table = open_captures([str(path)])
        assert table.files[0].truncated is None
        ours += our_rows(table, before)
        before += table.files[0].packets
    theirs = tshark_rows(FOLDERS[folder])
    assert len(ours) == len(theirs)
    assert [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]] == []


def test_there_are_fixtures() -> None:
    assert CAPTURES
