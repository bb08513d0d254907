"""One datagram as a tree of fields with its bytes: ciphertext and, where a key opened it, plaintext."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.draw import terms
from app.draw.spans import Line, Span, Tone
from app.terminal_text import safe_text
from app.wording import counted
from capture.model import Flow, FlowMessage, KeySource, Sealed, Sighting, Step
from protocol.constants import Command, InternalCommand
from protocol.dissect import Field, dissect, dissect_holepunch_payload, dissect_noise_payload
from protocol.messages import Address, Request

TAG_SIZE: Final = 16
"""Bytes of the tag behind a ciphertext of noise."""
DATAGRAM, PLAINTEXT = 0, 1
"""Which bytes a field's range counts in."""


class FieldRow(NamedTuple):
    """One field of the tree: its depth, which bytes it lies in, and whether it has more below."""

    field: Field
    depth: int
    part: int


class Fact(NamedTuple):
    """A line about the datagram as a whole; it may lead to another one."""

    label: str
    text: str
    link: Sighting | None = None
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class MessageView:
    """Everything the message pane shows of one datagram."""

    title: str
    facts: tuple[Fact, ...]
    rows: tuple[FieldRow, ...]
    """What was sealed first, where it could be opened: it is what one looks for."""
    parts: tuple[bytes, ...]
    """The datagram's payload, then the plaintext if there is one."""
    sealed_reason: str = ""
    """Why the sealed part stays closed."""
    cut: bool = False
    """Whether the capture kept only the start of the datagram: what is missing is then nobody's fault."""
    sealed_at: int | None = None
    """Where in the datagram the ciphertext of the plaintext's first byte is; byte after byte it is one to one."""

    def ranges(self, row: FieldRow) -> tuple[tuple[int, int, int], ...]:
        """Part, first byte and one past the last of a field: in its own bytes, then in those it was sealed to."""
        start, end = row.field.start, row.field.end
        if row.part == PLAINTEXT and self.sealed_at is not None:
            return (PLAINTEXT, start, end), (DATAGRAM, self.sealed_at + start, self.sealed_at + end)
        return ((row.part, start, end),)

    def field_at(self, part: int, offset: int) -> int | None:
        """The innermost row whose bytes hold `offset` of `part`."""
        found = None
        for index, row in enumerate(self.rows):
            if row.part == part and row.field.start <= offset < row.field.end:
                found = index
        return found


def message_view(
    payload: bytes,
    sighting: Sighting,
    ends: tuple[Address, Address],
    ttl: int,
    *,
    flow: Flow | None = None,
    step: Step | None = None,
    request: Request | None = None,
    file: str = "",
    wire_length: int | None = None,
    links: tuple[Fact, ...] = (),
) -> MessageView:
    """Take a datagram apart.

    Args:
        payload: its UDP payload.
        sighting: which datagram it is.
        ends: its source and destination.
        ttl: its time to live, 0 where it is not known.
        flow: the attempt that it is part of.
        step: the step of the attempt's ladder that shows it.
        request: what it answers, where no attempt says so.
        file: name of the file it is in, where there are several.
        wire_length: bytes of the payload when it was sent; None when `payload` is all of it.
        links: facts that lead to other datagrams.
    """
    message = None if flow is None else message_at(flow, sighting)
    cut = wire_length is not None and wire_length > len(payload)
    tree = dissect(payload, wire_length, request=request if message is None else _asked(message) or request)
    rows = list(_rows(tree, 0, DATAGRAM))
    parts = [payload]
    reason, sealed_at = "", None
    if message is not None and message.payload is not None:
        opened = _opened(message, message.payload)
        if opened is not None and message.payload.plaintext is not None:
            rows[:0] = _rows(opened, 0, PLAINTEXT)
            parts.append(message.payload.plaintext)
            sealed_at = _sealed_at(payload, message)
        else:
            reason = message.payload.reason or "no key opens it"
    facts = [*_facts(flow, step, message, sighting, ends, ttl), *links]
    if flow is not None and message is not None and message.payload is not None and not reason:
        facts.append(_key_fact(flow, message))
    if cut:
        kept = f"{len(payload)} of {counted(wire_length or 0, 'byte')} captured (snap length)"
        facts.append(Fact("cut", kept, tone=Tone.WARN))
    if file:
        facts.insert(0, Fact("in", safe_text(file)))
    title = _title(tree, step, message, request, sighting)
    return MessageView(title, tuple(facts), tuple(rows), tuple(parts), reason, cut, sealed_at)


