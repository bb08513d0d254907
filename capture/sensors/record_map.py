"""Maps of records that anybody may have sent: what is in them is checked when it is asked for.

Whatever the bytes are, the result is a value of the sort that was asked for or `RecordError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from capture.recording.cbor import DEEPEST, CborError, Span, Tagged, Value, read_head, read_value
from capture.sensors.records import MOST_FRAMES, MOST_INTERFACES, MOST_LOSSES, MOST_SOURCES, MOST_TEXT

T = TypeVar("T")

WORD: Final = 64
"""Characters of a word of ours, as the code of a verdict."""

_INLINE, _INDEFINITE = 24, 31
_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6
_MOST: Final = (1 << 63) - 1


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
    value: Value | list[RecordMap]


_NESTED: Final = {"frames": MOST_FRAMES, "sources": MOST_SOURCES, "interfaces": MOST_INTERFACES}
"""Arrays of maps that are read entry by entry, so that errors in them name the place, and how many there may be."""
_MAPS_DEEP: Final = 3
"""How deep such maps are in one another: an interface of a source of a record."""
_LEFT: Final = "reading"
"""What is stepped over where it is not wanted: it is as large as all the rest."""


class RecordMap:
    """One map of a record, read once; what is in it is looked at when it is asked for."""

    def __init__(self, data: bytes, at: int, end: int, path: str, deep: int, *, whole: bool) -> None:
        self._data = data
        self._at = at
        self._path = path
        self._deep = deep
        self._whole = whole
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
                raise RecordError(field, start, f"has {key[:WORD]!a} twice")
            start = at
            value: Value | list[RecordMap]
            if key == _LEFT and not self._whole:
                at = skipped(data, at, end)
                continue
            if key in _NESTED and self._deep < _MAPS_DEEP:
                value, at = self._maps(key, at, end)
            else:
                value, at = read_value(data, at, end)
            entries[key] = _Placed(start, value)
        return at

    def _maps(self, name: str, at: int, end: int) -> tuple[list[RecordMap], int]:
        head = read_head(self._data, at, end)
        most = _NESTED[name]
        if head.major != _ARRAY or head.argument > most:
            raise RecordError(self._named(name), at, f"no array of {most} maps at most")
        found: list[RecordMap] = []
        at = head.at
        for index in range(head.argument):
            path = f"{self._named(name)}[{index}]"
            inner = RecordMap(self._data, at, end, path, self._deep + 1, whole=self._whole)
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
            self._text(key, at, name, WORD)
            if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST:
                raise RecordError(self._named(name), at, f"{key!a} is no number from 0 to {_MOST}")
        return value

    def maps(self, name: str, read: Callable[[RecordMap], T]) -> tuple[T, ...]:
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


def skipped(data: bytes, at: int, end: int) -> int:
    """Where the item after that at `at` begins; what is in it is not looked at more than that takes.

    Raises:
        CborError: there is none, or one that is nested too deep.
    """
    pending = [1]
    """Items that are still to come in each of the items that we are in."""
    while pending:
        if not pending[-1]:
            pending.pop()
            continue
        pending[-1] -= 1
        # Most heads are a byte that says all: text of up to 23 bytes, a small number, false, true, null.
        first = data[at] if at < end else _INDEFINITE
        if first & 31 < _INLINE:
            kind = first >> 5
            if kind in (_BYTES, _TEXT) and at + 1 + (first & 31) <= end:
                at += 1 + (first & 31)
                continue
            if kind < _BYTES or kind > _TAG:
                at += 1
                continue
        head = read_head(data, at, end)
        at = head.at
        if head.major in (_BYTES, _TEXT):
            at += head.argument
            if at > end:
                raise CborError(
                    head.at, f"a string of {head.argument} bytes where {end - head.at} are left", short=True
                )
        elif head.major in (_ARRAY, _MAP, _TAG):
            if len(pending) > DEEPEST:
                raise CborError(head.at, f"items nested more than {DEEPEST} deep")
            pending.append({_ARRAY: head.argument, _MAP: 2 * head.argument, _TAG: 1}[head.major])
    return at
