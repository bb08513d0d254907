"""How tones look: two themes of our own, and a mapping that also serves every theme that Textual brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.theme import Theme

from app.draw.spans import Line, Tone, fitted, width_of

if TYPE_CHECKING:
    from textual.app import App

DARK: Final = "peephole-dark"
LIGHT: Final = "peephole-light"

THEMES: Final = (
    Theme(
        name=DARK,
        primary="#6cb6ff",
        secondary="#c4a7f5",
        accent="#ffb454",
        warning="#f2c94c",
        error="#ff7a85",
        success="#7ee08f",
        foreground="#d9e0ea",
        background="#10141b",
        surface="#10141b",
        panel="#1d2531",
        dark=True,
        variables={
            "cursor": "#24476d",
            "cursor-away": "#1d2b3d",
            "find": "#5fd3d9",
            "sample": "#8fb8a8",
            "probe": "#c4a7f5",
            "border": "#3a4759",
            "scrollbar": "#2c3848",
            "scrollbar-background": "#151b24",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#0a5cad",
        secondary="#6f3bb0",
        accent="#9a4d00",
        warning="#7d5a00",
        error="#b01c38",
        success="#1a7034",
        foreground="#20242c",
        background="#fbfaf7",
        surface="#fbfaf7",
        panel="#ebe7de",
        dark=False,
        variables={
            "cursor": "#cfe2f7",
            "cursor-away": "#e9eef3",
            "find": "#00707a",
            "sample": "#46695c",
            "probe": "#6f3bb0",
            "border": "#b9b3a6",
            "scrollbar": "#c9c3b6",
            "scrollbar-background": "#f1eee7",
        },
    ),
)

_LOOK: Final[dict[Tone, tuple[tuple[str, ...], float, dict[str, Any]]]] = {
    Tone.PLAIN: (("foreground",), 1.0, {}),
    Tone.DIM: (("foreground",), 0.68, {}),
    Tone.STRONG: (("foreground",), 1.0, {"bold": True}),
    Tone.HEADING: (("foreground",), 1.0, {"bold": True}),
    Tone.GOOD: (("success",), 1.0, {}),
    Tone.BAD: (("error",), 1.0, {"bold": True}),
    Tone.WARN: (("warning",), 1.0, {}),
    Tone.LINK: (("primary",), 1.0, {"underline": True}),
    Tone.KEY: (("accent",), 1.0, {"bold": True}),
    Tone.RULE: (("foreground",), 0.42, {}),
    Tone.CLIENT: (("primary",), 1.0, {"bold": True}),
    Tone.SERVER: (("accent",), 1.0, {"bold": True}),
    Tone.RELAY: (("secondary",), 1.0, {}),
    Tone.NODE: (("foreground",), 0.75, {}),
    Tone.FIND: (("find", "accent"), 1.0, {}),
    Tone.HANDSHAKE: (("primary",), 1.0, {}),
    Tone.SAMPLE: (("sample", "foreground"), 0.9, {}),
    Tone.PROBE: (("probe", "secondary"), 1.0, {}),
    Tone.PUNCH: (("accent",), 1.0, {}),
    Tone.STREAM: (("success",), 1.0, {"bold": True}),
    Tone.LIT: (("accent",), 1.0, {"bold": True, "underline": True}),
}
"""Tone to theme variables (the first that the theme has), opacity, and style flags."""


class Palette:
    """Rich styles for tones under one theme."""

    def __init__(self, variables: dict[str, str], *, dark: bool) -> None:
        self.background = _colour(variables, "background", "#000000" if dark else "#ffffff")
        foreground = _colour(variables, "foreground", "#ffffff" if dark else "#000000")
        self.tones: dict[Tone, Style] = {}
        for tone, (names, opacity, flags) in _LOOK.items():
            found = next((variables[name] for name in names if name in variables), None)
            colour = foreground if found is None else _parsed(found, foreground)
            self.tones[tone] = Style(color=self._over(colour, opacity).rich_color, **flags)
        cursor = _colour(variables, "cursor", variables.get("primary-muted", "#333333"))
        away = _colour(variables, "cursor-away", variables.get("panel", "#222222"))
        self.cursor = Style(bgcolor=self._over(cursor, 1.0).rich_color)
        self.cursor_away = Style(bgcolor=self._over(away, 1.0).rich_color)
        self.plain = Style(color=foreground.rich_color, bgcolor=self.background.rich_color)

    def strip(self, line: Line, width: int, under: Style | None = None) -> Strip:
        """The line as a strip of `width` cells; a longer one ends in an ellipsis."""
        base = self.plain if under is None else self.plain + under
        left = width - width_of(line)
        if left < 0:
            line = fitted(line, width)
        segments = [Segment(span.text, base + self.tones[span.tone]) for span in line]
        if left > 0:
            segments.append(Segment(" " * left, base))
        return Strip(segments).crop(0, width)

    def _over(self, colour: Color, opacity: float) -> Color:
        if colour.ansi is not None or self.background.ansi is not None:
            return colour
        opacity *= colour.a
        return self.background.blend(colour.with_alpha(1.0), opacity) if opacity < 1 else colour


_PALETTES: dict[str, Palette] = {}


def palette_of(app: App[Any]) -> Palette:
    """The palette of the app's theme."""
    name = app.theme
    if name not in _PALETTES:
        _PALETTES[name] = Palette(app.theme_variables, dark=app.current_theme.dark)
    return _PALETTES[name]


def _colour(variables: dict[str, str], name: str, otherwise: str) -> Color:
    return _parsed(variables.get(name, otherwise), Color.parse("#808080"))


def _parsed(text: str, otherwise: Color) -> Color:
    """A theme variable as a colour; ``auto`` ones have none of their own."""
    from textual.color import ColorParseError

    try:
        return Color.parse(text)
    except ColorParseError:
        return otherwise
