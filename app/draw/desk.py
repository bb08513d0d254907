"""Steps that go by hand: the line of each in the list, and what there is to say of the selected one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.hand.desk import DeskView
from app.hand.desk_rows import DeskRow, RowKind, initiates
from app.terminal_text import safe_text
from protocol.constants import ErrorCode, Firewall
from protocol.editing.fields import fields_of
from protocol.editing.values import FieldKind
from protocol.messages import Address
from protocol.peer.desk import Fate, HeldStep
from protocol.peer.steps import (
    Act,
    Attempt,
    FindStep,
    HolepunchStep,
    NoiseStep,
    PunchStep,
    RelayStep,
    SampleStep,
    Step,
)

Mask = Callable[[str], str]
"""Gives what may be shown of a text with addresses and keys."""

TITLES: Final = {
    Act.FIND: "find peer",
    Act.OFFER: "noise message 1",
    Act.ASK: "over a relay",
    Act.ANSWER: "noise message 2",
    Act.SAMPLE: "NAT sampling",
    Act.SESSION: "session opener",
    Act.PROBE: "probe round",
    Act.PUNCH: "punch round",
    Act.DELAY: "round: punch later",
    Act.REPLY: "answer a round",
    Act.ABORT: "abort",
    Act.PING: "one punch",
    Act.ECHO: "answer a punch",
    Act.BARRAGE: "punches",
    Act.STREAM: "stream",
}
SAYS: Final = {
    Act.FIND: "FIND_PEER goes from node to node until relays are found that know the server.",
    Act.OFFER: "What we offer the server. It is sealed once, and then goes over each relay.",
    Act.ASK: "PEER_HANDSHAKE with noise message 1 goes over this relay. Its answer begins the rounds.",
    Act.ANSWER: "What we answer a client. It is sealed once, and sent again to whoever asks again.",
    Act.SAMPLE: "Nodes are pinged from the socket that is to be punched: where they see it tells what our NAT does.",
    Act.SESSION: "One byte with a low TTL: it opens our own NAT for the server, and does not arrive.",
    Act.PROBE: "The first round tells our NAT and asks for the server's. Its answer brings a token.",
    Act.PUNCH: "The last round says that we punch now, and sends the server's token back.",
    Act.DELAY: "A round that says that we can't punch yet.",
    Act.REPLY: "What we answer the round of a client.",
    Act.ABORT: "A round that ends the attempt.",
    Act.PING: "One byte to the client, meant to arrive: its NAT is open for us.",
    Act.ECHO: "A punch of the client arrived: one byte back tells it the path. Further ones from there wait too.",
    Act.BARRAGE: "We begin to punch, until one punch arrives or time is over.",
    Act.STREAM: "A path was found: the stream sends its first packets.",
}
SIGNS: Final = {
    Fate.BY_ITSELF: ("✓", Tone.DIM),
    Fate.SENT: ("✓", Tone.GOOD),
    Fate.EDITED: ("✎", Tone.GOOD),
    Fate.LEFT_OUT: ("✗", Tone.BAD),
    Fate.SKIPPED: ("»", Tone.WARN),
    Fate.LATE: ("↷", Tone.GOOD),
    Fate.REPEATED: ("↻", Tone.GOOD),
    Fate.OVERTAKEN: ("!", Tone.WARN),
    Fate.TOO_LATE: ("✗", Tone.DIM),
}
HELD: Final = "‖"
_TITLE_WIDTH: Final = 17
_LONG_TEXT: Final = 64


def plain(text: str) -> str:
    """Nothing is hidden."""
    return text


def desk_line(view: DeskView, what: str) -> Line:
    """The state of the desk in one line: `what` is ours."""
    held = len(view.held)
    by_itself = [TITLES[act] for act in Act if act not in view.by_hand]
    if not by_itself:
        mode = "everything by hand"
    elif len(by_itself) == len(Act):
        mode = "everything goes by itself"
    elif len(by_itself) * 2 > len(Act):
        mode = f"only {', '.join(TITLES[act] for act in Act if act in view.by_hand)} by hand"
    else:
        mode = f"by itself: {', '.join(by_itself)}"
    return (
        Span(" by hand ", Tone.KEY),
        Span(f" {what}  ", Tone.STRONG),
        Span(f"{HELD} {held} held" if held else "nothing held", Tone.WARN if held else Tone.DIM),
        Span(f" · {len(view.done) + view.forgotten} done · ", Tone.DIM),
        Span(mode, Tone.DIM if len(by_itself) < len(Act) else Tone.WARN),
    )


def row_line(row: DeskRow, view: DeskView, mask: Mask = plain) -> Line:
    """One row of the list, without the sign of the cursor."""
    if row.kind is RowKind.ATTEMPT:
        return _attempt_line(row, mask)
    assert row.act is not None
    title = TITLES[row.act]
    if row.kind is RowKind.COMING:
        by_itself = row.act not in view.by_hand
        return (
            Span("  · ", Tone.DIM),
            cell(title, _TITLE_WIDTH, Tone.DIM),
            Span("by itself" if by_itself else "", Tone.DIM),
        )
    held, done = row.held, row.done
    if held is not None:
        said = [f"{max(0.0, view.now - held.since):.1f} s"]
        said += ["put off"] if held.put_off else []
        said += ["edited"] if held.edited else []
        said += [f"goes in {max(0.0, held.due - view.now):.1f} s"] if held.due is not None else []
        return (
            Span(f"  {HELD} ", Tone.WARN),
            cell(title, _TITLE_WIDTH, Tone.STRONG),
            Span(f"{', '.join(said)}  ", Tone.WARN),
            Span(summary(held.step, mask), Tone.PLAIN),
        )
    assert done is not None
    sign, tone = SIGNS[done.fate]
    # What went as usual needs no words.
    fate = "" if done.fate in (Fate.SENT, Fate.BY_ITSELF) else f"{done.fate}  "
    return (
        Span(f"  {sign} ", tone),
        cell(title, _TITLE_WIDTH, Tone.PLAIN if done.fate is not Fate.BY_ITSELF else Tone.DIM),
        Span(fate, tone),
        Span(summary(done.sent or done.came, mask), Tone.DIM),
    )


def summary(step: Step, mask: Mask = plain) -> str:
    """The gist of a step, in a few words."""
    match step:
        case FindStep():
            text = f"{step.target.hex()[:8]}…" + (f" from {_addresses(step.nodes)}" if step.nodes else "")
        case RelayStep():
            text = terms.address(step.relay)
        case NoiseStep(payload=payload):
            error = terms.joined((_error(payload.error), _firewall(payload.firewall)))
            relays = 0 if payload.holepunch is None else len(payload.holepunch.relays)
            text = terms.joined((error, _addresses(payload.addresses4), f"{relays} relays" if relays else ""))
        case HolepunchStep(payload=said):
            text = terms.joined(
                (
                    f"round {said.round}",
                    _error(said.error),
                    _firewall(said.firewall),
                    "punching" if said.punching else "",
                    _addresses(said.addresses or ()),
                    "token" if said.token else "",
                    "echo" if said.remote_token else "",
                )
            )
        case SampleStep():
            text = f"{len(step.nodes)} nodes"
        case PunchStep():
            text = "where the server said" if step.to is None else terms.address(step.to)
            text += "" if step.ttl is None else f", TTL {step.ttl}"
        case _:
            text = terms.address(step.to)
    return safe_text(mask(text))


def step_page(row: DeskRow | None, view: DeskView, width: int, mask: Mask = plain) -> list[Linked]:
    """All that there is to say of the selected row."""
    if row is None:
        return paragraph("No step yet. They come here as soon as the node is ready.", width, Tone.DIM)
    if row.kind is RowKind.ATTEMPT:
        return _attempt_page(row, width, mask)
    assert row.act is not None
    lines = [heading(TITLES[row.act]), *paragraph(SAYS[row.act], width)]
    if row.kind is RowKind.COMING:
        return [*lines, blank(), *paragraph("It has not come yet, and may never come.", width, Tone.DIM)]
    if row.held is not None:
        lines += _held_lines(row.held, view, width)
    assert row.held is not None or row.done is not None
    came = row.held.came if row.held is not None else row.done.came  # type: ignore[union-attr]
    now = row.held.step if row.held is not None else row.done.sent or came  # type: ignore[union-attr]
    if row.done is not None:
        ago = max(0.0, view.now - row.done.time)
        lines += labelled("what became", f"{row.done.fate}, {ago:.1f} s ago", width)
        if row.done.repeatable:
            lines += paragraph("It can be sent once more: D the same, e changed.", width, Tone.DIM)
    return [*lines, blank(), *_field_lines(came, now, width, mask)]


def _held_lines(held: HeldStep, view: DeskView, width: int) -> list[Linked]:
    text = f"for {max(0.0, view.now - held.since):.1f} s; it waits for you"
    if held.put_off:
        text += ". We have gone on without it: it goes whenever you send it"
    lines = [blank(), *labelled("held", text, width, Tone.WARN)]
    if held.due is not None:
        lines += labelled("◷", f"goes by itself in {max(0.0, held.due - view.now):.1f} s", width, Tone.WARN)
    for timer in held.timers:
        left = timer.due - view.now
        if left > 0:
            about = "about " if timer.estimated else ""
            lines += labelled("◷ meanwhile", f"{timer.name}: in {about}{left:.1f} s", width)
    passed = Counter(timer.name for timer in held.timers if timer.due <= view.now)
    for name, times in passed.items():
        lines += labelled("! by now", f"{name}{f' ({times} times)' if times > 1 else ''}", width, Tone.BAD)
    if not held.timers and not held.put_off:
        lines += labelled("◷ meanwhile", "no timer of the other side is known to run", width, Tone.DIM)
    return lines


def _field_lines(came: Step, now: Step, width: int, mask: Mask) -> list[Linked]:
    before = {field.name: field.text for field in fields_of(came)}
    lines: list[Linked] = []
    for field in fields_of(now):
        was = before.get(field.name, "")
        changed = was != field.text
        if mask is not plain and field.kind is FieldKind.BYTES:
            # Whatever is in there could name somebody.
            lines += labelled(f"  {field.name}", "hidden", width, Tone.DIM, label_width=24)
            continue
        text = _cut(mask(field.text), field.kind) or "(empty)"
        text += f"   was {_cut(mask(was), field.kind) or '(empty)'}" if changed else ""
        label = f"{'✎ ' if changed else '  '}{field.name}"
        lines += labelled(label, text, width, Tone.GOOD if changed else Tone.PLAIN, label_width=24)
    return lines


def _attempt_line(row: DeskRow, mask: Mask) -> Line:
    title, state, tone = _attempt_words(row.connection, mask)
    fold = "▸" if row.folded else "▾"
    return (
        Span(f"{fold} ", Tone.RULE),
        Span(title, Tone.HEADING),
        Span(f"  {HELD} {row.waiting} held" if row.waiting else "", Tone.WARN),
        Span(f"  {state}", tone),
    )


def _attempt_page(row: DeskRow, width: int, mask: Mask) -> list[Linked]:
    title, state, tone = _attempt_words(row.connection, mask)
    key = getattr(row.connection, "remote_public_key", b"")
    attempt = row.connection.attempt.hex() or "none before noise message 1 is sealed"
    return [
        heading(title),
        *labelled("state", state, width, tone),
        *labelled("public key", mask(key.hex()), width),
        *labelled("attempt", attempt, width),
    ]


def _attempt_words(connection: Attempt, mask: Mask) -> tuple[str, str, Tone]:
    key = getattr(connection, "remote_public_key", b"")
    shown = mask(key.hex())
    short = terms.key(key) if shown == key.hex() else f"{shown[:4]}…{shown[-4:]}"
    title = f"{'server' if initiates(connection) else 'client'} {safe_text(short)}"
    closing = getattr(connection, "closing", None)
    if closing is not None:
        return title, f"over: {safe_text(mask(closing.text))}", Tone.DIM if closing.error is None else Tone.BAD
    stage = getattr(connection, "stage", None)
    opened = bool(getattr(connection, "opened", False))
    return title, "" if stage is None else str(stage.value), Tone.GOOD if opened else Tone.PLAIN


def _addresses(addresses: Sequence[Address]) -> str:
    if not addresses:
        return ""
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    return terms.any_port(addresses[0]) + more


def _firewall(value: int) -> str:
    return terms.firewall(value) if value != Firewall.UNKNOWN else "NAT unknown"


def _error(value: int) -> str:
    if value == ErrorCode.NONE:
        return ""
    return next((f"error {one.name}" for one in ErrorCode if one == value), f"error {value}")


def _cut(text: str, kind: FieldKind) -> str:
    """Long bytes are not shown to the end: the form has all of them."""
    if kind is not FieldKind.BYTES or len(text) <= _LONG_TEXT:
        return text
    return f"{text[: _LONG_TEXT - 12]}… {len(text) // 2} bytes"
