"""Reading what sensors publish. Whoever may write on the bus may have written it, so nothing in it is believed.

Whatever the bytes are, the result is a record or `RecordError`, which names field, offset and reason. Sizes are bounded
before anything is made of them: a record has `MOST_BYTES` at most, and no item nests deeper than `cbor.DEEPEST`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from capture.frames import MAX_FRAME, MAX_TIME_NS
from capture.sensors.record_map import WORD, RecordError, RecordMap
from capture.sensors.records import (
    MOST_BYTES,
    MOST_INTERFACES,
    MOST_KEYLOG,
    MOST_SOURCES,
    VERSION,
    AttemptRecord,
    Head,
    Kind,
    PacketsRecord,
    Record,
    SecretsRecord,
    SensorFrame,
    SensorRecord,
    Source,
    SourceInterface,
    State,
    is_run,
    is_token,
)

__all__ = ["RecordError", "decode_record"]

_U32: Final = 0xFFFFFFFF
_NOTES: Final = 256
_DIRECTION: Final = 0x1F
_ID: Final = 16
_HEX: Final = frozenset("0123456789abcdef")


def decode_record(data: bytes, *, readings: bool = True) -> Record:
    """A record.

    Args:
        data: all of it.
        readings: whether what frames say is wanted too; without it this takes half the time.

    Raises:
        RecordError: the bytes are none.
    """
    if len(data) > MOST_BYTES:
        raise RecordError("record", MOST_BYTES, f"{len(data)} bytes, {MOST_BYTES} are the most")
    reader = RecordMap(data, 0, len(data), "", 1, whole=readings)
    if reader.end != len(data):
        raise RecordError("record", reader.end, "bytes behind it")
    version = reader.number("version")
    if version != VERSION:
        raise reader.wrong("version", f"is {version}; this program reads {VERSION}")
    kind = reader.text("kind", WORD)
    read = _READERS.get(kind)
    if read is None:
        raise reader.wrong("kind", f"{kind!a} is none that is known")
    sensor, run = reader.text("sensor"), reader.text("run")
    if not is_token(sensor):
        raise reader.wrong("sensor", "not 1 to 64 letters, digits, - and _")
    if not is_run(run):
        raise reader.wrong("run", "not 16 hex digits")
    return read(Head(sensor, run, reader.number("sequence"), reader.number("time_ns", MAX_TIME_NS)), reader)


def _sensor(head: Head, reader: RecordMap) -> SensorRecord:
    word = reader.text("state", WORD)
    if word not in set(State):
        raise reader.wrong("state", f"{word!a} is none that is known")
    return SensorRecord(
        head,
        State(word),
        reader.text("name"),
        reader.text("software"),
        reader.maps("sources", _source),
        reader.flag("redacted"),
        reader.flag("everything"),
        reader.flag("secrets"),
        reader.counts("losses"),
        reader.text("reason"),
    )


def _source(reader: RecordMap) -> Source:
    return Source(
        reader.text("name"),
        reader.text("format", WORD),
        reader.maps("interfaces", _interface),
        reader.number("packets"),
        reader.counts("losses"),
        reader.optional_text("truncated"),
        reader.texts("notes", _NOTES),
    )


def _interface(reader: RecordMap) -> SourceInterface:
    return SourceInterface(
        reader.number("linktype", 0xFFFF), reader.text("name"), reader.number("snaplen", _U32), reader.text("comment")
    )


def _packets(head: Head, reader: RecordMap) -> PacketsRecord:
    source = reader.number("source", MOST_SOURCES - 1)
    return PacketsRecord(head, source, reader.maps("frames", _frame))


def _frame(reader: RecordMap) -> SensorFrame:
    frame = reader.bytes_("frame", MAX_FRAME)
    length = reader.number("wire_length", _U32)
    if length < len(frame):
        raise reader.wrong("wire_length", f"{length}, less than the {len(frame)} bytes that there are")
    number = reader.number("number", _U32)
    if not number:
        raise reader.wrong("number", "0: frames are counted from 1")
    return SensorFrame(
        number,
        reader.number("time_ns", MAX_TIME_NS),
        reader.number("interface", MOST_INTERFACES - 1),
        length,
        frame,
        reader.number("direction", _DIRECTION) if reader.has("direction") else 0,
        reader.plain("reading") if reader.has("reading") else None,
    )


def _attempt(head: Head, reader: RecordMap) -> AttemptRecord:
    id_ = reader.text("id")
    if len(id_) != _ID or not _HEX.issuperset(id_):
        raise reader.wrong("id", "not 16 hex digits")
    verdict, outcome = reader.text("verdict", WORD), reader.text("outcome", WORD)
    return AttemptRecord(head, id_, verdict, outcome, reader.flag("final"), reader.plain("flow"))


def _secrets(head: Head, reader: RecordMap) -> SecretsRecord:
    return SecretsRecord(head, reader.bytes_("keylog", MOST_KEYLOG))


_READERS: Final[Mapping[str, Callable[[Head, RecordMap], Record]]] = {
    Kind.SENSOR: _sensor,
    Kind.PACKETS: _packets,
    Kind.ATTEMPT: _attempt,
    Kind.SECRETS: _secrets,
}
