"""Bytes in payloads: looked for in the captured bytes as they lie, not packet by packet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from capture.arrays import I64, Bools
from capture.filter.checks import Check, Held
from capture.filter.errors import WrongValueError
from capture.raw import WIDEST, Raw
from capture.table import PacketTable

SHORT: Final = 3
"""Fewer bytes than this are in so many places that packet by packet is quicker."""
ANCHOR: Final = 2
"""Bytes that are looked for first."""
MANY: Final = 200_000
"""Places after which packets are looked at one by one."""


@dataclass(frozen=True, slots=True)
class HasBytes(Check):
    """``~``: the bytes are in it; ASCII letters whatever the case, if it was written as text."""

    part: bytes
    pattern: re.Pattern[bytes]

    def holds(self, value: Held) -> bool:
        """Whether bytes have the part."""
        assert isinstance(value, bytes)
        return self.pattern.search(value) is not None


@dataclass(frozen=True, slots=True)
class BeginsWithBytes(Check):
    """``==``: it begins with the bytes."""

    start: bytes

    def holds(self, value: Held) -> bool:
        """Whether bytes begin so."""
        assert isinstance(value, bytes)
        return value.startswith(self.start)


def bytes_check(name: str, operator: str, text: str) -> Check:
    """The check of a comparison with bytes: text, or hex after ``0x``.

    Raises:
        WrongValueError: nothing, or no hex.
    """
    hexadecimal = text[:2].lower() == "0x"
    try:
        wanted = bytes.fromhex(text[2:]) if hexadecimal else text.encode("utf-8", "surrogateescape")
    except (ValueError, UnicodeEncodeError):
        raise WrongValueError(f"{name} is text, or hex after 0x in pairs of digits, not {text!r}") from None
    if not wanted:
        raise WrongValueError(f"{name} needs at least one byte")
    if operator == "~":
        return HasBytes(wanted, re.compile(re.escape(wanted), 0 if hexadecimal else re.IGNORECASE))
    return BeginsWithBytes(wanted)


@dataclass(frozen=True, slots=True)
class Payloads:
    """The captured payloads of a stretch of rows."""

    table: PacketTable
    start: int
    stop: int

    def passes(self, check: Check) -> Bools:
        """Rows whose payload passes."""
        found = np.zeros(self.stop - self.start, np.bool_)
        if isinstance(check, HasBytes) and len(check.part) >= SHORT and self.table.segments:
            rows = self._hits(check)
            if rows is not None:
                found[rows - self.start] = True
                for row in self.table.assembled:
                    if self.start <= row < self.stop:
                        found[row - self.start] = check.holds(self.table.assembled[row])
                return found
        if isinstance(check, BeginsWithBytes) and len(check.start) <= WIDEST and self.table.segments:
            return self._beginning(check.start)
        for first in range(self.start, self.stop, 1 << 14):
            last = min(first + (1 << 14), self.stop)
            payloads = self.table.payloads(np.arange(first, last))
            found[first - self.start : last - self.start] = [check.holds(bytes(payload)) for payload in payloads]
        return found

    def present(self) -> Bools:
        """All of them, an empty payload too."""
        return np.ones(self.stop - self.start, np.bool_)

    def _beginning(self, wanted: bytes) -> Bools:
        """Rows whose payload begins with some bytes: the same few bytes of each, side by side."""
        table, rows = self.table, np.arange(self.start, self.stop)
        found = np.zeros(rows.size, np.bool_)
        long = np.flatnonzero(table.length[self.start : self.stop] >= len(wanted))
        expected = np.frombuffer(wanted, np.uint8)
        for number, raw in enumerate(table.segments):
            inside = long[table.segment[rows[long]] == number]
            if inside.size:
                start = table.frame_at[rows[inside]] + table.skip[rows[inside]]
                heads = raw.gather(start, np.dtype(f"V{len(wanted)}")).view(np.uint8).reshape(-1, len(wanted))
                found[inside] = (heads == expected).all(axis=1)
        for row in table.assembled:
            if self.start <= row < self.stop:
                found[row - self.start] = table.assembled[row].startswith(wanted)
        return found

    def _hits(self, check: HasBytes) -> I64 | None:
        """Rows that have the bytes, found from where the bytes are; None where they are in too many places."""
        table, rows = self.table, np.arange(self.start, self.stop)
        hits: list[I64] = []
        for number, raw in enumerate(table.segments):
            inside = rows[table.segment[rows] == number] if len(table.segments) > 1 else rows
            if not inside.size:
                continue
            start = table.frame_at[inside] + table.skip[inside]
            end = start + table.length[inside]
            order = np.argsort(start, kind="stable")
            places = sorted(_places(raw, check, int(start.min()), int(end.max())))
            if len(places) > MANY:
                return None
            at = np.array(places, np.int64)
            nearest = np.searchsorted(start[order], at, "right") - 1
            sound = nearest >= 0
            row = order[nearest[sound]]
            hits.append(inside[row[at[sound] + len(check.part) <= end[row]]])
        return np.concatenate(hits) if hits else np.empty(0, np.int64)


def _places(raw: Raw, check: HasBytes, start: int, end: int) -> Iterator[int]:
    """Where the bytes are, overlapping places too: a payload may begin inside one that is none."""
    count = 0
    size = len(check.part)
    for anchor in _anchors(check):
        at = raw.buffer.find(anchor, start, end)
        while at >= 0 and count <= MANY:
            if check.pattern.match(raw.buffer[at : at + size]):
                yield at
            count += 1
            at = raw.buffer.find(anchor, at + 1, end)


def _anchors(check: HasBytes) -> list[bytes]:
    """What the bytes may begin with, in every case of its letters: to find that is quicker than any pattern."""
    head = check.part[:ANCHOR]
    if not check.pattern.flags & re.IGNORECASE:
        return [head]
    cases = [{bytes((byte,)).lower(), bytes((byte,)).upper()} for byte in head]
    return [b"".join(letters) for letters in product(*cases)]
