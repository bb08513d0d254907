"""Takes every colour out of what goes to the terminal; what stands on a bright ground comes out reversed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_BRIGHT: Final = 128 * 3


class Colourless(LineFilter):
    """For a theme in black and white: Textual's own filter for NO_COLOR leaves shades of grey."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without colours."""
        del background
        return [Segment(text, None if style is None else _without(style), control) for text, style, control in segments]


@lru_cache(4096)
def _without(style: Style) -> Style:
    reverse = bool(style.reverse)
    if style.bgcolor is not None and not style.bgcolor.is_default:
        reverse ^= sum(style.bgcolor.get_truecolor()) >= _BRIGHT
    bare = Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=reverse or None,
        link=style.link,
    )
    return bare + Style.from_meta(style.meta) if style.meta else bare
