"""A program whose output is a growing capture, and that can be started again when it ended too early."""

from __future__ import annotations

import threading
from collections.abc import Callable

from capture.errors import LiveError
from capture.growing.bytes import ByteSource


class AgainBytes:
    """Bytes of such a program, and of the next one: a capture behind the other.

    Where it fails before it has begun, that is an error as of any program.

    Args:
        start: starts it; raises what is the matter if that is not possible.
    """

    def __init__(self, start: Callable[[], ByteSource]) -> None:
        self._start = start
        self._source = start()
        self.name = self._source.name
        self.way: str = self._source.way
        self.promiscuous: bool | None = self._source.promiscuous
        self.trouble = ""
        """Why nothing comes now; empty while it runs."""
        self._begun = False
        self._asked = threading.Event()
        """Somebody wants it started again, or has had enough."""
        self._answered = threading.Event()
        """The next one has begun, or has ended before it did."""
        self._woken = False
        self._next: ByteSource | None = None

    def read(self) -> bytes | None:
        """Wait for bytes; none: another program has begun, or the present one has ended too early; None: it has ended
        well, or somebody woke us.

        Raises:
            LiveError: it ended with an error before it wrote anything, the first time.
        """
        if self.trouble:
            self._asked.wait()
            if self._woken or self._next is None:
                return None
            self._asked.clear()
            self._source.close()
            self._source, self._next = self._next, None
            self.trouble = ""
        try:
            piece = self._source.read()
        except LiveError as error:
            if not self._begun:
                raise
            self.trouble = str(error)
            self._answered.set()
            return b""
        self._begun = self._begun or bool(piece)
        self._answered.set()
        return piece

    def start_again(self) -> None:
        """Start it again, and wait until it has begun: it may ask something on the terminal first.

        Raises:
            LiveError: it can't be started.
        """
        if self.trouble and self._next is None:
            self._next = self._start()
            self._answered.clear()
            self._asked.set()
            self._answered.wait()

    def wake(self) -> None:
        """Make `read` give up waiting, now and for ever."""
        self._woken = True
        self._asked.set()
        self._source.wake()

    def close(self) -> None:
        """End what runs."""
        self._source.close()
        if self._next is not None:
            self._next.close()
