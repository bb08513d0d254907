"""Reading what comes when it likes: standard input, pipes. Whoever has had enough does not have to wait for the end."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Final, NamedTuple

from capture.errors import EnoughError

if TYPE_CHECKING:
    from capture.opening import Progress

_PIECE: Final = 1 << 20
_PATIENCE: Final = 0.1
"""Seconds between two reports while nothing comes."""


_UNREAD: list[bytes] = []
"""What was read of standard input by somebody who only wanted to know what it is."""


def put_back(begun: bytes) -> None:
    """Have the next one who reads standard input begin with these bytes."""
    _UNREAD.append(begun)


def taken_back() -> bytes:
    """What was put back, once."""
    begun = b"".join(_UNREAD)
    _UNREAD.clear()
    return begun


class Came(NamedTuple):
    """What was read."""

    content: bytes
    whole: bool
    """Whether it came to its end."""


def read_waiting(descriptor: int, name: str, progress: Progress | None, begun: bytes = b"") -> Came:
    """Read a descriptor until its end, or until whoever is told of it has had enough.

    Args:
        descriptor: open for reading.
        name: what it is called in reports.
        progress: told of the bytes that came, of an unknown number (0).
        begun: what was read of it already.

    Raises:
        OSError: it can't be read.
    """
    pieces = [begun]
    came = len(begun)
    while True:
        if progress is not None:
            try:
                progress(f"reading {name}", came, 0)
            except EnoughError:
                return Came(b"".join(pieces), whole=False)
            if not select.select([descriptor], [], [], _PATIENCE)[0]:
                continue
        piece = os.read(descriptor, _PIECE)
        if not piece:
            return Came(b"".join(pieces), whole=True)
        pieces.append(piece)
        came += len(piece)


def patient(progress: Progress) -> Progress:
    """The same, for the rest of what was read: it has been enough once, and is not enough again."""

    def tell(doing: str, done: int, total: int, packets: int = 0, /) -> None:
        try:
            progress(doing, done, total, packets)
        except EnoughError:
            return

    return tell
