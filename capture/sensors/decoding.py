"""Reading what sensors publish. Whoever may write on the bus may have written it, so nothing in it is believed.

Whatever the bytes are, the result is a record or `RecordError`, which names field, offset and reason. Sizes are bounded
before anything is made of them: a record has `MOST_BYTES` at most, and no item nests deeper than `cbor.DEEPEST`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from capture.frames import MAX_FRAME, MAX_TIME_NS
from capture.recording.cbor import CborError, Span, Tagged, Value, read_head, read_value
from capture.sensors.records import (
    MOST_BYTES,
    MOST_FRAMES,
    MOST_INTERFACES,
    MOST_KEYLOG,
    MOST_LOSSES,
    MOST_SOURCES,
    MOST_TEXT,
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

T = TypeVar("T")

_MAP, _ARRAY = 5, 4
_U32: Final = 0xFFFFFFFF
_MOST: Final = (1 << 63) - 1
_CODE: Final = 64
"""Characters of a word of ours, as the code of a verdict."""
_NOTES: Final = 256
_DIRECTION: Final = 0x1F
_ID: Final = 16
_HEX: Final = frozenset("0123456789abcdef")


class RecordError(ValueError):
    """Bytes that are no record.

    Attributes:
        field: what is wrong, as ``frames[3].time_ns``; "record" for the whole.
        offset: of a byte of it.
        reason: one clause.
    """

    def __init__(self, field: str, offset: int, reason: str) -> None:
        super().__init__(f"{field}: {reason} (byte {offset})")
        self.field = field
        self.offset = offset
        self.reason = reason


class _Placed(NamedTuple):
    """A value, and the offset of its first byte."""

    at: int
    value: Value | list[_Reader]


_NESTED: Final = {"frames": MOST_FRAMES, "sources": MOST_SOURCES, "interfaces": MOST_INTERFACES}
"""Arrays of maps that are read entry by entry, so that errors in them name the place, and how many there may be."""


class _Reader:
    """One map of a record, read once; what is in it is looked at when it is asked for."""

    def __init__(self, data: bytes, at: int, end: int, path: str) -> None:
        self._data = data
        self._at = at
        self._path = path
        self._entries: dict[str, _Placed] = {}
        try:
            self.end = self._read(end)
        except CborError as error:
            raise RecordError(path or "record", error.offset, error.reason) from None

    def _read(self, end: int) -> int:
        field = self._path or "record"
        data, entries = self._data, self._entries
        head = read_head(data, self._at, end)
        if head.major != _MAP:
            raise RecordError(field, self._at, "no map")
        at = head.at
        for _ in range(head.argument):
            start = at
            key, at = read_value(data, at, end)
            if not isinstance(key, str):
                raise RecordError(field, start, "a key that is no text")
            if key in entries:
                raise RecordError(field, start, f"has {key[:_CODE]!a} twice")
            start = at
            value: Value | list[_Reader]
            if key in _NESTED:
                value, at = self._maps(key, at, end)
            else:
                value, at = read_value(data, at, end)
            entries[key] = _Placed(start, value)
        return at

    def _maps(self, name: str, at: int, end: int) -> tuple[list[_Reader], int]:
        head = read_head(self._data, at, end)
        most = _NESTED[name]
        if head.major != _ARRAY or head.argument > most:
            raise RecordError(self._named(name), at, f"no array of {most} maps at most")
        found: list[_Reader] = []
        at = head.at
        for index in range(head.argument):
            inner = _Reader(self._data, at, end, f"{self._named(name)}[{index}]")
            found.append(inner)
            at = inner.end
        return found, at

    def _value(self, name: str) -> tuple[Any, int]:
        placed = self._entries.get(name)
        if placed is None:
            raise RecordError(self._named(name), self._at, "is missing")
        return placed.value, placed.at

    def number(self, name: str, most: int = _MOST) -> int:
        """A whole number from 0 on."""
        value, at = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise RecordError(self._named(name), at, f"no number from 0 to {most}")
        return value

    def text(self, name: str, most: int = MOST_TEXT) -> str:
        """A text."""
        value, at = self._value(name)
        return self._text(value, at, name, most)

    def _text(self, value: Any, at: int, name: str, most: int) -> str:
        if not isinstance(value, str):
            raise RecordError(self._named(name), at, "no text")
        if len(value) > most:
            raise RecordError(self._named(name), at, f"{len(value)} characters, {most} are the most")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or null."""
        value, at = self._value(name)
        return None if value is None else self._text(value, at, name, MOST_TEXT)

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """An array of texts."""
        value, at = self._value(name)
        if not isinstance(value, list) or len(value) > most:
            raise RecordError(self._named(name), at, f"no array of {most} texts at most")
        return tuple(self._text(one, at, name, MOST_TEXT) for one in value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value, at = self._value(name)
        if not isinstance(value, bool):
            raise RecordError(self._named(name), at, "neither true nor false")
        return value

    def bytes_(self, name: str, most: int) -> bytes:
        """A byte string."""
        value, at = self._value(name)
        if not isinstance(value, Span):
            raise RecordError(self._named(name), at, "no byte string")
        if value.end - value.start > most:
            raise RecordError(self._named(name), at, f"{value.end - value.start} bytes, {most} are the most")
        return value.of(self._data)

    def counts(self, name: str) -> dict[str, int]:
        """A map of numbers."""
        value, at = self._value(name)
        if not isinstance(value, dict) or len(value) > MOST_LOSSES:
            raise RecordError(self._named(name), at, f"no map of {MOST_LOSSES} numbers at most")
        for key, count in value.items():
            self._text(key, at, name, _CODE)
            if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST:
                raise RecordError(self._named(name), at, f"{key!a} is no number from 0 to {_MOST}")
        return value

    def maps(self, name: str, read: Callable[[_Reader], T]) -> tuple[T, ...]:
        """An array of maps; one of those in `_NESTED`."""
        return tuple(map(read, self._value(name)[0]))

    def plain(self, name: str) -> dict[str, Any]:
        """A map of anything, as plain values; byte strings in it are bytes."""
        value, at = self._value(name)
        if not isinstance(value, dict):
            raise RecordError(self._named(name), at, "no map")
        found: dict[str, Any] = self._plain(value, name, at)
        return found

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self._entries

    def wrong(self, name: str, reason: str) -> RecordError:
        """The error for an entry."""
        placed = self._entries.get(name)
        return RecordError(self._named(name), self._at if placed is None else placed.at, reason)

    def _plain(self, value: Value, name: str, at: int) -> Any:
        match value:
            case Span():
                return value.of(self._data)
            case Tagged():
                raise RecordError(self._named(name), at, f"tag {value.tag}, where none is due")
            case list():
                return [self._plain(one, name, at) for one in value]
            case dict():
                return {key: self._plain(one, name, at) for key, one in value.items()}
            case float() if not math.isfinite(value):
                raise RecordError(self._named(name), at, "a number that is not finite")
            case _:
                return value

    def _named(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def decode_record(data: bytes) -> Record:
    """A record.

    Raises:
        RecordError: the bytes are none.
    """
    if len(data) > MOST_BYTES:
        raise RecordError("record", MOST_BYTES, f"{len(data)} bytes, {MOST_BYTES} are the most")
    reader = _Reader(data, 0, len(data), "")
    if reader.end != len(data):
        raise RecordError("record", reader.end, "bytes behind it")
    version = reader.number("version")
    if version != VERSION:
        raise reader.wrong("version", f"is {version}; this program reads {VERSION}")
    kind = reader.text("kind", _CODE)
    read = _READERS.get(kind)
    if read is None:
        raise reader.wrong("kind", f"{kind!a} is none that is known")
    sensor, run = reader.text("sensor"), reader.text("run")
    if not is_token(sensor):
        raise reader.wrong("sensor", "not 1 to 64 letters, digits, - and _")
    if not is_run(run):
        raise reader.wrong("run", "not 16 hex digits")
    return read(Head(sensor, run, reader.number("sequence"), reader.number("time_ns", MAX_TIME_NS)), reader)


def _sensor(head: Head, reader: _Reader) -> SensorRecord:
    word = reader.text("state", _CODE)
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


def _source(reader: _Reader) -> Source:
    return Source(
        reader.text("name"),
        reader.text("format", _CODE),
        reader.maps("interfaces", _interface),
        reader.number("packets"),
        reader.counts("losses"),
        reader.optional_text("truncated"),
        reader.texts("notes", _NOTES),
    )


def _interface(reader: _Reader) -> SourceInterface:
    return SourceInterface(
        reader.number("linktype", 0xFFFF), reader.text("name"), reader.number("snaplen", _U32), reader.text("comment")
    )


def _packets(head: Head, reader: _Reader) -> PacketsRecord:
    source = reader.number("source", MOST_SOURCES - 1)
    return PacketsRecord(head, source, reader.maps("frames", _frame))


def _frame(reader: _Reader) -> SensorFrame:
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


def _attempt(head: Head, reader: _Reader) -> AttemptRecord:
    id_ = reader.text("id")
    if len(id_) != _ID or not _HEX.issuperset(id_):
        raise reader.wrong("id", "not 16 hex digits")
    verdict, outcome = reader.text("verdict", _CODE), reader.text("outcome", _CODE)
    return AttemptRecord(head, id_, verdict, outcome, reader.flag("final"), reader.plain("flow"))


def _secrets(head: Head, reader: _Reader) -> SecretsRecord:
    return SecretsRecord(head, reader.bytes_("keylog", MOST_KEYLOG))


_READERS: Final[Mapping[str, Callable[[Head, _Reader], Record]]] = {
    Kind.SENSOR: _sensor,
    Kind.PACKETS: _packets,
    Kind.ATTEMPT: _attempt,
    Kind.SECRETS: _secrets,
}
