"""Writing recordings, item by item, as things happen."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import numpy as np

from capture.arrays import Array
from capture.capture_file import CaptureFile
from capture.frame_rows import Target, opened
from capture.frames import Interface
from capture.keylog import Secret, format_secrets
from capture.notes import NO_NOTES, Notes
from capture.recording.layout import BATCH, FORMAT, MAGIC_TAG, SINT64, UINT8, UINT16, UINT32, UINT64, VERSION, Item
from capture.table import PacketTable
from capture.touches import Touches, to_plain, touches_of_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTED: Final = ("packets", "not_udp", "malformed", "fragments", "fragments_pending", "dropped")
"""Counts of a source that its recorded frames do not tell."""


class RecordedFrame(NamedTuple):
    """One frame."""

    time_ns: int
    """Epoch nanoseconds by the clock of its source."""
    interface: int
    number: int
    """Of the frame in its source, from 1; pieces of a fragmented datagram have that of the last."""
    data: bytes
    wire_length: int
    direction: int = 0
    """Which way it passed, as `capture.direction.Passage`; 0: not known."""


class RecordingWriter:
    """Writes one recording. Every item is handed on whole; whoever owns the stream flushes it."""

    def __init__(self, stream: BinaryIO, *, program: str = "peephole", redacted: bool = False) -> None:
        """Write the header.

        Args:
            stream: where to.
            program: what writes it.
            redacted: whether addresses and keys in it are masked.
        """
        self._stream = stream
        self._items = 0
        self._frames = 0
        self._described: dict[int, int] = {}
        self._item(Item.HEADER, {"format": FORMAT, "version": VERSION, "program": program, "redacted": redacted})

    def add_source(self, number: int, file: CaptureFile) -> None:
        """Describe a source, or the interfaces that it has come to have since. Its frames come after it."""
        known = self._described.get(number)
        if known == len(file.interfaces):
            return
        self._described[number] = len(file.interfaces)
        self._item(
            Item.SOURCE,
            {
                "source": number,
                "name": file.path,
                "format": file.format,
                "clock_offset_ns": file.clock_offset_ns,
                "interfaces": [_interface(one) for one in file.interfaces],
            },
        )

    def add_frames(self, source: int, frames: Sequence[RecordedFrame]) -> None:
        """Write frames of a source that was described, in the order in which they are to be read."""
        for start in range(0, len(frames), BATCH):
            batch = frames[start : start + BATCH]
            self._frames += len(batch)
            columns = list(zip(*batch, strict=True))
            self._item(
                Item.FRAMES,
                {
                    "source": source,
                    "times_ns": _numbers(columns[0], SINT64),
                    "interfaces": _numbers(columns[1], UINT16),
                    "numbers": _numbers(columns[2], UINT64),
                    "wire_lengths": _numbers(columns[4], UINT32),
                    "lengths": _numbers([len(data) for data in columns[3]], UINT32),
                    **({"directions": _numbers(columns[5], UINT8)} if any(columns[5]) else {}),
                    "bytes": b"".join(columns[3]),
                },
            )

    def add_counts(self, number: int, file: CaptureFile) -> None:
        """Write what the frames of a source do not tell of it."""
        counts: dict[str, Any] = {name: getattr(file, name) for name in COUNTED}
        self._item(Item.COUNTS, {"source": number, **counts, "truncated": file.truncated, "notes": list(file.notes)})

    def add_secrets(self, secrets: Iterable[Secret], public_keys: Iterable[bytes] = ()) -> None:
        """Write secrets; the file then has to be its owner's alone."""
        log = format_secrets(secrets).encode("ascii")
        self._item(Item.SECRETS, {"keylog": log, "public_keys": list(public_keys)})

    def add_notes(self, notes: Notes, remarks: Sequence[str] = ()) -> None:
        """Write all notes, and what is said of the whole; they stand in place of those written before."""
        self._item(
            Item.NOTES,
            {
                "remarks": list(remarks),
                "attempts": sorted(notes.attempts),
                "packets": sorted(map(list, notes.packets)),
                "attempt_comments": sorted([id_, text] for id_, text in notes.attempt_comments.items()),
                "packet_comments": sorted([*packet, text] for packet, text in notes.packet_comments.items()),
            },
        )

    def add_touches(self, number: int, touches: Touches, start: int = 0) -> int:
        """Write what was done to packets of a source, from the `start`-th on; how many were written so far."""
        fresh = [[frame, json.dumps(to_plain(touch))] for frame, touch in touches.since(start)]
        if fresh:
            self._item(Item.TOUCHES, {"source": number, "touches": fresh})
        return start + len(fresh)

    def add_names(self, names: Mapping[str, str]) -> None:
        """Write all names of addresses and keys; they stand in place of those written before."""
        self._item(Item.NAMES, {"names": sorted(map(list, names.items()))})

    def finish(self, items: int | None = None, frames: int | None = None) -> None:
        """Say that this is all; a recording without this was cut, or is still written.

        Args:
            items: how many there are, if not all that were made came to be in the file.
            frames: the same of frames.
        """
        counts = self._items if items is None else items, self._frames if frames is None else frames
        self._item(Item.END, dict(zip(("items", "frames"), counts, strict=True)))

    def _item(self, kind: Item, body: Mapping[str, Any]) -> None:
        import cbor2

        content = cbor2.dumps(body)
        item: Any = [int(kind), zlib.crc32(content), content]
        self._stream.write(cbor2.dumps(cbor2.CBORTag(MAGIC_TAG, item) if kind is Item.HEADER else item))
        self._items += 1


