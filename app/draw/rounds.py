"""The rounds of an attempt: what both sides told each other, message by message, and what follows from it."""

from __future__ import annotations

from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, labelled, paragraph
from app.draw.round_rules import Half, halves, is_stale, meanings
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, safe_text
from app.wording import TOKEN_GLYPHS, counted, error_name
from capture.model import Flow, FlowMessage, Round, StepKind, TokenState
from capture.token_life import TokenEvent
from protocol.messages import HolepunchPayload

_WIDE: Final = 104
"""Cells for all columns."""
_COLUMNS: Final = (
    ("side", 8),
    ("firewall", 11),
    ("flags", 18),
    ("says it is at", 22),
    ("opened to", 22),
    ("token", 11),
    ("echo", 11),
)
_NARROW: Final = (("side", 7), ("firewall", 11), ("flags", 10), ("says it is at", 22), ("token", 11), ("echo", 11))


def rounds_page(flow: Flow, width: int) -> list[Linked]:
    """Every round: both sides' words, each message on its way, and what the reference makes of it."""
    if not flow.rounds:
        return paragraph("No PEER_HOLEPUNCH was sent: the attempt never came to a round.", width, Tone.DIM)
    lines: list[Linked] = []
    for index, one in enumerate(flow.rounds):
        lines += _round(flow, index, one, width)
        lines.append(blank())
    lines += labelled("tokens", _final(flow), width, Tone.DIM)
    return lines


def _round(flow: Flow, index: int, one: Round, width: int) -> list[Linked]:
    number = "?" if one.round is None else str(one.round)
    kind = " · sealed" if one.punching is None else " · punch" if one.punching else " · probe"
    if one.request is not None and one.request.error:
        kind = f" · {error_name(one.request.error)}"
    title = [Span(f"Round {number}{kind}", Tone.HEADING)]
    if is_stale(flow, index):
        title.append(Span("  ! stale: a later round had reached the server", Tone.WARN))
    relay = terms.address(one.relay)
    again = f" · sent again {counted(one.retransmissions, 'time')}" if one.retransmissions else ""
    took = f"answered after {terms.seconds(one.answered - one.sent)}" if one.answered is not None else "never answered"
    sent = f"{terms.offset(one.sent - flow.started)} s, over {relay}{_whose(flow, one)}, tid {one.tid}{again}"
    lines = [
        Linked(tuple(title)),
        *labelled("sent", sent, width),
        *labelled("", took, width, Tone.PLAIN if one.answered is not None else Tone.BAD),
        Linked(tuple(cell(name, size, Tone.DIM) for name, size in _columns(width))),
    ]
    for half in halves(flow, index):
        lines += _side(flow, half, width)
    lines += _legs(flow, index, width)
    for text, tone in meanings(flow, index):
        lines += labelled("  →", text, width, tone, 4)
    return lines


def _whose(flow: Flow, one: Round) -> str:
    """Whether the relay is one of the server's own: it issues tokens over those alone."""
    answers = [other.reply for other in flow.rounds if other.relay == one.relay and other.reply is not None]
    if any(reply.token is not None for reply in answers):
        return " (the server's own)"
    if any(not reply.error for reply in answers):
        return " (foreign to the server)"
    return " (the server announced itself there)" if one.relay in flow.announced_relays else ""


def _columns(width: int) -> tuple[tuple[str, int], ...]:
    return _COLUMNS if width >= _WIDE else _NARROW


def _side(flow: Flow, half: Half, width: int) -> list[Linked]:
    """The row of one side; what its columns have no room for follows in words."""
    columns = _columns(width)
    name = cell(half.side, columns[0][1], Tone.CLIENT if half.side == "client" else Tone.SERVER)
    if half.payload is None:
        return [Linked((name, Span(safe_text(half.reason) or "nothing seen", Tone.WARN)), half.link)]
    cells = _cells(flow, half, half.payload)
    spans: list[Span] = [name]
    shown: set[str] = set()
    for title, size in columns[1:]:
        text, tone = cells[title]
        spans += [cell(text, size - 1, tone), Span(" ")]
        if cell_width(text) < size:
            shown.add(title)
    rest = [f"{title} {cells[title][0]}" for title in cells if title not in shown and cells[title][0] != "–"]
    return [
        Linked(tuple(spans), half.link),
        *(paragraph(terms.joined(rest), width, Tone.DIM, " " * columns[0][1]) if rest else ()),
    ]


