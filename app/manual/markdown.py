"""The manual as the page docs/commands.md."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from app.command_grammar import Command
from app.manual import contents as content
from app.manual.contents import Page

_WIDTH = 120


def write(page: Page) -> str:
    """The page."""
    lines = ["# All commands", "", "Made by `make pages` from the parsers of the commands.", ""]
    lines += [*wrap(content.INTRODUCTION, _WIDTH), "", *wrap(content.FILES_NOTE, _WIDTH), ""]
    for command in page.commands:
        lines += _section(command)
    lines += ["## Environment", "", *_table("variable", page.environment), ""]
    lines += ["## Exit status", "", *_table("status", content.EXIT_STATUS), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(command: Command) -> list[str]:
    first, *rest = content.synopsis(command)
    usage = wrap(" ".join((first, *(word.replace(" ", "\0") for word in rest))), _WIDTH - 4, subsequent_indent="    ",
                 break_on_hyphens=False, break_long_words=False)  # fmt: skip
    lines = [f"## {command.name or 'peephole FILE...'}", ""]
    lines += [f"    {line}".replace("\0", " ") for line in usage]
    lines += ["", *wrap(command.says, _WIDTH, break_on_hyphens=False), "", "| option | what it does |", "|---|---|"]
    lines += [f"| `{content.flags_of(part)}` | {_cell(content.explained(part))} |" for part in command.parts]
    return [*lines, ""]


def _table(title: str, entries: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {title} | meaning |", "|---|---|", *(f"| `{name}` | {_cell(says)} |" for name, says in entries)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
