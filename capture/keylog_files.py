"""Key logs on disk: read whole, tailed while applications write them, appended to.

A key log is for its owner alone. Whoever appends creates it with mode 0600, narrows a wider mode, and refuses what is
not the owner's own regular file. Writers append each line with one write, so several may share a file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from capture.keylog import LONGEST_LINE, KeyLog, KeyLogError, Secret, format_secrets, parse_line

HOOK: Final = Path(__file__).with_name("hooks") / "keylog.cjs"
"""The Node preload that writes a key log for applications that use hyperdht 6.x."""
HOOK_VARIABLE: Final = "PEEPHOLE_KEYLOG"
"""Environment variable that names the file to the preload."""
FILE_MODE: Final = 0o600

_CHUNK: Final = 1 << 16


def read_keylog(path: str | os.PathLike[str]) -> KeyLog:
    """Read a key log file as it is now.

    Raises:
        OSError: it can't be read. Malformed lines do not raise, they are in the log's `errors`.
    """
    return KeyLog.parse(Path(path).read_bytes())


def append_secrets(path: str | os.PathLike[str], secrets: Iterable[Secret]) -> None:
    """Append secrets to a key log, creating it with mode 0600.

    A file that others may read is narrowed to 0600 first.

    Raises:
        OSError: it can't be written.
        PermissionError: it is not a regular file, or belongs to another user.
    """
    # O_NONBLOCK: opening a pipe must not wait for its reader.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PermissionError(f"{os.fspath(path)} is not a regular file: a key log is not written to it")
        if status.st_uid != os.geteuid():
            raise PermissionError(f"{os.fspath(path)} belongs to another user: a key log is not written to it")
        if stat.S_IMODE(status.st_mode) & ~FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
        for secret in secrets:
            line = format_secrets((secret,)).encode("ascii")
            if os.write(descriptor, line) != len(line):
                raise OSError(f"{os.fspath(path)}: the file system took only part of a line")
    finally:
        os.close(descriptor)


class KeyLogTail:
    """A key log file that may still grow, be truncated, replaced, or not be there yet.

    What was read stays in `log` when the file shrinks or goes away.

    Attributes:
        path: the file.
        log: all that it held so far.
        restarts: how often the file was truncated or replaced; line numbers in errors go on counting.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.log = KeyLog(self.path.name)
        self.restarts = 0
        self._file: BinaryIO | None = None
        self._partial = b""

    def poll(self) -> tuple[Secret, ...]:
        """Read what is new since the last call.

        A last line without a line end counts as soon as it is whole; until then it is kept for the next call.

        Returns:
            Secrets that were not known, in the order of the file. Empty while there is no file.

        Raises:
            OSError: what is there can't be read, or is no regular file.
        """
        new: list[Secret] = []
        if self._file is not None:
            self._read(self._file, new)
        successor = self._open_successor()
        if successor is not None:
            self._file = successor
            self._read(successor, new)
        return tuple(new)

    def close(self) -> None:
        """Let go of the file. What was read stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_successor(self) -> BinaryIO | None:
        """Open the file that has the name now; None if there is none or it is the one that is open."""
        try:
            there = self.path.stat()
            if self._file is not None:
                if os.path.samestat(there, os.fstat(self._file.fileno())):
                    return None
                self.close()
                self._restart()
            if not stat.S_ISREG(there.st_mode):
                raise OSError(errno.EINVAL, "not a regular file, a key log can't be followed in it", str(self.path))
            return self.path.open("rb", buffering=0)
        except FileNotFoundError:
            return None

    def _read(self, file: BinaryIO, new: list[Secret]) -> None:
        """Read on to the end of `file`, from its start if it was truncated."""
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            self._restart()
        while chunk := file.read(_CHUNK):
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            for line in lines:
                secret = self.log.add_line(line)
                if secret is not None:
                    new.append(secret)
            # A line this long is malformed whatever follows: the rest of it need not be kept.
            self._partial = self._partial[: LONGEST_LINE + 1]
        self._peek(new)

    def _peek(self, new: list[Secret]) -> None:
        """Use the unfinished last line if it is whole already: a well-formed line can't grow into another one."""
        try:
            secret = parse_line(self._partial, self.log.lines + 1)
        except KeyLogError:
            return  # not yet whole; add_line judges it when its line end is there
        if secret is not None and self.log.add(secret, self.log.lines + 1):
            new.append(secret)

    def _restart(self) -> None:
        """Begin a new file: an unfinished line of the old one stays unfinished."""
        self.restarts += 1
        partial, self._partial = self._partial, b""
        if partial:
            self.log.add_line(partial)
