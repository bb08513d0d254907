"""Everything that a capture has lost, in one value, by what is to blame.

Whoever shows losses shows this: the status line its sums, the page of problems and the end of a headless run each
cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile

LIVE: Final = "live"
"""Format of a source that is an interface here."""


class Loss(NamedTuple):
    """One cause."""

    cause: str
    """Stable name, like ``kernel``."""
    number: int
    noun: str
    """What is lost, one of them."""
    why: str

    @property
    def says(self) -> str:
        """What is lost and why, without the number."""
        return f"{self.noun}s {self.why}"

    @property
    def line(self) -> str:
        """All of it in words."""
        number = f"{self.number:,}".replace(",", " ")
        return f"{number} {self.noun}{'' if self.number == 1 else 's'} {self.why}"


_SAYS: Final = {
    "kernel": ("packet", "for which the kernel had no room"),
    "elsewhere": ("packet", "dropped by what captured, as that says"),
    "queue": ("packet", "for which there was no room while the inspector was busy"),
    "cut": ("packet", "cut off where a capture ends in its midst"),
    "malformed": ("frame", "of an unknown link, with headers that contradict themselves, or with pieces missing"),
    "undecodable": ("datagram", "shown that can't be decoded"),
    "let_go": ("packet", "let go to stay within --keep"),
    "unwritten": ("packet", "that could not be written to the capture file"),
    "unrecorded": ("packet", "that could not be written to the recording"),
}


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of what is not there, or not understood."""

    kernel: int = 0
    """Frames for which the kernel had no room, on interfaces that are listened on here."""
    elsewhere: int = 0
    """What whoever captured has counted: the helper that runs as root, dumpcap at the other end of a pipe."""
    queue: int = 0
    """Frames for which our own queue had no room; for a node of ours also what no frame can be made of."""
    cut: int = 0
    """Records in whose midst a pipe or a file ended."""
    malformed: int = 0
    """Frames that could not be read: headers, link types, missing pieces."""
    undecodable: int = 0
    """Datagrams that are shown without a meaning."""
    let_go: int = 0
    """Packets that memory is no longer spent on."""
    unwritten: int = 0
    """Packets that are shown and not in the file that was to be written: a full disk."""
    unrecorded: int = 0
    """The same of a recording."""

    @property
    def dropped(self) -> int:
        """Packets for which there was no room before they could be seen."""
        return self.kernel + self.elsewhere + self.queue

    @property
    def missing(self) -> int:
        """Packets that never came to be seen."""
        return self.dropped + self.cut

    @property
    def unsaved(self) -> int:
        """Packets that were seen and are missing in a file."""
        return self.unwritten + self.unrecorded

    def __iter__(self) -> Iterator[Loss]:
        """Every cause that there is, the worst first."""
        for field in fields(self):
            count: int = getattr(self, field.name)
            if count:
                yield Loss(field.name, count, *_SAYS[field.name])


NOTHING_LOST: Final = Losses()


def losses_of(files: Iterable[CaptureFile], *, let_go: int = 0, unwritten: int = 0, unrecorded: int = 0) -> Losses:
    """The losses of some sources.

    Args:
        files: the sources.
        let_go: packets that were let go to stay within a bound.
        unwritten: packets that could not be saved.
        unrecorded: packets that could not be recorded.
    """
    kernel = elsewhere = queue = cut = malformed = undecodable = 0
    for file in files:
        dropped = max(0, (file.dropped or 0) - file.overflowed)
        if file.format == LIVE:
            kernel += dropped
        else:
            elsewhere += dropped
        queue += file.overflowed
        cut += file.truncated is not None
        malformed += file.malformed + sum(file.unreadable.values()) + file.fragments_pending
        undecodable += file.undecodable
    return Losses(kernel, elsewhere, queue, cut, malformed, undecodable, let_go, unwritten, unrecorded)
