"""The fields that are asked of attempts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capture.filter.checks import Held
from capture.filter.fields import Field, Kind, one
from capture.model import Flow, KeySource, Outcome, Path, TokenState, VerdictCode
from capture.nat_class import known_class
from protocol.constants import Firewall


def _firewall(value: int | None) -> tuple[Held, ...]:
    if value is None:
        return ()
    return (Firewall(value).name,) if value in Firewall.__members__.values() else (str(value),)


def _key(flow: Flow) -> str | None:
    key = flow.key.server_public_key
    return key.hex() if key is not None else None


def _client_key(flow: Flow) -> str | None:
    key = flow.key.client_public_key
    return key.hex() if key is not None else None


def flow_text(flow: Flow) -> Iterator[str]:
    """The words of an attempt that a free text is looked for in, each on its own."""
    verdict = flow.verdict
    yield from (flow.id, flow.target.hex(), str(verdict.code), verdict.summary, str(flow.outcome))
    if verdict.application_error:
        yield verdict.application_error
    if flow.path is not None:
        yield str(flow.path)
    for key in (_key(flow), _client_key(flow)):
        if key is not None:
            yield key
    for address in (flow.client, flow.server, *flow.relays):
        if address is not None:
            yield str(address)
    for firewall in (flow.client_firewall, flow.server_firewall):
        yield from map(str, _firewall(firewall))
    yield from (str(flow.client_token), str(flow.server_token))


FIREWALLS: Final = tuple(firewall.name for firewall in Firewall)
TOKENS: Final = tuple(TokenState)

ATTEMPT_FIELDS: Final = (
    Field("verdict", Kind.WORD, "the verdict's code", lambda f: (str(f.verdict.code),), words=tuple(VerdictCode)),
    Field("outcome", Kind.WORD, "how it ended", lambda f: (str(f.outcome),), words=tuple(Outcome)),
    Field("path", Kind.WORD, "the way the stream took", lambda f: one(f.path and str(f.path)), words=tuple(Path)),
    Field("id", Kind.HEX, "the attempt's id", lambda f: (f.shown_id,)),
    Field("key", Kind.HEX, "the server's public key", lambda f: one(_key(f))),
    Field(
        "key.source",
        Kind.WORD,
        "where the key that opened the attempt came from",
        lambda f: one(f.key.source and str(f.key.source)),
        words=tuple(KeySource),
    ),
    Field("client", Kind.ADDRESS, "the client, as the relays saw it", lambda f: one(f.client)),
    Field("client.port", Kind.NUMBER, "its port", lambda f: one(f.client and f.client.port)),
    Field("client.key", Kind.HEX, "the client's public key", lambda f: one(_client_key(f))),
    Field(
        "client.firewall",
        Kind.WORD,
        "the NAT class the client last stated",
        lambda f: _firewall(f.client_firewall),
        words=FIREWALLS,
    ),
    Field(
        "client.nat",
        Kind.WORD,
        "the client's NAT class: stated, or else as samples show it",
        lambda f: _firewall(known_class(f, client=True).firewall),
        words=FIREWALLS,
    ),
    Field("client.token", Kind.WORD, "the token the client issued", lambda f: (str(f.client_token),), words=TOKENS),
    Field(
        "client.probes",
        Kind.NUMBER,
        "punches the client sent",
        lambda f: (f.client_probes.low_ttl + f.client_probes.normal,),
        drawn=True,
    ),
    Field("server", Kind.ADDRESS, "the server, as the relays saw it", lambda f: one(f.server)),
    Field("server.port", Kind.NUMBER, "its port", lambda f: one(f.server and f.server.port)),
    Field(
        "server.firewall",
        Kind.WORD,
        "the NAT class the server last stated",
        lambda f: _firewall(f.server_firewall),
        words=FIREWALLS,
    ),
    Field(
        "server.nat",
        Kind.WORD,
        "the server's NAT class: stated, or else as samples show it",
        lambda f: _firewall(known_class(f, client=False).firewall),
        words=FIREWALLS,
    ),
    Field("server.token", Kind.WORD, "the token the server issued", lambda f: (str(f.server_token),), words=TOKENS),
    Field(
        "server.probes",
        Kind.NUMBER,
        "punches the server sent",
        lambda f: (f.server_probes.low_ttl + f.server_probes.normal,),
        drawn=True,
    ),
    Field("relay", Kind.ADDRESS, "any relay that carried a leg", lambda f: f.relays),
    Field("inferred", Kind.YES_NO, "the verdict is only likely", lambda f: (f.verdict.inferred,)),
    Field(
        "app.error",
        Kind.TEXT,
        "the error that the application saw",
        lambda f: one(f.verdict.application_error),
    ),
    Field("fast_open", Kind.YES_NO, "connected in the probe round", lambda f: (f.fast_open,)),
    Field("rounds", Kind.NUMBER, "how many rounds", lambda f: (len(f.rounds),)),
    Field(
        "retransmissions",
        Kind.NUMBER,
        "messages sent again",
        lambda f: (sum(message.retransmission for message in f.messages),),
        drawn=True,
    ),
    Field("started", Kind.NUMBER, "epoch seconds of the first packet", lambda f: (f.started,)),
    Field("duration", Kind.NUMBER, "seconds from first to last packet", lambda f: (f.duration,)),
    Field("messages", Kind.NUMBER, "how many dht-rpc messages", lambda f: (len(f.messages),), drawn=True),
)
"""Fields of attempts alone, the most asked first."""


def rounds_of(flow: Flow) -> tuple[Held, ...]:
    """Round numbers stated in payloads of an attempt."""
    return tuple(each.round for each in flow.rounds if each.round is not None)


def tokens_of(flow: Flow) -> tuple[Held, ...]:
    """The state of either side's token."""
    return str(flow.client_token), str(flow.server_token)
