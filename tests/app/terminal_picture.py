"""A screen of the inspector as a picture: an SVG that needs nothing from elsewhere, and the PNG made from it.

Glyphs are those of DejaVu Sans Mono: its lines join from row to row and cell to cell at the proportions used here, in
renderers that know ``textLength`` (browsers) and in those that don't (librsvg). Other fonts are fitted by the former.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
from pathlib import Path
from typing import Any, Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.color import Color

LINE_HEIGHT: Final = 24.4
"""Pixels from row to row, as Rich draws."""
FONT_HEIGHT: Final = (1901 + 483) / 2048
FONT_ADVANCE: Final = 1233 / 2048
"""Ascent and descent, and width, of the font's glyphs, by size."""
FONT_SIZE: Final = round(LINE_HEIGHT / FONT_HEIGHT, 2)
CELL: Final = FONT_SIZE * FONT_ADVANCE
RICH_CHAR_HEIGHT: Final = 20
DRAWN_FROM: Final = "Drawn from"
"""Key of the text in a PNG that holds the SHA-256 of its SVG."""
COLOURS: Final = 128
"""Enough for two themes' tones and their edges, at a quarter of the size."""

FORMAT: Final = f"""\
<svg viewBox="0 0 {{width}} {{height}}" width="{{width}}" height="{{height}}" xmlns="http://www.w3.org/2000/svg">
<style>
.{{unique_id}}-matrix {{{{ font: {FONT_SIZE}px "DejaVu Sans Mono", Menlo, Consolas, monospace; }}}}
.{{unique_id}}-title {{{{ font: bold 16px "DejaVu Sans", Helvetica, Arial, sans-serif; }}}}
{{styles}}
</style>
<defs>
<clipPath id="{{unique_id}}-clip-terminal"><rect x="0" y="0" width="{{terminal_width}}" height="{{terminal_height}}"/></clipPath>
{{lines}}
</defs>
{{chrome}}
<g transform="translate({{terminal_x}}, {{terminal_y}})" clip-path="url(#{{unique_id}}-clip-terminal)">
{{backgrounds}}
<g class="{{unique_id}}-matrix">
{{matrix}}
</g>
</g>
</svg>
"""  # noqa: E501

_TEXT: Final = re.compile(r'(<text class="[^"]*" x=")([^"]*)(" y="[^"]*" textLength=")([^"]*)("[^>]*>)([^<]*)(</text>)')
_BLANK: Final = "&#160;"
_INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)


def screen_svg(app: App[Any], name: str) -> str:
    """What is on screen now, page over screen as a user sees it.

    Args:
        app: a running app.
        name: the title; also what ids in the document begin with.
    """
    width, height = app.size
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True
    )
    # What App.export_screenshot does, which does not hand on font, proportions and colours.
    console.print(app.screen._compositor.render_update(full=True, screen_stack=app._background_screens))
    drawn = console.export_svg(
        title=name,
        theme=_frame_colours(app),
        code_format=FORMAT,
        font_aspect_ratio=CELL / RICH_CHAR_HEIGHT,
        unique_id=re.sub(r"[^a-z0-9]+", "-", name),
    )
    return _TEXT.sub(_without_outer_blanks, _INDENT.sub("", drawn)).replace("><", ">\n<")


def png_of(svg: Path) -> bytes:
    """The picture as librsvg draws it, in the colours it needs, marked with what it was drawn from.

    Raises:
        FileNotFoundError: rsvg-convert (Debian: librsvg2-bin) is not installed.
    """
    drawn = subprocess.run(["rsvg-convert", "--format=png", str(svg)], capture_output=True, check=True).stdout
    mark = PngInfo()
    mark.add_text(DRAWN_FROM, digest(svg))
    picture = Image.open(io.BytesIO(drawn)).quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True, pnginfo=mark)
    return small.getvalue()


def drawn_from(png: Path) -> str:
    """Digest of the SVG that a PNG was drawn from; empty if it does not say."""
    with Image.open(png) as picture:
        return str(picture.info.get(DRAWN_FROM, ""))


def digest(svg: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(svg.read_bytes()).hexdigest()


def _frame_colours(app: App[Any]) -> TerminalTheme:
    colours = app.current_theme
    ground, words = Color.parse(colours.panel or "black").rgb, Color.parse(colours.foreground or "white").rgb
    return TerminalTheme(ground, words, [ground] * 8, [ground] * 8)


def _without_outer_blanks(found: re.Match[str]) -> str:
    """Blanks move the text instead: librsvg drops them, and with them the place of what follows."""
    before, x, between, length, after, text, end = found.groups()
    begun = text
    while begun.startswith(_BLANK):
        begun = begun[len(_BLANK) :]
    leading = (len(text) - len(begun)) // len(_BLANK)
    kept = begun
    while kept.endswith(_BLANK):
        kept = kept[: -len(_BLANK)]
    trailing = (len(begun) - len(kept)) // len(_BLANK)
    place, extent = float(x) + leading * CELL, float(length) - (leading + trailing) * CELL
    return f"{before}{place:.2f}{between}{extent:.2f}{after}{kept}{end}"
