"""The life of the tokens of an attempt as values: who issued which for whom, and who gave it back."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from capture.flows.attempt import Exchange
from capture.flows.endpoints import address_of
from capture.flows.facts import Facts
from capture.flows.legs import FROM_SERVER, Leg
from capture.flows.tokens import (
    TokenEvent as Happened,
)
from capture.flows.tokens import (
    TokenLives,
    asked_server_endpoint,
    client_endpoint,
    server_endpoint,
)
from capture.table import PacketTable
from capture.token_life import TokenEvent
from protocol.address import Address

_NS: Final = 1e9


def token_events(table: PacketTable, facts: Facts, lives: TokenLives) -> tuple[TokenEvent, ...]:
    """Every issue and every echo, in the order of the rounds."""
    issued: dict[tuple[bool, bytes], float] = {}
    events = []
    for happened in lives.events:
        token = _token(happened)
        if token is None:
            continue
        leg = _carrier(happened.exchange, in_reply=happened.in_reply)
        time = leg.time_ns / _NS
        echo = happened.in_reply != happened.server
        name = (happened.server, token)
        if not echo:
            issued.setdefault(name, time)
        endpoint = _endpoint(happened, echo=echo)
        address = None if endpoint is None else address_of(table, endpoint)
        events.append(
            TokenEvent(
                happened.server,
                echo,
                happened.state,
                token,
                facts.rounds.index(happened.exchange),
                happened.in_reply,
                time,
                address,
                time - issued[name] if echo and name in issued else None,
                _recomputed(facts.attempt.token_secrets, happened.server, address, token),
                facts.copies.sighting(leg.row),
            )
        )
    return tuple(events)


def _token(happened: Happened) -> bytes | None:
    """The token that an event is about."""
    payload = happened.exchange.reply if happened.in_reply else happened.exchange.opened
    if payload is None:
        return None
    return payload.token if happened.in_reply == happened.server else payload.remote_token


def _carrier(exchange: Exchange, *, in_reply: bool) -> Leg:
    """The first leg seen of the half that carries a token."""
    if not in_reply:
        return exchange.legs[0]
    return exchange.first(FROM_SERVER) or exchange.answered or exchange.legs[-1]


def _endpoint(happened: Happened, *, echo: bool) -> int | None:
    exchange = happened.exchange
    if happened.server:
        return client_endpoint(exchange)
    return server_endpoint(exchange) if echo else asked_server_endpoint(exchange)


def _recomputed(
    secrets: dict[str, tuple[bytes, ...]], by_server: bool, address: Address | None, token: bytes
) -> bool | None:
    """Whether the issuer's secret makes the token of the host: BLAKE2b-256(host as text, key = secret).

    Source: npm hyperdht 6.34.0 (lib/secure-payload.js).
    """
    known = secrets.get("server" if by_server else "client", ())
    if not known or address is None:
        return None
    return any(blake2b(address.host.encode(), digest_size=32, key=secret).digest() == token for secret in known)
