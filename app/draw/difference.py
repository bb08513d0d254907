"""Two messages side by side: which fields and bytes differ, and what the hops of a relayed message changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

from app.draw.linked import Linked, blank, heading, paragraph
from app.draw.message import DATAGRAM, PLAINTEXT, FieldRow, MessageView, value_text
from app.draw.spans import Span, Tone, cell
from app.terminal_text import safe_text
from app.wording import counted
from capture.model import Sighting
from protocol.dissect import Field


class Change(Enum):
    """How a field of one message is related to that of another; the value is its sign."""

    SAME = " "
    CHANGED = "≠"
    LEFT = "−"
    """Only in the first."""
    RIGHT = "+"
    """Only in the second."""


CHANGE_TONE: Final = {
    Change.SAME: Tone.DIM,
    Change.CHANGED: Tone.WARN,
    Change.LEFT: Tone.BAD,
    Change.RIGHT: Tone.GOOD,
}


class FieldChange(NamedTuple):
    """One field in two messages."""

    name: str
    depth: int
    part: int
    """Which bytes it lies in: `DATAGRAM` or `PLAINTEXT`."""
    left: str
    right: str
    change: Change
    leaf: bool
    """It has no fields in it, so it says itself what differs."""
    path: str
    """Its name with those of the fields around it: ``value.flags``."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A leg of a relayed message, or another sighting of a datagram."""

    view: MessageView
    sighting: Sighting
    title: str
    """Which leg it is, and from whom to whom."""
    answers: bool = False
    """What it carries is the other side's, no copy of what came before it."""


