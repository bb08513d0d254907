"""A live source as a recording that is written while it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, cast

from app.counts import counted
from app.live_pieces import Pieces, reason_of, unwritable

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.notes import Notes


class LiveRecorder:
    """Writes what comes, and what is said of it, as items of a recording; each is in the file at once.

    What finds no room is no part of an item in the file. Frames are counted then; all else, of which the newest counts,
    is written as soon as there is room again.

    Args:
        out: the file; nothing else may write it.
        source: where packets come from.

    Raises:
        CommandError: it takes nothing from the start.
    """

    def __init__(self, out: BinaryIO, source: LiveSource) -> None:
        from capture.disk_ring.whole_file import WholeFile
        from capture.recording.writing import RecordingWriter

        self.path: str = out.name
        """Of the file."""
        self.lost = 0
        """Packets that were not written."""
        self._file = WholeFile(out.fileno(), self.path)
        self._source = source
        self._pieces = Pieces()
        self._writer = RecordingWriter(cast("BinaryIO", self._pieces))
        self._owed: dict[str, list[bytes]] = {}
        """Items that have to be in the file before any other, by what they are of."""
        self._error: OSError | None = None
        self._told = ""
        self._ended = False
        self._items = self._frames = 0
        """That are in the file."""
        self._touches: dict[int, int] = {}
        """Touches that are written, by source."""
        self._describe()
        if self._error is not None:
            raise unwritable(self.path, self._error)

    @property
    def trouble(self) -> str:
        """What is wrong with writing now; empty if nothing is."""
        if self._error is None:
            return ""
        return f"{self.path} can't be written: {reason_of(self._error)}; {counted(self.lost, 'packet')} not recorded"

    def changes(self) -> Iterator[str]:
        """What began or ended since the last call, as sentences for standard error."""
        now = "" if self._error is None else reason_of(self._error)
        if now and now != self._told:
            yield f"{self.path} can't be written: {now}; what is not recorded is counted"
        elif self._told and not now:
            yield f"{self.path} is written again; {counted(self.lost, 'packet')} are not recorded"
        self._told = now

    def write(self, rows: range) -> None:
        """Record packets."""
        from capture.recording.layout import BATCH
        from capture.recording.writing import frames_to_record

        self._describe()
        table = self._source.table
        for start in range(rows.start, rows.stop, BATCH):
            batch = range(start, min(start + BATCH, rows.stop))
            for number in range(len(table.files)):
                mine = batch if len(table.files) == 1 else [row for row in batch if table.file.item(row) == number]
                frames = frames_to_record(table, mine)
                # A datagram that came in fragments has several frames.
                for first in range(0, len(frames), BATCH):
                    some = frames[first : first + BATCH]
                    self._writer.add_frames(number, some)
                    if self._put(self._pieces.taken()):
                        self._frames += len(some)
                    else:
                        self.lost += len(some)
        self._add_touches()

    def say(self, notes: Notes, names: Mapping[str, str]) -> None:
        """Write what the user says, in place of what was said before."""
        if not self._ended:
            self._writer.add_notes(notes)
            self._owed["notes"] = self._pieces.taken()
            self._writer.add_names(names)
            self._owed["names"] = self._pieces.taken()
            self._put([])

    def finish(self) -> None:
        """Write the last counts, and that this is all."""
        if self._ended:
            return
        self._ended = True
        self._add_touches()
        for number, file in enumerate(self._source.table.files):
            self._writer.add_counts(number, file)
        if self._put(self._pieces.taken()):
            self._writer.finish(self._items, self._frames)
            self._put(self._pieces.taken())

    def _describe(self) -> None:
        """A source that is fed by many hosts may come to have more interfaces, and a live one more sources."""
        for number, file in enumerate(self._source.table.files):
            self._writer.add_source(number, file)
            described = self._pieces.taken()
            if described:
                self._owed.setdefault("sources", []).extend(described)
        self._put([])

    def _add_touches(self) -> None:
        for number, file in enumerate(self._source.table.files):
            if file.touches is not None:
                known = self._touches.get(number, 0)
                after = self._writer.add_touches(number, file.touches, known)
                if self._put(self._pieces.taken()):
                    self._touches[number] = after

    def _put(self, items: list[bytes]) -> bool:
        """Write what is owed, then these items; whether all of these are in the file."""
        owed = [(name, item) for name, several in self._owed.items() for item in several]
        count, error = self._file.append([*(item for _, item in owed), *items])
        if owed:
            rest: dict[str, list[bytes]] = {}
            for name, item in owed[count:]:
                rest.setdefault(name, []).append(item)
            self._owed = rest
        self._items += count
        if owed or items:
            self._error = error
        return error is None
