"""A place where a sensor takes packets from, as a source of rows: a file of the packet table like any other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.bursts import Burst
from capture.capture_file import CaptureFile
from capture.frames import Frames, Interface
from capture.raw import Raw
from capture.sensors.records import SensorFrame, SensorRecord, Source
from capture.window import Window

FORMAT: Final = "sensor"
_LONGEST_NAME: Final = 64
_NUMBERED: Final = {"let_go": "packets were let go there", "too_large": "attempts were too large to be published"}


class Numbered(NamedTuple):
    """Frames, and their numbers in the source."""

    burst: Burst
    number: I64

    @classmethod
    def of(cls, frames: Sequence[SensorFrame]) -> Numbered:
        """Frames of a record."""
        length = np.array([len(frame.frame) for frame in frames], np.uint32)
        burst = Burst(
            b"".join(frame.frame for frame in frames),
            np.cumsum(length, dtype=np.int64) - length,
            length,
            np.array([frame.wire_length for frame in frames], np.uint32),
            np.array([frame.time_ns for frame in frames], np.int64),
            np.array([frame.interface for frame in frames], np.uint16),
            np.array([frame.direction for frame in frames], np.uint8),
        )
        return cls(burst, np.array([frame.number for frame in frames], np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Numbered]) -> Numbered:
        """Several as one."""
        return cls(Burst.joined([part.burst for part in parts]), np.concatenate([part.number for part in parts]))

    def in_order(self) -> Numbered:
        """The same, put into the order of their numbers."""
        order = np.argsort(self.number, kind="stable")
        content, *columns = self.burst
        return Numbered(Burst(content, *(column[order] for column in columns)), self.number[order])  # type: ignore[index]

    def frames(self) -> Frames:
        """The same, for `capture.ingest`."""
        burst = self.burst
        assert burst.interface is not None
        window = Window(Raw(burst.content), burst.at)
        return Frames(
            window, burst.length, burst.wire_length, burst.time_ns, burst.interface, self.number, burst.direction
        )


class Vantage:
    """What came of one source of one run of a sensor, and waits to become rows.

    Args:
        sensor: the sensor's name in subjects.
        nth: which run of it this is, from 1.
        source: as it describes itself.
        alone: whether it is the only source of the sensor.
    """

    def __init__(self, sensor: str, nth: int, source: Source, *, alone: bool) -> None:
        where = os.path.basename(source.name)[:_LONGEST_NAME]
        name = sensor if alone or not where else f"{sensor} {where}"
        self.order = sensor, nth, where
        """Where it belongs among others, by name."""
        self.file = CaptureFile(f"{name} (run {nth})" if nth > 1 else name, FORMAT, _interfaces(source))
        self.waiting: list[Numbered] = []
        self.unplaced = 0
        """Frames of interfaces that nobody described."""
        self._said: list[str] = []
        self._besides: list[str] = []

    def describe(self, source: Source) -> None:
        """Take in what the sensor says of it now. Interfaces are only ever added."""
        described = _interfaces(source)
        if described[: len(self.file.interfaces)] == self.file.interfaces:
            self.file.interfaces[:] = described

    def put(self, frames: Sequence[SensorFrame]) -> None:
        """Let frames wait; those of interfaces that are not described are left out."""
        known = [frame for frame in frames if frame.interface < len(self.file.interfaces)]
        self.unplaced += len(frames) - len(known)
        if known:
            self.waiting.append(Numbered.of(known))

    def take(self) -> Numbered | None:
        """What waits; None for nothing."""
        waiting, self.waiting = self.waiting, []
        return Numbered.joined(waiting) if waiting else None

    def say(self, record: SensorRecord | None, number: int, others: Sequence[str]) -> None:
        """Put what is known of losses and of the sensor into the file.

        Args:
            record: what the sensor said last.
            number: which of its sources this is.
            others: more to say, one sentence each.
        """
        said = list(others)
        if self.unplaced:
            said.append(f"{self.unplaced} frames of interfaces that the sensor did not describe are left out")
        if record is not None and number < len(record.sources):
            source = record.sources[number]
            self.file.dropped = source.losses.get("dropped")
            self.file.truncated = source.truncated
            said += source.notes
            said += [f"{record.losses[cause]} {says}" for cause, says in _NUMBERED.items() if record.losses.get(cause)]
            if record.redacted:
                said.append("the sensor masks addresses and keys")
            if record.reason:
                said.append(f"the sensor ended: {record.reason}")
        self._replace(self._said, said)
        self._said = said

    def say_besides(self, besides: Sequence[str]) -> None:
        """Have the file say what is not of this vantage alone."""
        self._replace(self._besides, besides)
        self._besides = list(besides)

    def _replace(self, former: Sequence[str], now: Sequence[str]) -> None:
        if list(former) != list(now):
            self.file.notes[:] = [note for note in self.file.notes if note not in former] + list(now)


def _interfaces(source: Source) -> list[Interface]:
    return [Interface(one.linktype, one.name, one.snaplen, 9, 0, one.comment) for one in source.interfaces]
