"""One datagram as a tree of fields with its bytes: ciphertext and, where a key opened it, plaintext."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.draw import terms
from app.draw.spans import Line, Span, Tone
from app.terminal_text import safe_text
from app.wording import counted
from capture.model import Flow, FlowMessage, Sealed, Sighting, Step
from protocol.constants import Command, InternalCommand
from protocol.dissect import Field, dissect, dissect_holepunch_payload, dissect_noise_payload
from protocol.messages import Address, Request

DATAGRAM, PLAINTEXT = 0, 1
"""Which bytes a field's range counts in."""


class FieldRow(NamedTuple):
    """One field of the tree: its depth, which bytes it lies in, and whether it has more below."""

    field: Field
    depth: int
    part: int


@dataclass(frozen=True, slots=True)
class MessageView:
    """Everything the message pane shows of one datagram."""

    title: str
    facts: tuple[tuple[str, str], ...]
    rows: tuple[FieldRow, ...]
    """What was sealed first, where it could be opened: it is what one looks for."""
    parts: tuple[bytes, ...]
    """The datagram's payload, then the plaintext if there is one."""
    sealed_reason: str = ""
    """Why the sealed part stays closed."""
    cut: bool = False
    """Whether the capture kept only the start of the datagram: what is missing is then nobody's fault."""

    def field_at(self, part: int, offset: int) -> int | None:
        """The innermost row whose bytes hold `offset` of `part`."""
        found = None
        for index, row in enumerate(self.rows):
            if row.part == part and row.field.start <= offset < row.field.end:
                found = index
        return found


def message_view(
    flow: Flow,
    step: Step,
    payload: bytes,
    sighting: Sighting,
    ends: tuple[Address, Address],
    ttl: int,
    file: str = "",
    wire_length: int | None = None,
) -> MessageView:
    """Take apart the datagram `sighting` of a step.

    Args:
        flow: the attempt.
        step: the step that shows it.
        payload: its UDP payload.
        sighting: which datagram of the step.
        ends: its source and destination.
        ttl: its time to live.
        file: name of the file it is in, where there are several.
        wire_length: bytes of the payload when it was sent; None when `payload` is all of it.
    """
    message = None if step.message is None else flow.messages[step.message]
    cut = wire_length is not None and wire_length > len(payload)
    tree = dissect(payload, wire_length, request=None if message is None else _asked(message))
    rows = list(_rows(tree, 0, DATAGRAM))
    parts = [payload]
    reason = ""
    if message is not None and message.payload is not None:
        opened = _opened(message, message.payload)
        if opened is not None and message.payload.plaintext is not None:
            rows[:0] = _rows(opened, 0, PLAINTEXT)
            parts.append(message.payload.plaintext)
        else:
            reason = message.payload.reason or "no key opens it"
    facts = _facts(flow, step, message, ends, ttl)
    if cut:
        facts = (*facts, ("cut", f"{len(payload)} of {counted(wire_length or 0, 'byte')} captured (snap length)"))
    if file:
        facts = (("in", safe_text(file)), *facts)
    return MessageView(_title(tree, step, message, sighting), facts, tuple(rows), tuple(parts), reason, cut)


def field_line(row: FieldRow, *, open_: bool, cut: bool = False) -> Line:
    """One row of the tree: name, value and meaning.

    Args:
        row: the field.
        open_: whether the fields in it are shown.
        cut: whether the capture kept only the start of the datagram, so that a field without an end is no error.
    """
    field = row.field
    twisty = "▾ " if field.children and open_ else "▸ " if field.children else "  "
    value = value_text(field)
    spans = [Span("  " * row.depth + twisty, Tone.RULE), Span(safe_text(field.name), Tone.STRONG)]
    if value:
        spans += [Span("  "), Span(value)]
    if row.part == PLAINTEXT and row.depth == 0:
        spans.append(Span(f"  decrypted, {counted(field.end - field.start, 'byte')}", Tone.GOOD))
    if field.note:
        tone = Tone.WARN if cut and (field.wrong or row.depth == 0) else Tone.BAD if field.wrong else Tone.FIND
        spans += [Span("  "), Span(safe_text(field.note), tone)]
    return tuple(spans)


def value_text(field: Field) -> str:
    """A field's value for one line."""
    value = field.value
    if value is None:
        return ""
    if isinstance(value, bytes):
        if field.children:
            return counted(len(value), "byte")
        text = value.hex()
        return text if len(text) <= 24 else f"{text[:8]}…{text[-8:]}  {len(value)} bytes"
    if isinstance(value, Address):
        return terms.address(value)
    return safe_text(str(value))


def _rows(field: Field, depth: int, part: int) -> Iterator[FieldRow]:
    yield FieldRow(field, depth, part)
    for child in field.children:
        yield from _rows(child, depth + 1, part)


def _title(tree: Field, step: Step, message: FlowMessage | None, sighting: Sighting) -> str:
    frame = f"#{sighting.frame}"
    if message is not None:
        mode = f" {message.mode}" if message.mode else ""
        return f"{message.command}{mode} {frame}"
    return f"{safe_text(tree.name).upper()} {frame}" if tree.name else f"{step.kind} {frame}"


def _facts(
    flow: Flow, step: Step, message: FlowMessage | None, ends: tuple[Address, Address], ttl: int
) -> tuple[tuple[str, str], ...]:
    titles = {lane.id: safe_text(lane.title) for lane in flow.lanes}
    facts = [
        ("from", f"{terms.address(ends[0])}  {titles.get(step.from_lane, '')}"),
        ("to", f"{terms.address(ends[1])}  {titles.get(step.to_lane, '')}"),
        ("ttl", str(ttl)),
    ]
    if message is not None:
        if message.retransmission:
            facts.append(("note", "a retransmission: same tid, same request"))
        if message.copies:
            facts.append(("seen", f"{1 + len(message.copies)} times: also " + _frames(message.copies)))
    return tuple(facts)


def _frames(copies: tuple[Sighting, ...]) -> str:
    shown = ", ".join(f"#{copy.frame}" for copy in copies[:3])
    return shown + (f" and {len(copies) - 3} more" if len(copies) > 3 else "")


def _asked(message: FlowMessage) -> Request | None:
    """What a response answers, as far as its layout depends on it: the command."""
    if message.kind != "response":
        return None
    for names, internal in ((Command.__members__, False), (InternalCommand.__members__, True)):
        if message.command in names:
            return Request(message.tid, message.dst, int(names[message.command]), internal=internal)
    return None


def _opened(message: FlowMessage, sealed: Sealed) -> Field | None:
    if sealed.plaintext is None:
        return None
    if message.command == Command.PEER_HANDSHAKE.name:
        return dissect_noise_payload(sealed.plaintext)
    return dissect_holepunch_payload(sealed.plaintext)
