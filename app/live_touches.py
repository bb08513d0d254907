"""What is done to packets of a live source, on its way into the pcapng files that are written of it meanwhile.

A touch that is known when its packet is written is a comment on it. One that comes later, as when a message was held
before, is a comment on a section at the end of the file: it names its packet by number. What is done to a packet after
its file was ended is in no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from capture.touches import comment_of

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile

OF_A_SECTION: Final = 200
"""Comments on one section: some hundred kilobytes at most."""


class LiveTouches:
    """Comments for the files of one source.

    Args:
        file: the source.
    """

    def __init__(self, file: CaptureFile) -> None:
        self._file = file
        self._told: dict[int, int] = {}
        """How many touches of a packet are written."""

    def comments(self, frame: int) -> list[str]:
        """Comments on a packet that is written now.

        Args:
            frame: its number in the source.
        """
        touches = self._file.touches
        known = () if touches is None else touches.of_frame(frame)
        if known:
            self._told[frame] = len(known)
        return [comment_of(touch) for touch in known]

    def rest(self, last: int, packets: int) -> Iterator[list[str]]:
        """What came later, as comments for sections at the end of a file; each is given once.

        Args:
            last: number in the source of the last packet in the file.
            packets: how many there are; they follow each other in the source.
        """
        touches = self._file.touches
        if touches is None:
            return
        ahead, late = last - packets, []
        for frame in touches.frames:
            if ahead < frame <= last:
                known = touches.of_frame(frame)
                late += [comment_of(touch, frame - ahead) for touch in known[self._told.get(frame, 0) :]]
                self._told[frame] = len(known)
        for start in range(0, len(late), OF_A_SECTION):
            yield late[start : start + OF_A_SECTION]