def message_at(flow: Flow, sighting: Sighting) -> FlowMessage | None:
    """The dht-rpc message of an attempt that a datagram is, be it a copy."""
    return next((one for one in flow.messages if one.sighting == sighting or sighting in one.copies), None)


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


def _title(
    tree: Field, step: Step | None, message: FlowMessage | None, request: Request | None, sighting: Sighting
) -> str:
    frame = f"#{sighting.frame}"
    if message is not None:
        mode = f" {message.mode}" if message.mode else ""
        return f"{message.command}{mode} {frame}"
    if tree.name in ("request", "response"):
        name = next((field.note for field in tree.children if field.name == "command"), "")
        if request is not None and tree.name == "response":
            name = request.command_name
        return f"{safe_text(name) or 'DHT'} {tree.name} {frame}"
    if tree.name:
        return f"{safe_text(tree.name).upper()} {frame}"
    return f"{'datagram' if step is None else step.kind} {frame}"


def _facts(
    flow: Flow | None,
    step: Step | None,
    message: FlowMessage | None,
    sighting: Sighting,
    ends: tuple[Address, Address],
    ttl: int,
) -> tuple[Fact, ...]:
    lanes = {} if flow is None else {lane.id: safe_text(lane.title) for lane in flow.lanes}
    shown = message or step
    from_lane, to_lane = ("", "") if shown is None else (shown.from_lane, shown.to_lane)
    facts = [
        Fact("from", f"{terms.address(ends[0])}  {lanes.get(from_lane, '')}"),
        Fact("to", f"{terms.address(ends[1])}  {lanes.get(to_lane, '')}"),
        Fact("ttl", str(ttl) if ttl else "not known"),
    ]
    if message is not None:
        if message.retransmission:
            facts.append(Fact("note", "a retransmission: same tid, same request"))
        if message.copies:
            others = tuple(one for one in (message.sighting, *message.copies) if one != sighting)
            facts.append(Fact("seen", f"{1 + len(message.copies)} times: also {_frames(others)}", others[0]))
    return tuple(facts)


def _key_fact(flow: Flow, message: FlowMessage) -> Fact:
    """What opened the sealed part of a message."""
    key = flow.key
    if message.command == Command.PEER_HANDSHAKE.name:
        return Fact("key", f"opened with {safe_text(key.noise_from) or 'its key'}", tone=Tone.GOOD)
    if key.secret_from:
        return Fact("key", f"opened with the secret in {safe_text(key.secret_from)}", tone=Tone.GOOD)
    where = {
        KeySource.GIVEN: "with the server's key as given",
        KeySource.KEYLOG: "with the server's key from the key log",
        KeySource.OWN: "with the server's key of our own node",
    }
    known = where.get(key.source, "") if key.source is not None else ""
    if not known and key.proof is not None:
        known = f"with the server's key from #{key.proof.frame}"
    said = terms.joined(("opened with the secret rebuilt from the handshake", known), by=" ")
    return Fact("key", said, key.proof, Tone.GOOD)


def _sealed_at(payload: bytes, message: FlowMessage) -> int | None:
    """Where in a datagram the ciphertext of its plaintext begins; both ciphers keep the length.

    A holepunch payload is nonce, tag and ciphertext; noise message 1 is key, sealed key, ciphertext and tag, message 2
    the same without the sealed key.
    """
    if message.payload is None or message.payload.plaintext is None:
        return None
    sealed = message.payload.sealed
    at = payload.find(sealed)
    if at < 0:
        return None
    if message.command == Command.PEER_HANDSHAKE.name:
        return at + len(sealed) - TAG_SIZE - len(message.payload.plaintext)
    return at + len(sealed) - len(message.payload.plaintext)


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
