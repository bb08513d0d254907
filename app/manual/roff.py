"""The manual for `man`: the macros of man(7), which groff and mandoc read."""

from __future__ import annotations

from collections.abc import Iterable

from app.manual import contents as content
from app.manual.contents import Page


def write(page: Page) -> str:
    """The page."""
    lines = [
        '.TH PEEPHOLE 1 "" "Peephole" "User Commands"',
        ".SH NAME",
        _text("peephole - terminal inspector and debugger for HyperDHT hole-punch traffic"),
        ".SH SYNOPSIS",
    ]
    for command in page.commands:
        first, *rest = content.synopsis(command)
        lines += [".HP", f"\\fB{_text(first)}\\fR {_text(' '.join(rest))}".rstrip()]
    lines += [".SH DESCRIPTION", _text(content.INTRODUCTION), ".PP", _text(content.FILES_NOTE), ".SH COMMANDS"]
    for command in page.commands:
        lines += [f'.SS "{_text(f"peephole {command.name}".rstrip())}"', _text(command.says)]
        for part in command.parts:
            lines += [".TP", f"\\fB{_text(content.flags_of(part))}\\fR", _text(content.explained(part))]
    lines += [".SH ENVIRONMENT", *_list(page.environment)]
    lines += [".SH EXIT STATUS", *_list(content.EXIT_STATUS)]
    lines += [".SH FILES", ".TP", "~/.config/peephole/config.toml", _text("the configuration; see `peephole config`")]
    return "\n".join(lines) + "\n"


def _list(entries: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, says in entries for line in (".TP", f"\\fB{_text(name)}\\fR", _text(says))]


def _text(text: str) -> str:
    """Text in which nothing is taken for a request: dashes stay dashes, and no line begins with a dot."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
    return "\\&" + escaped if escaped[:1] in (".", "'") else escaped
