"""Problems of a capture as rows: a heading for each severity, a line for each problem, its packets when unfolded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from app.draw.linked import paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import safe_text
from app.wording import grouped

if TYPE_CHECKING:
    from capture.flow import Sighting
    from capture.problems import Problem

SEVERITIES: Final = (
    ("✗ errors", "something is missing that would have been seen", Tone.BAD),
    ("! warnings", "something could not be used", Tone.WARN),
    ("· notes", "worth knowing", Tone.DIM),
)
"""Glyph and word, what it means, and how it looks, by `Severity`."""


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A row of the page."""

    line: Line
    problem: int | None = None
    """Index of the problem that it is a line of; None for headings."""
    head: bool = False
    """Whether it is the line of the problem itself, which unfolds."""
    sighting: Sighting | None = None
    """The packet that it leads to; what is said of it is drawn when it is on screen."""


def problem_rows(problems: Sequence[Problem], unfolded: Collection[str], width: int) -> list[ProblemRow]:
    """Rows of the page.

    Args:
        problems: the worst first.
        unfolded: what those say whose packets are listed.
        width: cells of a line, without the sign of the cursor.
    """
    if not problems:
        return [ProblemRow(()), ProblemRow((Span("Nothing was lost, cut or refused.", Tone.GOOD),))]
    rows: list[ProblemRow] = []
    digits = max(len(grouped(problem.count)) for problem in problems)
    for severity, group in groupby(enumerate(problems), key=lambda one: one[1].severity):
        title, means, tone = SEVERITIES[severity]
        rows += [ProblemRow(()), ProblemRow((Span(title, tone), Span(f"  {means}", Tone.DIM)))]
        for index, problem in group:
            more = bool(problem.sightings or problem.texts or problem.example) or len(problem.says) > width - digits - 3
            open_ = problem.says in unfolded
            sign = ("▾" if open_ else "▸") if more else " "
            count = cell(grouped(problem.count), digits, tone, right=True)
            rows.append(ProblemRow((count, Span(f" {sign} ", Tone.KEY), Span(safe_text(problem.says))), index, True))
            if open_:
                rows += _details(problem, index, digits + 3, width)
    return rows


def _details(problem: Problem, index: int, indent: int, width: int) -> list[ProblemRow]:
    blanks = " " * indent
    texts = [problem.says] if len(problem.says) > width - indent else []
    texts += problem.texts or ([f"the first: {problem.example}"] if problem.example else [])
    rows = [
        ProblemRow(linked.line, index) for text in texts for linked in paragraph(text, width, Tone.DIM, indent=blanks)
    ]
    rows += [ProblemRow((Span(blanks),), index, sighting=sighting) for sighting in problem.sightings]
    more = problem.count - len(problem.sightings)
    if problem.sightings and more:
        rows.append(ProblemRow((Span(f"{blanks}and {grouped(more)} more", Tone.DIM),), index))
    return rows


def packet_line(indent: Line, sighting: Sighting, of_packet: Callable[[Sighting], tuple[str, str, str]]) -> Line:
    """The line of one packet.

    Args:
        indent: blanks before it.
        sighting: the packet.
        of_packet: gives its time, its ends and what is wrong with it, all safe.
    """
    time, ends, says = of_packet(sighting)
    return (
        *indent,
        Span(f"#{sighting.frame:<8}", Tone.LINK),
        Span(f"{time}  ", Tone.DIM),
        Span(f"{ends}  "),
        Span(says, Tone.WARN),
    )
