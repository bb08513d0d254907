"""A file that another program appends to, read as far as it is written: what following one file and a ring share."""

from __future__ import annotations

import os
import threading
from typing import BinaryIO, Final

from capture.growing.bytes import PIECE
from capture.ways_of_capture import Way

INTERVAL: Final = 0.1
"""Seconds between two looks at a file that has not grown."""


class Followed:
    """The present file, and when somebody had enough of it."""

    way: str = Way.FILE
    promiscuous: bool | None = None
    _file: BinaryIO

    def __init__(self, name: str, interval: float) -> None:
        """Begin without a file.

        Args:
            name: what it is called.
            interval: seconds between two looks where nothing has grown.
        """
        self.name = name
        self._interval = interval
        self._woken = threading.Event()
        self._end: int | None = None
        """Size of the file when somebody had enough of it."""

    def _piece(self) -> bytes:
        """What comes next of the file; nothing where that is not written yet, or more than is wanted."""
        if self._end is None and self._woken.is_set():
            self._end = os.fstat(self._file.fileno()).st_size
        room = PIECE if self._end is None else min(PIECE, self._end - self._file.tell())
        return self._file.read(room) if room > 0 else b""

    def wake(self) -> None:
        """Make `read` give up waiting, now and for ever."""
        self._woken.set()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
