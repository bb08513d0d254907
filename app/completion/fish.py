"""Completion for fish."""

from __future__ import annotations

from collections.abc import Sequence

from app.command_grammar import Command, Part, Takes


def write(commands: Sequence[Command], filter_words: Sequence[str], themes: Sequence[str]) -> str:
    """The script."""
    named = [command for command in commands if command.name]
    lines = [
        "# fish completion of peephole: peephole completion fish | source",
        "function __peephole_filter",
        "    # Behind what is written already, up to the last word; a quote that is open is not part of it.",
        "    set -l written (string trim --left --chars '\\'\"' -- (commandline -ct))",
        "    set -l head (string replace -r '[^ (!]*$' '' -- $written)",
        f"    for word in {' '.join(filter_words)}",
        "        echo $head$word",
        "    end",
        "end",
        "complete -c peephole -f",
    ]
    none = f"not __fish_seen_subcommand_from {' '.join(command.name for command in named)}"
    for command in named:
        lines.append(f"complete -c peephole -n __fish_use_subcommand -a {command.name} -d {_q(command.says)}")
    lines.append("complete -c peephole -n __fish_use_subcommand -l version -d 'versions of what works together here'")
    for command in commands:
        where = _q(f"__fish_seen_subcommand_from {command.name}" if command.name else none)
        lines += [f"complete -c peephole -n {where} {_option(part, themes)}" for part in command.options]
        for part in command.arguments:
            given = _given(part, themes)
            if given:
                lines.append(f"complete -c peephole -n {where} {given}")
    return "\n".join(lines) + "\n"


def _option(part: Part, themes: Sequence[str]) -> str:
    words = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in part.flags]
    if part.takes is not Takes.NOTHING:
        # -x: and no files besides.
        words.append(f"{'-r' if part.takes is Takes.FILE else '-x'} {_given(part, themes)}".strip())
    return " ".join([*words, "-d", _q(part.help)])


def _given(part: Part, themes: Sequence[str]) -> str:
    match part.takes:
        case Takes.FILE:
            return "-F"
        case Takes.WORD:
            return f"-a {_q(' '.join(part.choices))}"
        case Takes.FILTER:
            return "-a '(__peephole_filter)'"
        case Takes.THEME:
            return f"-a {_q(' '.join(themes))}"
        case Takes.INTERFACE:
            return "-a '(peephole interfaces 2>/dev/null | string match -rg \"^ *[0-9]+ +([^ ]+)\")'"
        case _:
            return ""


def _q(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"
