"""A capture file that another program writes, followed as `tail -F` does."""

from __future__ import annotations

import os

from capture.errors import CaptureError
from capture.growing.followed import INTERVAL, Followed


class FollowedFile(Followed):
    """Bytes of a file from its start on, and of each that takes its name, as when a capture is rotated.

    What was written to the old file before the new one took its name is read first. A file that was cut shorter is read
    again from its start.
    """

    def __init__(self, path: str, interval: float = INTERVAL) -> None:
        """Open the file.

        Raises:
            CaptureError: it can't be opened.
        """
        super().__init__(path, interval)
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
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
            if piece := self._piece():
                return piece
            if self._end is not None:
                return None
            if self._starts_anew():
                return b""
            self._woken.wait(self._interval)

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
