"""Attempts that were let go to keep a live session within its bound, a line for each: who, when, and how it ended."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Final

from app.draw import terms
from app.draw.spans import Line, Span, Tone, cell
from app.wording import OUTCOME_GLYPHS, clock, day
from capture.let_go import Line as Stayed
from protocol.address import Address

_COLUMNS: Final = (("began", 19), ("client", 21), ("server", 21), ("NAT client × server", 23), ("took", 10), ("id", 8))
_LEAST: Final = ("began", "client", "took")
"""What is shown however narrow the screen is."""
_STATE: Final = 22
"""Cells of the verdict."""


def let_go_columns(width: int) -> tuple[tuple[str, int], ...]:
    """The columns that a width has room for before the verdict: names and cells."""
    chosen = [one for one in _COLUMNS if one[0] in _LEAST]
    for column in _COLUMNS:
        if column not in chosen and sum(size + 1 for _, size in (*chosen, column)) + _STATE <= width:
            chosen.append(column)
    return tuple(column for column in _COLUMNS if column in chosen)


def let_go_heading(width: int) -> Line:
    """Titles of the columns."""
    spans = [cell(f"{name} ", size + 1, Tone.DIM, right=name == "took") for name, size in let_go_columns(width)]
    return (*spans, Span("verdict", Tone.DIM))


def let_go_line(
    one: Stayed,
    width: int,
    zone: datetime.tzinfo | None = None,
    shown: Callable[[Address], Address] = lambda address: address,
) -> Line:
    """One attempt, dim, as nothing more can be asked of it.

    Args:
        one: what stayed of it.
        width: cells of the line.
        zone: for times; None is the machine's own.
        shown: what is shown for an address.
    """

    def address(value: Address | None) -> str:
        return "?" if value is None else terms.address(shown(value))

    texts = {
        "began": f"{day(one.started, zone)} {clock(one.started, zone)[:8]}",
        "client": address(one.client),
        "server": address(one.server),
        "NAT client × server": f"{one.client_class} × {one.server_class}",
        "took": f"{one.duration:.3f} s",
        "id": one.id[:8],
    }
    spans = [cell(f"{texts[name]} ", size + 1, Tone.DIM, right=name == "took") for name, size in let_go_columns(width)]
    code = f"{OUTCOME_GLYPHS[one.outcome]} {one.code}{' (likely)' if one.inferred else ''}"
    return (*spans, Span(code, terms.OUTCOME_TONE[one.outcome]))
