"""Fields of bodies, checked: what is missing or of another sort is an error that names it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from capture.arrays import Array
from capture.frames import Interface
from capture.raw import Raw
from capture.recording.cbor import CborError, Span, Tagged, Value
from capture.recording.layout import SINT64, UINT8, UINT16, UINT32, UINT64

_DTYPES: Final[dict[int, np.dtype[Any]]] = {
    UINT8: np.dtype("u1"),
    UINT16: np.dtype("<u2"),
    UINT32: np.dtype("<u4"),
    UINT64: np.dtype("<u8"),
    SINT64: np.dtype("<i8"),
}
_LIMIT: Final = 1 << 63


class Fields:
    """The fields of one body.

    Args:
        raw: the file.
        at: offset of the body, for errors.
        values: as they were read.
    """

    def __init__(self, raw: Raw, at: int, values: dict[str, Value]) -> None:
        self._raw = raw
        self._at = at
        self._values = values

    def number(self, name: str, most: int = _LIMIT - 1, *, least: int = 0) -> int:
        """A whole number between bounds."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(name, f"no number from {least} to {most}")
        return value

    def count(self, name: str) -> int | None:
        """A count, or null where nothing was counted."""
        return None if self._values.get(name) is None else self.number(name)

    def text(self, name: str) -> str:
        """A text."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "no text")
        return value

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "neither true nor false")
        return value

    def span(self, name: str) -> Span:
        """A byte string, as its place."""
        value = self._values.get(name)
        if not isinstance(value, Span):
            raise self.wrong(name, "no byte string")
        return value

    def content(self, name: str) -> bytes:
        """A byte string."""
        return self.span(name).of(self._raw.buffer)

    def items(self, name: str) -> list[Value]:
        """An array."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "no array")
        return value

    def texts(self, name: str) -> list[str]:
        """An array of texts."""
        return [self._of(name, one, str) for one in self.items(name)]

    def contents(self, name: str) -> list[bytes]:
        """An array of byte strings."""
        return [self._of(name, one, Span).of(self._raw.buffer) for one in self.items(name)]

    def rows(self, name: str, *kinds: type) -> list[list[Any]]:
        """An array of arrays whose entries are of these sorts."""
        found: list[list[Any]] = []
        for row in self.items(name):
            entries = self._of(name, row, list)
            if len(entries) != len(kinds):
                raise self.wrong(name, f"an entry of {len(entries)} where {len(kinds)} are due")
            found.append([self._of(name, one, kind) for one, kind in zip(entries, kinds, strict=True)])
        return found

    def column(self, name: str, tag: int) -> Array:
        """An array of numbers in a byte string; it has to have this tag."""
        value = self._values.get(name)
        if not isinstance(value, Tagged) or value.tag != tag or not isinstance(value.value, Span):
            raise self.wrong(name, f"no array of numbers with tag {tag}")
        dtype, span = _DTYPES[tag], value.value
        if (span.end - span.start) % dtype.itemsize:
            raise self.wrong(name, f"{span.end - span.start} bytes are no whole number of {dtype.itemsize}")
        return np.frombuffer(self._raw.buffer, dtype, (span.end - span.start) // dtype.itemsize, span.start)

    def interfaces(self, name: str) -> list[Interface]:
        """Interfaces: link type, name, snap length, comment."""
        found = []
        for linktype, title, snaplen, comment in self.rows(name, int, str, int, str):
            if not (0 <= linktype <= 0xFFFF and 0 <= snaplen <= 0xFFFFFFFF):
                raise self.wrong(name, "a link type or snap length out of range")
            found.append(Interface(linktype, title, snaplen, comment=comment))
        return found

    def empty(self, name: str) -> bool:
        """Whether a field is null, or not there."""
        return self._values.get(name) is None

    def wrong(self, name: str, reason: str) -> CborError:
        """The error for a field."""
        there = "" if name in self._values else ", it is missing"
        return CborError(self._at, f"field {name}: {reason}{there}")

    def _of(self, name: str, value: Any, kind: type) -> Any:
        fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        if not fits or (kind is int and not -_LIMIT <= value < _LIMIT):
            raise self.wrong(name, f"an entry that is no {_NAMES.get(kind, kind.__name__)}")
        return value


_NAMES: Final = {int: "number", str: "text", list: "array", Span: "byte string"}
