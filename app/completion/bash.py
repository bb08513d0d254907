"""Completion for bash 4 and later, without bash-completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from app.command_grammar import Command, Part, Takes

NAMES: Final = 'tr -s " " | sed "s/^ //" | cut -d " " -f 2'
"""Shell: names out of the lines of `peephole interfaces`, which begin with numbers."""
_HEAD: Final = """\
# bash completion of peephole: eval "$(peephole completion bash)"
_peephole_words() {
    local IFS=$' \\t\\n'
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_peephole_files() {
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
}
# The last word of an expression, behind what is written already; an expression has blanks, so it is quoted.
_peephole_filter() {
    local quote='' rest=$cur last
    case $rest in
        [\\'\\"]*) quote=${rest:0:1}; rest=${rest:1} ;;
    esac
    last=${rest##*[ (!]}
    local head=${rest%"$last"} word
    compopt -o nospace 2>/dev/null
    COMPREPLY=()
    for word in $(compgen -W "$1" -- "$last"); do
        COMPREPLY+=("$head$word")
    done
}
"""


def write(commands: Sequence[Command], filter_words: Sequence[str], themes: Sequence[str]) -> str:
    """The script."""
    named = [command for command in commands if command.name]
    lines = [_HEAD + "_peephole() {"]
    lines += [
        '    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=""',
        f"    local filter_words={_quoted(filter_words)}",
        f"    local themes={_quoted(themes)}",
        "    COMPREPLY=()",
        "    if ((COMP_CWORD > 1)); then",
        "        case ${COMP_WORDS[1]} in",
        f"            {'|'.join(command.name for command in named)}) command=${{COMP_WORDS[1]}} ;;",
        "        esac",
        "    fi",
        "    case $command:$prev in",
    ]
    for command in commands:
        for option in command.options:
            if option.takes is not Takes.NOTHING:
                patterns = "|".join(f"{command.name}:{flag}" for flag in option.flags)
                lines.append(f"        {patterns}) {_values(option)}; return ;;")
    lines += ["    esac", "    case $command in"]
    for command in commands:
        flags = " ".join(flag for option in command.options for flag in option.flags)
        firsts = "" if command.name else " " + " ".join([*(one.name for one in named), "--version"])
        lines += [
            f"        {command.name or chr(39) * 2})",
            "            if [[ $cur == -* ]]; then",
            f'                _peephole_words "{flags}{" --version" if not command.name else ""}"',
        ]
        lines += ["            else", f"                {_arguments(command.arguments, firsts)}", "            fi ;;"]
    lines += ["    esac", "}", "complete -F _peephole peephole", ""]
    return "\n".join(lines)


def _arguments(arguments: Sequence[Part], firsts: str) -> str:
    words = [choice for one in arguments for choice in one.choices]
    if words:
        return f'_peephole_words "{" ".join(words)}"'
    if any(one.takes is Takes.FILE for one in arguments):
        if not firsts:
            return "_peephole_files"
        commands = (
            f'if ((COMP_CWORD == 1)); then local files=("${{COMPREPLY[@]}}"); _peephole_words "{firsts.strip()}";'
        )
        return f'_peephole_files; {commands} COMPREPLY+=("${{files[@]}}"); fi'
    return "return"


def _values(option: Part) -> str:
    match option.takes:
        case Takes.FILE:
            return "_peephole_files"
        case Takes.WORD:
            return f'_peephole_words "{" ".join(option.choices)}"'
        case Takes.FILTER:
            return '_peephole_filter "$filter_words"'
        case Takes.THEME:
            return '_peephole_words "$themes"'
        case Takes.INTERFACE:
            return f'_peephole_words "$(peephole interfaces 2>/dev/null | {NAMES})"'
        case _:
            return ":"


def _quoted(words: Iterable[str]) -> str:
    return f"'{' '.join(words)}'"
