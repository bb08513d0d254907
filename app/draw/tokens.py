"""The life of both address tokens: issued by whom, for which host, carried how, echoed where, and what that proves."""

from __future__ import annotations

from typing import Final

from app.draw import terms
from app.draw.linked import Linked, blank, heading, labelled, paragraph
from app.draw.round_rules import ASKING, halves
from app.draw.spans import Span, Tone, cell
from app.wording import TOKEN_GLYPHS
from capture.model import Flow, TokenState
from capture.token_life import TokenEvent

_WIDE: Final = 108
_WHAT: Final = (
    "A token is BLAKE2b-256 of a host, keyed with a secret of whoever issues it. Who echoes it has received packets at "
    "that host. It says nothing of the port."
)
_OWN_RELAYS: Final = (
    "A server issues tokens, and accepts their echo, only over relays that it has announced itself on. Over any other "
    "relay, a foreign one, none is sent: that is normal, and only a punch against a random NAT needs one."
)


def tokens_page(flow: Flow, width: int) -> list[Linked]:
    """The server's token, then the client's: each event leads to its packet."""
    lines: list[Linked] = []
    for by_server, issuer, other, state in (
        (True, "server", "client", flow.server_token),
        (False, "client", "server", flow.client_token),
    ):
        lines.append(heading(f"The {issuer}'s token, for the {other}'s host"))
        lines += labelled("state", f"{TOKEN_GLYPHS[state]} {terms.TOKEN_WORD[state]}", width, terms.TOKEN_TONE[state])
        lines += labelled("", terms.TOKEN_MEANING[state], width, Tone.DIM)
        events = [one for one in flow.token_events if one.by_server == by_server]
        if events:
            lines.append(Linked(_head(width)))
            for one in events:
                lines.append(Linked(_event(flow, one, width), one.sighting))
                hops = _hops(flow, one)
                lines += paragraph(hops, width, Tone.DIM, " " * 17) if hops else []
            lines += _remarks(flow, events, issuer, width)
        lines += _not_sent(flow, width) if by_server else _client_silent(flow, width)
        lines.append(blank())
    lines += paragraph(_WHAT, width, Tone.DIM)
    lines += paragraph(_OWN_RELAYS, width, Tone.DIM)
    if TokenState.VERIFIED not in (flow.server_token, flow.client_token):
        lines += paragraph("Punches to a RANDOM NAT are refused until an address is verified.", width, Tone.WARN)
    return lines


def _head(width: int) -> tuple[Span, ...]:
    columns = [("time", 9), ("frame", 8), ("what", 15), ("host", 22), ("rnd", 4), ("state", 11)]
    if width >= _WIDE:
        columns += [("token", 12), ("age", 10), ("over relay", 22)]
    return tuple(cell(title, size, Tone.DIM) for title, size in columns)


def _event(flow: Flow, one: TokenEvent, width: int) -> tuple[Span, ...]:
    issuer, other = ("server", "client") if one.by_server else ("client", "server")
    what = f"{other} echoes" if one.echo else f"{issuer} issues"
    tone = Tone.SERVER if one.by_server != one.echo else Tone.CLIENT
    number = flow.rounds[one.round].round if one.round < len(flow.rounds) else None
    state, state_tone = _state(one)
    spans = [
        cell(terms.offset(one.time - flow.started), 9),
        cell(f"#{one.sighting.frame}", 8, Tone.LINK),
        cell(what, 15, tone),
        cell("?" if one.address is None else terms.host(one.address), 22),
        cell("?" if number is None else str(number), 4),
        cell(state, 11, state_tone),
    ]
    if width >= _WIDE:
        age = "" if one.age is None else terms.seconds(one.age)
        relay = flow.rounds[one.round].relay if one.round < len(flow.rounds) else None
        spans += [cell(terms.key(one.token), 12), cell(age, 10, Tone.DIM), cell(terms.address(relay), 22, Tone.DIM)]
    return tuple(spans)


