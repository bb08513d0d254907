"""The life of the two address tokens of an attempt.

A token is issued for the host of the other side's address and travels sealed. A third party sees it issued in one
payload and echoed in another: equal tokens for the same host mean that the address is verified. The server's token is
issued in its answers and echoed in the client's next requests; the client's is issued in its request and echoed in the
server's answer to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from capture.flows.attempt import Exchange
from capture.flows.endpoints import host_of
from capture.flows.facts import Facts
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY
from capture.flows.sides import Side
from capture.flows.token_proof import (
    ignored_by_server,
    is_not_its,
    lists_other_hosts,
    own_relays,
    went_elsewhere,
)
from capture.model import TokenState
from capture.table import host_text
from protocol.constants import ErrorCode
from protocol.messages import HolepunchPayload

_WEAK: Final = (TokenState.ISSUED, TokenState.NOT_ECHOED, TokenState.NOT_ACCEPTED)
"""What says less than any echo that counts."""
MOST_ROUNDS: Final = 64
"""More rounds than any attempt has; a forged round number must not cost time."""


class Names(NamedTuple):
    """Who speaks for the two sides in a round."""

    client: str = "client"
    server: str = "server"


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """One thing that happened to a token."""

    server: bool
    """The server issued it; else the client."""
    state: TokenState
    exchange: Exchange
    in_reply: bool
    """It happened in the answer of the exchange; else in its request."""
    text: str
    names: Names


@dataclass(frozen=True, slots=True)
class TokenLives:
    """Both tokens' final states and how they got there."""

    server: TokenState
    client: TokenState
    events: tuple[TokenEvent, ...]


def token_lives(facts: Facts) -> TokenLives:
    """Follow both tokens through the rounds of an attempt."""
    if facts.sealed:
        return TokenLives(TokenState.UNREADABLE, TokenState.UNREADABLE, ())
    events: list[TokenEvent] = []
    issued: dict[bytes, int | None] = {}
    unseen_answers = False
    numbers: set[int] = set()
    own = own_relays(facts)
    for exchange in facts.rounds:
        request, reply = exchange.opened, exchange.reply
        sides = facts.sides
        names = Names(_name("client", sides.client, exchange), _name("server", sides.server, exchange))
        if request is not None:
            # A round that went over a relay this capture does not show may have brought the token.
            unseen_answers = unseen_answers or not numbers.issuperset(range(min(request.round, MOST_ROUNDS)))
            newest = max(numbers, default=0)
            numbers.add(request.round)
            if request.remote_token is not None:
                event = _echo_of_server(exchange, request.remote_token, issued, unseen_answers, names)
                event = _as_the_server_sees_it(facts, event, request.remote_token, own, newest)
                events.append(_as_it_arrives(event, request.remote_token, exchange.heard))
            elif request.punching and issued:
                text = f"{names.client} punches without giving the token back"
                events.append(TokenEvent(True, TokenState.NOT_ECHOED, exchange, False, text, names))
        if request is not None and request.token is not None:
            text = f"{names.client} issues a token for {_host_text(_host(asked_server_endpoint(exchange)))}"
            events.append(TokenEvent(False, TokenState.ISSUED, exchange, False, text, names))
        if reply is None:
            unseen_answers = unseen_answers or exchange.answered is None
            continue
        if request is not None and request.token is not None:
            if reply.remote_token is not None:
                event = _echo_of_client(exchange, request.token, reply.remote_token, names)
                events.append(_as_it_arrives(event, reply.remote_token, exchange.heard_reply))
            elif reply.error == ErrorCode.NONE:
                text = f"{names.server} answers without giving the token back"
                events.append(TokenEvent(False, TokenState.NOT_ECHOED, exchange, True, text, names))
        if reply.token is not None:
            host = _host(client_endpoint(exchange))
            issued[reply.token] = host
            text = f"{names.server} issues a token for {_host_text(host)}"
            events.append(TokenEvent(True, TokenState.ISSUED, exchange, True, text, names))
    return TokenLives(_final(events, server=True), _final(events, server=False), tuple(events))


def _final(events: list[TokenEvent], *, server: bool) -> TokenState:
    """The state that says most: an echo outweighs being issued, and a later echo an earlier one."""
    states = [event.state for event in events if event.server == server]
    echoes = [state for state in states if state not in _WEAK]
    weak = [state for state in states if state is not TokenState.ISSUED]
    return (echoes or weak or states or [TokenState.NOT_ISSUED])[-1]


def _name(name: str, side: Side, exchange: Exchange) -> str:
    """Who speaks for a side in a round: itself, or its proxy."""
    handed = side.handed
    return f"{name}'s proxy" if handed is not None and any(leg in handed.legs for leg in exchange.legs) else name


