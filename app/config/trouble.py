"""What can be wrong with a configuration, as values and as the error of a file that can't be used at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.exit_status import CommandError, ExitStatus


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; what it concerns keeps its default."""

    source: str
    """Path of the file, or the name of an environment variable."""
    line: int | None
    """Counted from 1; None where it is not one line of a file."""
    key: str
    """Dotted name of the setting; empty if the whole file is meant."""
    problem: str
    """What is wrong and what is allowed, as the rest of a sentence."""
    fatal: bool = False
    """Nothing of the file could be read."""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}, line {self.line}"
        return f"{place}: {self.key}: {self.problem}" if self.key else f"{place}: {self.problem}"


class ConfigError(CommandError):
    """The configuration can't be read or written; the message names file, line or key, and what is allowed."""

    def __init__(self, message: str) -> None:
        super().__init__(ExitStatus.USAGE, message)


def nearest(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean x?`` if something known is near to what was written, else nothing."""
    from difflib import get_close_matches

    found = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""