def _hops(flow: Flow, one: TokenEvent) -> str:
    """The legs that carried a token, as far as they were seen; retransmissions are left out."""
    carried = [
        f"{message.mode} #{message.sighting.frame}"
        for message in flow.messages
        if message.round == one.round
        and message.mode is not None
        and (message.mode not in ASKING) == one.in_reply
        and not message.retransmission
    ]
    return f"carried by {' → '.join(carried)}" if carried else ""


def _state(one: TokenEvent) -> tuple[str, Tone]:
    if one.recomputed is False:
        return "✗ not its", Tone.BAD
    if one.echo and one.state is TokenState.ISSUED:
        return "○ unseen", Tone.WARN
    return f"{TOKEN_GLYPHS[one.state]} {terms.TOKEN_WORD[one.state]}", terms.TOKEN_TONE[one.state]


def _remarks(flow: Flow, events: list[TokenEvent], issuer: str, width: int) -> list[Linked]:
    """What the table has no room for: age, ports, and the check with the issuer's own secret."""
    lines: list[Linked] = []
    issued = next((one for one in events if not one.echo), None)
    own = {one.relay for one in flow.rounds if one.reply is not None and one.reply.token is not None}
    for one in events:
        if one.echo and one.age is not None and width < _WIDE:
            lines += labelled("age", f"echoed {terms.seconds(one.age)} after it was issued", width, Tone.DIM)
        if one.echo and one.state is TokenState.ISSUED:
            lines += labelled(
                "unseen", "the echo is of a token whose issue this capture does not show", width, Tone.WARN
            )
        relay = flow.rounds[one.round].relay if one.round < len(flow.rounds) else None
        if one.by_server and one.state is TokenState.NOT_ACCEPTED and own and relay not in own:
            text = f"equal, but it came over {terms.address(relay)}, which the server does not count as its own relay"
            lines += labelled("not taken", text, width, Tone.WARN)
        before, now = None if issued is None else issued.address, one.address
        if one.echo and before is not None and now is not None and before.host == now.host and before.port != now.port:
            text = f"issued for port {before.port}, echoed from port {now.port}: a token does not cover ports"
            lines += labelled("port", text, width, Tone.WARN)
    checked = [one.recomputed for one in events if one.recomputed is not None]
    if not checked:
        text = f"not possible: no key log has the {issuer}'s token secret ({issuer.upper()}_TOKEN_SECRET)"
        lines += labelled("recomputed", text, width, Tone.DIM)
    elif all(checked):
        lines += labelled("recomputed", f"✓ the {issuer}'s secret makes these tokens of these hosts", width, Tone.GOOD)
    else:
        text = f"✗ the {issuer}'s secret makes other tokens of these hosts"
        lines += labelled("recomputed", text, width, Tone.BAD)
    return lines


def _not_sent(flow: Flow, width: int) -> list[Linked]:
    """Why answers of the server came without a token."""
    lines: list[Linked] = []
    for index, one in enumerate(flow.rounds):
        reply = one.reply
        if reply is None or reply.token is not None:
            continue
        number = "?" if one.round is None else str(one.round)
        relay = terms.address(one.relay)
        if reply.error:
            why, tone = "an answer that refuses carries none", Tone.DIM
        elif one.relay in flow.announced_relays:
            why = f"the server announced itself on {relay} once, and does not count it among its relays any more"
            tone = Tone.WARN
        else:
            why, tone = f"{relay} is a foreign relay, on which the server never announced itself: normal", Tone.DIM
        link = halves(flow, index)[1].link
        first, *rest = labelled(f"round {number}", f"not sent: {why}", width, tone)
        lines += [Linked(first.line, link), *rest]
    return lines


def _client_silent(flow: Flow, width: int) -> list[Linked]:
    """Why requests of the client came without a token."""
    quiet = [one for one in flow.rounds if one.request is not None and one.request.token is None]
    if not quiet or TokenState.UNREADABLE in (flow.client_token, flow.server_token):
        return []
    if any(one.request is not None and one.request.token is not None for one in flow.rounds):
        return labelled("not sent", "in rounds that only probe: a client issues its token when it is to punch", width,
                        Tone.DIM)  # fmt: skip
    return labelled("not sent", "the attempt did not come to a round that punches, where a client issues it", width,
                    Tone.DIM)  # fmt: skip
