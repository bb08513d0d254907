"""The one error that opening a capture can cause."""

from __future__ import annotations


class EnoughError(Exception):
    """Raised by whoever is told how far a reading is: it is to end there, and what was read is to be used."""


class CaptureError(Exception):
    """Something can't be read as a capture at all.

    Damage after good packets is not this error: `CaptureFile.truncated` tells of it and the packets before it are kept.

    Attributes:
        path: what was opened, as the user named it (``-`` is standard input).
        reason: what is wrong, one clause without a full stop.
        offset: byte offset in the (decompressed) capture, or None when the trouble is not at one place.
    """

    def __init__(self, path: str, reason: str, offset: int | None = None) -> None:
        place = "" if offset is None else f" (byte {offset})"
        super().__init__(f"{path}: {reason}{place}")
        self.path = path
        self.reason = reason
        self.offset = offset


class LiveError(CaptureError):
    """Packets of an interface can't be captured."""


class NotPermittedError(LiveError):
    """This user may not capture packets."""


class NoSuchInterfaceError(LiveError):
    """There is no such interface, or not one that packets can be read from."""


class BadFilterError(LiveError):
    """The capture filter does not compile."""
