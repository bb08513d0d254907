"""What a sensor would publish of a capture, and what can be read of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from app.sensing import Sensor, Teller
from capture.capture_file import CaptureFile
from capture.frames import Interface
from capture.opening import open_captures
from capture.recording.writing import RecordedFrame, RecordingWriter
from capture.sensors.decoding import decode_record
from capture.sensors.records import PacketsRecord, Record, SensorRecord
from capture.sensors.reporter import Reporter
from capture.story import Keys, Story
from capture.table import PacketTable
from tests.capture.test_flows_growing import begun, grow

SENSOR = Sensor("inside", "inside", "peephole test")


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def steady(self) -> float:
        return self.seconds

    def now_ns(self) -> int:
        return int(self.seconds * 1e9)


class Published:
    """A sensor on a capture that grows, part by part."""

    def __init__(
        self,
        paths: Sequence[Path | str],
        *,
        everything: bool = False,
        phrase: str | None = None,
        ports: bool = False,
        secrets: bool = False,
        keys: Keys | None = None,
    ) -> None:
        self.whole = open_captures([str(path) for path in paths])
        self.table = begun(self.whole)
        self.story = Story(self.table, keys or Keys())
        self.reporter = Reporter(self.story, everything=everything, phrase=phrase, ports=ports)
        self.sent: list[bytes] = []
        self.watch = Watch()
        sensor = Sensor("inside", "inside", "peephole test", phrase is not None, everything, secrets)
        self.teller = Teller(
            sensor,
            self.story,
            self.reporter,
            lambda record, encoded: self.sent.append(encoded),
            self.watch.steady,
            self.watch.now_ns,
        )

    def run(self, parts: int = 5) -> list[Record]:
        """Let all of it come, in parts; the records."""
        self.teller.begin()
        for stop in np.linspace(0, len(self.whole), parts + 1).astype(int).tolist()[1:]:
            grow(self.table, self.whole, stop)
            self.teller.step(self.story.update())
            self.watch.seconds += 1
        self.teller.end((), "the capture has ended")
        return [decode_record(one) for one in self.sent]


def rebuilt(records: Iterable[Record], folder: Path) -> Story:
    """The story of what was published, as whoever receives it sees it."""
    told = [one for one in records if isinstance(one, SensorRecord)][-1]
    path = folder / "rebuilt.peephole"
    with path.open("wb") as stream:
        writer = RecordingWriter(stream)
        frames: list[list[RecordedFrame]] = [[] for _ in told.sources]
        for record in records:
            if isinstance(record, PacketsRecord):
                frames[record.source] += [
                    RecordedFrame(one.time_ns, one.interface, one.number, one.frame, one.wire_length, one.direction)
                    for one in record.frames
                ]
        for number, source in enumerate(told.sources):
            interfaces = [Interface(one.linktype, one.name, one.snaplen) for one in source.interfaces]
            writer.add_source(number, CaptureFile(source.name, source.format, interfaces))
            writer.add_frames(number, sorted(frames[number], key=lambda one: one.number))
        writer.finish()
    return Story.open([str(path)])


def rows_of_file(table: PacketTable, number: int) -> int:
    """How many rows one file has."""
    return int((table.file == number).sum())
