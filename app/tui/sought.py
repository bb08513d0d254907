"""What is looked for: a text, a regular expression between slashes, or an expression of the filter language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from app.draw.spans import Line, Span, Tone

if TYPE_CHECKING:
    from capture.arrays import Bools
    from capture.filter import Filter
    from capture.flow import Flow, Sighting

    Matcher = Callable[[int], bool] | Bools
    """Which rows of a list match: asked one by one, or known of all of them."""

MOST_MARKS = 200
"""Places of one line that are lit; a pattern of one letter in a long line finds no more."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Something to find.

    Attributes:
        typed: as it was typed.
        pattern: what to look for in the text of a row.
        filter: the expression that it is, if it is one.
        remark: why it is looked for as plain text although it looks like something else.
    """

    typed: str
    pattern: re.Pattern[str]
    filter: Filter | None = None
    remark: str = ""

    def in_text(self, text: str) -> bool:
        """Whether a text has it."""
        return self.pattern.search(text) is not None

    def lit(self, line: Line) -> Line:
        """The line with the places lit where it has the text; an expression lights nothing."""
        if self.filter is not None:
            return line
        return lit(line, self.pattern)

    def for_attempts(self, flows: Callable[[int], Flow]) -> Callable[[int], bool] | None:
        """The expression as a matcher of rows that are attempts; None for a text."""
        wanted = self.filter
        return None if wanted is None else lambda index: wanted.matches(flows(index))

    def for_packets(self, packets: Callable[[int], Iterable[Sighting]]) -> Callable[[int], bool] | None:
        """The expression as a matcher of rows that each show some packets; None for a text."""
        if self.filter is None:
            return None
        mask = self.filter.mask()
        return lambda index: any(one.row < len(mask) and bool(mask[one.row]) for one in packets(index))


def sought(text: str, bind: Callable[[Filter], Filter] | None = None) -> Sought:
    """Read what was typed; never fails, as anything can be looked for as plain text.

    Args:
        text: what was typed.
        bind: gives an expression the packets that it is asked of; None where only text can be looked for.
    """
    from capture.filter import FilterError, parse_filter

    typed = text.strip()
    if len(typed) > 2 and typed.startswith("/") and typed.endswith("/"):
        try:
            return Sought(text, re.compile(typed[1:-1], re.IGNORECASE))
        except (re.error, RecursionError, OverflowError) as error:
            return Sought(text, _literal(typed), remark=f"no regular expression, so it is plain text: {error}")
    if bind is None:
        return Sought(text, _literal(typed))
    try:
        wanted = parse_filter(typed)
    except FilterError as error:
        remark = f"no expression, so it is plain text: {error}" if re.search(r"[=<>~]", typed) else ""
        return Sought(text, _literal(typed), remark=remark)
    if not wanted.compares:
        return Sought(text, _literal(typed))
    return Sought(text, _literal(typed), bind(wanted))


def lit(line: Line, pattern: re.Pattern[str]) -> Line:
    """The line with the places lit where the pattern is found, also across spans."""
    whole = "".join(span.text for span in line)
    places = [found.span() for found, _ in zip(pattern.finditer(whole), range(MOST_MARKS), strict=False)]
    places = [(start, end) for start, end in places if end > start]
    if not places:
        return line
    spans: list[Span] = []
    at = 0
    for span in line:
        end = at + len(span.text)
        cuts = sorted({at, end, *(cut for place in places for cut in place if at < cut < end)})
        for first, last in pairwise(cuts):
            inside = any(start <= first and last <= stop for start, stop in places)
            spans.append(Span(whole[first:last], Tone.LIT if inside else span.tone))
        at = end
    return tuple(spans)


def _literal(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text), re.IGNORECASE)
