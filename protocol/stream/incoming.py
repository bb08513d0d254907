"""What a stream receives: the order of packets, what is missing, and how much more fits.

The window counts bytes that the owner has not taken yet and bytes that came out of order. The packet that is next in
order is taken as long as the owner has left any room at all, even when packets after it fill the window: otherwise
the one packet that would empty it could never come in.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c: process_data_packet, send_ack, get_recv_rwnd).
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum, auto
from typing import Final

RECEIVE_WINDOW: Final = 4 * 1024 * 1024
"""Bytes that a stream keeps for its owner at most, as libudx's UDX_DEFAULT_RWND_MAX."""
MAX_HELD: Final = 8192
"""Packets kept out of order at most, whatever their size."""


class Arrival(Enum):
    """What became of a packet."""

    IN_ORDER = auto()
    OUT_OF_ORDER = auto()
    DUPLICATE = auto()
    NO_ROOM = auto()
    AFTER_END = auto()


class Incoming:
    """The receiving direction.

    Attributes:
        next_seq: number of the packet that is next in order; acknowledged to the peer.
        unread: bytes delivered in order that the owner has not taken.
        limit: bytes that may be unread and out of order together.
    """

    __slots__ = ("_end_seq", "_ends", "_held", "_held_bytes", "_starts", "limit", "next_seq", "unread")

    def __init__(self, seq: int, limit: int) -> None:
        self.next_seq = seq
        self.unread = 0
        self.limit = limit
        self._held: dict[int, bytes] = {}
        self._held_bytes = 0
        self._end_seq: int | None = None
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def window(self) -> int:
        """Bytes that still fit."""
        return max(0, self.limit - self.unread - self._held_bytes)

    @property
    def gaps(self) -> bool:
        """Whether packets wait for one before them."""
        return bool(self._held)

    @property
    def ended(self) -> bool:
        """Whether everything up to the peer's END was taken in."""
        return self._end_seq is not None and self.next_seq > self._end_seq

    def ranges(self) -> list[tuple[int, int]]:
        """What came beyond `next_seq`: first and one past the last of each unbroken run, in order."""
        return list(zip(self._starts, self._ends, strict=True))

    def receive(self, seq: int, data: bytes, end: bool) -> Arrival:
        """Take in a packet; what it puts in order is fetched with `deliver`."""
        if seq < self.next_seq or seq in self._held:
            return Arrival.DUPLICATE
        if self._end_seq is not None and (seq > self._end_seq or (end and seq != self._end_seq)):
            return Arrival.AFTER_END
        if end and self._starts and self._ends[-1] > seq + 1:
            return Arrival.AFTER_END
        if seq == self.next_seq:
            if self.unread >= self.limit and data:
                return Arrival.NO_ROOM
        elif len(data) > self.window or len(self._held) >= MAX_HELD:
            return Arrival.NO_ROOM
        if end:
            self._end_seq = seq
        self._held[seq] = data
        self._held_bytes += len(data)
        if seq == self.next_seq:
            return Arrival.IN_ORDER
        self._note(seq)
        return Arrival.OUT_OF_ORDER

    def deliver(self) -> list[bytes]:
        """The pieces that are in order now and were not handed out before; they count as unread."""
        pieces: list[bytes] = []
        while (data := self._held.pop(self.next_seq, None)) is not None:
            self.next_seq += 1
            if data:
                self._held_bytes -= len(data)
                self.unread += len(data)
                pieces.append(data)
        if self._starts and self._starts[0] <= self.next_seq:
            del self._starts[0], self._ends[0]
        return pieces

    def clear(self) -> None:
        """Forget what waits for a packet that will not come."""
        self._held.clear()
        self._held_bytes = 0
        self._starts.clear()
        self._ends.clear()

    def _note(self, seq: int) -> None:
        """Add one number to the runs."""
        at = bisect_right(self._starts, seq)
        joins_before = at > 0 and self._ends[at - 1] == seq
        joins_after = at < len(self._starts) and self._starts[at] == seq + 1
        if joins_before and joins_after:
            self._ends[at - 1] = self._ends[at]
            del self._starts[at], self._ends[at]
        elif joins_before:
            self._ends[at - 1] = seq + 1
        elif joins_after:
            self._starts[at] = seq
        else:
            self._starts.insert(at, seq)
            self._ends.insert(at, seq + 1)
