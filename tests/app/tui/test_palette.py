"""Every theme can be read: contrast of every tone on every ground (WCAG 2.2, contrast ratio)."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from app.draw.spans import Span, Tone
from app.tui.colourless import Colourless
from app.tui.palette import Palette
from app.tui.themes import (
    ANSI,
    ANSI_LIGHT,
    CONTRAST,
    DARK,
    LIGHT,
    MONO,
    SHORT_NAMES,
    THEMES,
    no_colours,
    short_name,
    theme_name,
)

READABLE = 4.5
"""Level AA for text."""
STRONG = 7.0
"""Level AAA."""
VISIBLE = 1.6
"""For lines that only hold the drawing together."""

EVERY_THEME = {theme.name: theme for theme in (*THEMES, *BUILTIN_THEMES.values())}
COLOURED = sorted(name for name, theme in EVERY_THEME.items() if not theme.ansi and name != MONO)
TERMINALS = sorted({name for name, theme in EVERY_THEME.items() if theme.ansi} | {MONO})


def luminance(triplet: tuple[int, int, int]) -> float:
    parts = [value / 255 for value in triplet]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def triplet(style: Style, ground: bool) -> tuple[int, int, int]:
    colour = style.bgcolor if ground else style.color
    assert colour is not None
    return tuple(colour.get_truecolor())  # type: ignore[return-value]


def palette(theme: Theme) -> Palette:
    return Palette(theme.to_color_system().generate() | theme.variables, dark=theme.dark, colours=theme.name != MONO)


@pytest.mark.parametrize("name", COLOURED)
@pytest.mark.parametrize("tone", [tone for tone in Tone if tone is not Tone.RULE])
def test_every_tone_can_be_read_on_every_ground(name: str, tone: Tone) -> None:
    colours = palette(EVERY_THEME[name])
    for under in (None, colours.cursor, colours.cursor_away):
        style = next(iter(colours.strip((Span("x", tone),), 1, under)._segments)).style
        assert style is not None
        assert contrast(triplet(style, False), triplet(style, True)) >= READABLE


@pytest.mark.parametrize("tone", list(Tone))
def test_the_theme_of_strong_contrast_has_it(tone: Tone) -> None:
    colours = palette(EVERY_THEME[CONTRAST])
    ratio = contrast(triplet(colours.tones[tone], False), triplet(colours.plain, True))
    assert ratio >= (3.0 if tone is Tone.RULE else STRONG)


@pytest.mark.parametrize("name", [DARK, LIGHT, CONTRAST])
def test_lanes_and_the_cursor_can_be_seen(name: str) -> None:
    colours = palette(EVERY_THEME[name])
    assert contrast(triplet(colours.tones[Tone.RULE], False), triplet(colours.plain, True)) >= VISIBLE
    grounds = {triplet(style, True) for style in (colours.plain, colours.cursor, colours.cursor_away)}
    assert len(grounds) == 3


@pytest.mark.parametrize("name", sorted(EVERY_THEME))
def test_every_theme_has_a_look_for_every_tone(name: str) -> None:
    colours = palette(EVERY_THEME[name])
    strip = colours.strip(tuple(Span("x", tone) for tone in Tone), 40, colours.cursor)
    assert strip.cell_length == 40


@pytest.mark.parametrize("name", TERMINALS)
def test_in_the_terminals_own_colours_no_other_is_used_and_the_cursor_is_reversed(name: str) -> None:
    colours = palette(EVERY_THEME[name])
    line = tuple(Span("x", tone) for tone in Tone)
    for under in (None, colours.cursor, colours.cursor_away):
        for segment in colours.strip(line, 40, under):
            style = segment.style or Style()
            assert style.bgcolor is None
            assert style.color is None or style.color.is_system_defined
            assert bool(style.reverse) == (under is colours.cursor)
            assert bool(style.underline) or under is not colours.cursor_away
    assert name != MONO or not any(style.color for style in colours.tones.values())


def test_good_and_bad_differ_without_colour() -> None:
    for theme in THEMES:
        colours = palette(theme)
        assert colours.tones[Tone.BAD].bold != colours.tones[Tone.GOOD].bold


def test_the_filter_leaves_no_colour_and_turns_bright_grounds() -> None:
    given = [
        Segment("text", Style(color="red", bgcolor="black", bold=True)),
        Segment("cursor", Style(color="black", bgcolor="white")),
        Segment("turned", Style(reverse=True, underline=True)),
        Segment("bare"),
    ]
    found = Colourless().apply(given, Color(0, 0, 0))
    assert [segment.text for segment in found] == [segment.text for segment in given]
    styles = [segment.style or Style() for segment in found]
    assert all(style.color is None and style.bgcolor is None for style in styles)
    assert [bool(style.reverse) for style in styles] == [False, True, True, False]
    assert styles[0].bold
    assert styles[2].underline


def test_names_of_themes() -> None:
    assert theme_name("auto", {}) == DARK
    assert theme_name("auto", {"COLORFGBG": "0;15"}) == LIGHT
    assert theme_name("ansi", {"COLORFGBG": "15;0"}) == ANSI
    assert theme_name("ansi", {"COLORFGBG": "0;default;7"}) == ANSI_LIGHT
    assert theme_name("nord", {}) == "nord"
    for short, full in SHORT_NAMES.items():
        assert short_name(theme_name(short, {})) == short
        assert full in EVERY_THEME
    assert short_name(ANSI_LIGHT) == "ansi"


def test_no_color_holds_when_it_is_set_to_something() -> None:
    assert no_colours({"NO_COLOR": "1"})
    assert not no_colours({"NO_COLOR": ""})
    assert not no_colours({})
