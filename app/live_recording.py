"""A live source as a recording that is written while it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.notes import Notes


class LiveRecorder:
    """Writes what comes, and what is said of it, as items of a recording; each is in the file at once.

    Args:
        out: the file.
        source: where packets come from.
    """

    def __init__(self, out: BinaryIO, source: LiveSource) -> None:
        from capture.recording.writing import RecordingWriter

        self._out = out
        self._source = source
        self._writer = RecordingWriter(out)
        self._writer.add_source(0, source.file)
        self._ended = False
        self._touches = 0
        """Touches that are written."""

    @property
    def path(self) -> str:
        """Of the file."""
        return self._out.name

    def add(self, rows: range) -> None:
        """Write packets.

        Raises:
            OSError: the file can't be written any more.
        """
        from capture.recording.writing import frames_to_record

        # A source that is fed by many hosts may come to have more interfaces.
        self._writer.add_source(0, self._source.file)
        self._writer.add_frames(0, frames_to_record(self._source.table, rows))
        self._add_touches()
        self._out.flush()

    def say(self, notes: Notes, names: Mapping[str, str]) -> None:
        """Write what the user says, in place of what was said before.

        Raises:
            OSError: the file can't be written any more.
        """
        if not self._ended:
            self._writer.add_notes(notes)
            self._writer.add_names(names)
            self._out.flush()

    def finish(self) -> None:
        """Write the last counts, and that this is all.

        Raises:
            OSError: the file can't be written any more.
        """
        if not self._ended:
            self._ended = True
            self._add_touches()
            self._writer.add_counts(0, self._source.file)
            self._writer.finish()
            self._out.flush()

    def _add_touches(self) -> None:
        touches = self._source.file.touches
        if touches is not None:
            self._touches = self._writer.add_touches(0, touches, self._touches)
