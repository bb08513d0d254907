"""Exit statuses of the command, and the error that carries one. Scripts rely on the numbers (docs/report.md)."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a command ended."""

    OK = 0
    SCRIPT_BROKEN = 1
    """Of `script`: it raised something else than an expectation, as programs in Python end."""
    USAGE = 2
    UNREADABLE = 3
    """A file can't be read as a capture."""
    BAD_FILTER = 4
    NOT_PERMITTED = 5
    ATTEMPT_FAILED = 10
    """Of `connect --headless`; of `report` only with ``--check``."""
    TOKEN_MISMATCH = 11
    """Only with ``--check``; wins over ATTEMPT_FAILED: a wrong token is the rarer and the graver find."""
    UNEXPECTED_VERDICT = 12
    """Only of ``demo --headless``: the packets of an attempt got another verdict than was staged."""
    EXPECTATION_FAILED = 13
    """Of `script`: something was not as the script expects it, or it was not done in time."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""
    BROKEN_PIPE = 141
    """The reader of the output went away, as shells count it."""


class CommandError(Exception):
    """A command can't go on; the message is a sentence for the user, not yet escaped for the terminal."""

    def __init__(self, status: ExitStatus, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def more(self) -> list[str]:
        """Lines to print behind the message, not yet escaped either."""
        return []
