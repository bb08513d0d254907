"""Frames of a live source that came together, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from capture.arrays import I64, U8, U16, U32


class Arrival(NamedTuple):
    """One frame, from its link header on."""

    frame: bytes
    time_ns: int
    """Epoch nanoseconds."""
    interface: int = 0
    """Index into the interfaces of the source."""
    direction: int = 0
    """Which way it passed, as `capture.direction.Passage`; 0: nothing tells."""


class Burst(NamedTuple):
    """Frames in the order in which they came; all columns have the same length."""

    content: bytes
    """The frames, and perhaps other things between them."""
    at: I64
    """Where each frame starts, at its link header."""
    length: U32
    """Bytes captured."""
    wire_length: U32
    time_ns: I64
    """Epoch nanoseconds."""
    interface: U16 | None = None
    """Index into the interfaces of the source; None: all came from the first."""
    direction: U8 | None = None
    """Which way they passed, as `capture.direction.Passage`; None: nothing tells."""

    @classmethod
    def of(cls, arrivals: Sequence[Arrival]) -> Burst:
        """Frames that came one by one."""
        length = np.array([len(arrival.frame) for arrival in arrivals], np.uint32)
        at = np.cumsum(length, dtype=np.int64) - length
        time_ns = np.array([arrival.time_ns for arrival in arrivals], np.int64)
        interface = np.array([arrival.interface for arrival in arrivals], np.uint16)
        direction = np.array([arrival.direction for arrival in arrivals], np.uint8)
        return cls(b"".join(arrival.frame for arrival in arrivals), at, length, length, time_ns, interface, direction)

    @classmethod
    def joined(cls, bursts: Sequence[Burst]) -> Burst:
        """Several as one."""
        if len(bursts) == 1:
            return bursts[0]
        starts = np.cumsum([0, *(len(burst.content) for burst in bursts[:-1])])
        interfaces = [
            np.zeros(burst.at.size, np.uint16) if burst.interface is None else burst.interface for burst in bursts
        ]
        directions = [
            np.zeros(burst.at.size, np.uint8) if burst.direction is None else burst.direction for burst in bursts
        ]
        return cls(
            b"".join(burst.content for burst in bursts),
            np.concatenate([burst.at + start for burst, start in zip(bursts, starts, strict=True)]),
            np.concatenate([burst.length for burst in bursts]),
            np.concatenate([burst.wire_length for burst in bursts]),
            np.concatenate([burst.time_ns for burst in bursts]),
            np.concatenate(interfaces),
            np.concatenate(directions),
        )
