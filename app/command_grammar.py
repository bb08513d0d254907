"""The command line as values, taken from the parsers: what completion and the manual are made from."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final

from app.options import COMMANDS, parser_of


class Takes(StrEnum):
    """What stands in the place of a value."""

    NOTHING = auto()
    FILE = auto()
    WORD = auto()
    """One of `choices`."""
    FILTER = auto()
    THEME = auto()
    INTERFACE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """An option, or an argument without one."""

    flags: tuple[str, ...]
    """``-o``, ``--output``; empty for an argument without an option."""
    value: str
    """How its value is called; empty if it has none."""
    help: str
    takes: Takes
    choices: tuple[str, ...] = ()
    several: bool = False
    """Whether it may be given again."""
    needed: bool = False
    group: str = ""
    """Heading of its group; empty for those without one."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    """Empty for the one without a name."""
    says: str
    parts: tuple[Part, ...]

    @property
    def options(self) -> tuple[Part, ...]:
        """Those with a flag."""
        return tuple(part for part in self.parts if part.flags)

    @property
    def arguments(self) -> tuple[Part, ...]:
        """Those without."""
        return tuple(part for part in self.parts if not part.flags)


_FILES: Final = frozenset({"FILE", "OUT"})
_KINDS: Final = {"EXPR": Takes.FILTER, "IFACE": Takes.INTERFACE}


def commands() -> tuple[Command, ...]:
    """Every command, the one without a name first."""
    return tuple(_command(name) for name in ("open", *COMMANDS))


def filter_words() -> tuple[str, ...]:
    """What an expression is made of: fields, words of fields, operators."""
    from capture.filter.names import FIELDS

    words = {word.lower() for field in FIELDS.values() for word in field.words}
    return (*FIELDS, *sorted(words - set(FIELDS)), "and", "or", "not")


def theme_words() -> tuple[str, ...]:
    """Names of themes: ours, then Textual's."""
    from textual.theme import BUILTIN_THEMES

    from app.config.settings import THEME_NAMES

    return (*THEME_NAMES, *sorted(BUILTIN_THEMES))


def _command(name: str) -> Command:
    parser = parser_of(name)
    titles = {
        id(action): group.title or ""
        for group in parser._action_groups
        if group.title not in ("positional arguments", "options")
        for action in group._group_actions
    }
    parts = tuple(_part(action, titles.get(id(action), "")) for action in parser._actions)
    return Command("" if name == "open" else name, parser.description or "", parts)


def _part(action: argparse.Action, group: str) -> Part:
    choices = tuple(map(str, action.choices or ()))
    takes_value = action.nargs != 0
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    value = (metavar or "|".join(choices) or action.dest.upper()) if takes_value else ""
    if not takes_value:
        takes = Takes.NOTHING
    elif choices:
        takes = Takes.WORD
    elif value in _FILES or action.dest == "key_file":
        takes = Takes.FILE
    elif action.dest == "theme":
        takes = Takes.THEME
    else:
        takes = _KINDS.get(value, Takes.OTHER)
    return Part(
        tuple(action.option_strings),
        value,
        (action.help or "") % {"prog": "peephole"} if "%(" in (action.help or "") else (action.help or ""),
        takes,
        choices,
        several=isinstance(action, argparse._AppendAction) or action.nargs in ("+", "*"),
        needed=action.required and action.nargs not in ("?", "*"),
        group=group,
    )
