"""An attempt as one self-contained SVG: headline, lanes, ladder, the verdict with its evidence; or several in one."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from app import svg_parts as svg
from app.draw import saying, terms, vantage_marks
from app.draw.arrows import fitting
from app.draw.ladder_plan import LadderOptions, LadderPlan, Row, RowKind, plan_ladder
from app.draw.lane_titles import lane_titles, lanes_here
from app.draw.shown_attempts import letter, on_the_right
from app.draw.touched import TouchRows
from app.draw.vantage_marks import Vantages
from app.svg_verdict import verdict_card
from app.terminal_text import safe_text
from app.wording import OUTCOME_GLYPHS, TOKEN_GLYPHS, date_and_clock
from capture.model import Flow, Lane, Step, StepKind

MARGIN: Final = 28.0
COLUMNS: Final = 196.0
"""Pixels left of the lanes: evidence number, time, delta, frame."""
LANE_GAP: Final = 236.0
HALF_CARD: Final = 98.0
HEADING_ROW: Final = 40.0
STEP_ROW: Final = 34.0
PAYLOAD_LINE: Final = 15.0
"""What a step grows by when it says under its arrow what its payload holds."""
NOTE_ROW: Final = 22.0


SEEN: Final = 11.0
"""Pixels of the sign of a capture."""


def svg_export(
    flows: Flow | Sequence[Flow],
    zone: tzinfo | None = None,
    now: float | None = None,
    vantages: Vantages | None = None,
    touched: TouchRows | None = None,
) -> str:
    """The attempt as an SVG document.

    Args:
        flows: the attempt, or those that are drawn as one ladder, each with the letter that its steps have there.
        zone: time zone of its date; None is the machine's own.
        now: when the newest packet of the source came, epoch seconds: what may still come then is not missing.
        vantages: the captures it was seen in; where there are several, each step says which saw it.
        touched: tells what a node of ours did to a datagram.
    """
    plan = plan_ladder(flows, LadderOptions(now=now), touched=touched)
    shown = plan.shown
    letters = [f"{letter(index)} " if shown.merged else "" for index in range(len(shown.flows))]
    signs = vantage_marks.cells(len(vantages.files)) if vantages is not None else 0
    left = MARGIN + COLUMNS + signs * SEEN
    width = left + MARGIN + 2 * HALF_CARD + max(1, len(plan.lanes) - 1) * LANE_GAP
    parts: list[str] = []
    y = 0.0
    for sign, flow in zip(letters, shown.flows, strict=True):
        head, y = _headline(flow, width, zone, sign, y)
        parts += head
    if vantages is not None and signs:
        parts.append(svg.clipped(MARGIN, y, vantage_marks.legend(vantages.files)[0], "small dim", width - 2 * MARGIN))
        y += 22
    drawing = _Drawing(plan, width, left, vantages)
    ladder, y = drawing.draw(y)
    cards: list[str] = []
    for sign, flow in zip(letters, shown.flows, strict=True):
        card, y = verdict_card(flow, MARGIN, y + 26, width - 2 * MARGIN, sign)
        cards += card
    height = y + MARGIN
    title = "; ".join(f"Hole-punch attempt {flow.id}: {flow.verdict.code}" for flow in shown.flows)
    summary = " ".join(flow.verdict.summary for flow in shown.flows)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label={svg.attribute(title)}>\n'
        f"<title>{svg.escaped(title)}</title>\n<desc>{svg.escaped(summary)}</desc>\n"
        f'{svg.style_sheet()}\n<rect width="100%" height="100%" class="paper"/>\n'
        + "\n".join([*parts, *ladder, *cards])
        + "\n</svg>\n"
    )


def _headline(flow: Flow, width: float, zone: tzinfo | None, sign: str, top: float) -> tuple[list[str], float]:
    tone = terms.OUTCOME_TONE[flow.outcome]
    state = f"{sign}{OUTCOME_GLYPHS[flow.outcome]} {terms.state(flow)}"
    client, _ = terms.nat_class(flow.client_firewall, flow.client_nat)
    server, _ = terms.nat_class(flow.server_firewall, flow.server_nat)
    nat = f"NAT {client} × {server}"
    if terms.SAMPLED in nat:
        nat += f" ({terms.SAMPLED} sampled, not stated)"
    tokens = f"tokens {TOKEN_GLYPHS[flow.client_token]} {TOKEN_GLYPHS[flow.server_token]}"
    facts = terms.joined((nat, tokens, f"took {terms.seconds(flow.duration)}"))
    y = (top or MARGIN) + 18
    parts = [
        svg.text(MARGIN, y, state, f"large {tone}"),
        svg.text(width - MARGIN, y - 6, f"attempt {flow.id}", "small dim", "end"),
        svg.text(width - MARGIN, y + 10, date_and_clock(flow.started, zone), "small dim", "end"),
        svg.text(MARGIN, y + 22, facts, "ink"),
    ]
    y += 22
    for sentence in textwrap.wrap(safe_text(flow.verdict.summary), svg.cells_in(width - 2 * MARGIN)):
        y += 18
        parts.append(svg.text(MARGIN, y, sentence, "dim"))
    return parts, y + 22


class _Drawing:
    """Lanes and rows of one ladder."""

    def __init__(self, plan: LadderPlan, width: float, left: float, vantages: Vantages | None) -> None:
        self.plan = plan
        self.width = width
        self.left = left
        self.vantages = vantages
        self.x = [self.left + HALF_CARD + index * LANE_GAP for index in range(len(plan.lanes))]

    def draw(self, top: float) -> tuple[list[str], float]:
        """Everything from the lane cards to the last row, and where it ends."""
        cards, y = self._cards(top)
        start = y
        rows: list[str] = []
        y += 8
        for row in self.plan.rows:
            y += {RowKind.PHASE: HEADING_ROW, RowKind.NOTE: NOTE_ROW, RowKind.TOUCH: NOTE_ROW}.get(row.kind, STEP_ROW)
            rows.append(self._row(row, y))
            if row.kind is RowKind.STEP and self._payload_words(row.step):
                y += PAYLOAD_LINE
        y += 16
        lives = [svg.line(x, start, x, y, "life") for x in self.x]
        return [*lives, *rows, *cards], y

    def _cards(self, top: float) -> tuple[list[str], float]:
        inside = any(lane.inside for lane in self.plan.lanes)
        height = 62.0 if inside else 46.0
        parts = []
        titles = lane_titles(self.plan.lanes, lanes_here(self.plan.flow))
        for lane, title, x in zip(self.plan.lanes, titles, self.x, strict=True):
            tone = {"client": "handshake", "server": "punch"}.get(str(lane.role), "dim")
            room = 2 * HALF_CARD - 12
            parts.append(svg.box(x - HALF_CARD, top, 2 * HALF_CARD, height, "panel"))
            parts.append(svg.clipped(x, top + 20, title[0], f"strong {tone}", room, "middle"))
            parts.append(svg.clipped(x, top + 37, _addresses(lane), "small ink", room, "middle"))
            if lane.inside:
                hosts = dict.fromkeys(terms.host(address) for address in lane.inside)
                parts.append(svg.clipped(x, top + 53, f"inside {', '.join(hosts)}", "small dim", room, "middle"))
        for at, name in ((66, "time"), (122, "Δ"), (182, "frame")):
            parts.append(svg.text(MARGIN + at, top + height - 9, name, "small dim", "end"))
        return parts, top + height

    def _row(self, row: Row, y: float) -> str:
        match row.kind:
            case RowKind.PHASE:
                return self._heading(row, y)
            case RowKind.NOTE:
                return self._note(row, y)
            case RowKind.TOUCH:
                step = self.plan.flow.steps[row.step]
                return self._beside(step.from_lane if row.part else step.to_lane, row.texts[0], "warn", y)
            case _:
                return self._step(row.step, y)

    def _heading(self, row: Row, y: float) -> str:
        title = fitting(row.texts, svg.cells_in(self.width - self.left - MARGIN - 30))
        shown = svg.width_of(title)
        return (
            svg.line(MARGIN, y - 4, self.width - MARGIN, y - 4, "rule")
            + svg.box(self.left - 8, y - 15, shown + 20, 22, "panel", 11)
            + svg.text(self.left + 2, y, title, "strong ink")
        )

    def _note(self, row: Row, y: float) -> str:
        note = self.plan.flow.steps[row.step].notes[row.part]
        tone = "dim" if note.token is None else str(terms.TOKEN_TONE[note.token])
        glyph = "✎" if note.token is None else TOKEN_GLYPHS[note.token]
        return self._beside(note.lane, f"{glyph} {safe_text(note.text)}", "ink" if tone == "plain" else tone, y)

    def _beside(self, lane_id: str, content: str, tone: str, y: float) -> str:
        x = self.x[self.plan.lane_at.get(lane_id, 0)]
        # As the protocol's own diagrams have it: left of the server, right of the others.
        at_server = lane_id in on_the_right(self.plan.flow.lanes)
        if at_server and svg.width_of(content) <= x - self.left:
            return svg.text(x - 12, y - 6, content, f"label {tone}", "end")
        if x + 12 + svg.width_of(content) <= self.width - MARGIN:
            return svg.text(x + 12, y - 6, content, f"label {tone}")
        return svg.clipped(x - 12, y - 6, content, f"label {tone}", x - self.left, "end")

    def _step(self, index: int, y: float) -> str:
        flow = self.plan.flow
        step = flow.steps[index]
        parts = self._columns(index, step, y)
        start = self.x[self.plan.lane_at[step.from_lane]]
        end = self.x[self.plan.lane_at[step.to_lane]]
        words = self._payload_words(index)
        labels = saying.labels(flow, step)
        message = saying.message_of(flow, step)
        if words and message is not None:
            name = f"{message.command.removeprefix('PEER_')} {message.mode}"
            labels = [f"↻ {name}" if step.retransmission else name, *labels]
        tone = "bad" if step.kind is StepKind.MISSING else str(saying.KIND_TONE[step.kind])
        if step.retransmission:
            tone = "dim"
        if start == end:
            parts.append(svg.text(start + 10, y, f"↺ {labels[0]}", f"label {tone}"))
        else:
            tip = _tip(step, start, end)
            parts += _arrow(step, start, tip, y, tone)
            middle, room = (start + tip) / 2, abs(tip - start) - 26
            parts.append(svg.text(middle, y - 7, fitting(labels, svg.cells_in(room)), f"label {tone}", "middle"))
            if words:
                parts.append(svg.clipped(middle, y + 14, " ".join(words), "label small dim", room + 20, "middle"))
        hint = terms.joined((labels[0], saying.remark(flow, step)))
        return svg.group(parts, hint)

    def _payload_words(self, index: int) -> list[str]:
        payload = saying.holepunch_of(self.plan.flow, self.plan.flow.steps[index])
        return [] if payload is None else saying.holepunch_words(payload)

    def _columns(self, index: int, step: Step, y: float) -> list[str]:
        flow, before = self.plan.flow, self.plan.previous.get(index)
        parts = [svg.text(MARGIN + 66, y, terms.offset(step.time - flow.started), "ink", "end")]
        if before is not None:
            delta = f"{step.time - flow.steps[before].time:+.3f}"
            parts.append(svg.text(MARGIN + 122, y, delta, "small dim", "end"))
        if step.sighting is not None:
            sign = f"{self.plan.shown.letter(index)} " if self.plan.shown.merged else ""
            parts.append(svg.text(MARGIN + 182, y, f"{sign}#{step.sighting.frame}", "small dim", "end"))
        if self.vantages is not None and (seen := self.vantages.of(step)):
            parts.append(svg.text(MARGIN + 190, y, seen, "small dim"))
        number = self.plan.evidence.get(index)
        if number is not None:
            parts.append(svg.badge(MARGIN + 8, y - 4, str(number)))
        return parts


def _tip(step: Step, start: float, end: float) -> float:
    """Where an arrow ends: short of the lane, for what did not arrive."""
    if step.kind is StepKind.OPENER:
        return start + (end - start) * 0.6
    if step.lost:
        return start + (end - start) * 0.86
    return end - (2 if end > start else -2)


def _arrow(step: Step, start: float, tip: float, y: float, tone: str) -> list[str]:
    rightwards = tip > start
    sign = 1 if rightwards else -1
    both = step.kind is StepKind.SAMPLE and step.count > 1
    dies = step.kind is StepKind.OPENER
    missing = step.kind is StepKind.MISSING
    shaft_from, shaft_to = start + sign * (11 if both else 2), tip - sign * (0 if dies or step.lost else 8)
    dash = " dotted" if missing else " dashed" if step.dashed or dies else ""
    parts = []
    if step.count > 1 and not both:
        parts.append(svg.line(shaft_from, y, shaft_to, y, f"wire wide {tone}-line"))
    parts.append(svg.line(shaft_from, y, shaft_to, y, f"wire {tone}-line{dash}"))
    if dies or step.lost:
        parts.append(svg.cross(tip, y, tone))
    else:
        parts.append(svg.head(tip, y, rightwards, tone, hollow=missing))
    if both:
        parts.append(svg.head(start + sign * 2, y, not rightwards, tone))
    return parts


def _addresses(lane: Lane) -> str:
    hosts = list(dict.fromkeys(terms.host(address) for address in lane.addresses))
    if not hosts:
        return "not seen"
    if len(lane.addresses) == 1:
        return terms.address(lane.addresses[0])
    if len(hosts) == 1:
        return f"{hosts[0]} · {len(lane.addresses)} ports"
    return f"{hosts[0]} and {len(hosts) - 1} more"
