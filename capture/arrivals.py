"""Frames of a live source that wait to become rows: the bounded queue between who receives and who owns the table.

Receiving and collecting may run in different threads. What finds no room is counted, never waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from capture.capture_file import CaptureFile
from capture.copies_of_new import mark_new_copies
from capture.frames import Frames
from capture.ingest import Ingest
from capture.raw import Raw
from capture.table import PacketTable
from capture.window import Window

MAX_WAITING_BYTES: Final = 64 << 20
"""Frames that may wait for `Arrivals.collect`."""


class Arrival(NamedTuple):
    """One frame, from its link header on."""

    frame: bytes
    time_ns: int
    """Epoch nanoseconds."""
    interface: int = 0
    """Index into the interfaces of the source."""


class Arrivals:
    """The way of live frames into a packet table.

    Args:
        file: the source; added to the files of the table.
        table: where rows go.
        room: bytes of frames that may wait.

    Attributes:
        overflowed: frames for which there was no room.
    """

    def __init__(self, file: CaptureFile, table: PacketTable, room: int = MAX_WAITING_BYTES) -> None:
        self.table = table
        self.overflowed = 0
        self._file = file
        self._room = room
        self._ingest = Ingest(table, file)
        self._first_row = len(table)
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._waiting: list[Arrival] = []
        self._waiting_bytes = 0

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows; what is not put together of fragments yet, is lost."""
        self.table = table
        self._first_row = 0
        self._ingest.move(table)

    def put(self, burst: Sequence[Arrival]) -> bool:
        """Let frames wait, all or none of them; whether there was room."""
        size = sum(len(arrival.frame) for arrival in burst)
        with self._lock:
            taken = self._waiting_bytes + size <= self._room
            if taken:
                self._waiting += burst
                self._waiting_bytes += size
            else:
                self.overflowed += len(burst)
        self._arrived.set()
        return taken

    def wake(self) -> None:
        """End a `wait` although nothing has arrived."""
        self._arrived.set()

    def wait(self, timeout: float) -> bool:
        """Wait until frames have arrived that were not collected, at most `timeout` seconds; whether there are some."""
        return self._arrived.wait(timeout)

    def collect(self) -> range:
        """Move the frames that wait into the table; the numbers of the new rows."""
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._arrived.clear()
        before = len(self.table)
        if waiting:
            self._add(waiting)
        return range(before, len(self.table))

    def _add(self, waiting: list[Arrival]) -> None:
        table = self.table
        length = np.array([len(arrival.frame) for arrival in waiting], np.int64)
        time_ns = np.array([arrival.time_ns for arrival in waiting], np.int64)
        interface = np.array([arrival.interface for arrival in waiting], np.uint16)
        raw = Raw(b"".join(arrival.frame for arrival in waiting))
        size = length.astype(np.uint32)
        window = Window(raw, np.cumsum(length) - length)
        number = np.arange(self._file.packets + 1, self._file.packets + length.size + 1)
        frames = Frames(window, size, size, time_ns, interface, number)
        first_new = len(table)
        table.segments.append(raw)
        self._ingest.add(len(table.segments) - 1, frames)
        mark_new_copies(table, self._file, first_new, self._first_row)
