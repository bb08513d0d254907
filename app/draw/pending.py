"""What a peer of ours knows of an attempt of its own: countdowns, drawn as the last rows of its ladder, and how far
it is or why it is over, for the verdict panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.draw import arrows, terms
from app.draw.held import HELD, age_text, said_of
from app.draw.ladder import DrawnRow, Ladder
from app.draw.linked import Linked, labelled, paragraph
from app.draw.spans import Canvas, Span, Tone, cell
from app.draw.verdict import verdict_panel
from app.intercept_status import HeldMessage
from app.node_status import ConnectionStatus, Timer
from app.terminal_text import clip, safe_text
from capture.model import FileSummary, Flow
from protocol.messages import Address

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


Pending = Timer | HeldMessage
"""What stands under the steps: something that will happen by itself, or a message that waits for a person."""


def held_of(flow: Flow, held: Iterable[HeldMessage]) -> tuple[HeldMessage, ...]:
    """The held messages that belong to an attempt."""
    return tuple(one for one in held if one.attempt and one.attempt.hex() == flow.id)


def pending_row(ladder: Ladder, pending: Pending) -> DrawnRow:
    """One countdown, in the lane that waits; or a held message, at the lane that holds it."""
    canvas = Canvas(ladder.body_width)
    places = [x for lane in ladder.plan.lanes if (x := ladder.lane_x(lane.id)) is not None]
    for x in places:
        canvas.put(x, "┊", Tone.RULE)
    if isinstance(pending, HeldMessage):
        _draw_held(canvas, ladder, pending, places)
        due = f"{HELD} {age_text(pending.age)}"
    else:
        due = f"{GLYPH} in {pending.due:.1f} s" if pending.due >= 0 else f"{GLYPH} waits"
        start = min(places, default=0) + 2
        text = pending.what if pending.remote is None else f"{pending.what}, {terms.address(pending.remote)}"
        canvas.put(start, clip(f"{safe_text(text)} ", ladder.body_width - start), Tone.WARN)
    columns = (cell(due, ladder.columns_width - 1, Tone.WARN, right=True), Span(" "))
    return DrawnRow(columns, canvas.line())


def _draw_held(canvas: Canvas, ladder: Ladder, held: HeldMessage, places: Sequence[int]) -> None:
    """An arrow that stops at the lane of our node: before it, or right behind it."""
    said = said_of(held.now, held.opener)
    labels = [f"held{', edited' if held.edited else ''}: {said}", said]
    start, end = _lane_at(ladder, held.now.source), _lane_at(ladder, held.now.to)
    if start is None or end is None or start == end:
        x = start if end is None else end
        x = min(places, default=0) if x is None else x
        canvas.put(x, HELD, Tone.WARN)
        room = ladder.body_width - x - 2
        canvas.put(x + 2, clip(labels[0], room), Tone.WARN)
        return
    arrows.draw(canvas, start, end, labels, Tone.WARN, arrows.Style(dashed=True), places)
    ours = start if held.sent else end
    canvas.put(ours + (1 if (start < end) == held.sent else -1), HELD, Tone.WARN)


def _lane_at(ladder: Ladder, address: Address) -> int | None:
    for lane in ladder.plan.flow.lanes:
        if address in lane.addresses or address in lane.inside:
            return ladder.lane_x(lane.id)
    return None
