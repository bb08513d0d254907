"""Clocks that jump in the middle of a live capture: set by hand or by NTP, or stopped while the machine slept.

Packets stay in the order in which they came, with the times that they were given. What a jump changes is how much time
lies between two of them, and that is all that this module tells.

- Back: packets of one source are stamped in order, but for a few milliseconds, so a time well below the newest one
  shows it, whoever captured.
- Forward: that may as well be silence. Where packets come as they are stamped, the steady clock of this process tells
  how much time went by; a machine that slept counts as a jump, too, as the steady clock stood still.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from capture.arrays import I64

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile
    from capture.table import PacketTable

LEAST_NS: Final = 2_000_000_000
"""Smaller jumps are not told from packets out of order, or late; nothing waits for less."""
KEPT: Final = 64
"""Jumps of one source that are remembered, the newest."""
NOTED: Final = 8
"""Jumps of one source that get a note of their own."""
_S: Final = 1_000_000_000


class Jump(NamedTuple):
    """The clock of a source jumped just before one of its packets."""

    frame: int
    """Number of that packet in its source."""
    before_ns: int
    """What the clock would have said there without the jump."""
    after_ns: int
    """What it said."""

    @property
    def says(self) -> str:
        """A sentence on it."""
        seconds = (self.after_ns - self.before_ns) / _S
        way = "back" if seconds < 0 else "forward"
        return f"the clock jumped {way} by {_in_words(abs(seconds))} before packet {self.frame}"


class ClockWatch:
    """Looks for jumps in what one source brings.

    Args:
        file: the source; learns of jumps.
        steady: seconds that only ever go on; None where packets do not come as they are stamped.
        wall: epoch seconds by the clock that stamps, where `steady` is given.
    """

    def __init__(
        self,
        file: CaptureFile,
        steady: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.notes: list[str] = []
        """What was said of jumps among the notes of the file."""
        self._file = file
        self._steady = steady
        self._newest_ns = 0
        self._count = 0
        self._ahead_ns = 0 if steady is None else _ns(wall()) - _ns(steady())
        """By how much the clock is ahead of the steady one."""
        self._latest_ns = 0
        """Time of the packet that arrived last."""
        self._lock = threading.Lock()
        self._forward: list[tuple[int, int]] = []
        """Time of the first packet behind a jump forward, and its size; found, and not told of yet."""

    def arrive(self, times_ns: I64 | Sequence[int]) -> None:
        """Packets come now, and are stamped with these times; to be called by who receives them."""
        if self._steady is None or not len(times_ns):
            return
        time_ns = np.asarray(times_ns, np.int64)
        passed_ns = _ns(self._steady())
        size = int(time_ns[-1]) - passed_ns - self._ahead_ns
        if size > LEAST_NS:
            first = int(np.argmax(time_ns > passed_ns + self._ahead_ns + LEAST_NS))
            with self._lock:
                self._forward.append((int(time_ns[first]), size))
        # A time that lies behind what the steady clock says may just have come late, unless it went back.
        if size > 0 or int(time_ns[-1]) < self._latest_ns - LEAST_NS:
            self._ahead_ns += size
        self._latest_ns = int(time_ns[-1])

    def look(self, table: PacketTable, first: int) -> int | None:
        """Look at new rows.

        Args:
            table: where they are.
            first: the first of them.

        Returns:
            The first row behind the last jump back in them; None if there is none.
        """
        times = table.time_ns[first:]
        if not times.size:
            return None
        with self._lock:
            forward, self._forward = self._forward, []
        for time_ns, size in forward:
            later = np.flatnonzero(times >= time_ns)
            if later.size:
                row = first + int(later[0])
                self._tell(Jump(int(table.frame[row]), int(times[later[0]]) - size, int(times[later[0]])))
            else:
                with self._lock:
                    self._forward.append((time_ns, size))  # no packet of that time has a row yet
        before = np.concatenate(([self._newest_ns], times[:-1]))
        places = np.flatnonzero(times < before - LEAST_NS)
        self._newest_ns = int(times[-1])
        for place in places[-KEPT:].tolist():
            self._tell(Jump(int(table.frame[first + place]), int(before[place]), int(times[place])))
        return first + int(places[-1]) if places.size else None

    def _tell(self, jump: Jump) -> None:
        self._count += 1
        self._file.jumps = (*self._file.jumps, jump)[-KEPT:]
        if self._count <= NOTED:
            more = "; further jumps are not noted" if self._count == NOTED else ""
            self.notes.append(f"{self._file.path}: {jump.says}{more}")
            self._file.notes.append(self.notes[-1])


def passed(jumps: Sequence[Jump], then: float, now: float) -> float:
    """Seconds between two readings of a clock, the jumps between them taken out.

    Where it went back, it shows the same time twice: `then` is taken to be the later one, unless that is yet to come.

    Args:
        jumps: of that clock, in order.
        then: epoch seconds, earlier.
        now: epoch seconds, behind all jumps.
    """
    seconds = 0.0
    for jump in reversed(jumps):
        after = jump.after_ns / _S
        if after <= then <= now:
            break
        seconds += max(0.0, now - after)
        now = jump.before_ns / _S
    return seconds + now - then


def steady_times(table: PacketTable, rows: int) -> tuple[I64, bool]:
    """Times of the first rows of a table as if no clock had gone back, and whether one did."""
    times = table.time_ns[:rows]
    if bool((times[1:] >= times[:-1] - LEAST_NS).all()):
        return times, False
    steady = times.copy()
    files = table.file[:rows]
    for number in range(len(table.files)):
        places = np.flatnonzero(files == number)
        own = times[places]
        steps = np.diff(own)
        steady[places[1:]] += np.cumsum(np.where(steps < -LEAST_NS, -steps, 0))
    return steady, bool((steady != times).any())


def _ns(seconds: float) -> int:
    return round(seconds * _S)


def _in_words(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
