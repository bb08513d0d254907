"""Whether text can be read on what is behind it: the contrast ratio of WCAG 2.2 (success criterion 1.4.3)."""

from __future__ import annotations

from typing import Final

from textual.color import Color

READABLE: Final = 4.5
"""Level AA for text."""
_STEPS: Final = 20


def luminance(colour: Color) -> float:
    """Relative luminance, 0 to 1."""
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(ink: Color, ground: Color, least: float = READABLE) -> Color:
    """The colour, or the nearest one on the way to black or white that has enough contrast to the ground."""
    if contrast(ink, ground) >= least:
        return ink
    white, black = Color(255, 255, 255), Color(0, 0, 0)
    goal = white if contrast(white, ground) >= contrast(black, ground) else black
    for step in range(1, _STEPS + 1):
        nearer = ink.blend(goal, step / _STEPS)
        if contrast(nearer, ground) >= least:
            return nearer
    return goal
