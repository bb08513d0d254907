"""Frames of a live source that wait to become rows: the bounded queue between who receives and who owns the table.

Receiving and collecting may run in different threads. What finds no room is counted, never waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from capture.bursts import Arrival, Burst
from capture.capture_file import CaptureFile
from capture.clock_jumps import ClockWatch
from capture.copies_of_new import mark_new_copies
from capture.frames import Frames
from capture.ingest import Ingest
from capture.raw import Raw
from capture.shedding import shed
from capture.table import PacketTable
from capture.window import Window

MAX_WAITING_BYTES: Final = 64 << 20
"""Frames that may wait for `Arrivals.collect`."""


class Arrivals:
    """The way of live frames into a packet table.

    Args:
        file: the source; added to the files of the table.
        table: where rows go.
        room: bytes of frames that may wait.
        clock: looks for jumps of the clock; by default only for those that go back.

    Attributes:
        overflowed: frames for which there was no room.
    """

    def __init__(
        self,
        file: CaptureFile,
        table: PacketTable,
        room: int = MAX_WAITING_BYTES,
        clock: ClockWatch | None = None,
    ) -> None:
        self.table = table
        self.overflowed = 0
        self._file = file
        self._room = room
        self._ingest = Ingest(table, file)
        self._first_row = len(table)
        self._clock = clock or ClockWatch(file)
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._waiting: list[Burst] = []
        self._singles: list[Arrival] = []
        """Those that came behind the last burst."""
        self._waiting_bytes = 0

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows; what is not put together of fragments yet, is lost."""
        self.table = table
        self._first_row = 0
        self._ingest.move(table)

    def put(self, arrivals: Sequence[Arrival]) -> bool:
        """Let frames wait, all or none of them; whether there was room."""
        size = sum(len(arrival.frame) for arrival in arrivals)
        with self._lock:
            taken = self._take(size, len(arrivals))
            if taken:
                self._clock.arrive([arrival.time_ns for arrival in arrivals])
                self._singles += arrivals
        self._arrived.set()
        return taken

    def put_burst(self, burst: Burst) -> bool:
        """Let frames wait, all or none of them; whether there was room."""
        with self._lock:
            taken = self._take(len(burst.content), burst.at.size)
            if taken:
                self._clock.arrive(burst.time_ns)
                self._gather_singles()
                self._waiting.append(burst)
        self._arrived.set()
        return taken

    def _take(self, size: int, frames: int) -> bool:
        taken = self._waiting_bytes + size <= self._room
        if taken:
            self._waiting_bytes += size
        else:
            self.overflowed += frames
            self._file.overflowed += frames
        return taken

    def _gather_singles(self) -> None:
        if self._singles:
            self._waiting.append(Burst.of(self._singles))
            self._singles = []

    def wake(self) -> None:
        """End a `wait` although nothing has arrived."""
        self._arrived.set()

    def wait(self, timeout: float) -> bool:
        """Wait until frames have arrived that were not collected, at most `timeout` seconds; whether there are some."""
        return self._arrived.wait(timeout)

    def collect(self) -> range:
        """Move the frames that wait into the table; the numbers of the new rows."""
        with self._lock:
            self._gather_singles()
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._arrived.clear()
        before = len(self.table)
        if waiting:
            self._add(Burst.joined(waiting))
        return range(before, len(self.table))

    def _add(self, burst: Burst) -> None:
        table = self.table
        raw = Raw(burst.content)
        interface = np.zeros(burst.at.size, np.uint16) if burst.interface is None else burst.interface
        number = np.arange(self._file.packets + 1, self._file.packets + burst.at.size + 1)
        window = Window(raw, burst.at)
        frames = Frames(window, burst.length, burst.wire_length, burst.time_ns, interface, number, burst.direction)
        first_new = len(table)
        fragments = self._file.fragments
        table.segments.append(raw)
        self._ingest.add(len(table.segments) - 1, frames)
        if self._file.fragments == fragments:
            shed(table, first_new)
        back = self._clock.look(table, first_new)
        self._first_row = self._first_row if back is None else back
        mark_new_copies(table, self._file, first_new, self._first_row)
