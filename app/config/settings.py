"""Every setting: one table that feeds reading, checking, the example file, `peephole config` and the settings screen.

A setting has a dotted name: the part before the dot is its table in the file. `Config` holds the values, in attributes
with an underscore for the dot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

Value = bool | int | str | tuple[str, ...] | Mapping[str, str] | None

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Config:
    """What holds for this run. Where a setting is not set, its default."""

    theme: str = "auto"
    keep_theme: bool = False
    colours: str = "auto"
    mouse: bool = True
    detail: str = "auto"
    aliases_shown: bool = True
    redact: bool = False
    editor: str = ""
    pager: str = ""
    list_columns: tuple[str, ...] | None = None
    list_sort: str = "time"
    list_reverse: bool = False
    ladder_time: str = "relative"
    ladder_colour: str = "phase"
    ladder_bursts: str = "folded"
    ladder_level: str = "normal"
    live_packets: int = 200_000
    keys: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Action id to its keys, comma between alternatives; empty takes the keys away."""
    aliases: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Address, host or beginning of a key (hex) to the name that is shown in its place."""


class Kind(StrEnum):
    """What a value of a setting is; the text says it in complaints."""

    TEXT = "text"
    CHOICE = "one of the words"
    SWITCH = "true or false"
    NUMBER = "a number from 0"
    WORDS = "a list of words"
    TABLE = "a table of texts"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    name: str
    kind: Kind
    says: str
    choices: tuple[str, ...] = ()
    """What is allowed; of a theme, what is proposed: every theme of Textual's is allowed as well."""
    example: str = ""
    """TOML of an example for what has no default to show."""
    open_ended: bool = False
    """Whether more than `choices` may be allowed."""

    @property
    def attribute(self) -> str:
        """Its name in `Config`."""
        return self.name.replace(".", "_")

    @property
    def default(self) -> Value:
        """What holds where nothing is set."""
        value: Value = getattr(DEFAULTS, self.attribute)
        return value

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file; tables have none."""
        return "" if self.kind is Kind.TABLE else f"PEEPHOLE_{self.name.upper().replace('.', '_')}"

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.kind is Kind.CHOICE:
            return " or ".join(self.choices) + (", or a theme of Textual's" if self.open_ended else "")
        return str(self.kind)


DEFAULTS: Final = Config()

THEME_NAMES: Final = ("auto", "dark", "light", "ansi", "contrast", "mono")

_ALL: Final = (
    Setting("theme", Kind.CHOICE, "How the inspector looks; auto asks the terminal.", THEME_NAMES, open_ended=True),
    Setting("keep_theme", Kind.SWITCH, "Whether a theme chosen with ctrl+t is written here."),
    Setting(
        "colours",
        Kind.CHOICE,
        "auto heeds NO_COLOR; never uses no colour at all, and marks by glyph, bold and reverse.",
        ("auto", "never"),
    ),
    Setting(
        "mouse",
        Kind.SWITCH,
        "Whether the inspector takes mouse clicks, from the next start on; without, the terminal selects text.",
    ),
    Setting(
        "detail",
        Kind.CHOICE,
        "Whether fields and bytes of a message are shown beside the ladder; auto: where there is room.",
        ("auto", "shown", "hidden"),
    ),
    Setting("aliases_shown", Kind.SWITCH, "Whether names of [aliases] stand in place of addresses and keys."),
    Setting("redact", Kind.SWITCH, "Whether the inspector masks addresses and keys from the start, exports included."),
    Setting("editor", Kind.TEXT, "Program that ctrl+e opens texts with; empty: $VISUAL, $EDITOR or vi."),
    Setting("pager", Kind.TEXT, "Program that shows texts which are not to be changed; empty: $PAGER or less."),
    Setting(
        "list.columns",
        Kind.WORDS,
        "Columns of the attempt list, in order; unset: those that suit the width.",
        example='["time", "client", "server", "state"]',
    ),
    Setting("list.sort", Kind.TEXT, "Column that attempts are sorted by."),
    Setting("list.reverse", Kind.SWITCH, "Whether the order is reversed."),
    Setting("ladder.time", Kind.CHOICE, "What the time column counts from.", ("relative", "clock", "delta")),
    Setting("ladder.colour", Kind.CHOICE, "What the colour of an arrow stands for.", ("phase", "side", "token")),
    Setting("ladder.bursts", Kind.CHOICE, "How one-byte punches are shown.", ("folded", "unfolded", "hidden")),
    Setting(
        "ladder.level",
        Kind.CHOICE,
        "How much of an attempt is drawn: relays in one lane, the gist, or every datagram on every hop.",
        ("normal", "compressed", "gist", "extended"),
    ),
    Setting(
        "live.packets",
        Kind.NUMBER,
        "Packets that live captures, nodes and the demo keep in memory; whole attempts go, the oldest first. 0: all.",
    ),
    Setting(
        "keys",
        Kind.TABLE,
        "Other keys for actions: `peephole config keys` lists ids and defaults; several keys with commas between, "
        "none to take them away.",
        example='"main.verdict" = "v,f9"',
    ),
    Setting(
        "aliases",
        Kind.TABLE,
        "Names for addresses, hosts and the beginnings of keys.",
        example='"192.0.2.7" = "office"',
    ),
)

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({one.name: one for one in _ALL})
"""Every setting by its dotted name, in the order of the example file."""
