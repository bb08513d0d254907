"""The inspector on a live source that brings packets at a given rate: run by `bench.inspector` in a terminal.

All of it is the real app; only the network card is made up: a thread hands on the frames of a generated capture when
their time has come, as `capture.live` does with those of a socket. The moment of the first one goes to a file.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

from app.live_feed import LiveFeed
from app.tui.app import run_live
from capture.arrivals import Arrivals
from capture.bursts import Arrival
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

    def __init__(self, frames: list[bytes], rate: float, told: Path) -> None:
        self.table = PacketTable()
        self.file = CaptureFile("made up", "live", [Interface(1, "made up")])
        self._arrivals = Arrivals(self.file, self.table)
        self._frames = frames
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

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self.collect()

    def _run(self) -> None:
        began, began_ns = time.monotonic(), time.time_ns()
        self._told.write_text(repr(began))
        done = 0
        while done < len(self._frames) and not self._stopped.wait(BURST_S):
            due = min(len(self._frames), int((time.monotonic() - began) * self._rate))
            self._arrivals.put(
                [Arrival(self._frames[n], began_ns + int(n / self._rate * 1e9)) for n in range(done, due)]
            )
            done = due


def main() -> None:
    """Show the frames of a capture as if they came now."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--rate", type=float, default=10_000.0)
    parser.add_argument("--told", type=Path, required=True)
    args = parser.parse_args()
    table = read_capture(args.path)
    frames = [table.frame_bytes(row) for row in range(len(table))]
    del table
    source = MadeUp(frames, args.rate, args.told)
    with collector_paused():
        story = Story(source.table)
    source.start()
    run_live(story, LiveFeed(source))


if __name__ == "__main__":
    main()
