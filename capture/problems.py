"""Everything that was lost, cut, refused or odd in what was captured, counted, each kind with packets that show it.

What has a row in the packet table is found by looking through the table; what never got one (frames whose headers
contradict themselves, pieces of datagrams that never became whole) was counted while reading. A table that grows is
looked through where it grew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

import numpy as np

from capture.arrays import I64
from capture.capture_file import CaptureFile
from capture.flow import Sighting
from capture.links import linktype_name
from capture.losses import Loss, Losses
from capture.table import Kind, PacketTable
from protocol.decode import decode_datagram
from protocol.messages import Undecodable

KEPT: Final = 500
"""Packets of one kind of problem that are kept to go to; all are counted."""
KINDS: Final = 200
"""Reasons of undecodable packets that are told apart."""
_ROWS: Final = 1 << 16
"""Rows that are looked through at once."""
_DECODED: Final = 256
"""Packets that are decoded at once."""
_OF_LOSSES: Final = {
    "kernel": "dropped",
    "elsewhere": "dropped elsewhere",
    "queue": "dropped here",
    "let_go": "let go",
    "unwritten": "not saved",
    "unrecorded": "not recorded",
}
"""Causes of losses that are told of a live source as a whole, and kinds of their problems; files tell the others."""
_NUMBERS: Final = re.compile(r"\d+")


class Severity(IntEnum):
    """How bad a problem is."""

    ERROR = 0
    """Something is missing that would have been seen."""
    WARNING = 1
    """Something could not be used."""
    NOTE = 2
    """Worth knowing."""


@dataclass(slots=True)
class Problem:
    """One kind of problem."""

    severity: Severity
    kind: str
    """Stable name, like ``undecodable``."""
    says: str
    """What it is; may hold text of a file: escape it."""
    count: int = 0
    example: str = ""
    """The first one, in words."""
    sightings: list[Sighting] = field(default_factory=list)
    """The first `KEPT` packets that show it; none where it is no packet of the table."""
    texts: tuple[str, ...] = ()
    """Each of them in words, where it is no packet; may hold text of a file."""


class Reported(Protocol):
    """What a story knows of problems beside its table."""

    @property
    def refused(self) -> Sequence[tuple[Sighting, str, int, str, bool]]:
        """Messages whose value does not decode: packet, field, offset, reason, and whether the capture cut it."""
        ...

    @property
    def keylog_errors(self) -> tuple[str, ...]:
        """Malformed lines of key logs."""
        ...

    @property
    def asides(self) -> tuple[str, ...]:
        """What else was seen and is part of no attempt."""
        ...


class Problems:
    """Problems of a packet table, found bit by bit."""

    def __init__(self, table: PacketTable) -> None:
        self.table = table
        self._done = 0
        self._malformed: I64 = np.empty(0, np.int64)
        """Rows that were found undecodable, and were not asked why yet."""
        self._undecodable: dict[tuple[str, str], Problem] = {}
        self._cut = Problem(
            Severity.WARNING, "cut", "datagrams that the capture cut (snap length): what is missing can't be decoded"
        )
        self._duplicates = Problem(
            Severity.NOTE, "duplicate", "datagrams that the same file shows again: counted and drawn once"
        )

    @property
    def looked_at(self) -> int:
        """Rows that have been looked at."""
        return self._done

    def look_some(self) -> bool:
        """Look through some more of the table, for some milliseconds; False where all of it has been looked through."""
        if self._malformed.size:
            some, self._malformed = self._malformed[:_DECODED], self._malformed[_DECODED:]
            self._decode(some)
            return True
        table = self.table
        start, stop = self._done, min(self._done + _ROWS, len(table))
        if start == stop:
            return False
        self._done = stop
        self._take(self._cut, np.flatnonzero(table.cut[start:stop]) + start)
        copies = table.copy_of[start:stop]
        again = np.flatnonzero(copies >= 0)
        same = table.file[start:stop][again] == table.file[copies[again]]
        self._take(self._duplicates, again[same] + start)
        self._malformed = np.flatnonzero(table.kind[start:stop] == Kind.MALFORMED) + start
        return True

    def _decode(self, rows: I64) -> None:
        table = self.table
        for row, payload, length in zip(
            rows.tolist(), table.payloads(rows), table.wire_length[rows].tolist(), strict=True
        ):
            found = decode_datagram(payload, length)
            if not isinstance(found, Undecodable):
                continue
            key = found.field, _NUMBERS.sub("#", found.reason)
            if key not in self._undecodable and len(self._undecodable) >= KINDS:
                key = "", "other reasons"
            problem = self._undecodable.get(key)
            if problem is None:
                says = f"undecodable {key[0]}: {key[1]}" if key[0] else f"undecodable: {key[1]}"
                example = f"{found.field} at byte {found.offset}: {found.reason}"
                problem = self._undecodable[key] = Problem(Severity.WARNING, "undecodable", says, 0, example)
            self._add(problem, row)

    def _take(self, problem: Problem, rows: I64) -> None:
        problem.count += rows.size
        room = KEPT - len(problem.sightings)
        problem.sightings += [self._sighting(row) for row in rows[:room].tolist()] if room > 0 else []

    def _add(self, problem: Problem, row: int) -> None:
        problem.count += 1
        if len(problem.sightings) < KEPT:
            problem.sightings.append(self._sighting(row))

    def _sighting(self, row: int) -> Sighting:
        return Sighting(self.table.file.item(row), self.table.frame.item(row), row)

    def found(self, story: Reported, remarks: Iterable[str] = (), losses: Losses | None = None) -> list[Problem]:
        """All problems, the worst first, among equals the most frequent.

        Args:
            story: what it knows beside the table.
            remarks: what is to be said of keys that were given.
            losses: what a live source lost; None where files tell it.
        """
        problems = [*self._undecodable.values(), self._cut, self._duplicates, *self._assembled()]
        for file in self.table.files:
            problems += _of_file(file, of_losses=losses is not None)
        problems += [_of_loss(loss) for loss in losses or () if loss.cause in _OF_LOSSES]
        problems += self._refused(story)
        lines = "malformed lines of key logs, ignored"
        problems += _said(Severity.WARNING, "key log", lines, story.keylog_errors)
        problems += [Problem(Severity.WARNING, "key", remark, 1) for remark in remarks]
        problems += [Problem(Severity.NOTE, "aside", aside, 1) for aside in story.asides]
        return sorted((one for one in problems if one.count), key=lambda one: (one.severity, -one.count))

    def _assembled(self) -> Iterator[Problem]:
        rows = sorted(self.table.assembled)
        if rows:
            shown = [self._sighting(row) for row in rows[:KEPT]]
            yield Problem(
                Severity.NOTE, "fragments", "datagrams that were put together from fragments", len(rows), "", shown
            )

    def _refused(self, story: Reported) -> Iterator[Problem]:
        by_reason: dict[tuple[str, str, bool], Problem] = {}
        for sighting, name, offset, reason, cut in story.refused:
            key = name, _NUMBERS.sub("#", reason), cut
            problem = by_reason.get(key)
            if problem is None:
                says = f"value that does not decode, {key[0]}: {key[1]}"
                if cut:
                    says = "messages that the capture cut before they say enough to belong to an attempt"
                kind = "cut value" if cut else "value"
                problem = Problem(Severity.WARNING, kind, says, 0, f"{name} at byte {offset}: {reason}")
                by_reason[key] = problem
            problem.count += 1
            if len(problem.sightings) < KEPT:
                problem.sightings.append(sighting)
        yield from by_reason.values()


def _said(severity: Severity, kind: str, says: str, texts: Sequence[str]) -> Iterator[Problem]:
    if texts:
        yield Problem(severity, kind, says, len(texts), texts[0], texts=tuple(texts))


def _of_loss(loss: Loss) -> Problem:
    kind = _OF_LOSSES[loss.cause]
    return Problem(Severity.NOTE if kind == "let go" else Severity.ERROR, kind, loss.says, loss.number)


def _of_file(file: CaptureFile, *, of_losses: bool) -> Iterator[Problem]:
    """What was counted while a file was read, or a live source was listened to."""

    def problem(severity: Severity, kind: str, says: str, count: int, first: str = "") -> Problem:
        at = file.firsts.get(first)
        return Problem(severity, kind, f"{file.path}: {says}", count, f"frame {at}" if at is not None else "")

    if file.truncated:
        yield problem(Severity.ERROR, "damage", f"{file.truncated}; what came before is used", 1)
    if file.dropped and not of_losses:
        says = "packets that were lost before they could be captured or read"
        yield problem(Severity.ERROR, "dropped", says, file.dropped)
    malformed = "frames whose IP or UDP header is cut short or contradicts itself"
    yield problem(Severity.WARNING, "malformed", malformed, file.malformed, "malformed")
    for linktype, count in file.unreadable.items():
        says = f"frames of link type {linktype} ({linktype_name(linktype)}), which can't be read"
        yield problem(Severity.WARNING, "link type", says, count, "unreadable")
    pending = "fragmented datagrams of which pieces are missing"
    yield problem(Severity.WARNING, "pieces missing", pending, file.fragments_pending, "fragment")
    yield problem(Severity.NOTE, "pieces", "frames with pieces of fragmented datagrams", file.fragments, "fragment")
    for note in file.notes:
        if not note.startswith(tuple(f"{count} frames of link type" for count in file.unreadable.values())):
            yield problem(Severity.NOTE, "note", note, 1)
