"""A ring of files that another program writes (`capture.disk_ring`, dumpcap -b), followed from its oldest file on."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO

from capture.disk_ring.names import RingPart, parts_of
from capture.errors import CaptureError
from capture.growing.bytes import PIECE
from capture.growing.followed import INTERVAL, Followed


class FollowedRing(Followed):
    """Bytes of the files of a ring, one after the other; files that went before they were begun are left out.

    Args:
        base: name of the ring.
        interval: seconds between two looks where nothing has grown.

    Raises:
        CaptureError: none of its files can be read.
    """

    def __init__(self, base: str, interval: float = INTERVAL) -> None:
        super().__init__(base, interval)
        try:
            found = self._opened_after(None)
        except OSError as error:
            raise CaptureError(base, (error.strerror or str(error)).lower()) from error
        if found is None:
            raise CaptureError(base, "no such file, and none of a ring of this name")
        self._part, self._file = found

    def read(self) -> bytes | None:
        """Wait for bytes; none: the next file begins; None: somebody woke us, and what was written has been read.

        Raises:
            OSError: it can't be read any more.
        """
        while True:
            if piece := self._piece():
                return piece
            following = self._opened_after(self._part)
            if following is None:
                if self._end is not None:
                    return None
                self._woken.wait(self._interval)
                continue
            rest = self._file.read(PIECE) if self._end is None else b""
            if rest:
                following[1].close()  # it was written to between our last read and the look for the next one
                return rest
            self._file.close()
            self._part, self._file = following
            self._end = None
            return b""

    def _opened_after(self, part: RingPart | None) -> tuple[RingPart, BinaryIO] | None:
        """The next file that is there."""
        for other in parts_of(self.name):
            if part is None or other[:2] > part[:2]:
                with suppress(FileNotFoundError):  # a ring lets its oldest go at any time
                    return other, open(other.path, "rb", buffering=0)
        return None
