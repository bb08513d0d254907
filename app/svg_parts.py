"""Pieces of an SVG drawing: escaped text, lines, arrowheads, and the style sheet for light and dark.

Colours are classes and not attributes, so that a viewer's preference for dark (``prefers-color-scheme``) recolours the
same file; viewers without media queries show the light one. Widths of text are reckoned for a monospaced font.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from app.terminal_text import cell_width, clip, safe_text

FONT_SIZE: Final = 12.0
SMALL_SIZE: Final = 11.0
CELL: Final = 0.605
"""Advance of a monospaced character, in font sizes."""

_LIGHT: Final = {
    "paper": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#1c2430",
    "dim": "#6b7686",
    "line": "#d5dae1",
    "good": "#15803d",
    "bad": "#c2271d",
    "warn": "#a16207",
    "find": "#64748b",
    "handshake": "#2563eb",
    "sample": "#0e7490",
    "probe": "#7c3aed",
    "punch": "#c2570c",
    "stream": "#15803d",
}
_DARK: Final = {
    "paper": "#10151c",
    "panel": "#18202a",
    "ink": "#e6ebf2",
    "dim": "#93a0b1",
    "line": "#313c4a",
    "good": "#4ade80",
    "bad": "#f87171",
    "warn": "#facc15",
    "find": "#a3b1c2",
    "handshake": "#7db0ff",
    "sample": "#4dd4e8",
    "probe": "#c4a3ff",
    "punch": "#fdab6a",
    "stream": "#4ade80",
}
TONES: Final = ("good", "bad", "warn", "find", "handshake", "sample", "probe", "punch", "stream", "dim", "ink")


def style_sheet() -> str:
    """The ``<style>`` of a drawing."""
    return f"<style>{_shapes()}{_colours(_LIGHT)}@media (prefers-color-scheme: dark) {{{_colours(_DARK)}}}</style>"


def _shapes() -> str:
    return (
        "text{font-family:ui-monospace,'Cascadia Mono','SF Mono',Menlo,'DejaVu Sans Mono',monospace;"
        f"font-size:{FONT_SIZE:g}px}}"
        ".label{paint-order:stroke;stroke-width:5px;stroke-linejoin:round}"
        f".small{{font-size:{SMALL_SIZE:g}px}}"
        ".large{font-size:20px;font-weight:700}.strong{font-weight:700}"
        ".life{stroke-width:1}.wire{stroke-width:1.6;fill:none}.wide{stroke-width:4.5;opacity:.55}"
        ".dashed{stroke-dasharray:6 4}.dotted{stroke-dasharray:2 4}"
    )


def _colours(colour: dict[str, str]) -> str:
    rules = [
        f".paper{{fill:{colour['paper']}}}",
        f".panel{{fill:{colour['panel']};stroke:{colour['line']}}}",
        f".life,.rule{{stroke:{colour['line']}}}",
        f".label{{stroke:{colour['paper']}}}",
        f".badge{{fill:{colour['ink']}}}.on-badge{{fill:{colour['paper']}}}",
    ]
    for tone in TONES:
        rules.append(f".{tone}{{fill:{colour[tone]}}}.{tone}-line{{stroke:{colour[tone]}}}")
    return "".join(rules)


def width_of(text: str, size: float = FONT_SIZE) -> float:
    """Pixels that safe text takes in the monospaced font."""
    return cell_width(text) * CELL * size


def cells_in(pixels: float, size: float = FONT_SIZE) -> int:
    """Cells that fit into that many pixels."""
    return max(0, int(pixels / (CELL * size)))


def escaped(content: str) -> str:
    """Text from outside, made visible and escaped for an element."""
    return escape(safe_text(content))


def text(x: float, y: float, content: str, classes: str, anchor: str = "start") -> str:
    """Text with its baseline at `y`; `anchor` says which part of it is at `x`."""
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}"{at}>{escaped(content)}</text>'


def clipped(x: float, y: float, content: str, classes: str, room: float, anchor: str = "start") -> str:
    """Text cut to `room` pixels."""
    size = SMALL_SIZE if "small" in classes else FONT_SIZE
    return text(x, y, clip(safe_text(content), cells_in(room, size)), classes, anchor)


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def box(x: float, y: float, width: float, height: float, classes: str, radius: float = 8) -> str:
    """A rounded rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" class="{classes}"/>'
    )


def head(x: float, y: float, rightwards: bool, tone: str, *, hollow: bool = False) -> str:
    """An arrowhead with its tip at (x, y)."""
    back = x - 9 if rightwards else x + 9
    points = f"{x:.1f},{y:.1f} {back:.1f},{y - 4.5:.1f} {back:.1f},{y + 4.5:.1f}"
    classes = f"paper {tone}-line" if hollow else tone
    return f'<polygon points="{points}" class="{classes}"/>'


def cross(x: float, y: float, tone: str) -> str:
    """The end of what did not arrive."""
    return line(x - 4, y - 4, x + 4, y + 4, f"wire {tone}-line") + line(x - 4, y + 4, x + 4, y - 4, f"wire {tone}-line")


def badge(x: float, y: float, content: str) -> str:
    """A number in a disc."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" class="badge"/>' + text(
        x, y + 4, content, "on-badge small strong", "middle"
    )


def group(parts: list[str], hint: str) -> str:
    """Parts with a hint that a viewer shows for them."""
    return f"<g><title>{escaped(hint)}</title>{''.join(parts)}</g>"


def attribute(content: str) -> str:
    """A quoted attribute value."""
    return quoteattr(safe_text(content))