def _echo_of_server(
    exchange: Exchange, echo: bytes, issued: dict[bytes, int | None], unseen_answers: bool, names: Names
) -> TokenEvent:
    if echo not in issued:
        if unseen_answers or not issued:
            text = f"{names.client} echoes a token whose issue this capture does not show"
            return TokenEvent(
                True, TokenState.ISSUED if unseen_answers else TokenState.MISMATCH, exchange, False, text, names
            )
        text = f"{names.client} echoes a token that was never issued"
        return TokenEvent(True, TokenState.MISMATCH, exchange, False, text, names)
    host, now = issued[echo], _host(client_endpoint(exchange))
    if host is not None and now is not None and host != now:
        text = f"the {names.client} echoes it from another host"
        return TokenEvent(True, TokenState.ADDRESS_CHANGED, exchange, False, text, names)
    text = f"{names.server} can now verify that the {names.client}'s address is correct"
    return TokenEvent(True, TokenState.VERIFIED, exchange, False, text, names)


def _as_it_arrives(event: TokenEvent, echo: bytes, heard: HolepunchPayload | None) -> TokenEvent:
    """A relay may take a token out on its way, or put another one in."""
    if heard is None or heard.remote_token == echo:
        return event
    issuer = event.names.server if event.server else event.names.client
    if heard.remote_token is None:
        text = f"a relay takes the token out, and the {issuer} does not get it back"
        return replace(event, state=TokenState.NOT_ECHOED, text=text)
    return replace(event, state=TokenState.MISMATCH, text=f"a relay gives the {issuer} another token than was echoed")


def _as_the_server_sees_it(
    facts: Facts, event: TokenEvent, echo: bytes, own: set[int | None], newest: int
) -> TokenEvent:
    """An equal token may still prove nothing to who issued it."""
    exchange, names = event.exchange, event.names
    if event.state is not TokenState.VERIFIED:
        return event
    host = _host(client_endpoint(exchange))
    if is_not_its(facts, by_server=True, host=host, token=echo):
        text = f"{names.client} echoes what it was given, but the {names.server}'s own secret makes another token"
        return replace(event, state=TokenState.MISMATCH, text=text)
    if ignored := ignored_by_server(facts, exchange, own, newest):
        return replace(event, state=TokenState.NOT_ACCEPTED, text=f"{names.client} echoes the token {ignored}")
    listed = None if exchange.opened is None else exchange.opened.addresses
    if lists_other_hosts(listed, host):
        text = f"the {names.client} echoes it and lists addresses of other hosts only"
        return replace(event, state=TokenState.ADDRESS_CHANGED, text=text)
    if went_elsewhere(facts, exchange, asked_server_endpoint(exchange)):
        text = f"{names.client} echoes the token to a host that is not the {names.server}'s"
        return replace(event, state=TokenState.NOT_ACCEPTED, text=text)
    return event


def _echo_of_client(exchange: Exchange, token: bytes, echo: bytes, names: Names) -> TokenEvent:
    if echo != token:
        text = f"{names.server} echoes a token that was never issued"
        return TokenEvent(False, TokenState.MISMATCH, exchange, True, text, names)
    asked, now = _host(asked_server_endpoint(exchange)), _host(server_endpoint(exchange))
    if asked is not None and now is not None and asked != now:
        text = f"the {names.server} echoes it from another host"
        return TokenEvent(False, TokenState.ADDRESS_CHANGED, exchange, True, text, names)
    listed = None if exchange.reply is None else exchange.reply.addresses
    if listed is not None and not listed:
        text = f"{names.server} echoes the token and lists no address that it could be for"
        return TokenEvent(False, TokenState.NOT_ACCEPTED, exchange, True, text, names)
    if lists_other_hosts(listed, asked):
        text = f"the {names.server} echoes it and lists addresses of other hosts only"
        return TokenEvent(False, TokenState.ADDRESS_CHANGED, exchange, True, text, names)
    text = f"{names.client} can now verify that the {names.server}'s address is correct"
    return TokenEvent(False, TokenState.VERIFIED, exchange, True, text, names)


def client_endpoint(exchange: Exchange) -> int | None:
    """The client's endpoint as the relay of this exchange saw it."""
    for leg in exchange.legs:
        if leg.mode in (FROM_RELAY, FROM_SERVER) and leg.peer is not None:
            return leg.peer
        if leg.mode == REPLY:
            return leg.to
    return None


def asked_server_endpoint(exchange: Exchange) -> int | None:
    """The server's endpoint that the client's request names; else where the relay sent it."""
    first = exchange.first(FROM_CLIENT)
    if first is not None and first.peer is not None:
        return first.peer
    passed = exchange.first(FROM_RELAY)
    return passed.to if passed is not None else None


def server_endpoint(exchange: Exchange) -> int | None:
    """The server's endpoint as the relay of this exchange saw it."""
    reply = exchange.first(REPLY)
    if reply is not None and reply.peer is not None:
        return reply.peer
    passed = exchange.first(FROM_RELAY)
    return passed.to if passed is not None else None


def _host(endpoint: int | None) -> int | None:
    return None if endpoint is None else host_of(endpoint)


def _host_text(host: int | None) -> str:
    return "an address this capture does not show" if host is None else host_text(host & 0xFFFFFFFF)
