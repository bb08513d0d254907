"""Where the addresses that peers try come from: who named them, when, and which hosts a token has proved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from capture.candidate_list import Source
from capture.flows.attempt import Exchange
from capture.flows.endpoints import endpoint_of, host_of, is_private
from capture.flows.facts import Facts
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, REPLY, Leg
from capture.model import TokenState
from capture.token_life import TokenEvent
from protocol.constants import ErrorCode
from protocol.messages import NoisePayload


class Named(NamedTuple):
    """Who named an address, and when first."""

    sources: dict[Source, None]
    time_ns: int | None
    row: int | None


_Naming = tuple[int, Source, Leg]
"""An endpoint, how it came to be known, and the leg that names it."""


def named_endpoints(facts: Facts, *, of_server: bool) -> dict[int, Named]:
    """Addresses of one side that the other side was told of, by endpoint, in the order in which they were named."""
    namings = _of_server(facts) if of_server else _of_client(facts)
    found: dict[int, Named] = {}
    for endpoint, source, leg in sorted(namings, key=lambda naming: naming[2].row):
        known = found.setdefault(endpoint, Named({}, leg.time_ns, leg.row))
        known.sources[source] = None
    return found


def verified_hosts(facts: Facts, events: Iterable[TokenEvent], *, of_server: bool) -> dict[int, float]:
    """Hosts of one side that an echo proved to the other, each with the time of the first proof.

    A server accepts an echo only over a relay that it counts among its own, and only over such a one it issues tokens:
    those it issued over the relay of a round tell whether it accepts the echo there.

    Args:
        facts: the attempt.
        events: the life of its tokens.
        of_server: the server's hosts are wanted, else the client's.
    """
    own = {one.relay for one in facts.rounds if one.reply is not None and one.reply.token is not None}
    found: dict[int, float] = {}
    for event in events:
        # The client's token comes back from the server, and proves the server's address; and the other way round.
        if event.by_server == of_server or not event.echo or event.state is not TokenState.VERIFIED:
            continue
        if event.address is None or (event.by_server and facts.rounds[event.round].relay not in own):
            continue
        found.setdefault(host_of(endpoint_of(event.address)), event.time)
    return found


def _of_server(facts: Facts) -> Iterator[_Naming]:
    attempt = facts.attempt
    answered = attempt.handshake_answered
    if answered is not None and answered.answered is not None:
        yield from _noise(attempt.noise2_payload, answered.answered)
    for exchange in (*attempt.handshakes, *facts.rounds):
        reply = exchange.first(REPLY)
        if reply is not None and reply.peer is not None:
            yield reply.peer, Source.RELAY, reply
    for exchange in facts.rounds:
        if exchange.reply is not None and exchange.reply.error == ErrorCode.NONE:
            leg = _answer(exchange)
            for address in exchange.reply.addresses or ():
                yield endpoint_of(address), Source.STATED, leg


def _of_client(facts: Facts) -> Iterator[_Naming]:
    """A server never punches towards the socket of the handshake, so that relays see that one is no candidate."""
    attempt = facts.attempt
    if attempt.handshakes:
        yield from _noise(attempt.noise1_payload, attempt.handshakes[0].legs[0])
    for exchange in facts.rounds:
        for leg in exchange.legs:
            if leg.mode in (FROM_RELAY, FROM_SECOND_RELAY) and leg.peer is not None:
                yield leg.peer, Source.RELAY, leg
                break
            if leg.mode == REPLY:
                yield leg.to, Source.RELAY, leg
                break
        if exchange.opened is not None and exchange.opened.error == ErrorCode.NONE:
            for address in exchange.opened.addresses or ():
                yield endpoint_of(address), Source.STATED, exchange.legs[0]


def _noise(payload: NoisePayload | None, leg: Leg) -> Iterator[_Naming]:
    """Addresses inside a noise message, where it could be opened."""
    for address in payload.addresses4 if payload is not None and payload.version == 1 else ():
        endpoint = endpoint_of(address)
        yield endpoint, Source.LAN if is_private(host_of(endpoint)) else Source.PUBLIC, leg


def _answer(exchange: Exchange) -> Leg:
    return exchange.first(FROM_SERVER) or exchange.answered or exchange.legs[-1]


def outside_endpoints(facts: Facts, *, of_server: bool) -> dict[int, int]:
    """Under which endpoint relays and nodes see each inside socket of a side; those seen under several are left out.

    A random NAT shows a socket under another port to everybody, so nothing follows for the next one.
    """
    seen: dict[int, set[int]] = defaultdict(set)
    for sample, endpoint in facts.server_samples if of_server else facts.client_samples:
        seen[sample.socket].add(endpoint)
    copies = facts.copies
    for exchange in facts.rounds:
        reply = exchange.first(REPLY)
        told = None if reply is None else reply.peer if of_server else reply.to
        sent = exchange.first(FROM_SERVER if of_server else FROM_CLIENT)
        if told is not None and sent is not None:
            for source in copies.sources(sent.row, sent.src):
                seen[source].add(told)
        reached = exchange.first(FROM_RELAY) if of_server else reply
        if reached is not None:
            for destination in copies.destinations(reached.row, reached.dst):
                seen[destination].add(reached.to)
    return {inside: next(iter(outsides)) for inside, outsides in seen.items() if len(outsides) == 1}
