"""Readers of values on the command line: each gives the value, or a complaint that says what is allowed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Final

from capture.disk_ring.bounds import Bounds, read_bound


def _whole(complaint: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between two bounds, which says `complaint` of anything else."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(complaint)
        return int(text)

    return read


_UNBOUNDED: Final = (1 << 64) - 1
kept_packets = _whole("a number of packets to keep is 0 for all, or a number up to 100000000", 0, 100_000_000)
port = _whole("a port is a number from 0 to 65535", 0, 65535)
round_number = _whole("a round is a number from 0", 0, _UNBOUNDED)
text_width = _whole("a width is a number from 80 to 1000", 80, 1000)
story_number = _whole("a seed is a number from 0", 0, _UNBOUNDED)
stream_bytes = _whole("a number of bytes from 1", 1, _UNBOUNDED)
network_size = _whole("a network has 4 to 200 nodes", 4, 200)


def speed(text: str) -> float:
    """How many times as fast."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 100:
        raise argparse.ArgumentTypeError("a speed is a number from 0.1 to 100")
    return speed


def clock_offset(text: str) -> tuple[str, float]:
    """A file and by how many seconds its clock is ahead: ``FILE=SECONDS``."""
    path, _, number = text.rpartition("=")
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not path or not abs(seconds) < 1e9:
        raise argparse.ArgumentTypeError("an offset is written FILE=SECONDS, as server.pcap=-0.25")
    return path, seconds


def ring_bound(text: str) -> Bounds:
    """When a capture goes on in another file, or how many are kept."""
    try:
        return read_bound(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def duration(text: str) -> float:
    """Seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("a duration is a positive number of seconds")
    return seconds
