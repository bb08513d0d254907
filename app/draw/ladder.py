"""The ladder of an attempt, drawn row by row: lanes, arrows, bursts, what never came, and notes.

    ladder = Ladder(plan_ladder(flow, LadderOptions()), width=100, datagrams=story)
    header = ladder.header()
    lines = [ladder.row(i) for i in range(len(ladder.plan.rows))]

Each line is ``columns`` (see `app.draw.ladder_columns`), which a view keeps in place, and ``body`` (lanes), which may
be wider than the view and scroll.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from app.draw import arrows, saying, terms
from app.draw.ladder_columns import GUTTER, Columns, attempt_tone, legend
from app.draw.ladder_plan import ColourMode, LadderPlan, Row, RowKind
from app.draw.lane_titles import (
    fitting_titles,
    inside_addresses,
    lane_titles,
    lanes_here,
    outside_addresses,
    title_starts,
)
from app.draw.shown_attempts import on_the_right
from app.draw.spans import Canvas, Line, Span, Tone, fitted
from app.draw.vantage_marks import Vantages
from app.terminal_text import cell_width, clip
from app.wording import TOKEN_GLYPHS
from capture.model import FileSummary, Sighting, Step, StepKind
from protocol.messages import Address

__all__ = ("GUTTER", "Datagrams", "DrawnRow", "Ladder", "columns_of")

MIN_GAP: Final = 13
"""Fewest cells from one lane to the next; with less room the body scrolls sideways."""
SCROLLING_GAP: Final = 17
"""Cells from one lane to the next where it scrolls anyhow: enough for most labels."""
_COMFORTABLE_GAP: Final = 19
_MARGIN: Final = 2
"""Cells left of the first and right of the last lane."""
_WIDE_GAP: Final = 30
"""The gap beyond which remarks get the room instead."""
_REMARK: Final = 30
"""Fewest cells that make a margin for remarks worth having."""


class Datagrams(Protocol):
    """Where a ladder asks about single datagrams of an unfolded burst."""

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet; None while there is none."""
        ...

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        ...

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        ...

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured; 0 where it is not known."""
        ...

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows, nearest its sender first."""
        ...


class DrawnRow(NamedTuple):
    """One line of the ladder in its two parts."""

    columns: Line
    body: Line


