"""What sensors publish as a live source: each of their sources is one of several, which may turn up at any time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from capture.capture_file import CaptureFile
from capture.copies_of_new import mark_new_copies
from capture.errors import LiveError
from capture.frames import CHUNK
from capture.growing.capture import EndedError
from capture.ingest import Ingest
from capture.sensors.bus import Bus
from capture.sensors.receiving import Receiver
from capture.sensors.stream_reader import Delivered, Since, StreamReader
from capture.sensors.vantage import Vantage
from capture.several.sources import SeveralSources
from capture.table import PacketTable
from capture.ways_of_capture import Way

BUDGET: Final = 0.05
"""Seconds that one look at what came may take; the rest waits for the next."""
LEAVE_WITHIN: Final = 1.0
"""Seconds that what waits may take at the end."""
SAY_AGAIN: Final = 1.0
"""Seconds between two looks at what is to be said of sensors."""


class VantageSource:
    """One source of a sensor, as rows of a table of its own (`capture.live.LiveSource`)."""

    error: LiveError | None = None
    """Never: it may always go on."""
    way: str = Way.NATS
    promiscuous: bool | None = None

    def __init__(self, vantage: Vantage) -> None:
        self.table = PacketTable()
        self.file = vantage.file
        self._vantage = vantage
        self._ingest = Ingest(self.table, self.file)
        self._first_row = 0

    def wait(self, timeout: float) -> bool:  # noqa: ARG002
        """Whether something waits; nothing comes by itself."""
        return bool(self._vantage.waiting)

    def collect(self) -> range:
        """Move what has come into the table; the numbers of the new rows."""
        table, before = self.table, len(self.table)
        waiting = self._vantage.take()
        if waiting is not None:
            frames = waiting.frames()
            table.segments.append(frames.window.raw)
            for low in range(0, frames.number.size, CHUNK):
                rows = np.arange(low, min(low + CHUNK, frames.number.size))
                self._ingest.add(len(table.segments) - 1, frames.pick(rows))
            mark_new_copies(table, self.file, before, self._first_row)
        return range(before, len(table))

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        self.table = table
        self._first_row = 0
        self._ingest.move(table)

    def stop(self) -> None:
        """Collect what is left."""
        self.collect()


class SensorSource(SeveralSources):
    """What sensors publish in a stream, from `start` to `stop`.

    Args:
        bus: which stream.
        since: where to begin.
        until_now: whether to end with what was there at the start.
        now: seconds that only go on.
    """

    way: str = Way.NATS
    promiscuous: bool | None = None

    def __init__(
        self, bus: Bus, since: Since, *, until_now: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__([], now=now)
        self.receiver = Receiver(bus.stream, from_start=since.everything)
        self._bus = bus
        self._reader = StreamReader(bus, since, until_now=until_now)
        self._pending: deque[Delivered] = deque()
        self._said_at = 0.0
        self._over = False

    def start(self) -> None:
        """Connect, and begin to read.

        Raises:
            BusError: that can't be done.
        """
        self._reader.start()

    def __enter__(self) -> SensorSource:
        self.start()
        return self

    @property
    def file(self) -> CaptureFile:
        """The stream, and the losses of all sensors."""
        file = super().file
        file.path = self._bus.name
        return file

    @property
    def remarks(self) -> list[str]:
        """What is to be said of the stream and of each sensor, one sentence each."""
        of_sensors = [f"{file.path}: {note}" for file in self.table.files for note in file.notes]
        return [f"{self._bus.name}: {one}" for one in self._of_stream()] + of_sensors

    @property
    def trouble(self) -> str:
        """Why nothing comes at the moment; empty while it does."""
        trouble = self._reader.trouble
        return "" if trouble is None else f"{self._bus.server}: {trouble}; trying again"

    @property
    def error(self) -> LiveError | None:
        """That all has been read that was asked for; a connection that goes ends nothing."""
        over = self._reader.ended and not self._pending and not any(one.held for one in self._staged)
        return EndedError(self._bus.name, "has been read") if over and self._over else None

    def wait(self, timeout: float) -> bool:
        """Wait until something has come, at most `timeout` seconds; whether it has."""
        return bool(self._pending) or self._reader.wait(timeout)

    def collect(self) -> range:
        """Move what has come into the table; the numbers of the new rows."""
        self._receive()
        return super().collect()

    def move(self, table: PacketTable) -> None:
        """Go on in another table; see `capture.retention`."""
        # A sensor may have turned up while that was made.
        table.files += [one.source.file for one in self._staged[len(table.files) :]]
        super().move(table)

    def stop(self) -> None:
        """End it and collect what is left, or some of it if that is much: it is in the stream. May be called again."""
        self._reader.stop()
        until = time.perf_counter() + LEAVE_WITHIN
        while (self._pending or self._reader.waits) and time.perf_counter() < until:
            self._receive()
        self.receiver.finish()
        self._say()
        super().stop()

    def _receive(self) -> None:
        reader, receiver = self._reader, self.receiver
        ended = reader.ended
        if not self._pending:
            self._pending.extend(reader.take())
        until = time.perf_counter() + BUDGET
        while self._pending:
            receiver.take(self._pending.popleft())
            if time.perf_counter() > until:
                break
        for vantage in receiver.vantages[len(self._staged) :]:
            self.add(VantageSource(vantage))
        if ended and not self._pending and not reader.waits and not self._over:
            receiver.finish()
            self._over = True
            self._say()
        if self._now() - self._said_at > SAY_AGAIN:
            self._say()

    def _say(self) -> None:
        self._said_at = self._now()
        self.receiver.say()
        if self.receiver.vantages:
            # Screens show what is said of files.
            vantage = self.receiver.vantages[0]
            vantage.say_besides([f"the stream: {one}" for one in self._of_stream()])

    def _of_stream(self) -> list[str]:
        remade = self._reader.remade
        said = [f"it was made anew ({remade} ×); what it had then and was not read is lost"] if remade else []
        return said + self.receiver.remarks()