def _cells(flow: Flow, half: Half, payload: HolepunchPayload) -> dict[str, tuple[str, Tone]]:
    """Text and tone of each column."""
    flags = [word for word, on in (("punching", payload.punching), ("connected", payload.connected)) if on]
    # The reference fills the other fields of an abort with nothing.
    firewall = "–" if payload.error else terms.firewall(payload.firewall)
    return {
        "firewall": (firewall, Tone.DIM if payload.error else terms.firewall_tone(payload.firewall)),
        "flags": (error_name(payload.error) if payload.error else " ".join(flags) or "–",
                  Tone.BAD if payload.error else Tone.PLAIN),
        "says it is at": (", ".join(terms.any_port(one) for one in payload.addresses or ()) or "–", Tone.PLAIN),
        "opened to": (terms.address(payload.remote_address) if payload.remote_address else "–", Tone.PLAIN),
        "token": _token(flow, half, payload.token, echo=False),
        "echo": _token(flow, half, payload.remote_token, echo=True),
    }  # fmt: skip


def _token(flow: Flow, half: Half, token: bytes | None, *, echo: bool) -> tuple[str, Tone]:
    """What is known of a token that a half issues, or echoes."""
    if token is None:
        return "–", Tone.DIM
    event = event_at(flow, half.number, in_reply=half.side == "server", echo=echo)
    if event is None:
        return "echoed" if echo else "issued", Tone.PLAIN
    if echo and event.age is None and event.state is not TokenState.MISMATCH:
        return "○ unseen", Tone.WARN
    return f"{TOKEN_GLYPHS[event.state]} {terms.TOKEN_WORD[event.state]}", terms.TOKEN_TONE[event.state]


def event_at(flow: Flow, index: int, *, in_reply: bool, echo: bool) -> TokenEvent | None:
    """The issue, or the echo, that one half of a round carries."""
    return next(
        (one for one in flow.token_events if (one.round, one.in_reply, one.echo) == (index, in_reply, echo)), None
    )


def _legs(flow: Flow, index: int, width: int) -> list[Linked]:
    """One line for each message of a round, and for each that never came."""
    found: list[tuple[float, Linked]] = []
    before: dict[str | None, bytes] = {}
    for message in flow.messages:
        if message.round != index:
            continue
        sealed = b"" if message.payload is None else message.payload.sealed
        anew = message.mode in before and before[message.mode] != sealed
        before[message.mode] = sealed
        found.append((message.time, Linked(_leg(flow, message, anew=anew, width=width), message.sighting)))
    for step in flow.steps:
        if step.kind is StepKind.MISSING and step.round == index:
            spans = (cell("", 17), Span(f"✕ {safe_text(step.label)}", Tone.BAD))
            found.append((step.time + 1e-9, Linked(spans, None)))
    return [linked for _, linked in sorted(found, key=lambda one: one[0])]


def _leg(flow: Flow, message: FlowMessage, *, anew: bool, width: int) -> Line:
    again = "↻ " if message.retransmission else ""
    remark = "sealed anew" if anew else ""
    sealed = message.payload
    if sealed is not None and sealed.plaintext is None:
        remark = sealed.reason or "sealed"
    towards = f"{message.from_role} → {message.to_role}"
    spans = [
        cell(f"#{message.sighting.frame}", 8, Tone.LINK),
        cell(terms.offset(message.time - flow.started), 9, right=False),
        cell(f"{again}{message.mode or 'no route'}", 18, Tone.PROBE if message.mode else Tone.BAD),
        cell(towards, 26 if width >= _WIDE else 24),
    ]
    if width >= _WIDE:
        spans += [cell(f"{terms.address(message.src)} → {terms.address(message.dst)}", 46, Tone.DIM)]
    spans.append(Span(safe_text(remark), Tone.WARN if sealed is not None and sealed.plaintext is None else Tone.DIM))
    return tuple(spans)


def _final(flow: Flow) -> str:
    said = ((flow.server_token, "server's"), (flow.client_token, "client's"))
    words = "; ".join(f"{whose} {TOKEN_GLYPHS[state]} {terms.TOKEN_WORD[state]}" for state, whose in said)
    return f"{words}. Their lives are on the page of tokens."
