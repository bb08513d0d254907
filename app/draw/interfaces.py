"""The choice of an interface: a line for each, with what passed it in the last seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from app.draw.plots import sparkline
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, safe_text
from app.wording import grouped

if TYPE_CHECKING:
    from capture.interfaces import NetworkInterface

SECONDS: Final = 20
"""Seconds of a sparkline, one column each."""
_ROOM: Final = 100
"""Cells from which on everything is written out."""
_NUMBER: Final = 3


def name_width(found: Sequence[NetworkInterface]) -> int:
    """Cells for the names."""
    return min(20, max((cell_width(safe_text(one.name)) for one in found), default=0))


def interface_line(
    one: NetworkInterface, rates: Sequence[int], name: int, *, marked: bool, cursor: bool, width: int
) -> Line:
    """One interface: cursor, mark, number, name, packets a second, kind, state, addresses.

    Args:
        one: it.
        rates: packets in each of the last seconds, the newest last; empty where nothing counts them.
        name: cells for the name.
        marked: whether it was chosen besides others.
        cursor: whether the cursor stands on it.
        width: cells of the line.
    """
    narrow = width < _ROOM
    seconds, rate, kind = (10, 9, 11) if narrow else (SECONDS, 12, 16)
    spans = [
        Span("▶ " if cursor else "  ", Tone.KEY),
        Span("◆ " if marked else "  ", Tone.KEY),
        cell(str(one.number), _NUMBER, Tone.DIM, right=True),
        Span(" "),
        cell(safe_text(one.name), name, Tone.STRONG if one.up else Tone.DIM),
        Span(" "),
        cell(sparkline(rates[-seconds:], seconds) if rates else "", seconds, Tone.GOOD),
        cell(f"{grouped(rates[-1])}/s" if rates else "", rate, Tone.PLAIN, right=True),
        Span("  "),
        cell(safe_text(one.kind), kind, Tone.PLAIN),
        Span(" "),
        Span("up  " if one.up else "down", Tone.GOOD if one.up else Tone.WARN),
        Span("  "),
    ]
    rest = width - sum(cell_width(span.text) for span in spans)
    said = " ".join(one.addresses) if one.linktype is not None else f"! frames {one.linktype_name}"
    return (*spans, cell(said, max(0, rest), Tone.DIM if one.linktype is not None else Tone.WARN))
