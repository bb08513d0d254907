"""The manual for a terminal without `man`."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from app.manual import contents as content
from app.manual.contents import Page

_WIDTH = 80


def write(page: Page) -> str:
    """The page."""
    lines = ["PEEPHOLE(1)", "", *_wrapped(content.INTRODUCTION, 4), "", *_wrapped(content.FILES_NOTE, 4), ""]
    for command in page.commands:
        first, *rest = content.synopsis(command)
        usage = " ".join((first, *(word.replace(" ", "\0") for word in rest)))
        lines += [f"peephole {command.name}".rstrip().upper(), ""]
        lines += [line.replace("\0", " ") for line in _wrapped(usage, 4, 12)]
        lines += ["", *_wrapped(command.says, 4), ""]
        lines += _list((content.flags_of(part), content.explained(part)) for part in command.parts)
    lines += ["ENVIRONMENT", "", *_list(page.environment), "EXIT STATUS", "", *_list(content.EXIT_STATUS)]
    return "\n".join(lines).rstrip() + "\n"


def _list(entries: Iterable[tuple[str, str]]) -> list[str]:
    lines: list[str] = []
    for name, says in entries:
        lines += [f"    {name}", *_wrapped(says, 12)]
    return [*lines, ""]


def _wrapped(text: str, indent: int, after: int | None = None) -> list[str]:
    further = " " * (indent if after is None else after)
    return wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=further,
        break_on_hyphens=False,
        break_long_words=False,
    )
