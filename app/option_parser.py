"""The argument parser of every command: complaints that are safe to show, and that name what was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import NoReturn

from app.terminal_text import safe_text


class Parser(argparse.ArgumentParser):
    """An argument parser for `peephole COMMAND`."""

    def __init__(self, command: str, description: str) -> None:
        prog = f"peephole {command}".rstrip()
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and what is near to an option that there is not, and exit with status 2."""
        wrong = re.match(r"unrecognized arguments: (--[a-z-]+)", message)
        near = likely(wrong[1], self._option_string_actions) if wrong else ""
        self.exit(2, f"{self.prog}: {safe_text(message)}{near}\nTry '{self.prog} --help'.\n")


def likely(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean x?`` if something known is near to what was written, else nothing."""
    from difflib import get_close_matches

    found = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""
