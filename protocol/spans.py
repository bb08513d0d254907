"""A reader that remembers where each field was: the byte ranges behind a decoded message.

It runs the same decoders as the plain reader, so what a view shows is what was decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import TypeVar

from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.wire import Names, Reader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: a leaf covers its own bytes, any other what its children cover."""

    name: str
    value: int | str | bytes | Address | None
    """What the bytes say; the element count of an array; None where only the children have values."""
    start: int
    """First byte, counted from the start of the datagram payload (or of the plaintext)."""
    end: int
    """One past the last byte."""
    children: tuple[Field, ...] = ()
    note: str = ""
    """What the value means, or what is wrong with it."""
    wrong: bool = False
    """The bytes are not what the layout says, or there are too few of them; `note`, here or further up, says why."""


class SpanReader(Reader):
    """Reads like Reader and records a Field for everything it reads, even of what fails half-way."""

    __slots__ = ("_levels",)

    def __init__(self, data: bytes, path: str, origin: int = 0) -> None:
        super().__init__(data, path, origin)
        self._levels: list[list[Field]] = [[]]

    def run(self, read: Callable[[Reader], object], *, rest: str = "trailing") -> tuple[tuple[Field, ...], str]:
        """Read a whole value and account for every byte.

        Args:
            read: the decoder.
            rest: name of the bytes that it leaves over.

        Returns:
            The fields, and what went wrong ("" if nothing): then the bytes from there on are named `undecoded`.
        """
        trouble = ""
        try:
            read(self)
        except DecodeError as error:
            rest = "undecoded"
            trouble = f"{error.field}: {error.reason}"
        self._leaf(rest, self.pos, len(self.data), self.data[self.pos :], wrong=bool(trouble))
        return tuple(self._levels[0]), trouble

    def uint(self, field: str, names: Names = None) -> int:
        """A varint."""
        start = self.pos
        value = super().uint(field, names)
        self._leaf(field, start, self.pos, value, _meaning(value, names))
        return value

    def flags(self, field: str, names: tuple[str, ...]) -> int:
        """A varint of flag bits."""
        start = self.pos
        value = super().uint(field)
        self._leaf(field, start, self.pos, value, _set_bits(value, names))
        return value

    def u8(self, field: str, names: Names = None) -> int:
        """One byte."""
        value = super().u8(field)
        self._leaf(field, self.pos - 1, self.pos, value, _meaning(value, names))
        return value

    def u16(self, field: str) -> int:
        """Two bytes."""
        value = super().u16(field)
        self._leaf(field, self.pos - 2, self.pos, value)
        return value

    def u32(self, field: str) -> int:
        """Four bytes."""
        value = super().u32(field)
        self._leaf(field, self.pos - 4, self.pos, value)
        return value

    def fixed(self, field: str, size: int) -> bytes:
        """Exactly `size` bytes."""
        value = super().fixed(field, size)
        self._leaf(field, self.pos - size, self.pos, value)
        return value

    def ipv4(self, field: str) -> Address:
        """Four bytes of host and a port."""
        value = super().ipv4(field)
        self._leaf(field, self.pos - 6, self.pos, value)
        return value

    def ipv6(self, field: str) -> Address:
        """Sixteen bytes of host and a port."""
        value = super().ipv6(field)
        del self._levels[-1][-1]
        self._leaf(field, self.pos - 18, self.pos, value)
        return value

    def buffer(self, field: str, inner: Callable[[Reader], object] | None = None) -> bytes:
        """Length-prefixed bytes; `inner` reads what they hold. Of a cut buffer the part that is there is kept."""
        begin = self.pos
        size = super().uint(field)
        start = self.pos
        content = self.data[start : start + size]
        self.pos = start + len(content)
        children = [Field("length", size, self.origin + begin, self.origin + start)]
        trouble = ""
        if inner is not None:
            fields, trouble = SpanReader(content, f"{self.path}.{field}", self.origin + start).run(inner)
            children += fields
        elif content:
            children.append(Field("bytes", content, self.origin + start, self.origin + self.pos))
        if len(content) < size:
            trouble = f"{len(content)} of {size} bytes"
        end = self.origin + self.pos
        self._append(Field(field, content, self.origin + begin, end, tuple(children), trouble, trouble != ""))
        if len(content) < size:
            reason = f"needs {size} bytes after its length, {len(content)} left"
            raise DecodeError(f"{self.path}.{field}", self.origin + begin, reason, truncated=True)
        return content

    def string(self, field: str) -> str:
        """Length-prefixed UTF-8."""
        value = super().string(field)
        self._append(replace(self._levels[-1].pop(), value=value))
        return value

    def record(self, field: str, read: Callable[[Reader], T]) -> T:
        """A value of several fields."""
        with self._group(field, None):
            return super().record(field, read)

    def array(self, field: str, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """A counted list."""
        with self._group(field, "count"):
            return super().array(field, read)

    def ipv4_array(self, field: str) -> tuple[Address, ...]:
        """A counted list of ipv4."""
        with self._group(field, "count"):
            return self.each(field, self.count(field), self.ipv4)

    def ipv6_array(self, field: str) -> tuple[Address, ...]:
        """A counted list of ipv6."""
        with self._group(field, "count"):
            return super().ipv6_array(field)

    def count(self, field: str) -> int:
        """The element count of an array."""
        start = self.pos
        value = super().count(field)
        self._leaf("count", start, self.pos, value)
        return value

    @contextmanager
    def _group(self, name: str, value_from: str | None) -> Iterator[None]:
        start = self.pos
        path = self.path
        self._levels.append([])
        try:
            yield
        finally:
            self.path = path
            children = tuple(self._levels.pop())
            if children:
                value = children[0].value if value_from == children[0].name else None
                self._append(Field(name, value, self.origin + start, children[-1].end, children))

    def _leaf(
        self, name: str, start: int, end: int, value: int | bytes | Address, note: str = "", *, wrong: bool = False
    ) -> None:
        if end > start:
            self._append(Field(name, value, self.origin + start, self.origin + end, (), note, wrong))

    def _append(self, field: Field) -> None:
        self._levels[-1].append(field)


def _meaning(value: int, names: Names) -> str:
    if names is None:
        return ""
    if issubclass(names, IntFlag):
        return _set_bits(value, tuple(member.name or "" for member in names))
    return next((member.name for member in names if member == value), "unknown")


def _set_bits(value: int, names: tuple[str, ...]) -> str:
    return ", ".join(
        names[bit] if bit < len(names) else f"bit {bit}" for bit in range(value.bit_length()) if value >> bit & 1
    )
