"""The life of the two address tokens of an attempt.

A token is issued for the host of the other side's address and travels sealed. A third party sees it issued in one
payload and echoed in another: equal tokens for the same host mean that the address is verified. The server's token is
issued in its answers and echoed in the client's next requests; the client's is issued in its request and echoed in the
server's answer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.endpoints import host_of
from capture.flows.facts import Facts
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY
from capture.model import TokenState
from capture.table import host_text

MOST_ROUNDS: Final = 64
"""More rounds than any attempt has; a forged round number must not cost time."""


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
    for exchange in facts.rounds:
        request, reply = exchange.opened, exchange.reply
        if request is not None:
            # A round that went over a relay this capture does not show may have brought the token.
            unseen_answers = unseen_answers or not numbers.issuperset(range(min(request.round, MOST_ROUNDS)))
            numbers.add(request.round)
        if request is not None and request.remote_token is not None:
            events.append(_echo_of_server(exchange, request.remote_token, issued, unseen_answers))
        if request is not None and request.token is not None:
            text = f"client issues a token for {_host_text(_host(asked_server_endpoint(exchange)))}"
            events.append(TokenEvent(False, TokenState.ISSUED, exchange, False, text))
        if reply is None:
            unseen_answers = unseen_answers or exchange.answered is None
            continue
        if request is not None and request.token is not None and reply.remote_token is not None:
            events.append(_echo_of_client(exchange, request.token, reply.remote_token))
        if reply.token is not None:
            host = _host(client_endpoint(exchange))
            issued[reply.token] = host
            text = f"server issues a token for {_host_text(host)}"
            events.append(TokenEvent(True, TokenState.ISSUED, exchange, True, text))
    return TokenLives(_final(events, server=True), _final(events, server=False), tuple(events))


def _final(events: list[TokenEvent], *, server: bool) -> TokenState:
    """The state that says most: an echo outweighs being issued, and a later echo an earlier one."""
    states = [event.state for event in events if event.server == server]
    echoes = [state for state in states if state is not TokenState.ISSUED]
    return echoes[-1] if echoes else states[-1] if states else TokenState.NOT_ISSUED


def _echo_of_server(
    exchange: Exchange, echo: bytes, issued: dict[bytes, int | None], unseen_answers: bool
) -> TokenEvent:
    if echo not in issued:
        if unseen_answers or not issued:
            text = "client echoes a token whose issue this capture does not show"
            return TokenEvent(True, TokenState.ISSUED if unseen_answers else TokenState.MISMATCH, exchange, False, text)
        return TokenEvent(True, TokenState.MISMATCH, exchange, False, "client echoes a token that was never issued")
    host, now = issued[echo], _host(client_endpoint(exchange))
    if host is not None and now is not None and host != now:
        return TokenEvent(True, TokenState.ADDRESS_CHANGED, exchange, False, "the client echoes it from another host")
    text = "server can now verify that the client's address is correct"
    return TokenEvent(True, TokenState.VERIFIED, exchange, False, text)


def _echo_of_client(exchange: Exchange, token: bytes, echo: bytes) -> TokenEvent:
    if echo != token:
        return TokenEvent(False, TokenState.MISMATCH, exchange, True, "server echoes a token that was never issued")
    asked, now = _host(asked_server_endpoint(exchange)), _host(server_endpoint(exchange))
    if asked is not None and now is not None and asked != now:
        return TokenEvent(False, TokenState.ADDRESS_CHANGED, exchange, True, "the server echoes it from another host")
    text = "client can now verify that the server's address is correct"
    return TokenEvent(False, TokenState.VERIFIED, exchange, True, text)


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
