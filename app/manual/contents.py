"""What the manual says, in the order of a manual page; each form writes it in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.command_grammar import Command, Part, commands
from app.config.settings import SETTINGS, Kind

INTRODUCTION: Final = (
    "Peephole opens captures of HyperDHT traffic and shows every attempt of one peer to reach another: who said what "
    "to whom, over which relay, through which NAT, and how it ended. Each attempt gets a verdict, the packets that "
    "prove it, and what to try."
)
FILES_NOTE: Final = (
    "FILE is a pcap or pcapng capture or a recording, gzip or not; - is standard input. Several files are several "
    "vantages of one story. A file named like a command is given as ./report."
)
EXIT_STATUS: Final = (
    ("0", "done"),
    ("1", "with `script`: the script itself raised something"),
    ("2", "wrong usage, or a configuration that `config check` finds fault with"),
    ("3", "a file can't be read as a capture"),
    ("4", "a filter that does not parse"),
    ("5", "not permitted to capture"),
    ("10", "with `report --check` and `connect --headless`: an attempt failed"),
    ("11", "with `report --check`: a token mismatch"),
    ("12", "with `demo --headless`: another verdict than was staged"),
    ("13", "with `script`: an expectation failed, or it was not done in time"),
    ("130", "ended by Ctrl-C"),
    ("141", "the reader of the output went away"),
)
ENVIRONMENT: Final = (
    ("PEEPHOLE_CONFIG", "path of the configuration file; set to nothing: no file is read"),
    ("XDG_CONFIG_HOME", "where peephole/config.toml is looked for; without it, ~/.config"),
    ("NO_COLOR", "if set, and not empty: no colours"),
    ("COLORFGBG", "what the theme `auto` knows of the terminal's background"),
    ("VISUAL, EDITOR", "the program that ctrl+e and `config edit` open"),
    ("PAGER", "the program that ctrl+o opens"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """The manual."""

    commands: tuple[Command, ...]
    environment: tuple[tuple[str, str], ...]


def the_page() -> Page:
    """The manual as it is now."""
    settings = tuple(
        (setting.variable, f"overrides `{setting.name}` of the configuration")
        for setting in SETTINGS.values()
        if setting.kind is not Kind.TABLE
    )
    return Page(commands(), (*ENVIRONMENT, *settings))


def synopsis(command: Command) -> list[str]:
    """The words of a command line: what has to be given as it is, what may be left out in brackets."""
    words = []
    for part in command.parts:
        if part.flags[:1] == ("-h",):
            continue
        word = " ".join(filter(None, (part.flags[-1] if part.flags else "", part.value)))
        if part.several:
            word = f"{word}..." if not part.flags else f"[{word}]..."
        if not part.needed and not (part.several and part.flags):
            word = f"[{word}]"
        words.append((part.needed, bool(part.flags), word))
    needed = [word for must, flagged, word in words if must and not flagged]
    options = [word for must, flagged, word in words if must and flagged]
    others = [word for must, _, word in words if not must]
    return [f"peephole {command.name}".rstrip(), *needed, *options, *others]


def flags_of(part: Part) -> str:
    """Flags and value, as a list of options shows them."""
    value = f" {part.value}" if part.value else ""
    return ", ".join(f"{flag}{value}" for flag in part.flags) if part.flags else part.value


def explained(part: Part) -> str:
    """The help of a part, with its choices where the help does not name them."""
    if part.choices and not any(choice in part.help for choice in part.choices):
        return f"{part.help}: {', '.join(part.choices)}"
    return part.help


def page(form: str) -> str:
    """The manual as ``roff``, ``markdown`` or ``text``, or the page of all ``keys``.

    Raises:
        ValueError: another form.
    """
    if form not in FORMS:
        raise ValueError(f"no manual in the form {form}")
    from app.manual import keys_page, markdown, plain, roff

    writers: dict[str, Callable[[Page], str]] = {
        "roff": roff.write,
        "markdown": markdown.write,
        "text": plain.write,
        "keys": keys_page.write,
    }
    return writers[form](the_page())


FORMS: Final = ("text", "roff", "markdown", "keys")
