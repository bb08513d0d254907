"""An attempt as plain text: who took part, the ladder, and the verdict with its evidence; or several in one ladder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from app.draw.ladder import Datagrams, Ladder
from app.draw.ladder_plan import LadderOptions, plan_ladder
from app.draw.shown_attempts import letter
from app.draw.spans import text_of
from app.draw.touched import TouchRows
from app.draw.verdict import verdict_page
from app.terminal_text import cell_width, safe_text
from app.wording import date_and_clock
from capture.model import FileSummary, Flow

DEFAULT_WIDTH: Final = 120


def text_export(
    flows: Flow | Sequence[Flow],
    files: Sequence[FileSummary],
    datagrams: Datagrams,
    width: int = DEFAULT_WIDTH,
    touched: TouchRows | None = None,
) -> str:
    """The attempt as a text file.

    Args:
        flows: the attempt, or those that are drawn as one ladder, each with the letter that its steps have there.
        files: what it was read from.
        datagrams: the story, asked about single datagrams.
        width: cells of a line; with many lanes the ladder takes what it needs.
        touched: tells what a node of ours did to a datagram.
    """
    return "\n".join(line.rstrip() for line in _lines(flows, files, datagrams, width, touched)) + "\n"


def _lines(
    flows: Flow | Sequence[Flow],
    files: Sequence[FileSummary],
    datagrams: Datagrams,
    width: int,
    touched: TouchRows | None,
) -> Iterator[str]:
    plan = plan_ladder(flows, LadderOptions(now=datagrams.last_time), touched=touched)
    shown = plan.shown
    letters = [f"{letter(index)}: " if shown.merged else "" for index in range(len(shown.flows))]
    for sign, flow in zip(letters, shown.flows, strict=True):
        yield f"{sign}hole-punch attempt {flow.shown_id}, {date_and_clock(flow.started)}"
    for file in files:
        yield f"from {safe_text(file.path)}"
    yield ""
    ladder = Ladder(plan, width, datagrams, files)
    yield from map(text_of, ladder.legend())
    drawn = [*ladder.header(), *(ladder.row(index) for index in range(len(ladder.plan.rows)))]
    lines = [text_of((*row.columns, *row.body)) for row in drawn]
    yield from lines
    yield ""
    rule = "─" * min(width, max(map(cell_width, lines), default=width))
    for sign, flow in zip(letters, shown.flows, strict=True):
        yield rule
        if sign:
            yield f"{sign}attempt {flow.shown_id}"
        for linked in verdict_page(flow, files, width):
            yield text_of(linked.line)
