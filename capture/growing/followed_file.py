"""A capture file that another program writes, followed as `tail -F` does."""

from __future__ import annotations

import os
import threading
from typing import BinaryIO, Final

from capture.errors import CaptureError
from capture.growing.bytes import PIECE
from capture.ways_of_capture import Way

INTERVAL: Final = 0.1
"""Seconds between two looks at a file that has not grown."""


class FollowedFile:
    """Bytes of a file from its start on, and of each that takes its name, as when a capture is rotated.

    What was written to the old file before the new one took its name is read first. A file that was cut shorter is read
    again from its start.
    """

    way: str = Way.FILE
    promiscuous: bool | None = None

    def __init__(self, path: str, interval: float = INTERVAL) -> None:
        """Open the file.

        Raises:
            CaptureError: it can't be opened.
        """
        self.name = path
        self._interval = interval
        self._woken = threading.Event()
        self._end: int | None = None
        """Size of the file when somebody had enough of it."""
        try:
            self._file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CaptureError(path, reason.lower()) from error

    def read(self) -> bytes | None:
        """Wait for bytes; none: another file has taken the name, or the file starts anew; None: somebody woke us, and
        what was written until then has been read.

        Raises:
            OSError: it can't be read any more.
        """
        while True:
            if self._end is None and self._woken.is_set():
                self._end = os.fstat(self._file.fileno()).st_size
            room = PIECE if self._end is None else min(PIECE, self._end - self._file.tell())
            piece = self._file.read(room) if room > 0 else b""
            if piece:
                return piece
            if self._end is not None:
                return None
            if self._starts_anew():
                return b""
            self._woken.wait(self._interval)

    def wake(self) -> None:
        """Make `read` give up waiting, now and for ever."""
        self._woken.set()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _starts_anew(self) -> bool:
        """Whether the bytes that come next are the start of a capture."""
        ours = os.fstat(self._file.fileno())
        if ours.st_size < self._file.tell():
            self._file.seek(0)
            return True
        try:
            named = os.stat(self.name)
            if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino):
                return False
            newer = open(self.name, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        except FileNotFoundError:
            return False  # moved away, and the next one is not there yet
        if self._file.read(1):
            newer.close()  # our own was written to between our last read and the look at its name
            self._file.seek(-1, os.SEEK_CUR)
            return False
        self._file.close()
        self._file = newer
        return True
