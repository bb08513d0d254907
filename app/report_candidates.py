"""Candidates and the life of tokens, as the JSON report has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from capture.candidate_list import Candidate, Tried
from capture.model import Sighting
from capture.token_life import TokenEvent

Json = dict[str, Any]
T = TypeVar("T")
Place = Callable[[Sighting], Json]
"""A packet as the report names it."""
Seconds = Callable[[float], float]
"""Seconds at the resolution of the report."""


def candidate(one: Candidate, place: Place, seconds: Seconds) -> Json:
    """An address that a side could be reached at, and what came of it."""
    return {
        "of": _side(one.of_server),
        "address": str(one.address),
        "sources": [str(source) for source in one.sources],
        "state": str(one.state),
        "known": _or_none(one.known, seconds),
        "verified": _or_none(one.verified, seconds),
        "sent": _tried(one.sent, seconds),
        "received": _tried(one.received, seconds),
        "unproven": one.unproven,
        "named": _or_none(one.named, place),
        "tried": _or_none(one.tried, place),
        "hit": _or_none(one.hit, place),
    }


def token_event(one: TokenEvent, place: Place, seconds: Seconds) -> Json:
    """A token that was issued, or its echo."""
    return {
        "of": _side(one.by_server),
        "event": "echoed" if one.echo else "issued",
        "state": str(one.state),
        "token": one.token.hex(),
        "round": one.round,
        "in_reply": one.in_reply,
        "time": seconds(one.time),
        "address": _or_none(one.address, str),
        "age": _or_none(one.age, seconds),
        "recomputed": one.recomputed,
        **place(one.sighting),
    }


def _tried(tried: Tried, seconds: Seconds) -> Json:
    return {
        "low_ttl": tried.low_ttl,
        "normal": tried.normal,
        "pings": tried.pings,
        "arrived": tried.arrived,
        "ports": tried.ports,
        "sockets": tried.sockets,
        "ttls": list(tried.ttls),
        "first": _or_none(tried.first, seconds),
        "last": _or_none(tried.last, seconds),
        "arrival": _or_none(tried.arrival, seconds),
    }


def _side(is_server: bool) -> str:
    return "server" if is_server else "client"


def _or_none(value: T | None, made: Callable[[T], Any]) -> Any:
    return None if value is None else made(value)
