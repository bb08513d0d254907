"""Completion for zsh, by its own `_arguments`."""

from __future__ import annotations

from collections.abc import Sequence

from app.command_grammar import Command, Part, Takes
from app.completion.bash import NAMES


def write(commands: Sequence[Command], filter_words: Sequence[str], themes: Sequence[str]) -> str:
    """The script; it also works as a file `_peephole` in `fpath`."""
    lines = [
        "#compdef peephole",
        '# zsh completion of peephole: eval "$(peephole completion zsh)" after compinit',
        "_peephole_filter() {",
        f"  local -a words=({' '.join(filter_words)})",
        "  # Behind what is written already, up to the last word.",
        "  compset -P '*[ (!]'",
        "  compadd -S '' -- $words",
        "}",
        "_peephole() {",
        "  local -a commands=(",
        *(f"    {_q(f'{command.name}:{_first(command.says)}')}" for command in commands if command.name),
        "  )",
        f"  local -a themes=({' '.join(themes)})",
        "  local command=''",
        "  if ((CURRENT > 2)) && (( ${commands[(I)${words[2]}:*]} )); then",
        "    command=${words[2]}",
        "    words=(peephole ${words[3,-1]})",
        "    ((CURRENT--))",
        "  fi",
        "  case $command in",
    ]
    for command in commands:
        lines.append(f"    {command.name or _q('')})")
        if not command.name:
            lines += ["      if ((CURRENT == 2)); then", "        _describe command commands", "      fi"]
        lines.append("      _arguments -s \\")
        specs = [spec for part in command.options for spec in _option(part)]
        specs += [_argument(part) for part in command.arguments]
        lines += [f"        {spec} \\" for spec in specs[:-1]] + [f"        {specs[-1]} ;;"]
    lines += [
        "  esac",
        "}",
        'if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _peephole "$@"; else compdef _peephole peephole; fi',
        "",
    ]
    return "\n".join(lines)


def _option(part: Part) -> list[str]:
    """A line for each flag; one that may be given once is not offered again."""
    star = "*" if part.several else ""
    others = "" if part.several else f"({' '.join(part.flags)})"
    value = f":{_plain(part.value)}:{_action(part)}" if part.takes is not Takes.NOTHING else ""
    return [_q(f"{star or others}{flag}[{_first(part.help)}]{value}") for flag in part.flags]


def _argument(part: Part) -> str:
    return _q(f"{'*' if part.several else ''}:{_plain(part.value)}:{_action(part)}")


def _action(part: Part) -> str:
    match part.takes:
        case Takes.FILE:
            return "_files"
        case Takes.WORD:
            return f"({' '.join(part.choices)})"
        case Takes.FILTER:
            return "_peephole_filter"
        case Takes.THEME:
            return "($themes)"
        case Takes.INTERFACE:
            return f"($(peephole interfaces 2>/dev/null | {NAMES}))"
        case _:
            return " "


def _first(text: str) -> str:
    """What fits into a description: brackets and colons mean something there."""
    return _plain(text).replace("[", "(").replace("]", ")")


def _plain(text: str) -> str:
    return text.replace(":", " -").replace("\n", " ")


def _q(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
