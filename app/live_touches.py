"""What is done to packets of a live source, on its way into the pcapng that is written of it meanwhile.

A touch that is known when its packet is written is a comment on it. One that comes later, as when a message was held
before, is a comment on a section at the end: it names its packet by number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from capture.touches import comment_of

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile

OF_A_SECTION: Final = 200
"""Comments on one section: some hundred kilobytes at most."""


class LiveTouches:
    """Comments for one file.

    Args:
        file: the source.
    """

    def __init__(self, file: CaptureFile) -> None:
        self._file = file
        self._told: dict[int, int] = {}
        """How many touches of a packet are in the file."""
        self._ahead = 0
        """By how much the packet's number in the source is higher than in what is written."""

    def comments(self, frame: int, number: int) -> list[str]:
        """Comments on a packet.

        Args:
            frame: its number in the source.
            number: its number in what is written, from 1.
        """
        self._ahead = frame - number
        touches = self._file.touches
        known = () if touches is None else touches.of_frame(frame)
        if known:
            self._told[frame] = len(known)
        return [comment_of(touch) for touch in known]

    def write_rest(self, out: BinaryIO) -> None:
        """Write what came later.

        Raises:
            OSError: it can't be written.
        """
        from capture.pcapng_writer import PcapngWriter

        touches = self._file.touches
        if touches is None:
            return
        late = [
            comment_of(touch, frame - self._ahead)
            for frame in touches.frames
            if frame > self._ahead
            for touch in touches.of_frame(frame)[self._told.get(frame, 0) :]
        ]
        self._told = {frame: len(touches.of_frame(frame)) for frame in touches.frames}
        for start in range(0, len(late), OF_A_SECTION):
            PcapngWriter(out, late[start : start + OF_A_SECTION])
