"""Lines as tuples of toned spans, and a canvas to compose one line cell by cell."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from app.terminal_text import cell_width, character_width, clip, pad


class Tone(StrEnum):
    """What a piece of text is; a theme decides how that looks. Never the only carrier of a meaning."""

    __hash__ = str.__hash__
    # That of an enum is written in Python, and tones are looked up for every word on screen.

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    HEADING = "heading"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    LINK = "link"
    KEY = "key"
    RULE = "rule"
    """Lines and lanes that hold the drawing together."""
    CLIENT = "client"
    SERVER = "server"
    RELAY = "relay"
    NODE = "node"
    FIND = "find"
    HANDSHAKE = "handshake"
    SAMPLE = "sample"
    PROBE = "probe"
    PUNCH = "punch"
    STREAM = "stream"
    LIT = "lit"
    """Bytes or a field that belong to the selection."""


class Span(NamedTuple):
    """Some text, already safe, and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


def text_of(line: Line) -> str:
    """The line without tones or trailing blanks."""
    return "".join(span.text for span in line).rstrip()


def width_of(line: Line) -> int:
    """Cells of the line."""
    return sum(cell_width(span.text) for span in line)


def fitted(line: Line, width: int) -> Line:
    """The line clipped and filled to exactly `width` cells."""
    result: list[Span] = []
    left = width
    for span in line:
        cells = cell_width(span.text)
        if cells > left:
            result.append(Span(clip(span.text, left), span.tone))
            left -= cell_width(result[-1].text)
            break
        result.append(span)
        left -= cells
    if left > 0:
        result.append(Span(" " * left))
    return tuple(result)


def cell(text: str, width: int, tone: Tone = Tone.PLAIN, *, right: bool = False) -> Span:
    """A table cell of exactly `width` cells."""
    return Span(pad(text, width, right=right), tone)


def rule(title: str, width: int, *, strong: bool) -> Line:
    """A rule across with a safe title on it; a strong one says where the keyboard is."""
    stroke = "━" if strong else "─"
    shown = clip(title, max(0, width - 6))
    rest = width - cell_width(shown) - 4
    return (
        Span(stroke * 2, Tone.KEY if strong else Tone.RULE),
        Span(f" {shown} ", Tone.STRONG if strong else Tone.DIM),
        Span(stroke * max(0, rest), Tone.KEY if strong else Tone.RULE),
    )


class Canvas:
    """One line of cells; later puts overwrite earlier ones."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._cells: list[tuple[str, Tone]] = [(" ", Tone.PLAIN)] * width

    def put(self, x: int, text: str, tone: Tone = Tone.PLAIN) -> int:
        """Write safe text from cell `x` on; what falls outside is cut. Give the cell after it."""
        for character in text:
            cells = character_width(character)
            if x >= 0 and x + cells <= self.width:
                self._clear_torn(x, cells)
                self._cells[x] = (character, tone)
                if cells == 2:
                    self._cells[x + 1] = ("", tone)
            x += cells
        return x

    def fill(self, start: int, end: int, character: str, tone: Tone) -> None:
        """Write `character` into the cells from `start` up to `end` (excluded)."""
        if end > start:
            self.put(start, character * (end - start), tone)

    def line(self) -> Line:
        """The cells as spans, neighbours of one tone joined."""
        spans: list[Span] = []
        start = 0
        for x in range(1, self.width + 1):
            if x == self.width or self._cells[x][1] is not self._cells[start][1]:
                spans.append(Span("".join(character for character, _ in self._cells[start:x]), self._cells[start][1]))
                start = x
        return tuple(spans)

    def _clear_torn(self, x: int, cells: int) -> None:
        """Blank the other half of wide characters that a put into `x` would tear."""
        if self._cells[x][0] == "" and x > 0:
            self._cells[x - 1] = (" ", self._cells[x - 1][1])
        after = x + cells
        if after < self.width and self._cells[after][0] == "":
            self._cells[after] = (" ", self._cells[after][1])
