"""Frame numbers, times, addresses, TTLs and payload bytes are those that tshark reads, on every capture fixture."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from capture.opening import open_captures

FIXTURES = Path(__file__).parents[1] / "fixtures"
CAPTURES = sorted(p for p in FIXTURES.rglob("*") if ".pcap" in p.name)
TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed: nothing to compare with")

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


def tshark_rows(path: Path) -> list[tuple[object, ...]]:
    command = [str(TSHARK), "-n", "-r", str(path), "-Y", "udp && !icmp && !icmpv6", "-T", "fields"]
    # Wireshark's own dissectors for other protocols would only cost time.
    command += ["-E", "occurrence=l"]
    for name in FIELDS:
        command += ["-e", name]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = []
    for line in out.splitlines():
        number, time, src4, dst4, src6, dst6, sport, dport, ttl, hops, payload = line.split("\t")
        seconds, fraction = time.split(".")
        time_ns = int(seconds) * 10**9 + int(fraction.ljust(9, "0"))
        ends = (src4 or src6, int(sport), dst4 or dst6, int(dport))
        rows.append((int(number), time_ns, *ends, int(ttl or hops), payload.replace(":", "")))
    return rows


def our_rows(path: Path) -> list[tuple[object, ...]]:
    table = open_captures([str(path)])
    payloads = table.payloads(range(len(table)))
    return [
        (
            int(table.frame[row]),
            int(table.time_ns[row]),
            *table.source(row),
            *table.destination(row),
            int(table.ttl[row]),
            payload.hex(),
        )
        for row, payload in enumerate(payloads)
    ]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda p: str(p.relative_to(FIXTURES)))
def test_every_frame_of_every_fixture(path: Path) -> None:
    assert our_rows(path) == tshark_rows(path)


def test_there_are_fixtures() -> None:
    assert CAPTURES
