"""Running the command line inside a test, and small captures to feed it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import app
from app.cli import main

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
PUNCHED = str(LAB / "consistent-consistent" / "wan.pcap.gz")
RANDOM = str(LAB / "random-random" / "client.pcap.gz")

SAMPLE = Path(app.__file__).parent / "samples" / "tour.pcapng"
"""The capture that comes with the program."""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: status, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(status), out, err

    return call


def pcap(*frames: bytes, link: int = 1) -> bytes:
    """A little-endian pcap file, frames a second apart."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    records = (struct.pack("<IIII", 1_700_000_000 + i, 0, len(f), len(f)) + f for i, f in enumerate(frames))
    return head + b"".join(records)


def udp_frame(payload: bytes) -> bytes:
    """An Ethernet frame with a UDP datagram over IPv4."""
    udp = struct.pack(">HHHH", 4000, 53, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return b"\2\0\0\0\0\1" + b"\2\0\0\0\0\2" + b"\x08\0" + ip + udp
