"""Parsers of the commands that are about Peephole itself: its configuration, completion, and manual; and what goes by
hand in those that run a peer of our own."""

from __future__ import annotations

import argparse
from typing import Final

from app.option_parser import Parser
from app.option_values import duration

STEPS: Final = (
    "find", "offer", "ask", "answer", "sample", "session", "probe", "punch", "delay", "reply", "abort", "ping",
    "echo", "barrage", "stream",
)  # fmt: skip
"""Names of the acts of `protocol.peer.steps`, which is too much to import for a parser."""
SHELLS: Final = ("bash", "zsh", "fish")
CONFIG_WORDS: Final = {
    "show": "every setting, its value and where that comes from",
    "path": "where the file is, or would be",
    "edit": "open the file in $EDITOR and check it",
    "example": "a file with every setting, explained and commented out",
    "keys": "every action of the inspector: its id, keys and what it does",
    "check": "say what is wrong; exit status 2 if something is",
}


def add_by_hand(parser: argparse.ArgumentParser) -> None:
    """Steps that wait for a person."""
    hand = parser.add_argument_group("steps by hand (docs/by-hand.md)")
    hand.add_argument(
        "--by-hand", action="store_true", help="every step waits for a key press, and can be changed before it is sent"
    )
    hand.add_argument(
        "--hold",
        action="append",
        default=[],
        metavar="STEP",
        help=f"only steps of this kind wait: {', '.join(STEPS)}; may be given again, or several with commas",
    )


def script_parser() -> Parser:
    """`peephole script`."""
    parser = Parser(
        "script",
        "Run a Python file that plays clients, servers, relays and proxies step by step, and says what it expects "
        "(docs/scripts.md). Exit status: 0 it passed, 13 an expectation failed, 1 the script itself is broken.",
    )
    parser.add_argument("script", metavar="FILE", help="a file with `async def main(hand)`")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS", help="for the script: hand.args")
    parser.add_argument("--json", action="store_true", help="print one JSON object: result, failure, places, attempts")
    parser.add_argument(
        "--timeout", type=duration, default=120.0, metavar="SECONDS", help="fail after so long; default 120"
    )
    parser.add_argument("--write", metavar="OUT", help="save every packet, and what opens it, to this pcapng file")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="NUMBER", help="of addresses and keys in networks of our own (default 0)"
    )
    return parser


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
