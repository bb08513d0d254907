"""Countdowns of an attempt that goes on, drawn as the last rows of its ladder."""

from __future__ import annotations

from collections.abc import Iterable

from app.draw import terms
from app.draw.ladder import DrawnRow, Ladder
from app.draw.spans import Canvas, Span, Tone, cell
from app.node_status import Timer
from app.terminal_text import clip, safe_text
from capture.model import Flow

GLYPH = "◷"
"""Something that is yet to happen."""


def timers_of(flow: Flow, timers: Iterable[Timer]) -> tuple[Timer, ...]:
    """The timers that belong to an attempt: of its requests that wait for an answer, and what names it."""
    asked = {(one.tid, one.dst) for one in flow.messages if one.kind == "request"}
    return tuple(
        timer
        for timer in timers
        if (timer.attempt is not None and timer.attempt.hex() == flow.id)
        or (timer.tid is not None and (timer.tid, timer.remote) in asked)
    )


def pending_row(ladder: Ladder, timer: Timer) -> DrawnRow:
    """One countdown, in the lane that waits."""
    due = f"in {timer.due:.1f} s" if timer.due >= 0 else "waits"
    columns = (cell(f"{GLYPH} {due}", ladder.columns_width - 1, Tone.WARN, right=True), Span(" "))
    canvas = Canvas(ladder.body_width)
    places = [x for lane in ladder.plan.lanes if (x := ladder.lane_x(lane.id)) is not None]
    for x in places:
        canvas.put(x, "┊", Tone.RULE)
    start = min(places, default=0) + 2
    text = timer.what if timer.remote is None else f"{timer.what}, {terms.address(timer.remote)}"
    canvas.put(start, clip(f"{safe_text(text)} ", ladder.body_width - start), Tone.WARN)
    return DrawnRow(columns, canvas.line())
