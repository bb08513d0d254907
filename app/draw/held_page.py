"""A held message in full: why it is held, what is counted down, and both versions side by side where it was changed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from app.draw import terms
from app.draw.difference import difference_page
from app.draw.held import DUE, age_text, countdown_tone
from app.draw.hexdump import bytes_per_row, hex_row, row_count
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.message import DATAGRAM, PLAINTEXT, Fact, FieldRow, MessageView, field_line
from app.draw.spans import Span, Tone, cell
from app.draw.touched import changed_fields
from app.intercept_status import Countdown, HeldMessage, InterceptStatus, TouchedMessage, Version
from app.terminal_text import clip, safe_text
from app.wording import counted
from protocol.dissect import Field, dissect, dissect_holepunch_payload
from protocol.editing.datagrams import take_apart
from protocol.editing.values import Draft, Opener
from protocol.messages import Holepunch
from protocol.secretbox import open_payload

_EXAMPLES: Final = (
    ("command == PEER_HOLEPUNCH", "every holepunch message"),
    ("mode == FROM_CLIENT and round == 0", "a client's first round"),
    ("firewall == RANDOM", "who says that its NAT is random"),
    ("kind == punch and src == 192.168.1.2", "punches of one host"),
)


def held_page(held: HeldMessage, width: int) -> list[Linked]:
    """A held message: why it is held, what is counted down, and its fields; edited: before and now side by side."""
    way = "about to be sent by this node" if held.sent else "received, not yet seen by this node"
    lines = [
        *labelled("held", f"{age_text(held.age)}, {way}", width, label_width=7),
        *labelled("by", held.label, width, label_width=7),
        *change_lines(held.was, held.now, held.opener, width),
        *countdown_lines(held.countdowns, width),
        blank(),
    ]
    return lines + version_lines(held.was, held.now, held.opener, width, "original", "edited")


def touched_page(touched: TouchedMessage, now: float, width: int) -> list[Linked]:
    """A message on its way again: what was done to it, and what changed."""
    lines = [
        *labelled("fate", f"{touched.fate}, {age_text(max(now - touched.at, 0.0))} ago", width, label_width=7),
        *labelled("by", touched.label or "hand", width, label_width=7),
        *change_lines(touched.was, touched.now or touched.was, touched.opener, width),
        blank(),
    ]
    return lines + version_lines(touched.was, touched.now or touched.was, touched.opener, width, "original", "sent")


def change_lines(was: Version, now: Version, opener: Opener, width: int) -> list[Linked]:
    """What was changed of a message, in words; nothing where it is as it came."""
    changes = [] if was.data == now.data else list(changed_fields(was.data, now.data, opener))
    ends = (("from", was.source, now.source), ("to", was.to, now.to))
    changes += [(name, terms.address(old), terms.address(new)) for name, old, new in ends if old != new]
    if was.ttl != now.ttl:
        changes.append(("ttl", _ttl(was.ttl), _ttl(now.ttl)))
    said = ", ".join(f"{name} {old} → {new}" for name, old, new in changes)
    return labelled("edited", said, width, Tone.WARN, label_width=7) if said else []


def version_lines(was: Version, now: Version, opener: Opener, width: int, before: str, after: str) -> list[Linked]:
    """Fields and bytes of a message; of one that was changed, both versions side by side.

    Args:
        was: as it came.
        now: as it goes on.
        opener: what is known beyond its bytes.
        width: cells.
        before: title of the first.
        after: title of the second.
    """
    left = version_view(was, opener, before)
    if was == now:
        return _alone(left, width)
    return difference_page(left, version_view(now, opener, after), width)


@lru_cache(maxsize=64)
def version_view(version: Version, opener: Opener, title: str) -> MessageView:
    """A version of a datagram taken apart."""
    rows = _rows(dissect(version.data, request=opener.asked), 0, DATAGRAM)
    parts, sealed_at = [version.data], None
    sealed, plaintext = _sealed(version, opener)
    if plaintext is not None:
        rows[:0] = _rows(dissect_holepunch_payload(plaintext), 0, PLAINTEXT)
        parts.append(plaintext)
        sealed_at = version.data.find(sealed) + len(sealed) - len(plaintext)
    facts = (
        Fact("from", terms.address(version.source)),
        Fact("to", terms.address(version.to)),
        Fact("ttl", _ttl(version.ttl)),
    )
    return MessageView(title, facts, tuple(rows), tuple(parts), sealed_at=sealed_at)


def nothing_held(status: InterceptStatus | None, nothing: str, width: int) -> list[Linked]:
    """What to do while there is nothing to look at.

    Args:
        status: how the interceptor is; None where there is none.
        nothing: says why there is none.
        width: cells.
    """
    if status is None:
        return paragraph(nothing, width)
    lines = paragraph(
        "A message that this node receives, sends or passes on for others can be held before it goes on. Others "
        "are not held up meanwhile; the protocol's timers run on, and are counted down beside what they are about.",
        width,
    )
    steps = (
        ("i", "say what to hold; the same expressions as in filters, as those below"),
        ("I", "hold such messages, or let all pass"),
        ("e", "change fields of a held one: sealed payloads are opened, and sealed again"),
        ("a", "send it on its way; X lets it be lost"),
        ("p", "rules that reproduce a known failure, with nobody at the keys"),
    )
    lines.append(blank())
    for key, says in steps:
        lines += labelled(f"  {key}", says, width, label_width=6)
    lines.append(blank())
    for expression, says in _EXAMPLES:
        lines += labelled(f"  {expression}", says, width, Tone.DIM, label_width=min(50, max(20, width - 30)))
    if status.on and status.expression:
        lines += [blank(), *paragraph("Nothing that passes the expression has come by.", width, Tone.WARN)]
    return lines


def countdown_lines(countdowns: tuple[Countdown, ...], width: int) -> list[Linked]:
    """What the protocol does while a message is held, a line each; what is over says so."""
    lines = []
    for one in countdowns:
        due = f"in {'~' if one.estimated else ''}{one.due:.1f} s" if one.due >= 0 else f"{-one.due:.1f} s ago"
        text = clip(safe_text(one.what), max(8, width - 15))
        tone = countdown_tone(one) if one.due >= 0 else Tone.DIM
        lines.append(Linked((Span(f"{DUE} ", tone), cell(due, 11, tone, right=True), Span("  "), Span(text))))
    return lines


def _sealed(version: Version, opener: Opener) -> tuple[bytes, bytes | None]:
    """What is sealed in a datagram, and its plaintext if it can be opened."""
    value = take_apart(Draft(version.data, version.to), opener).value
    if not isinstance(value, Holepunch):
        return b"", None
    opened = (open_payload(secret, value.payload) for secret in opener.secrets)
    return value.payload, next((one for one in opened if one is not None), None)


def _rows(field: Field, depth: int, part: int) -> list[FieldRow]:
    found = [FieldRow(field, depth, part)]
    for child in field.children:
        found += _rows(child, depth + 1, part)
    return found


def _ttl(ttl: int | None) -> str:
    return "not said" if ttl is None else str(ttl)


def _alone(view: MessageView, width: int) -> list[Linked]:
    """A message that is as it came: its ends and fields, then its bytes."""
    lines = [Linked((cell(fact.label, 6, Tone.DIM), Span(" "), Span(fact.text))) for fact in view.facts]
    lines.append(blank())
    lines += [Linked(field_line(row, open_=True)) for row in view.rows]
    size = bytes_per_row(width)
    for part, what in ((DATAGRAM, "datagram"), (PLAINTEXT, "plaintext")):
        if part < len(view.parts):
            content = view.parts[part]
            lines += [blank(), heading(f"{what}, {counted(len(content), 'byte')}")]
            lines += [Linked(hex_row(content, row, size, None)) for row in range(row_count(content, size))]
    return lines