class Ladder:
    """Geometry for one width, and the drawing of each row."""

    def __init__(self, plan: LadderPlan, width: int, datagrams: Datagrams, files: Sequence[FileSummary] = ()) -> None:
        self.plan = plan
        self._header: list[DrawnRow] | None = None
        self._width = width
        self._files = files
        self._vantages = Vantages(files, datagrams.sightings)
        self.datagrams = datagrams
        count = max(1, len(plan.lanes))
        lanes_want = 2 * _MARGIN + 1 + (count - 1) * _COMFORTABLE_GAP
        self._columns = Columns(plan, width, lanes_want, lanes_want - (count - 1) * 4, files)
        self.columns_width = self._columns.width
        left = width - self.columns_width
        gap = (left - 2 * _MARGIN - 1) // max(1, count - 1)
        gap = gap if gap >= MIN_GAP else SCROLLING_GAP
        widest = _WIDE_GAP if left - 2 * _MARGIN - 2 - (count - 1) * _WIDE_GAP >= _REMARK else gap
        self.gap = min(gap, widest)
        self._x = [_MARGIN + index * self.gap for index in range(count)]
        lanes_end = self._x[-1] + _MARGIN + 1
        self._remark_at = lanes_end + 1 if left - lanes_end >= _REMARK else None
        self.body_width = max(left, lanes_end)

    def header(self) -> list[DrawnRow]:
        """Titles of the lanes, their outside and their inside addresses."""
        if self._header is None:
            self._header = self._draw_header()
        return self._header

    def legend(self) -> list[Line]:
        """What the letters of attempts and the signs of captures stand for, a line each, where it has them."""
        return legend(self.plan, self._files, self._width - 1)

    def _draw_header(self) -> list[DrawnRow]:
        lanes = self.plan.lanes
        tones = [terms.ROLE_TONE[lane.role] for lane in lanes]
        rows = [self._header_row(lane_titles(lanes, lanes_here(self.plan.flow)), tones, first=True)]
        rows.append(self._header_row([outside_addresses(lane) for lane in lanes], [Tone.PLAIN] * len(lanes)))
        if any(lane.inside for lane in lanes):
            rows.append(self._header_row([inside_addresses(lane) for lane in lanes], [Tone.DIM] * len(lanes)))
        return rows

    def row(self, index: int) -> DrawnRow:
        """One row of the plan."""
        row = self.plan.rows[index]
        step = self.plan.flow.steps[row.step]
        match row.kind:
            case RowKind.PHASE:
                return DrawnRow(self._columns.line(), self._phase(row))
            case RowKind.STEP:
                return DrawnRow(self._columns.of_step(row.step, self._vantages), self._step(row.step, step))
            case RowKind.MEMBER:
                return self._member(row, step)
            case RowKind.HOP:
                return self._hop(row, step)
            case RowKind.TOUCH:
                lane = step.from_lane if row.part else step.to_lane
                return DrawnRow(self._columns.line(), self._beside(lane, row.texts, Tone.WARN))
            case RowKind.NOTE:
                return DrawnRow(self._columns.line(), self._note(step, row.part))

    def lane_x(self, lane_id: str) -> int | None:
        """Cell of a lane in the body."""
        at = self.plan.lane_at.get(lane_id)
        return None if at is None else self._x[at]

    def _canvas(self) -> Canvas:
        canvas = Canvas(self.body_width)
        for x in self._x:
            canvas.put(x, "│", Tone.RULE)
        return canvas

    def _header_row(self, forms: Sequence[Sequence[str]], tones: Sequence[Tone], *, first: bool = False) -> DrawnRow:
        canvas = Canvas(self.body_width)
        texts = fitting_titles(forms, self.gap - 1, self.body_width)
        starts = title_starts(texts, self._x, self.body_width)
        for text, start, tone in zip(texts, starts, tones, strict=True):
            canvas.put(start, text, tone)
        return DrawnRow(self._columns.heading(first), canvas.line())

    def _step(self, index: int, step: Step) -> Line:
        canvas = self._canvas()
        tone = self._tone(index, step)
        start, end = self.lane_x(step.from_lane), self.lane_x(step.to_lane)
        if start is None or end is None:
            canvas.put(0, saying.labels(self.plan.flow, step)[0], tone)
        elif start == end:
            arrows.loop(canvas, start, saying.labels(self.plan.flow, step), tone, self._room_after(start))
        else:
            arrows.draw(canvas, start, end, saying.labels(self.plan.flow, step), tone, _style(step), self._x)
        self._remark(canvas, saying.remark(self.plan.flow, step))
        return canvas.line()

    def _remark(self, canvas: Canvas, text: str) -> None:
        if self._remark_at is not None:
            canvas.put(self._remark_at, clip(text, self.body_width - self._remark_at), Tone.DIM)

    def _room_after(self, x: int) -> int:
        following = [other for other in self._x if other > x]
        return (min(following) if following else self.body_width) - x - 1

    def _phase(self, row: Row) -> Line:
        canvas = self._canvas()
        first, last = self._x[0], self._x[-1]
        canvas.fill(first, last + 1, "═", Tone.RULE)
        canvas.put(first, "╞", Tone.RULE)
        canvas.put(last, "╡", Tone.RULE)
        canvas.put(first + 3, f" {arrows.fitting(row.texts, max(8, last - first - 7))} ", Tone.HEADING)
        return canvas.line()

    def _member(self, row: Row, step: Step) -> DrawnRow:
        sighting = step.members[row.part]
        time = self.datagrams.packet_time(sighting)
        src, dst = self.datagrams.endpoints(sighting)
        ttl = self.datagrams.ttl(sighting)
        hit = step.first_hit == sighting
        gap = time - (self.datagrams.packet_time(step.members[row.part - 1]) if row.part else step.time)
        columns = self._columns.of_datagram(row.step, time, max(0.0, gap), sighting, alone=False)
        canvas = self._canvas()
        start, end = self.lane_x(step.from_lane), self.lane_x(step.to_lane)
        mark = "got through" if hit else ""
        ends = f"{src.port} → {dst.port}"
        said = f"TTL {ttl}" if ttl else ""
        found = [terms.joined((ends, said, mark)), terms.joined((ends, mark)), ends, str(dst.port)]
        tone = Tone.GOOD if hit else Tone.DIM
        if start is not None and end is not None and start != end:
            arrows.draw(canvas, start, end, found, tone, arrows.Style(burst=False, lost=step.lost and not hit), self._x)
        self._remark(canvas, f"{terms.address(src)} → {terms.address(dst)}")
        return DrawnRow(columns, canvas.line())

    def _hop(self, row: Row, step: Step) -> DrawnRow:
        """The same datagram where it was seen next: later, with less TTL, perhaps under translated addresses."""
        assert row.sighting is not None
        time = self.datagrams.packet_time(row.sighting)
        src, dst = self.datagrams.endpoints(row.sighting)
        ttl = self.datagrams.ttl(row.sighting)
        columns = self._columns.of_datagram(row.step, time, time - step.time, row.sighting, alone=True)
        canvas = self._canvas()
        start, end = self.lane_x(step.from_lane), self.lane_x(step.to_lane)
        ends = f"{terms.address(src)} → {terms.address(dst)}"
        text = terms.joined((ends, f"TTL {ttl}" if ttl else ""))
        x = min(one for one in (start, end, self._x[-1]) if one is not None)
        x = max(0, min(x + 2, self.body_width - cell_width(text) - 2))
        canvas.put(x, clip(f"↳ {text}", self.body_width - x), Tone.DIM)
        return DrawnRow(columns, canvas.line())

    def _note(self, step: Step, part: int) -> Line:
        note = step.notes[part]
        glyph = "✎" if note.token is None else TOKEN_GLYPHS[note.token]
        tone = Tone.PLAIN if note.token is None else terms.TOKEN_TONE[note.token]
        return self._beside(note.lane, [f"{glyph} {form}" for form in saying.note_forms(note)], tone)

    def _beside(self, lane_id: str, forms: Sequence[str], tone: Tone) -> Line:
        """The longest of some texts that fits beside a lane."""
        canvas = self._canvas()
        x = self.lane_x(lane_id)
        if x is None:
            x = self._x[0]
        left_room, right_room = x - 1, self.body_width - x - 2
        # As the protocol's own diagrams have it: left of the server, right of the others.
        left_first = lane_id in on_the_right(self.plan.flow.lanes)
        for text in forms:
            fits_left, fits_right = cell_width(text) <= left_room, cell_width(text) <= right_room
            if fits_left or fits_right:
                break
        if fits_left and (left_first or not fits_right):
            canvas.put(x - 1 - cell_width(text), text, tone)
        elif fits_right or right_room >= left_room:
            canvas.put(x + 2, clip(text, right_room), tone)
        else:
            text = clip(text, left_room)
            canvas.put(x - 1 - cell_width(text), text, tone)
        return canvas.line()

    def _tone(self, index: int, step: Step) -> Tone:
        if step.kind is StepKind.MISSING:
            return Tone.BAD
        match self.plan.options.colour:
            case ColourMode.SIDE:
                return next(
                    (terms.ROLE_TONE[lane.role] for lane in self.plan.flow.lanes if lane.id == step.from_lane),
                    Tone.PLAIN,
                )
            case ColourMode.TOKEN:
                return self._token_tone(step)
            case ColourMode.ATTEMPT if self.plan.shown.merged:
                return attempt_tone(self.plan.shown.origins[index].attempt)
            case _:
                return Tone.DIM if step.retransmission else saying.KIND_TONE[step.kind]

    def _token_tone(self, step: Step) -> Tone:
        states = [note.token for note in step.notes if note.token is not None]
        if states:
            return terms.TOKEN_TONE[states[-1]]
        payload = saying.holepunch_of(self.plan.flow, step)
        if payload is None or (payload.token is None and payload.remote_token is None):
            return Tone.DIM
        return Tone.PROBE


def _style(step: Step) -> arrows.Style:
    return arrows.Style(
        dashed=(step.dashed and not (step.kind is StepKind.SAMPLE and step.count > 1)) or step.kind is StepKind.OPENER,
        burst=step.count > 1 and step.kind is not StepKind.SAMPLE,
        both=step.kind is StepKind.SAMPLE and step.count > 1,
        dies_early=step.kind is StepKind.OPENER,
        lost=step.lost,
        missing=step.kind is StepKind.MISSING,
    )


def columns_of(drawn: DrawnRow, width: int, scroll_x: int = 0) -> Line:
    """One line of `width` cells: the fixed columns, then the body from cell `scroll_x` on."""
    if scroll_x == 0:
        return fitted((*drawn.columns, *drawn.body), width)
    skipped: list[Span] = []
    left = scroll_x
    for span in drawn.body:
        cells = cell_width(span.text)
        if cells <= left:
            left -= cells
            continue
        text = span.text
        while left > 0 and text:
            left -= cell_width(text[0])
            text = text[1:]
        skipped.append(Span(" " * -left + text if left < 0 else text, span.tone))
        left = 0
    return fitted((*drawn.columns, *skipped), width)
