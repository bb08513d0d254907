"""Text inside Markdown: escaped, so that nothing in a capture can become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.terminal_text import safe_text

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~!&$@])")


def escaped(text: str) -> str:
    """Text from outside as one line of Markdown, which renders as it is: no markup, no HTML, no mention, no link."""
    shown = _SPECIAL.sub(r"\\\1", safe_text(text).replace("\n", " "))
    return shown.replace("://", ":&#8203;//")


def code(text: str) -> str:
    """A code span of a safe text; its fence is longer than any run of backquotes inside."""
    shown = safe_text(text).replace("\n", " ").replace("|", "¦")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or not shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fenced(lines: Iterable[str]) -> Iterator[str]:
    """A block of lines as they are; its fence is longer than any run of backquotes inside."""
    block = list(lines)
    longest = max((len(run) for line in block for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from block
    yield fence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; the cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
