"""The fuzz target of the capture reader: its law over the corpus, and a brief coverage-guided run."""

from __future__ import annotations

import gzip
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

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
    simple,
    sll2,
    udp,
)

from .capture_law import check

ROOT = Path(__file__).parent.parent.parent
RUNS = 2500
TIMEOUT = 300
PING = bytes.fromhex("0304 3412 0b000002 49c2 00")
FIND = bytes.fromhex("1311 3412 0b000002 49c2") + bytes(range(32)) + b"\x03abc"
UDX = bytes.fromhex("ff01 0100 78563412 00000100 00000000 00000000")


def corpus() -> list[bytes]:
    """One small capture of each kind, behind the byte that says where it is divided."""
    body = udp(bytes(range(60)))
    packets = [ipv4(udp(payload)) for payload in (PING, FIND, UDX, b"\x00", b"hello")]
    packets += [ipv4(body[:32], ip_id=7, fragment=0x2000), ipv4(body[32:], ip_id=7, fragment=4)]
    packets += [ipv4(udp(PING), options=bytes(4), ttl=ttl) for ttl in (64, 63)]
    six = ipv6(bytes((17, 0)) + bytes(6) + udp(PING), bytes(15) + b"\1", bytes(15) + b"\2", 60)
    frames = [ethernet(packet) for packet in packets] + [
        ethernet(six, 0x86DD),
        ethernet(packets[0], tags=b"\x81\0\0\1"),
    ]
    cooked = [sll2(packets[0], n, 4 * n) for n in (0, 1)] + [sll2(ipv4(udp(PING, 7), ttl=63), 2, 4)]
    newer = section() + interface(options=option(9, b"\x09") + option(14, bytes(8)))
    newer += enhanced(frames[0], 1 << 60) + simple(frames[1]) + obsolete(frames[2], 5)
    newer += block(10, b"PEEP\3\0\0\0KEY") + section(">") + interface(276, ">")
    newer += b"".join(enhanced(frame, n, 0, ">") for n, frame in enumerate(cooked))
    files = [pcap(frames), pcap(cooked, 276, ">", nanoseconds=True, snaplen=60), pcap(packets, 101), newer]
    return [bytes((200,)) + data for data in (*files, gzip.compress(files[1], mtime=0))]


def test_law_holds_for_the_corpus_cut_anywhere() -> None:
    for data in corpus():
        for end in range(1, len(data) + 1, 13):
            check(data[:end])
        check(data)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install '.[fuzz]'")
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    seeds = tmp_path / "corpus"
    seeds.mkdir()
    for number, data in enumerate(corpus()):
        (seeds / str(number)).write_bytes(data)
    arguments = [f"-runs={RUNS}", "-seed=1", "-max_len=2000", f"-artifact_prefix={tmp_path}/", str(seeds)]
    result = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzz_capture", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    assert f"Done {RUNS} runs" in result.stderr
