"""A file in which only whole pieces stand: blocks of a pcapng, items of a recording.

What fits no more is taken back to the last whole piece, so that a full disk damages nothing. Each call hands the
pieces to the system at once: nothing waits in this process that a sudden end of it would lose. Bytes that the system
has are in the file for whoever reads it; a loss of power is another matter.
"""

from __future__ import annotations

import errno
import os
import stat
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Final, NamedTuple

_AT_ONCE: Final = 1 << 20


class Appended(NamedTuple):
    """What became of pieces."""

    whole: int
    """So many of them stand in the file: the first ones."""
    error: OSError | None
    """Why not all of them do."""


class WholeFile:
    """Appends pieces to a descriptor, which it does not own.

    Args:
        descriptor: open for writing.
        path: what it is called.
    """

    def __init__(self, descriptor: int, path: str) -> None:
        self.path = path
        found = os.fstat(descriptor)
        self.regular: bool = stat.S_ISREG(found.st_mode)
        """Whether what was written can be taken back; not so of pipes and devices."""
        self.size = 0
        """Bytes that were appended."""
        self.broken = False
        """Whether a pipe or device took no more: a reader that comes later would find itself in the midst."""
        self._descriptor = descriptor

    @property
    def gone(self) -> bool:
        """Whether somebody has removed it, so that nobody will ever read what is written."""
        return self.regular and os.fstat(self._descriptor).st_nlink == 0

    def append(self, pieces: Sequence[bytes]) -> Appended:
        """Write pieces."""
        if self.broken:
            return Appended(0, OSError(errno.EPIPE, os.strerror(errno.EPIPE)))
        data, written = memoryview(b"".join(pieces)), 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written : written + _AT_ONCE])
        except OSError as error:
            ends = list(accumulate(map(len, pieces)))
            count = bisect_right(ends, written)
            whole = ends[count - 1] if count else 0
            self.size += whole
            if self.regular:
                self._take_back(written - whole)
            else:
                self.broken = True
            return Appended(count, error)
        self.size += len(data)
        return Appended(len(pieces), None)

    def _take_back(self, surplus: int) -> None:
        # A disk that can't even do this has a cut piece at the end of the file, which readers tell.
        with suppress(OSError):
            end = os.fstat(self._descriptor).st_size - surplus
            os.ftruncate(self._descriptor, end)
            os.lseek(self._descriptor, end, os.SEEK_SET)
