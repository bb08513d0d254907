"""The rounds of an attempt, and the life of its tokens, as lines that lead to packets."""

from __future__ import annotations

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import safe_text
from app.wording import TOKEN_GLYPHS, counted, error_name
from capture.model import Flow, Round, Sighting, TokenState
from protocol.messages import HolepunchPayload

ASKING = ("FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY")
"""Modes of the legs that carry the client's half of a round."""

_COLUMNS = (("side", 8), ("firewall", 11), ("flags", 18), ("says it is at", 22), ("other at", 22), ("token", 10))
_NARROW = (("side", 8), ("firewall", 11), ("flags", 10), ("says it is at", 22), ("token", 8))
_NEEDS = 104
"""Cells for all of `_COLUMNS` and an echo."""


def rounds_page(flow: Flow, width: int) -> list[Linked]:
    """Every round with both sides' words, then both tokens."""
    lines: list[Linked] = []
    if not flow.rounds:
        lines += paragraph("No PEER_HOLEPUNCH was sent: the attempt never came to a round.", width, Tone.DIM)
    for index, one in enumerate(flow.rounds):
        lines += _round(flow, index, one, width)
        lines.append(blank())
    lines += _tokens(flow, width)
    return lines


def _round(flow: Flow, index: int, one: Round, width: int) -> list[Linked]:
    number = "?" if one.round is None else str(one.round)
    kind = "" if one.punching is None else " · punch" if one.punching else " · probe"
    relay = terms.address(one.relay)
    took = f"answered after {terms.seconds(one.answered - one.sent)}" if one.answered is not None else "never answered"
    again = f" · sent again {counted(one.retransmissions, 'time')}" if one.retransmissions else ""
    lines = [
        heading(f"Round {number}{kind}"),
        *labelled("sent", f"{terms.offset(one.sent - flow.started)} s, over {relay}, tid {one.tid}{again}", width),
        *labelled("", took, width, Tone.PLAIN if one.answered is not None else Tone.BAD),
        Linked(tuple(cell(title, size, Tone.DIM) for title, size in (_COLUMNS if width >= _NEEDS else _NARROW))),
    ]
    lines.append(_side("client", one.request, one.request_reason, _first(flow, index, asking=True), width))
    lines.append(_side("server", one.reply, one.reply_reason, _first(flow, index, asking=False), width))
    return lines


def _side(side: str, payload: HolepunchPayload | None, reason: str, link: Sighting | None, width: int) -> Linked:
    name = cell(side, 8, Tone.CLIENT if side == "client" else Tone.SERVER)
    if payload is None:
        return Linked((name, Span(safe_text(reason) or "nothing seen", Tone.WARN)), link)
    return Linked((name, *_payload(payload, width)), link)


def _payload(payload: HolepunchPayload, width: int) -> Line:
    flags = [word for word, on in (("punching", payload.punching), ("connected", payload.connected)) if on]
    said = error_name(payload.error) if payload.error else " ".join(flags) or "–"
    addresses = ", ".join(terms.address(one) for one in payload.addresses or ()) or "–"
    token = terms.key(payload.token, 3) if payload.token is not None else "–"
    echo = f"echo {terms.key(payload.remote_token, 3)}" if payload.remote_token is not None else ""
    cells = {
        "firewall": (terms.firewall(payload.firewall), terms.firewall_tone(payload.firewall)),
        "flags": (said, Tone.BAD if payload.error else Tone.PLAIN),
        "says it is at": (addresses, Tone.PLAIN),
        "other at": (terms.address(payload.remote_address) if payload.remote_address else "–", Tone.PLAIN),
        "token": (token, Tone.PLAIN),
    }
    columns = _COLUMNS if width >= _NEEDS else _NARROW
    spans: list[Span] = []
    for title, size in columns[1:]:
        text, tone = cells[title]
        spans += [cell(text, size - 1, tone), Span(" ")]
    return (*spans, Span(echo))


def _tokens(flow: Flow, width: int) -> list[Linked]:
    lines = [heading("Address tokens")]
    for issuer, other, state in (
        ("server", "client", flow.server_token),
        ("client", "server", flow.client_token),
    ):
        lines += labelled(
            f"{issuer}'s", f"{TOKEN_GLYPHS[state]} {terms.TOKEN_WORD[state]}", width, terms.TOKEN_TONE[state]
        )
        lines += paragraph(terms.TOKEN_MEANING[state], width, Tone.DIM, " " * 12)
        lines += _steps(flow, issuer, other)
    if TokenState.VERIFIED not in (flow.server_token, flow.client_token):
        lines += paragraph("Punches to a RANDOM NAT are refused until an address is verified.", width, Tone.DIM)
    return lines


def _steps(flow: Flow, issuer: str, other: str) -> list[Linked]:
    """When the issuer's token was issued and echoed: one line for the first message of each round that says so."""
    lines: list[Linked] = []
    for index, one in enumerate(flow.rounds):
        own = one.reply if issuer == "server" else one.request
        echo = one.request if issuer == "server" else one.reply
        if own is not None and own.token is not None:
            link = _first(flow, index, asking=issuer == "client")
            lines.append(_token_line(f"{issuer} issues", own.token, link))
        if echo is not None and echo.remote_token is not None:
            link = _first(flow, index, asking=issuer == "server")
            lines.append(_token_line(f"{other} echoes", echo.remote_token, link))
    return sorted(lines, key=lambda linked: linked.link.frame if linked.link is not None else 0)


def _token_line(what: str, token: bytes, link: Sighting | None) -> Linked:
    frame = f"#{link.frame}" if link is not None else ""
    return Linked((Span(" " * 12), cell(frame, 8, Tone.LINK), cell(what, 16), Span(terms.key(token, 8))), link)


def _first(flow: Flow, index: int, *, asking: bool) -> Sighting | None:
    """The first datagram of a round that carries the client's (`asking`) or the server's half."""
    return next(
        (
            message.sighting
            for message in flow.messages
            if message.round == index and message.mode is not None and (message.mode in ASKING) == asking
        ),
        None,
    )
