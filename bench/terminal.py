"""A terminal that runs a command, answers what programs ask terminals, and notes when each frame was complete.

The command believes that it has a real terminal (a pty) which knows synchronised output, so it brackets each frame
(private mode 2026), and the end of a frame is known to the read that brought it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FRAME_END = b"\x1b[?2026l"
_ASKS_SYNC = b"\x1b[?2026$p"
_KNOWS_SYNC = b"\x1b[?2026;2$y"
_CODES = re.compile(rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_TICKS = os.sysconf("SC_CLK_TCK")


class TooSlowError(RuntimeError):
    """What was waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    time: float
    """Seconds of the monotonic clock when its end was read."""
    text: str
    """What it wrote, without control sequences."""


class Terminal:
    """Runs a command from `start` to `stop`."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 40) -> None:
        self._command = list(command)
        self._size = struct.pack("HHHH", rows, columns, 0, 0)
        self._partial = b""
        self.frames: list[Frame] = []
        self.peak_mib = 0.0
        self.cpu = 0.0
        """Seconds of processor time of the whole run, once it was stopped."""

    def __enter__(self) -> Terminal:
        self.started = time.monotonic()
        self._pid, self._master = pty.fork()
        if not self._pid:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", PEEPHOLE_CONFIG="")
            os.execvp(self._command[0], self._command)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, self._size)
        os.set_blocking(self._master, False)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.kill(self._pid, signal.SIGKILL)
        finally:
            _, _, usage = os.wait4(self._pid, 0)
            os.close(self._master)
        self.peak_mib = usage.ru_maxrss / 1024
        self.cpu = usage.ru_utime + usage.ru_stime

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._pid

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def pump(self, timeout: float) -> list[Frame]:
        """Read what came, waiting at most `timeout` seconds for the first of it; the frames that became complete."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return []
        try:
            data = os.read(self._master, 1 << 20)
        except OSError:
            raise TooSlowError("the command has ended") from None
        now = time.monotonic()
        if _ASKS_SYNC in data:
            os.write(self._master, _KNOWS_SYNC)
        *ends, self._partial = (self._partial + data).split(FRAME_END)
        new = [Frame(now, _CODES.sub(b"", end).decode("utf-8", "replace")) for end in ends]
        self.frames += new
        return new

    def wait_for(self, wanted: Callable[[Frame], bool], timeout: float = 60.0) -> Frame:
        """The next frame that is wanted.

        Raises:
            TooSlowError: none came in time.
        """
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            for frame in self.pump(left):
                if wanted(frame):
                    return frame
        raise TooSlowError(
            f"nothing in {timeout} s; the last frame: {self.frames[-1].text[:400] if self.frames else ''}"
        )

    def wait_for_text(self, text: str, timeout: float = 60.0) -> Frame:
        """The next frame with a text in it."""
        return self.wait_for(lambda frame: text in frame.text, timeout)

    def settle(self, quiet: float = 0.3) -> None:
        """Wait until nothing has come for `quiet` seconds."""
        while self.pump(quiet):
            pass

    def cpu_so_far(self) -> float:
        """Seconds of processor time that the command has taken."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
