"""What is written of a live source, piece by piece, and why it can't be."""

from __future__ import annotations

from app.exit_status import CommandError, ExitStatus


class Pieces:
    """Stands in for the file of a writer, and keeps apart what it writes at a time."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(piece)

    def taken(self) -> list[bytes]:
        """What was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces


def reason_of(error: OSError | ValueError) -> str:
    """Why something can't be written, in the system's words."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def unwritable(path: str, error: OSError | ValueError) -> CommandError:
    """The refusal of a file that can't be written."""
    return CommandError(ExitStatus.USAGE, f"{path} can't be written: {reason_of(error)}")