def field_changes(left: MessageView, right: MessageView) -> list[FieldChange]:
    """The fields of two messages, those of one name beside each other, in the order of the messages."""
    found: list[FieldChange] = []
    for part in (PLAINTEXT, DATAGRAM):
        ours, theirs = list(_named(left.rows, part)), list(_named(right.rows, part))
        matcher = SequenceMatcher(None, [name for name, _ in ours], [name for name, _ in theirs], autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                pairs = zip(ours[a:b], theirs[c:d], strict=True)
                found += [_both(name, mine, other, part) for (name, mine), (_, other) in pairs]
            else:
                found += [_one(name, row, part, Change.LEFT) for name, row in ours[a:b]]
                found += [_one(name, row, part, Change.RIGHT) for name, row in theirs[c:d]]
    return found


Cell = tuple[int | None, int | None]
"""Offsets of one byte in two messages; None where a field is only in the other one, or shorter."""


def aligned_bytes(left: MessageView, right: MessageView, part: int) -> list[Cell]:
    """The bytes of two messages beside each other: those of fields of one name, and of the others alone.

    Every byte of either is in it once, in order. The leaves of a tree cover its bytes (`protocol.dissect`).
    """
    ours, theirs = list(_leaves_of(left, part)), list(_leaves_of(right, part))
    matcher = SequenceMatcher(None, [name for name, _ in ours], [name for name, _ in theirs], autojunk=False)
    cells: list[Cell] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            for (_, mine), (_, other) in zip(ours[a:b], theirs[c:d], strict=True):
                cells += zip_longest(range(mine.start, mine.end), range(other.start, other.end))
        else:
            cells += [(at, None) for _, one in ours[a:b] for at in range(one.start, one.end)]
            cells += [(None, at) for _, one in theirs[c:d] for at in range(one.start, one.end)]
    return cells


def difference_page(left: MessageView, right: MessageView, width: int) -> list[Linked]:
    """Fields of two messages side by side, then their bytes; what differs has a sign before it.

    Args:
        left: the message that was marked first.
        right: the other one.
        width: cells of a line.
    """
    changes = field_changes(left, right)
    differing = sum(one.change is not Change.SAME and one.leaf for one in changes)
    half = max(12, (width - 4) // 2)
    lines = [
        Linked((Span("  "), cell(left.title, half, Tone.STRONG), Span("  "), cell(right.title, half, Tone.STRONG))),
    ]
    for (label, ours), (_, theirs) in zip(_ends(left), _ends(right), strict=True):
        change = Change.SAME if ours == theirs else Change.CHANGED
        lines.append(_beside(change, f"{label} {ours}", f"{label} {theirs}", half))
    lines.append(blank())
    if differing:
        lines.append(heading(f"{counted(differing, 'field')} of {sum(one.leaf for one in changes)} differ"))
    else:
        lines.append(heading(f"all {sum(one.leaf for one in changes)} fields are the same"))
    for one in changes:
        indent = "  " * one.depth
        ours, theirs = (f"{indent}{one.name}  {text}".rstrip() for text in (one.left, one.right))
        if one.change is Change.LEFT:
            theirs = ""
        elif one.change is Change.RIGHT:
            ours = ""
        lines.append(_beside(one.change, ours, theirs, half))
    for part, what in ((DATAGRAM, "datagram"), (PLAINTEXT, "plaintext")):
        if part < len(left.parts) and part < len(right.parts):
            lines += [blank(), *_bytes(what, left, right, part, width)]
    return lines


def hops_page(hops: Sequence[Hop], width: int) -> list[Linked]:
    """What became of a message from hop to hop; each hop leads to its packet.

    Args:
        hops: the legs and their sightings, in order.
        width: cells of a line.
    """
    first = hops[0]
    lines: list[Linked] = [*_hop_head(first)]
    lines += [Linked((Span("      "), cell(label, 13, Tone.DIM), Span(text))) for label, text in _ends(first.view)]
    for before, hop in pairwise(hops):
        lines += [blank(), *_hop_head(hop)]
        changed = False
        for (label, old), (_, new) in zip(_ends(before.view), _ends(hop.view), strict=True):
            if old != new:
                changed = True
                lines += _changed(label, old, new, Change.CHANGED, width)
        leaves = [one for one in field_changes(before.view, hop.view) if one.leaf]
        if hop.answers:
            lines.append(Linked((Span("      the other side answers: what it seals is new", Tone.DIM),)))
        for one in leaves:
            if one.change is not Change.SAME:
                changed = True
                lines += _changed(one.path, one.left, one.right, one.change, width)
        same = sum(one.change is Change.SAME for one in leaves)
        if not changed:
            lines.append(Linked((Span("      nothing changed", Tone.DIM),)))
        elif same:
            lines.append(Linked((Span(f"      {counted(same, 'field')} as before", Tone.DIM),)))
    return lines


def _hop_head(hop: Hop) -> Iterator[Linked]:
    yield Linked((Span(f"#{hop.sighting.frame:<7}", Tone.LINK), Span(hop.title, Tone.STRONG)), hop.sighting)


def _changed(name: str, old: str, new: str, change: Change, width: int) -> list[Linked]:
    tone = CHANGE_TONE[change]
    said = {Change.LEFT: f"was {old}", Change.RIGHT: f"now {new}"}.get(change, f"{old} → {new}")
    head = f"    {change.value} {name}  "
    lines = paragraph(said, max(20, width - len(head)))
    first = Linked((Span(head, tone), *lines[0].line))
    return [first, *(Linked((Span(" " * len(head)), *line.line)) for line in lines[1:])]


def _ends(view: MessageView) -> list[tuple[str, str]]:
    """Addresses and TTL: what is around a message and may change although its bytes do not."""
    said = {fact.label: fact.text for fact in view.facts}
    labels = (("from", "source"), ("to", "destination"), ("ttl", "TTL"))
    return [(name, " ".join(said.get(label, "").split())) for label, name in labels]


def _named(rows: Sequence[FieldRow], part: int) -> Iterator[tuple[str, FieldRow]]:
    """Fields with their path, in which those of one name are counted; what a datagram is called as a whole is left."""
    path: list[str] = []
    seen: Counter[str] = Counter()
    for row in rows:
        if row.part != part:
            continue
        del path[row.depth :]
        path.append(row.field.name if row.depth else "")
        name = "/".join(path)
        seen[name] += 1
        yield f"{name}#{seen[name]}", row


def _both(path: str, left: FieldRow, right: FieldRow, part: int) -> FieldChange:
    same = (left.field.value, left.field.note) == (right.field.value, right.field.note)
    leaf = not left.field.children and not right.field.children
    if not leaf and left.depth:
        # Those in it say what differs; a length that differs is one of them.
        same = _leaves(left) == _leaves(right)
    elif not leaf:
        same = left.field.name == right.field.name
    change = Change.SAME if same else Change.CHANGED
    name = safe_text(left.field.name)
    return FieldChange(name, left.depth, part, _said(left), _said(right), change, leaf, _dotted(path))


def _dotted(path: str) -> str:
    """``/value/flags#1`` as people write it."""
    return safe_text(path.rpartition("#")[0].strip("/").replace("/", "."))


def _leaves(row: FieldRow) -> list[object]:
    field = row.field
    return [(one.name, one.value) for one in field.children] if field.children else [field.value]


def _one(path: str, row: FieldRow, part: int, change: Change) -> FieldChange:
    said = _said(row)
    left, right = (said, "") if change is Change.LEFT else ("", said)
    name = safe_text(row.field.name)
    return FieldChange(name, row.depth, part, left, right, change, not row.field.children, _dotted(path))


def _said(row: FieldRow) -> str:
    return "  ".join(part for part in (value_text(row.field), safe_text(row.field.note)) if part)


def _beside(change: Change, left: str, right: str, half: int) -> Linked:
    tone = CHANGE_TONE[change] if change is not Change.SAME else Tone.PLAIN
    sign = Span(f"{change.value} ", CHANGE_TONE[change])
    return Linked((sign, cell(left, half, tone), Span("  "), cell(right, half, tone)))


def _leaves_of(view: MessageView, part: int) -> Iterator[tuple[str, Field]]:
    for name, row in _named(view.rows, part):
        if not row.field.children:
            yield name, row.field


def _bytes(what: str, left: MessageView, right: MessageView, part: int, width: int) -> Iterator[Linked]:
    """Rows of hex, those of both messages beside each other by field; bytes that differ stand in brackets."""
    ours, theirs = left.parts[part], right.parts[part]
    cells = aligned_bytes(left, right, part)
    differ = [a is None or b is None or ours[a] != theirs[b] for a, b in cells]
    said = f"{counted(sum(differ), 'byte')} differ" if any(differ) else "all bytes are the same"
    yield heading(f"{what}, {len(ours)} and {counted(len(theirs), 'byte')}: {said}")
    size = 16 if width >= 120 else 8
    for start in range(0, len(cells), size):
        row = range(start, min(start + size, len(cells)))
        change = Change.CHANGED if any(differ[at] for at in row) else Change.SAME
        spans = [Span(f"{change.value} ", CHANGE_TONE[change])]
        for side, content in ((0, ours), (1, theirs)):
            offsets = [cells[at][side] for at in row]
            first = next((offset for offset in offsets if offset is not None), None)
            spans.append(cell("" if first is None else f"{first:04x}", 5, Tone.DIM))
            for at, offset in zip(row, offsets, strict=True):
                before = at > start and differ[at - 1]
                bracket = "[" if differ[at] and not before else "]" if before and not differ[at] else " "
                spans.append(Span(bracket, Tone.DIM))
                spans.append(Span("··" if offset is None else f"{content[offset]:02x}", _byte_tone(differ[at])))
            spans.append(Span("]" if differ[row[-1]] else " ", Tone.DIM))
            spans.append(Span("   " * (size - len(row)) + "  "))
        yield Linked(tuple(spans))


def _byte_tone(differs: bool) -> Tone:
    return Tone.LIT if differs else Tone.PLAIN
