"""Arrows between two lanes of a ladder, with their label inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.draw.spans import Canvas, Tone
from app.terminal_text import cell_width, clip


@dataclass(frozen=True, slots=True)
class Style:
    """How an arrow looks."""

    dashed: bool = False
    """A reply, or a datagram that is not meant to arrive."""
    burst: bool = False
    """Many datagrams in one: a double line."""
    both: bool = False
    """There and back: heads at both ends."""
    dies_early: bool = False
    """It opens the sender's NAT and dies on the way: the shaft ends after the first lane gap."""
    lost: bool = False
    """It ends in a cross instead of a head."""
    missing: bool = False
    """It never came: a dotted shaft and a hollow head."""


def draw(
    canvas: Canvas, start: int, end: int, labels: Sequence[str], tone: Tone, style: Style, lanes: Sequence[int]
) -> None:
    """Draw from the lane at cell `start` to the one at `end`; lanes crossed on the way stay visible."""
    low, high = min(start, end), max(start, end)
    if style.dies_early:
        low, high = _shortened(start, end, labels, lanes)
    shaft = "┄" if style.dashed or style.missing else "═" if style.burst else "─"
    canvas.fill(low + 1, high, shaft, tone)
    for lane in lanes:
        if low < lane < high:
            canvas.put(lane, "┆" if shaft == "┄" else "╪" if shaft == "═" else "┼", Tone.RULE)
    head = "✕" if style.lost or style.dies_early else None
    right = start < end
    if right or style.both:
        canvas.put(high - 1, head or ("▷" if style.missing else "▶"), tone)
    if not right or style.both:
        canvas.put(low + 1, head or ("◁" if style.missing else "◀"), tone)
    room = high - low - 5
    text = fitting(labels, room)
    if text:
        canvas.put(low + 2 + (cell_width(text) < room), f" {text} ", tone)


def loop(canvas: Canvas, lane: int, labels: Sequence[str], tone: Tone, room: int) -> None:
    """A step that stays within one lane."""
    canvas.put(lane + 1, f"↺ {fitting(labels, room - 3)}", tone)


def fitting(labels: Sequence[str], room: int) -> str:
    """The first label that fits into `room` cells, else the last one, clipped."""
    for label in labels:
        if cell_width(label) <= room:
            return label
    return clip(labels[-1], room) if labels and room > 1 else ""


def _shortened(start: int, end: int, labels: Sequence[str], lanes: Sequence[int]) -> tuple[int, int]:
    """Cells between which an arrow that dies early is drawn: a gap and a half at most, in from the sender."""
    gap = min((abs(b - a) for a, b in pairwise(lanes)), default=abs(end - start))
    longest = max((cell_width(label) for label in labels), default=0)
    length = min(abs(end - start) - 3, max(gap - 2, longest + 8))
    return (start, start + length) if start < end else (start - length, start)
