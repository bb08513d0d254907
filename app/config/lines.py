"""On which line of a TOML file something stands: the parser of the standard library does not say."""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_ENTRY: Final = re.compile(r"""\s*((?:[A-Za-z0-9_.\-\s]|"[^"]*"|'[^']*')+?)\s*=""")
_TOLD: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def line_of(text: str, name: str) -> int | None:
    """Line of the entry with a dotted name, or of the header of the table with that name; counted from 1."""
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            if table == name:
                return number
        elif entry := _ENTRY.match(line):
            inner = _bare(entry[1])
            full = f"{table}.{inner}" if table else inner
            if full == name or full.startswith(f"{name}."):
                return number
    return None


def told_line(message: str, text: str) -> tuple[int | None, str]:
    """Line and problem out of the message of the parser."""
    found = _TOLD.search(message)
    if found is None:
        return None, message[:1].lower() + message[1:]
    problem = message[: found.start()]
    line = int(found[1]) if found[1] else text.count("\n") + (not text.endswith("\n"))
    return line, problem[:1].lower() + problem[1:]


def _bare(key: str) -> str:
    """A key without the quotes and blanks that TOML allows around its parts."""
    return re.sub(r"""\s*(\.)\s*|["']""", r"\1", key.strip())
