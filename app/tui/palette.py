"""How tones look under a theme, ours or one of Textual's.

Text can be read everywhere: a colour with too little contrast to what is behind it is moved towards black or white
until it has enough, on the row of the cursor by itself. In the colours of the terminal, or without any, nothing is
known of the background: dim text is dimmed by the terminal, the cursor is reversed, and underlined without focus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from app.draw.spans import Line, Tone, fitted, width_of
from app.tui.contrast import readable
from app.tui.themes import DARK, LIGHT, MONO, THEMES

if TYPE_CHECKING:
    from textual.app import App

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


_STRIPS_KEPT: Final = 512
"""Some screens, to scroll within; about ten kilobytes each."""

__all__ = ["DARK", "LIGHT", "THEMES", "Palette", "palette_of"]


class Palette:
    """Rich styles for tones under one theme.

    Args:
        variables: of the theme.
        dark: whether it is a dark one.
        colours: whether any may be used.
    """

    def __init__(self, variables: dict[str, str], *, dark: bool, colours: bool = True) -> None:
        self.background = _colour(variables, "background", "#000000" if dark else "#ffffff")
        self._foreground = _colour(variables, "foreground", "#ffffff" if dark else "#000000")
        self._variables = variables
        self.terminals_own = not colours or self.background.ansi is not None
        """Whether the background is whatever the terminal has."""
        self.tones: dict[Tone, Style] = {}
        self.tones_on_cursor: dict[Tone, Style] = {}
        self._strips: dict[tuple[Line, int, Style | None], Strip] = {}
        """Lines that were drawn: a list that scrolls shows most of them again in the next frame."""
        self._looks: dict[Style | None, tuple[Style, dict[Tone, Style]]] = {}
        if self.terminals_own:
            self.plain, self.cursor, self.cursor_away = Style(), Style(reverse=True), Style(underline=True)
            self._take_terminals(colours)
        else:
            cursor = self._over(_colour(variables, "cursor", variables.get("primary-muted", "#333333")), 1.0)
            away = self._over(_colour(variables, "cursor-away", variables.get("panel", "#222222")), 1.0)
            self.plain = Style(color=self._foreground.rich_color, bgcolor=self.background.rich_color)
            self.cursor, self.cursor_away = Style(bgcolor=cursor.rich_color), Style(bgcolor=away.rich_color)
            self._take_readable(cursor, away)

    def strip(self, line: Line, width: int, under: Style | None = None) -> Strip:
        """The line as a strip of `width` cells; a longer one ends in an ellipsis."""
        key = line, width, under
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= _STRIPS_KEPT:
                self._strips.clear()
            strip = self._strips[key] = self._drawn(line, width, under)
        return strip

    def _drawn(self, line: Line, width: int, under: Style | None) -> Strip:
        base, looks = self._looks_on(under)
        left = width - width_of(line)
        if left < 0:
            line = fitted(line, width)
        segments: list[Segment] = []
        text, style = "", base
        for span in line:
            look = looks[span.tone]
            if look is not style:
                if span.text.isspace() and not (style.underline or look.underline):
                    # Blanks look the same in every ink.
                    look = style
                else:
                    if text:
                        segments.append(Segment(text, style))
                    text, style = "", look
            text += span.text
        if left > 0:
            if style is not base and (style.underline or base.underline):
                segments.append(Segment(text, style))
                text, style = "", base
            text += " " * left
        if text:
            segments.append(Segment(text, style))
        return Strip(segments, width)

    def _looks_on(self, under: Style | None) -> tuple[Style, dict[Tone, Style]]:
        """The style of blanks and those of all tones on a ground."""
        known = self._looks.get(under)
        if known is None:
            base = self.plain if under is None else self.plain + under
            on_ground = under is None or (self.terminals_own and not under.reverse)
            tones = self.tones if on_ground else self.tones_on_cursor
            one = {base: base}  # equal looks are one object, and neighbours that look the same become one piece
            looks = {tone: one.setdefault(base + style, base + style) for tone, style in tones.items()}
            known = self._looks[under] = base, looks
        return known

    def _take_terminals(self, colours: bool) -> None:
        """Tones where nothing is known of the background."""
        for tone, (names, opacity, flags) in _LOOK.items():
            ink = self._ink(names)
            coloured = colours and ink.ansi is not None and ink.ansi >= 0
            dim = True if opacity < 0.9 else None
            self.tones[tone] = Style(color=ink.rich_color if coloured else None, dim=dim, **flags)
            # Reversed, a coloured word would be a patch of colour in the row.
            self.tones_on_cursor[tone] = Style(**flags)

    def _take_readable(self, cursor: Color, away: Color) -> None:
        """Tones with enough contrast to each ground."""
        for tone, (names, opacity, flags) in _LOOK.items():
            ink = on_cursor = self._over(self._ink(names), opacity)
            if tone is not Tone.RULE:
                ink = readable(ink, self.background)
                on_cursor = readable(readable(ink, cursor), away)
            self.tones[tone] = Style(color=ink.rich_color, **flags)
            self.tones_on_cursor[tone] = Style(color=on_cursor.rich_color, **flags)

    def _ink(self, names: tuple[str, ...]) -> Color:
        found = next((self._variables[name] for name in names if name in self._variables), None)
        return self._foreground if found is None else _parsed(found, self._foreground)

    def _over(self, colour: Color, opacity: float) -> Color:
        opacity *= colour.a
        return self.background.blend(colour.with_alpha(1.0), opacity) if opacity < 1 else colour


_PALETTES: dict[str, Palette] = {}


def palette_of(app: App[Any]) -> Palette:
    """The palette of the app's theme."""
    name = app.theme
    if name not in _PALETTES:
        _PALETTES[name] = Palette(app.theme_variables, dark=app.current_theme.dark, colours=name != MONO)
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
