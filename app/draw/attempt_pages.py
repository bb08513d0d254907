"""The pages on one attempt, and the strip that says which of them is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.draw.candidates import candidates_page
from app.draw.linked import Linked
from app.draw.nat import nat_page
from app.draw.rounds import rounds_page
from app.draw.spans import Line, Span, Tone, width_of
from app.draw.tokens import tokens_page
from app.draw.verdict import verdict_page
from capture.model import FileSummary, Flow

Draw = Callable[[Flow, Sequence[FileSummary], int], list[Linked]]


class PageKind(NamedTuple):
    """One of the pages."""

    id: str
    key: str
    """The letter that opens it anywhere."""
    title: str
    """For the strip."""
    heading: str
    """For the rule above the page."""
    draw: Draw


def _plain(draw: Callable[[Flow, int], list[Linked]]) -> Draw:
    return lambda flow, _, width: draw(flow, width)


PAGES: Final = (
    PageKind("verdict", "v", "verdict", "verdict", verdict_page),
    PageKind("nat", "b", "NAT", "NAT evidence", _plain(nat_page)),
    PageKind("rounds", "R", "rounds", "rounds", _plain(rounds_page)),
    PageKind("candidates", "C", "candidates", "candidates", _plain(candidates_page)),
    PageKind("tokens", "K", "tokens", "tokens", _plain(tokens_page)),
)


def page_index(id_: str) -> int:
    """The place of a page among `PAGES`."""
    return next(index for index, page in enumerate(PAGES) if page.id == id_)


def pages_strip(chosen: int, subject: str, width: int) -> Line:
    """The titles of the pages with their numbers and keys, the one that is shown in brackets, then what they are on.

    Args:
        chosen: index of the page that is shown.
        subject: the attempt in a few safe words; left out where there is no room.
        width: cells.
    """
    spans = [Span(" ")]
    for index in range(len(PAGES)):
        spans += _entry(index, here=index == chosen)
    if width_of((*spans, Span(subject))) <= width:
        room = width - width_of(tuple(spans))
        spans.append(Span(subject.rjust(room), Tone.DIM))
    return tuple(spans)


def _entry(index: int, *, here: bool) -> list[Span]:
    page = PAGES[index]
    opening, closing = ("[", "]") if here else (" ", " ")
    return [
        Span(opening, Tone.KEY),
        Span(f"{index + 1} ", Tone.KEY),
        Span(page.title, Tone.STRONG if here else Tone.DIM),
        Span(f" {page.key}", Tone.KEY),
        Span(f"{closing} ", Tone.KEY),
    ]
