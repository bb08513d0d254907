"""Reading recordings into a packet table: through the same code that reads captures, so that nothing comes out other.

A recording of several sources is read source after source, as their files were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from capture.arrays import I64, U8, Array
from capture.capture_file import CaptureFile
from capture.direction import KEPT_BITS
from capture.duplicates import mark_copies
from capture.errors import CaptureError
from capture.frames import CHUNK, MAX_FRAME, Frames, Interface
from capture.ingest import Ingest
from capture.notes import LONGEST_COMMENT
from capture.raw import Raw
from capture.recording.cbor import CborError, Span, Value, read_head, read_value
from capture.recording.fields import Fields
from capture.recording.items import Body, read_items, read_map
from capture.recording.layout import (
    FORMAT,
    MOST_INTERFACES,
    MOST_SOURCES,
    SINT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    VERSION,
    Item,
)
from capture.recording.writing import COUNTED
from capture.said import Said
from capture.table import PacketTable
from capture.touches import Touches, read_touch
from capture.window import Window

MOST_NOTES: Final = 100_000
"""Marks, and comments, that are believed of a recording."""
MOST_NAMES: Final = 10_000
MOST_REMARKS: Final = 1000
_MAP: Final = 5
_NO_RUN: Final = np.empty(0, np.int64)


@dataclass(slots=True)
class _Run:
    """Frames of one item."""

    times: I64
    interfaces: I64
    numbers: I64
    lengths: I64
    wire_lengths: I64
    directions: U8
    start: int
    """Offset of the first frame."""


@dataclass(slots=True)
class _Source:
    """What a recording says of one source."""

    name: str
    format: str
    interfaces: list[Interface]
    runs: list[_Run] = field(default_factory=list)
    counts: dict[str, int | None] | None = None
    notes: list[str] = field(default_factory=list)
    truncated: str | None = None
    touches: Touches | None = None


class RecordingReader:
    """Reads one recording.

    Args:
        raw: the file.
        path: as the user named it.
    """

    def __init__(self, raw: Raw, path: str) -> None:
        self._raw = raw
        self._path = path
        self._sources: dict[int, _Source] = {}
        self._said = Said()
        self._keylogs: list[bytes] = []
        self._public_keys: list[bytes] = []
        self._lost: list[str] = []
        self._unknown = 0
        self._ended = False
        self.redacted = False

    def read(self, table: PacketTable, progress: Callable[[int, int], None] | None = None) -> None:
        """Read everything into a table.

        Args:
            table: where to.
            progress: told of bytes read and bytes to read; what it raises stops the reading.

        Raises:
            CaptureError: no recording, or of a later version. Damage behind the header is no error: the table's files
                tell of it.
        """
        self._scan()
        segment = len(table.segments)
        table.segments.append(self._raw)
        files: list[CaptureFile] = []
        for source in self._sources.values():
            file = CaptureFile(source.name, source.format, list(source.interfaces))
            file.touches = source.touches
            files.append(file)
            self._ingest(table, segment, file, source, progress)
        if not files:
            files.append(CaptureFile(self._path, "recording", []))
            table.files.append(files[0])
        files[0].said = self._said
        files[0].secrets = self._keylogs
        files[0].public_keys = self._public_keys
        files[0].notes += self._said.summary()
        if self.redacted:
            files[0].notes.append("addresses and keys in this recording are masked")
        self._say_damage(files[0])

    def _scan(self) -> None:
        """Look at every item; frames are only found, not read."""
        bodies = read_items(self._raw)
        try:
            self._header(next(bodies))
        except CborError as error:
            raise CaptureError(self._path, f"no recording: {error.reason}", min(error.offset, self._raw.size)) from None
        try:
            for body in bodies:
                self._take(body)
        except CborError as error:
            left = self._raw.size - error.offset
            self._lost.append(f"damaged at byte {error.offset}: {error.reason}; {left} bytes from there on are lost")

    def _header(self, body: Body) -> None:
        if body.kind != Item.HEADER or body.trouble:
            raise CborError(body.at, body.trouble or "the first item is no header")
        fields = self._fields(body)
        if fields.text("format") != FORMAT:
            raise CborError(body.at, "another format")
        version = fields.number("version")
        if version > VERSION:
            raise CborError(body.at, f"version {version}, this program reads up to {VERSION}")
        self.redacted = fields.truth("redacted")

    def _fields(self, body: Body) -> Fields:
        return Fields(self._raw, body.span.start, read_map(self._raw, body))

    def _take(self, body: Body) -> None:
        """Take in an item; one that is damaged is left out, and said."""
        if body.trouble and not (body.cut and body.kind == Item.FRAMES):
            self._lose(body, body.trouble)
            return
        try:
            self._take_whole(body)
        except CborError as error:
            self._lose(body, error.reason)

    def _take_whole(self, body: Body) -> None:
        match body.kind:
            case Item.SOURCE:
                self._source(self._fields(body))
            case Item.FRAMES:
                self._frames(body)
            case Item.COUNTS:
                self._counts(self._fields(body))
            case Item.SECRETS:
                fields = self._fields(body)
                self._keylogs.append(fields.content("keylog"))
                self._public_keys += [key for key in fields.contents("public_keys") if len(key) == 32]
            case Item.NOTES:
                self._notes(self._fields(body))
            case Item.TOUCHES:
                self._touches(self._fields(body))
            case Item.NAMES:
                rows = self._fields(body).rows("names", str, str)
                self._said.names = {str(what): str(name) for what, name in rows[:MOST_NAMES] if what}
            case Item.END:
                self._ended = True
            case _:
                self._unknown += 1

    def _source(self, fields: Fields) -> None:
        number = fields.number("source", MOST_SOURCES - 1)
        interfaces = fields.interfaces("interfaces")
        if len(interfaces) > MOST_INTERFACES:
            raise fields.wrong("interfaces", f"more than {MOST_INTERFACES}")
        known = self._sources.get(number)
        if known is None:
            self._sources[number] = _Source(fields.text("name"), fields.text("format"), interfaces)
        elif len(interfaces) >= len(known.interfaces):
            known.interfaces = interfaces

    def _frames(self, body: Body) -> None:
        fields = Fields(self._raw, body.span.start, self._cut_map(body) if body.cut else read_map(self._raw, body))
        number = fields.number("source", MOST_SOURCES - 1)
        source = self._sources.get(number)
        if source is None:
            raise fields.wrong("source", f"source {number} was not described")
        times = fields.column("times_ns", SINT64).astype(np.int64)
        interfaces = fields.column("interfaces", UINT16).astype(np.int64)
        numbers = fields.column("numbers", UINT64).astype(np.int64)
        wire_lengths = fields.column("wire_lengths", UINT32).astype(np.int64)
        lengths = fields.column("lengths", UINT32).astype(np.int64)
        place = fields.span("bytes")
        directions = (
            np.zeros(times.size, np.uint8) if fields.empty("directions") else fields.column("directions", UINT8)
        )
        columns: list[Array] = [times, interfaces, numbers, wire_lengths, lengths, directions]
        if len({column.size for column in columns}) != 1:
            raise fields.wrong("lengths", "columns of different lengths")
        if lengths.size and int(lengths.max()) > MAX_FRAME:
            raise fields.wrong("lengths", f"a frame of more than {MAX_FRAME} bytes")
        if interfaces.size and int(interfaces.max()) >= len(source.interfaces):
            raise fields.wrong("interfaces", "a frame of an interface that was not described")
        if numbers.size and (int(numbers.min()) < 1 or int(numbers.max()) > 0xFFFFFFFF):
            raise fields.wrong("numbers", "a frame number out of range")
        ends = np.cumsum(lengths)
        whole = int(np.searchsorted(ends, place.end - place.start, side="right"))
        if not body.cut and (int(ends[-1]) if ends.size else 0) != place.end - place.start:
            raise fields.wrong("bytes", "not as many as the frames have")
        if whole < times.size or body.cut:
            columns = [column[:whole] for column in columns]
            lost = times.size - whole
            self._lost.append(
                f"truncated at byte {self._raw.size}: item {body.order} (frames) ends there, {lost} of its "
                f"{times.size} frames and all after them are lost"
            )
        times, interfaces, numbers, wire_lengths, lengths, directions = columns
        if times.size:
            wire_lengths = np.maximum(wire_lengths, lengths)
            source.runs.append(
                _Run(
                    times,
                    interfaces,
                    numbers,
                    lengths,
                    wire_lengths,
                    (directions & KEPT_BITS).astype(np.uint8),
                    place.start,
                )
            )

    def _cut_map(self, body: Body) -> dict[str, Value]:
        """The fields of a body that the file ends in, of its last byte string as much as is there."""
        raw, end = self._raw, self._raw.size
        head = read_head(raw.buffer, body.span.start, end)
        if head.major != _MAP:
            raise CborError(body.span.start, "a body that is no map")
        found: dict[str, Value] = {}
        at = head.at
        for _ in range(head.argument):
            key, at = read_value(raw.buffer, at, end)
            if not isinstance(key, str):
                raise CborError(at, "a map whose key is no text")
            if key == "bytes":
                string = read_head(raw.buffer, at, end)
                found[key] = Span(string.at, min(string.at + string.argument, end))
                return found
            found[key], at = read_value(raw.buffer, at, end)
        return found

    def _counts(self, fields: Fields) -> None:
        source = self._sources.get(fields.number("source", MOST_SOURCES - 1))
        if source is None:
            raise fields.wrong("source", "it was not described")
        source.counts = {name: fields.count(name) for name in COUNTED}
        source.notes = fields.texts("notes")
        source.truncated = None if fields.empty("truncated") else fields.text("truncated")

    def _notes(self, fields: Fields) -> None:
        said, order = self._said, {number: place for place, number in enumerate(self._sources)}
        attempts = fields.texts("attempts")[:MOST_NOTES]
        packets = fields.rows("packets", int, int)[:MOST_NOTES]
        attempt_comments = fields.rows("attempt_comments", str, str)[:MOST_NOTES]
        packet_comments = fields.rows("packet_comments", int, int, str)[:MOST_NOTES]
        said.remarks = [] if fields.empty("remarks") else fields.texts("remarks")[:MOST_REMARKS]
        said.attempt_marks = set(attempts)
        said.attempt_comments = {id_: text[:LONGEST_COMMENT] for id_, text in attempt_comments}
        said.packet_marks = {(order[file], frame) for file, frame in packets if file in order}
        said.packet_comments = {
            (order[file], frame): text[:LONGEST_COMMENT] for file, frame, text in packet_comments if file in order
        }

    def _touches(self, fields: Fields) -> None:
        source = self._sources.get(fields.number("source", MOST_SOURCES - 1))
        if source is None:
            raise fields.wrong("source", "it was not described")
        if source.touches is None:
            source.touches = Touches()
        for frame, text in fields.rows("touches", int, str):
            touch = read_touch(text)
            if touch is None:
                raise fields.wrong("touches", "an entry that says of nothing that was done")
            source.touches.add(frame, touch)

    def _ingest(
        self,
        table: PacketTable,
        segment: int,
        file: CaptureFile,
        source: _Source,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        ingest = Ingest(table, file)
        start = len(table)
        table.reserve(sum(run.times.size for run in source.runs))
        for run in source.runs:
            at = np.cumsum(run.lengths) - run.lengths + run.start
            for low in range(0, at.size, CHUNK):
                part = slice(low, low + CHUNK)
                frames = Frames(
                    Window(self._raw, at[part]),
                    run.lengths[part].astype(np.uint32),
                    run.wire_lengths[part].astype(np.uint32),
                    run.times[part],
                    run.interfaces[part].astype(np.uint16),
                    run.numbers[part],
                    run.directions[part],
                )
                ingest.add(segment, frames)
            self._raw.check_size()
            if progress is not None:
                progress(run.start, self._raw.size)
        ingest.finish()
        table.sort_by_frame(start)
        if source.counts is not None:
            for name, count in source.counts.items():
                setattr(file, name, count if name == "dropped" else count or 0)
        file.notes += [note for note in source.notes if note not in file.notes]
        file.truncated = source.truncated
        file.duplicates = mark_copies(table, start, len(table), start, file.knowledge)

    def _lose(self, body: Body, reason: str) -> None:
        kind = Item(body.kind).name.lower() if body.kind in Item.__members__.values() else f"kind {body.kind}"
        size = body.span.end - body.at
        where = "truncated" if body.cut else "damaged"
        self._lost.append(f"{where} at byte {body.at}: item {body.order} ({kind}): {reason}; its {size} bytes are lost")

    def _say_damage(self, file: CaptureFile) -> None:
        lost = list(self._lost)
        if not self._ended and not lost:
            file.notes.append(f"{self._path} has no end: it was cut between two items, or is still being written")
        if self._unknown:
            file.notes.append(f"{self._unknown} items of {self._path} are of kinds that this version does not know")
        if lost:
            more = f"; {len(lost) - 1} more places" if len(lost) > 1 else ""
            said = f"{lost[0]}{more}"
            file.truncated = said if file.truncated is None else f"{file.truncated}; {said}"
