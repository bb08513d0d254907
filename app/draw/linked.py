"""Lines that may lead to a packet: what verdict, NAT, rounds and token views are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from app.draw.spans import Line, Span, Tone, text_of
from app.terminal_text import cell_width, safe_text
from capture.model import Sighting


class Linked(NamedTuple):
    """A line, and the datagram it speaks of, or the attempts."""

    line: Line
    link: Sighting | None = None
    expression: str = ""
    """A filter that the attempts of the line pass."""

    @property
    def leads(self) -> bool:
        """Whether it leads anywhere."""
        return self.link is not None or bool(self.expression)


def blank() -> Linked:
    """An empty line."""
    return Linked(())


def heading(text: str) -> Linked:
    """A heading; `text` is ours."""
    return Linked((Span(text, Tone.HEADING),))


def paragraph(text: str, width: int, tone: Tone = Tone.PLAIN, indent: str = "") -> list[Linked]:
    """Text from outside, escaped and wrapped to `width` cells."""
    shown = safe_text(text)
    room = max(10, width - cell_width(indent))
    return [Linked((Span(indent + part, tone),)) for part in _wrapped(shown, room)]


def labelled(label: str, text: str, width: int, tone: Tone = Tone.PLAIN, label_width: int = 12) -> list[Linked]:
    """A label and text from outside beside it, wrapped under itself."""
    parts = _wrapped(safe_text(text), max(10, width - label_width))
    first = Linked((Span(label.ljust(label_width), Tone.DIM), Span(parts[0], tone)))
    return [first, *(Linked((Span(" " * label_width), Span(part, tone))) for part in parts[1:])]


def page_text(title: str, lines: Sequence[Linked]) -> str:
    """Lines as text for elsewhere, under their title."""
    return "\n".join((title, *(text_of(linked.line) for linked in lines))) + "\n"


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells. Wide characters count double, so text with them wraps early rather than late."""
    if cell_width(text) != len(text):
        width = max(5, width // 2)
    return textwrap.wrap(text, width) or [""]
