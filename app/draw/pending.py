"""What a peer of ours knows of an attempt of its own: countdowns, drawn as the last rows of its ladder, and how far
it is or why it is over, for the verdict panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.draw import terms
from app.draw.ladder import DrawnRow, Ladder
from app.draw.linked import Linked, labelled, paragraph
from app.draw.spans import Canvas, Span, Tone, cell
from app.draw.verdict import verdict_panel
from app.node_status import ConnectionStatus, Timer
from app.terminal_text import clip, safe_text
from capture.model import FileSummary, Flow

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


def own_connection(flow: Flow, connections: Iterable[ConnectionStatus]) -> ConnectionStatus | None:
    """The connection of ours that an attempt is."""
    return next((one for one in connections if one.attempt.hex() == flow.id), None)


def own_panel(flow: Flow, own: ConnectionStatus, files: Sequence[FileSummary], width: int) -> list[Linked]:
    """The verdict panel of an attempt of ours; while it goes on there is no verdict yet."""
    if own.closing or own.opened:
        told = own.closing or own.stage
        tone = Tone.BAD if own.failed else Tone.GOOD if own.opened else Tone.DIM
        return [*verdict_panel(flow, files, width), *labelled("our peer", told, width, tone, label_width=10)]
    return [
        Linked((Span("… under way", Tone.WARN), Span(f"  {own.stage}", Tone.STRONG))),
        *paragraph("What it waits for stands under the ladder; the verdict comes when it is decided.", width, Tone.DIM),
    ]


def going_panel(flow: Flow, width: int) -> list[Linked]:
    """The verdict panel of an attempt of others that goes on."""
    return [
        Linked((Span("… under way", Tone.WARN), Span(f"  {terms.stage(flow)}", Tone.STRONG))),
        *paragraph(
            f"The verdict comes when it is decided, or after {terms.GOES_ON:.0f} s of silence.", width, Tone.DIM
        ),
    ]


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
