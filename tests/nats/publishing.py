"""Publishing in tests: the frames of a capture as records, in one go, as simple as it can be."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterable
from pathlib import Path

import nats

from capture.opening import reader_of
from capture.raw import Raw
from capture.sensors.records import (
    Head,
    PacketsRecord,
    Record,
    SensorFrame,
    SensorRecord,
    Source,
    SourceInterface,
    State,
    encode_record,
    kind_of,
    subject_of,
    subjects_of,
)
from tests.nats.server import NatsServer

RUN = "00112233445566ff"


def frames_of(path: Path) -> tuple[list[SensorFrame], list[SourceInterface]]:
    """Every frame of a capture, and its interfaces."""
    content = path.read_bytes()
    raw = Raw(gzip.decompress(content) if path.suffix == ".gz" else content)
    reader = reader_of(raw, str(path))
    found = []
    for batch in reader.batches():
        columns = (batch.number, batch.time_ns, batch.interface, batch.wire_length, batch.window.at, batch.length)
        for number, time_ns, interface, wire, at, length in zip(*(one.tolist() for one in columns), strict=True):
            found.append(SensorFrame(number, time_ns, interface, wire, bytes(raw.buffer[at : at + length])))
    return found, [SourceInterface(one.linktype, one.name) for one in reader.findings.interfaces]


def head(sensor: str, sequence: int, run: str = RUN, time_ns: int | None = None) -> Head:
    """The head of a record."""
    return Head(sensor, run, sequence, time.time_ns() if time_ns is None else time_ns)


def hello(
    sensor: str, sequence: int = 0, run: str = RUN, *, interfaces: Iterable[SourceInterface] = (), **more: object
) -> Record:
    """A description of a sensor with one source."""
    source = Source("eth0", "live", tuple(interfaces) or (SourceInterface(1, "eth0"),))
    about = {"state": State.RUNNING, "name": sensor, "software": "test", "sources": (source,), **more}
    return SensorRecord(head(sensor, sequence, run), **about)  # type: ignore[arg-type]


def records_of(path: Path, sensor: str, run: str = RUN, size: int = 100, ahead_ns: int = 0) -> list[Record]:
    """A capture as a sensor would publish it, whose clock is so far ahead."""
    frames, interfaces = frames_of(path)
    frames = [frame._replace(time_ns=frame.time_ns + ahead_ns) for frame in frames]
    found = [hello(sensor, 0, run, interfaces=interfaces)]
    for start in range(0, len(frames), size):
        found.append(PacketsRecord(head(sensor, len(found), run), 0, tuple(frames[start : start + size])))
    return found


def message_of(record: Record, stream: str) -> tuple[str, bytes]:
    """Subject and bytes."""
    return subject_of(stream, record.head.sensor, kind_of(record)), encode_record(record)


async def make_stream(server: NatsServer, stream: str, **more: object) -> None:
    """A stream as sensors make it."""
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name=stream, subjects=[subjects_of(stream)], **more)
    await client.close()


async def publish(server: NatsServer, stream: str, records: Iterable[Record | tuple[str, bytes]]) -> None:
    """Have records, or any bytes on a subject, stored in a stream."""
    client = await nats.connect(server.url)
    jetstream = client.jetstream()
    for record in records:
        subject, data = record if isinstance(record, tuple) else message_of(record, stream)
        await jetstream.publish(subject, data)
    await client.close()
