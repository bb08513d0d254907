"""Where in the ladder the life of a token is told: at the leg that carries it, over the side that writes or checks it.

A token is noted where its issuer sends it; an echo twice, where it is sent and where it reaches the side that checks
it. Of legs that the capture does not show, the nearest one that it shows takes the note.
"""

from __future__ import annotations

from capture.flows.attempt import Exchange
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY, Leg
from capture.flows.tokens import TokenEvent
from capture.model import Note


def token_notes(events: tuple[TokenEvent, ...], exchange: Exchange, leg: Leg) -> tuple[Note, ...]:
    """The notes of one leg of a PEER_HOLEPUNCH exchange."""
    if leg.retransmission:
        return ()
    notes: list[Note] = []
    checks: list[Note] = []
    for event in events:
        if event.exchange is not exchange:
            continue
        sent, arrived = _places(exchange, in_reply=event.in_reply)
        issuer, other = ("server", "client") if event.server else ("client", "server")
        if event.server is event.in_reply:
            if leg.mode == sent:
                notes.append(Note(issuer, event.text, event.state))
            continue
        if leg.mode == sent and sent != arrived:
            names = event.names
            by, of = (names.client, names.server) if event.server else (names.server, names.client)
            notes.append(Note(other, f"{by} echoes the {of}'s token"))
        if leg.mode == arrived:
            checks.append(Note(issuer, event.text, event.state))
    return (*notes, *checks)


def _places(exchange: Exchange, *, in_reply: bool) -> tuple[int, int]:
    """The modes of the legs on which a half of the exchange sets out and arrives, as far as they were seen."""
    ends = (FROM_SERVER, REPLY) if in_reply else (FROM_CLIENT, FROM_RELAY)
    seen = [mode for mode in ends if exchange.first(mode) is not None] or [ends[1]]
    return seen[0], seen[-1]
