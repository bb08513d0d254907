"""What relays changed on their way between the sides. Relays of the reference change nothing of a payload.

A relay can open a holepunch payload and seal another one: the key follows from what it passes on (`protocol.noise`). It
shows where a capture has both legs that go through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import address_of, host_of, is_private
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, REPLY, Leg
from capture.table import PacketTable, host_text

if TYPE_CHECKING:
    from protocol.messages import HolepunchPayload

_ON = (FROM_RELAY, FROM_SECOND_RELAY)


def is_passed_on(asked: Exchange, leg: Leg) -> bool:
    """Whether a request that a relay sends may be the one that it got, with another payload.

    Args:
        asked: an exchange in which the client sent the relay a request with the same tid and target.
        leg: what the relay sends on.
    """
    first = asked.first(FROM_CLIENT)
    if first is None or leg.peer is None or leg.body in (asked.body, b""):
        return False
    client = host_of(first.src)
    return client == host_of(leg.peer) or is_private(client)


def passed_on(exchange: Exchange) -> bytes | None:
    """The payload that went to the server in the place of the client's; None if it is the same or was not seen."""
    if not exchange.legs_of(FROM_CLIENT):
        return None
    for leg in exchange.legs:
        if leg.mode in _ON and leg.whole and leg.body and leg.body != exchange.body:
            return leg.body
    return None


def brought(exchange: Exchange) -> bytes | None:
    """The payload that went to the client in the place of the server's; None if it is the same or was not seen."""
    given = {leg.body for leg in exchange.legs if leg.mode == FROM_SERVER and leg.whole}
    for leg in exchange.legs if given else ():
        if leg.mode == REPLY and leg.whole and leg.body and leg.body not in given:
            return leg.body
    return None


def differing(said: HolepunchPayload | None, heard: HolepunchPayload | None) -> tuple[str, ...]:
    """Names of the fields that are not the same."""
    if said is None or heard is None:
        return ()
    return tuple(one.name for one in fields(said) if getattr(said, one.name) != getattr(heard, one.name))


def leg_to(exchange: Exchange, *, server: bool) -> Leg:
    """The leg on which a side hears what the relay made of it."""
    modes = _ON if server else (REPLY,)
    return next((leg for leg in exchange.legs if leg.mode in modes), exchange.legs[0])


def alteration_notes(table: PacketTable, copies: Copies, attempt: Attempt) -> Iterator[str]:
    """What relays changed, in sentences."""
    for exchange in attempt.rounds():
        number = "?" if exchange.opened is None else exchange.opened.round
        relay = "a relay" if exchange.relay is None else f"the relay {address_of(table, exchange.relay)}"
        for side, said, heard in (
            ("server", exchange.opened, exchange.heard),
            ("client", exchange.reply, exchange.heard_reply),
        ):
            names = differing(said, heard)
            if names:
                yield f"{relay} changed what is sealed in round {number} on its way to the {side}: {', '.join(names)}"
    for exchange in attempt.exchanges:
        moved = moved_server(copies, exchange)
        if moved is not None:
            named, came = (host_text(host & 0xFFFFFFFF) for host in moved)
            yield f"a relay names {named} as the server's host, and the server's answer came from {came}"
            return


def moved_server(copies: Copies, exchange: Exchange) -> tuple[int, int] | None:
    """The server's host as the relay tells the client, and the one that its answer came from, where they differ."""
    answer, reply = exchange.first(FROM_SERVER), exchange.first(REPLY)
    if answer is None or reply is None or reply.peer is None:
        return None
    named = host_of(reply.peer)
    came = [host_of(source) for source in copies.sources(answer.row, answer.src)]
    outside = [host for host in came if not is_private(host)]
    return (named, outside[0]) if outside and named not in came else None
