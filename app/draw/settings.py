"""The settings as lines: each with its value, what it could be, and where the value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.config.settings import Kind, Setting, Value
from app.draw.spans import Line, Span, Tone, cell, fitted
from app.terminal_text import cell_width, clip, safe_text

NAME_WIDTH: Final = 18


def value_text(value: Value) -> str:
    """A value in a word or two, safe."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return f"{len(value)} set" if value else "none"
    if isinstance(value, tuple):
        return safe_text(" ".join(value))
    return "not set" if value in (None, "") else safe_text(str(value))


def setting_line(setting: Setting, value: Value, origin: str, width: int, *, changed: bool) -> Line:
    """A row of the list of settings.

    Args:
        setting: which.
        value: what holds.
        origin: where it comes from.
        width: cells of the row.
        changed: whether it is not in the file yet.
    """
    choices = [one for one in setting.choices if one != value]
    others = f"  or {', '.join(choices)}" if setting.kind is Kind.CHOICE else ""
    sign = "*" if changed else " "
    shown = value_text(value)
    came = "changed, not kept" if changed else safe_text(origin)
    room = width - NAME_WIDTH - 5 - cell_width(shown) - cell_width(came)
    offered = clip(others, max(0, room))
    line = (
        Span(f"{sign} ", Tone.WARN),
        cell(setting.name, NAME_WIDTH),
        Span(" "),
        Span(shown, Tone.STRONG),
        Span(offered, Tone.DIM),
        Span(" " * max(1, room - cell_width(offered) + 1)),
        Span(came if room >= 0 else "", Tone.WARN if changed else Tone.DIM),
    )
    return fitted(line, width)
