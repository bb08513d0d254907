"""Both themes can be read: contrast of every tone on every ground (WCAG 2.2, contrast ratio)."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from app.draw.spans import Span, Tone
from app.tui.palette import THEMES, Palette

READABLE = 4.5
"""Level AA for text."""
VISIBLE = 1.6
"""For lines that only hold the drawing together."""


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
    return Palette(theme.to_color_system().generate() | theme.variables, dark=theme.dark)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("tone", list(Tone))
def test_every_tone_can_be_read_on_every_ground(theme: Theme, tone: Tone) -> None:
    colours = palette(theme)
    for ground in (colours.plain, colours.cursor, colours.cursor_away):
        ratio = contrast(triplet(colours.tones[tone], False), triplet(ground, True))
        assert ratio >= (VISIBLE if tone is Tone.RULE else READABLE if ground is colours.plain else 3.0)


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_every_theme_that_textual_brings_has_a_look_for_every_tone(name: str) -> None:
    colours = palette(BUILTIN_THEMES[name])
    strip = colours.strip(tuple(Span("x", tone) for tone in Tone), 40, colours.cursor)
    assert strip.cell_length == 40


def test_good_and_bad_differ_without_colour() -> None:
    for theme in THEMES:
        colours = palette(theme)
        assert colours.tones[Tone.BAD].bold != colours.tones[Tone.GOOD].bold
