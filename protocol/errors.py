"""The one error that bytes from a peer or a file can cause."""

from __future__ import annotations


class DecodeError(ValueError):
    """A value could not be decoded.

    Attributes:
        field: dotted name of the field that failed, e.g. ``holepunch.payload``.
        offset: byte offset of that field from the start of the datagram payload.
        reason: what is wrong, one clause without a full stop.
        truncated: True when the bytes simply end too early, as in a snaplen-cut capture.
    """

    def __init__(self, field: str, offset: int, reason: str, *, truncated: bool = False) -> None:
        super().__init__(f"{field} at byte {offset}: {reason}")
        self.field = field
        self.offset = offset
        self.reason = reason
        self.truncated = truncated
