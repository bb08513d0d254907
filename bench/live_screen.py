"""The inspector on a live source that brings packets at a given rate: run by `bench.inspector` in a terminal.

All of it is the real app; only the network card is made up: a thread hands on the frames of a generated capture when
their time has come, in blocks, as `capture.live` does with those of the kernel's ring. The moment of the first one goes
to a file.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

import numpy as np

from app.live_feed import LiveFeed
from app.tui.app import run_live
from capture.arrivals import Arrivals
from capture.bursts import Burst
from capture.capture_file import CaptureFile
from capture.collector import collector_paused
from capture.errors import LiveError
from capture.frames import Interface
from capture.opening import read_capture
from capture.story import Story
from capture.table import PacketTable

BURST_S = 0.005
"""Seconds between two looks of the thread at the clock."""


class MadeUp:
    """A live source of frames that were read from a file."""

    error: LiveError | None = None

    def __init__(self, table: PacketTable, rate: float, told: Path) -> None:
        self.table = PacketTable()
        self.file = CaptureFile("made up", "live", [Interface(1, "made up")])
        self._arrivals = Arrivals(self.file, self.table)
        frames = [table.frame_bytes(row) for row in range(len(table))]
        self._length = np.array([len(frame) for frame in frames], np.uint32)
        self._at = np.concatenate(([0], np.cumsum(self._length, dtype=np.int64)))
        self._content = b"".join(frames)
        self._rate = rate
        self._told = told
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until something has arrived."""
        return self._arrivals.wait(timeout)

    def collect(self) -> range:
        """Move what has arrived into the table."""
        rows = self._arrivals.collect()
        self.file.dropped = self._arrivals.overflowed
        return rows

    def move(self, table: PacketTable) -> None:
        """Go on in another table."""
        self.table = table
        self._arrivals.move(table)

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self.collect()

    def _run(self) -> None:
        began, began_ns = time.monotonic(), time.time_ns()
        self._told.write_text(repr(began))
        done, total = 0, self._length.size
        while done < total and not self._stopped.wait(BURST_S):
            due = min(total, int((time.monotonic() - began) * self._rate))
            if due > done:
                self._arrivals.put_burst(self._burst(done, due, began_ns))
            done = due

    def _burst(self, first: int, end: int, began_ns: int) -> Burst:
        """Frames in a block, as the kernel's ring hands them on."""
        start = int(self._at[first])
        time_ns = began_ns + (np.arange(first, end) / self._rate * 1e9).astype(np.int64)
        length = self._length[first:end]
        return Burst(self._content[start : int(self._at[end])], self._at[first:end] - start, length, length, time_ns)


def main() -> None:
    """Show the frames of a capture as if they came now."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--rate", type=float, default=10_000.0)
    parser.add_argument("--told", type=Path, required=True)
    args = parser.parse_args()
    source = MadeUp(read_capture(args.path), args.rate, args.told)
    with collector_paused():
        story = Story(source.table)
    source.start()
    run_live(story, LiveFeed(source))


if __name__ == "__main__":
    main()
