"""The secret that sensors share so that they mask alike: a file for its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from typing import Final

from app.exit_status import CommandError, ExitStatus

LEAST: Final = 16
"""Bytes of the shortest salt."""
MOST: Final = 4096
_MADE: Final = 32


def salt_phrase(path: str) -> str:
    """What masks are made from: the content of the file, which is made where there is none.

    Raises:
        CommandError: it can't be read or made, others may read it, or it is too short.
    """
    try:
        if not os.path.lexists(path):
            _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandError(ExitStatus.USAGE, f"--redact-salt {path}: {reason}") from None
    if not stat.S_ISREG(mode):
        raise CommandError(ExitStatus.USAGE, f"--redact-salt {path}: is no file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CommandError(
            ExitStatus.USAGE, f"--redact-salt {path}: others may read it; chmod 600 it, and use a new one"
        )
    content = content.strip()
    if not LEAST <= len(content) <= MOST:
        raise CommandError(ExitStatus.USAGE, f"--redact-salt {path}: has to have {LEAST} to {MOST} bytes")
    return content.hex()


def _make(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_MADE) + "\n")
