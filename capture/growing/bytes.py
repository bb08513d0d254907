"""Where the bytes of a growing capture come from."""

from __future__ import annotations

import os
import select
from typing import Final, Protocol

from capture.ways_of_capture import Way

PIECE: Final = 1 << 20
"""Bytes taken at a time, at most."""


class ByteSource(Protocol):
    """Bytes of a capture, as they come. One thread reads them; any may wake it."""

    name: str
    """What it is called."""
    way: str
    """How bytes come here, in a word or two for the status line."""
    promiscuous: bool | None
    """Whether whoever writes them has frames for other hosts taken too; None where nothing tells."""

    def read(self) -> bytes | None:
        """Wait for bytes; none: the source starts anew with another capture; None: it has ended, or was woken.

        Raises:
            OSError: it can't be read any more.
            LiveError: it ended with an error of its own.
        """

    def wake(self) -> None:
        """Make `read` give up waiting, now and for ever."""

    def close(self) -> None:
        """Let go of it, once nobody reads any more."""


class DescriptorBytes:
    """Bytes of a descriptor that tells when some are there: standard input, a named pipe, a socket."""

    way: str = Way.PIPE
    promiscuous: bool | None = None

    def __init__(self, descriptor: int, name: str, begun: bytes = b"") -> None:
        """Read a descriptor.

        Args:
            descriptor: open for reading; closed in the end.
            name: what it is called.
            begun: what was read of it already.
        """
        self.name = name
        self.woken = False
        """Whether somebody made us give up."""
        self._begun = begun
        self._descriptor = descriptor
        self._woken, self._wake = os.pipe()

    def read(self) -> bytes | None:
        """Wait for bytes; None: they have ended, or somebody woke us."""
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        ready, _, _ = select.select([self._descriptor, self._woken], [], [])
        if self._woken in ready:
            return None
        return os.read(self._descriptor, PIECE) or None

    def wake(self) -> None:
        """Make `read` give up waiting, now and for ever."""
        self.woken = True
        os.write(self._wake, b"x")

    def close(self) -> None:
        """Close all."""
        for descriptor in (self._descriptor, self._woken, self._wake):
            os.close(descriptor)
