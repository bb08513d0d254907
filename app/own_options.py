"""Parsers of the commands that are about Peephole itself: its configuration, completion, and manual."""

from __future__ import annotations

from typing import Final

from app.option_parser import Parser

SHELLS: Final = ("bash", "zsh", "fish")
CONFIG_WORDS: Final = {
    "show": "every setting, its value and where that comes from",
    "path": "where the file is, or would be",
    "edit": "open the file in $EDITOR and check it",
    "example": "a file with every setting, explained and commented out",
    "keys": "every action of the inspector: its id, keys and what it does",
    "check": "say what is wrong; exit status 2 if something is",
}


def config_parser() -> Parser:
    """`peephole config`."""
    parser = Parser("config", "Show, check or edit the configuration (docs/config.md).")
    words = "; ".join(f"{word}: {says}" for word, says in CONFIG_WORDS.items())
    parser.add_argument("what", nargs="?", default="show", choices=tuple(CONFIG_WORDS), help=f"{words}; default show")
    return parser


def completion_parser() -> Parser:
    """`peephole completion`."""
    parser = Parser(
        "completion",
        "Print what makes a shell complete commands, options, files and filters. For bash: "
        'eval "$(peephole completion bash)"; for zsh the same with zsh, after compinit; '
        "for fish: peephole completion fish | source",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell to print it for")
    return parser


def man_parser() -> Parser:
    """`peephole man`."""
    parser = Parser("man", "Print the manual page of all commands.")
    parser.add_argument(
        "--format",
        choices=("text", "roff", "markdown", "keys"),
        help="text is what a terminal shows, the default there; roff what man reads, the default elsewhere; "
        "markdown is docs/commands.md, keys is docs/keys.md",
    )
    return parser
