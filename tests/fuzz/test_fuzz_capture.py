"""The fuzz target of the capture reader: its law over the corpus, and a brief coverage-guided run."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.capture import build

from .capture_law import check
from .guided import finds_nothing, needs_atheris

RUNS = (600, pytest.param(2500, marks=pytest.mark.thorough))
TIMEOUT = 300
PING = bytes.fromhex("0304 3412 0b000002 49c2 00")
FIND = bytes.fromhex("1311 3412 0b000002 49c2") + bytes(range(32)) + b"\x03abc"
UDX = bytes.fromhex("ff01 0100 78563412 00000100 00000000 00000000")


def corpus() -> list[bytes]:
    """One small capture of each kind, behind the byte that says where it is divided."""
    body = build.udp(bytes(range(60)))
    packets = [build.ipv4(build.udp(payload)) for payload in (PING, FIND, UDX, b"\x00", b"hello")]
    packets += [build.ipv4(body[:32], ip_id=7, fragment=0x2000), build.ipv4(body[32:], ip_id=7, fragment=4)]
    packets += [build.ipv4(build.udp(PING), options=bytes(4), ttl=ttl) for ttl in (64, 63)]
    six = build.ipv6(bytes((17, 0)) + bytes(6) + build.udp(PING), bytes(15) + b"\1", bytes(15) + b"\2", 60)
    frames = [build.ethernet(packet) for packet in packets] + [
        build.ethernet(six, 0x86DD),
        build.ethernet(packets[0], tags=b"\x81\0\0\1"),
    ]
    cooked = [build.sll2(packets[0], n, 4 * n) for n in (0, 1)] + [
        build.sll2(build.ipv4(build.udp(PING, 7), ttl=63), 2, 4)
    ]
    newer = build.section() + build.interface(options=build.option(9, b"\x09") + build.option(14, bytes(8)))
    newer += build.enhanced(frames[0], 1 << 60) + build.simple(frames[1]) + build.obsolete(frames[2], 5)
    newer += build.block(10, b"LKHP\3\0\0\0KEY") + build.section(">") + build.interface(276, ">")
    newer += b"".join(build.enhanced(frame, n, 0, ">") for n, frame in enumerate(cooked))
    files = [
        build.pcap(frames),
        build.pcap(cooked, 276, ">", nanoseconds=True, snaplen=60),
        build.pcap(packets, 101),
        newer,
    ]
    return [bytes((200,)) + data for data in (*files, gzip.compress(files[1], mtime=0))]


def test_law_holds_for_the_corpus_cut_anywhere() -> None:
    for data in corpus():
        for end in range(1, len(data) + 1, 13):
            check(data[:end])
        check(data)


@pytest.mark.parametrize("runs", RUNS)
@needs_atheris
def test_fuzzer_finds_nothing(runs: int, tmp_path: Path) -> None:
    finds_nothing("fuzz_capture", corpus(), tmp_path, runs=runs, longest=2000, timeout=TIMEOUT)