def write_recording(
    target: Target,
    table: PacketTable,
    rows: Sequence[int] | None = None,
    *,
    notes: Notes | None = None,
    names: Mapping[str, str] | None = None,
    secrets: Sequence[Secret] = (),
    public_keys: Sequence[bytes] = (),
    private: bool = False,
    redacted: bool = False,
) -> int:
    """Record packets.

    Args:
        target: path, or a binary stream.
        table: where they are.
        rows: of the packets; None records all, with the counts of what else the sources showed.
        notes: what the user says of them.
        names: of addresses and keys.
        secrets: key log lines to go with them.
        public_keys: that were given, and are needed to open them.
        private: whether the file is for its owner alone.
        redacted: whether what is written is masked.

    Returns:
        How many frames were written.

    Raises:
        OSError: the file can't be written.
    """
    count = 0
    with opened(target, private=private) as stream:
        writer = RecordingWriter(stream, redacted=redacted)
        if secrets or public_keys:
            writer.add_secrets(secrets, public_keys)
        wanted = None if rows is None else np.asarray(sorted({int(row) for row in rows}), np.int64)
        for number, file in enumerate(table.files):
            writer.add_source(number, file)
            mine = np.flatnonzero(table.file == number)
            if wanted is not None:
                mine = np.intersect1d(mine, wanted, assume_unique=True)
            mine = mine[np.argsort(table.frame[mine], kind="stable")]
            for start in range(0, mine.size, BATCH):
                frames = frames_to_record(table, mine[start : start + BATCH].tolist())
                writer.add_frames(number, frames)
                count += len(frames)
            touches = touches_of_file(file)
            if touches is not None:
                writer.add_touches(number, _within(touches, table.frame[mine]))
            if wanted is None:
                writer.add_counts(number, file)
        remarks = [remark for file in table.files if file.said is not None for remark in file.said.remarks]
        if notes or remarks:
            writer.add_notes(notes or NO_NOTES, remarks)
        if names:
            writer.add_names(names)
        writer.finish()
    return count


def _within(touches: Touches, frames: Array) -> Touches:
    """The touches of some packets alone."""
    wanted, found = set(frames.tolist()), Touches()
    for frame, touch in touches:
        if frame in wanted:
            found.add(frame, touch)
    return found


def frames_to_record(table: PacketTable, rows: Iterable[int]) -> list[RecordedFrame]:
    """The frames of rows of one file, with the times of its own clock."""
    found: list[RecordedFrame] = []
    for row in rows:
        number, interface, direction = int(table.frame[row]), int(table.interface[row]), int(table.direction[row])
        for piece in table.pieces.get(row, ()):
            data = bytes(table.segments[piece.segment].buffer[piece.at : piece.at + piece.length])
            found.append(RecordedFrame(piece.time_ns, piece.interface, number, data, piece.wire_length, direction))
        data, wire_length = table.whole_frame(row)
        time_ns = int(table.time_ns[row]) + int(table.ahead_ns[row])
        found.append(RecordedFrame(time_ns, interface, number, data, wire_length, direction))
    return found


def _interface(interface: Interface) -> list[Any]:
    return [interface.linktype, interface.name, interface.snaplen, interface.comment]


def _numbers(column: Iterable[int], tag: int) -> Any:
    import cbor2

    kind: Any = {UINT8: "u1", UINT16: "<u2", UINT32: "<u4", UINT64: "<u8", SINT64: "<i8"}[tag]
    numbers: NDArray[Any] = np.fromiter(column, kind)
    return cbor2.CBORTag(tag, numbers.tobytes())
