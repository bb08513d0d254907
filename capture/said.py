"""What people say of a capture in its own file: comments, marks and names."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from capture.capture_file import CaptureFile
from capture.notes import NO_NOTES, Notes, PacketId
from capture.pcapng_comments import MOST_COMMENTS, on_attempt
from capture.touches import Touches, read_comment_of_touch


class Said:
    """What one file says of its packets, and of the attempts in them; filled while it is read.

    Attributes:
        packet_comments: by place of the file among those of the same recording (0 for any other), and frame number.
        packet_marks: the marked packets, named likewise.
        attempt_comments: by the attempt's id.
        attempt_marks: ids of the marked attempts.
        remarks: comments on the file as a whole.
        names: names of addresses and keys.
        left_out: comments that there was no room for.
        touches: what a node of ours did to packets of the file, where the file itself tells.
    """

    __slots__ = (
        "attempt_comments",
        "attempt_marks",
        "left_out",
        "names",
        "packet_comments",
        "packet_marks",
        "remarks",
        "touches",
    )

    def __init__(self) -> None:
        self.packet_comments: dict[tuple[int, int], str] = {}
        self.packet_marks: set[tuple[int, int]] = set()
        self.attempt_comments: dict[str, str] = {}
        self.attempt_marks: set[str] = set()
        self.remarks: list[str] = []
        self.names: dict[str, str] = {}
        self.left_out = 0
        self.touches: Touches | None = None

    def hear(self, frame: int, text: str) -> None:
        """A comment on a packet; further ones on it come behind the first. A touch is no comment."""
        if self._hear_touch(frame, text):
            return
        packet = (0, frame)
        if packet in self.packet_comments:
            self.packet_comments[packet] += f"\n{text}"
        elif len(self.packet_comments) < MOST_COMMENTS:
            self.packet_comments[packet] = text
        else:
            self.left_out += 1

    def hear_of_all(self, text: str) -> None:
        """A comment on the file, or on an attempt in it, or a touch of a packet before it."""
        if self._hear_touch(None, text):
            return
        found = on_attempt(text)
        if found is None:
            if text not in self.remarks:
                self.remarks.append(text)
        else:
            self.attempt_comments[found[0]] = found[1]

    def _hear_touch(self, frame: int | None, text: str) -> bool:
        found = read_comment_of_touch(text)
        number = None if found is None else found[0] or frame
        if found is None or number is None:
            return False
        if self.touches is None:
            self.touches = Touches()
        self.touches.add(number, found[1])
        return True

    def add(self, other: Said, frames_before: int) -> None:
        """What a capture says that goes on behind `frames_before` frames."""
        for (place, frame), text in other.packet_comments.items():
            packet = place, frames_before + frame
            if packet in self.packet_comments or len(self.packet_comments) < MOST_COMMENTS:
                self.packet_comments[packet] = text
            else:
                self.left_out += 1
        self.left_out += other.left_out
        self.packet_marks |= {(place, frames_before + frame) for place, frame in other.packet_marks}
        self.attempt_comments |= other.attempt_comments
        self.attempt_marks |= other.attempt_marks
        self.remarks += [text for text in other.remarks if text not in self.remarks]
        self.names |= other.names
        for frame, touch in other.touches or ():
            if self.touches is None:
                self.touches = Touches()
            self.touches.add(frames_before + frame, touch)

    def summary(self) -> list[str]:
        """What is odd about it, one sentence each."""
        odd = []
        if self.left_out:
            odd.append(f"{self.left_out} comments on packets beyond the first {MOST_COMMENTS} were left out")
        if self.touches is not None and self.touches.left_out:
            odd.append(f"{self.touches.left_out} things that were done to packets are more than are kept")
        return odd


def notes_of(files: Iterable[CaptureFile]) -> Notes:
    """What the files of a session say, as notes on it."""
    notes = NO_NOTES
    for number, file in enumerate(files):
        said = file.said
        if said is None:
            continue
        comments = {PacketId(number + at, frame): text for (at, frame), text in said.packet_comments.items()}
        notes = notes.merged(
            Notes(
                frozenset(said.attempt_marks),
                frozenset(PacketId(number + at, frame) for at, frame in said.packet_marks),
                MappingProxyType(said.attempt_comments),
                MappingProxyType(comments),
            )
        )
    return notes


def names_of(files: Iterable[CaptureFile]) -> dict[str, str]:
    """Names that the files of a session give to addresses and keys; the first to name one decides."""
    names: dict[str, str] = {}
    for file in files:
        if file.said is not None:
            names = file.said.names | names
    return names
