"""The inspector as a process of its own, in a terminal of its own: what a user has in front of them, and can kill."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

PATIENCE: Final = 60.0
"""Seconds after which something that has not happened never will."""


class InspectorChild:
    """A `peephole` command in a terminal of 120 x 40. A context manager: whatever is left of it is killed.

    Args:
        arguments: of the command.
        env: what else is in its environment.
        inside: the command that runs it, if another one does and becomes it.
    """

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, inside: Sequence[str] = ()) -> None:
        self.seen = b""
        self.status: int | None = None
        self.process, self._terminal = pty.fork()
        if not self.process:
            os.environ.update({"TERM": "xterm-256color", **(env or {})})
            command = [*inside, sys.executable, "-m", "app", *arguments]
            os.execvp(command[0], command)
        termios.tcsetwinsize(self._terminal, (40, 120))

    def __enter__(self) -> InspectorChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            self.kill()
        os.close(self._terminal)

    def until(self, happened: Callable[[], object]) -> None:
        """Read what it paints until something has happened."""
        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, self.seen[-3000:]
            assert self._read(0.05) or happened(), self.seen[-3000:]

    def until_shown(self, text: bytes) -> None:
        """Read what it paints until it has painted this."""
        self.until(lambda: text in self.seen)

    def press(self, keys: bytes) -> None:
        """Type."""
        self.seen = b""
        os.write(self._terminal, keys)

    def kill(self) -> None:
        """End it as the system does that is out of memory."""
        os.kill(self.process, signal.SIGKILL)
        self._wait()

    def leave(self) -> int:
        """Quit, though it is live; its exit status."""
        self.press(b"QQ")
        end = time.monotonic() + PATIENCE
        while self._read(1.0):
            assert time.monotonic() < end, self.seen[-3000:]
        return self._wait()

    def _read(self, patience: float) -> bool:
        """Take what it has painted; False once its terminal is closed."""
        try:
            if select.select([self._terminal], [], [], patience)[0]:
                self.seen += os.read(self._terminal, 1 << 16)
        except OSError:  # it has closed the terminal
            return False
        return True

    def _wait(self) -> int:
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.status
