"""Attempts under construction: what the assembler joins and the judging reads.

An attempt is one noise message 1. Its exchanges are relayed request/answer pairs: the handshake over each relay it was
tried through, and each PEER_HOLEPUNCH round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capture.flow import KeySource, Sighting
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, NO_VALUE, REPLY, Leg
from protocol.constants import Command

if TYPE_CHECKING:
    from protocol.messages import HolepunchPayload, NoisePayload


@dataclass(slots=True, eq=False)
class Exchange:
    """One relayed request with all its legs, retransmissions and answers."""

    command: int
    tid: int
    target: bytes | None
    body: bytes
    """The noise message 1 or the sealed payload that the request carries."""
    legs: list[Leg] = field(default_factory=list)
    last_ns: int = 0
    """Time of the last of them."""
    answers: list[bytes] = field(default_factory=list)
    """Distinct answer bodies, in the order they were first seen."""
    hid: int = 0
    whole: bool = True
    """`body` is all of it; else the capture cut it, and it can't be opened."""
    owner: Attempt | None = None
    proven: bool = False
    """The secret of its owner opens it."""
    opened: HolepunchPayload | None = None
    reply: HolepunchPayload | None = None
    """The first answer that opens; retransmissions seal the same fields again."""
    heard: HolepunchPayload | None = None
    """What the server got in the place of `opened`, where a relay was seen to change it."""
    heard_reply: HolepunchPayload | None = None
    """What the client got in the place of `reply`, where a relay was seen to change it."""
    opened_reason: str = ""
    reply_reason: str = ""

    @property
    def started_ns(self) -> int:
        """Time of the first leg."""
        return self.legs[0].time_ns

    def legs_of(self, mode: int) -> list[Leg]:
        """The legs of one mode, in time order."""
        return [leg for leg in self.legs if leg.mode == mode]

    def first(self, mode: int) -> Leg | None:
        """The first leg of one mode."""
        for leg in self.legs:
            if leg.mode == mode:
                return leg
        return None

    @property
    def answered(self) -> Leg | None:
        """The REPLY that reached the client, or, where the capture does not show that, the server's answer."""
        return self.first(REPLY) or self.first(FROM_SERVER)

    @property
    def no_route(self) -> Leg | None:
        """The answer of a relay that knows no route to the target."""
        return self.first(NO_VALUE)

    @property
    def relay(self) -> int | None:
        """The endpoint of the relay that the client sent to."""
        for leg in self.legs:
            if leg.mode == FROM_CLIENT:
                return leg.dst
            if leg.mode == REPLY:
                return leg.src
        for leg in self.legs:
            if leg.mode == FROM_RELAY:
                return leg.src
            if leg.mode == FROM_SECOND_RELAY and leg.relay is not None:
                return leg.relay
        return next((leg.dst for leg in self.legs if leg.mode == FROM_SERVER), None)


@dataclass(slots=True, eq=False)
class Attempt:
    """One connection attempt of a client to a server."""

    id: bytes
    target: bytes
    noise1: bytes
    """Noise message 1, which names the attempt; a stand-in where the capture starts after the handshake."""
    handshakes: list[Exchange] = field(default_factory=list)
    holepunches: list[Exchange] = field(default_factory=list)
    search_rows: list[int] = field(default_factory=list)
    """Rows of FIND_PEER requests and their responses, in time order."""
    found_rows: list[int] = field(default_factory=list)
    """Those of `search_rows` that carry the server's record."""
    asked: set[int] = field(default_factory=set)
    """Nodes that FIND_PEER was sent to."""
    started_ns: int = 0
    """Time of the first handshake leg."""

    key_source: KeySource | None = None
    server_public_key: bytes | None = None
    key_proof: Sighting | None = None
    handshake_hash: bytes | None = None
    holepunch_secret: bytes | None = None
    plaintexts: dict[bytes, bytes] = field(default_factory=dict)
    """What `holepunch_secret` opened, by the sealed payload."""
    key_reason: str = ""
    secret_from: str = ""
    """Lines of a key log that told the holepunch secret; empty where it was rebuilt."""
    noise_from: str = ""
    """What opened the noise messages."""
    noise1_payload: NoisePayload | None = None
    noise1_plaintext: bytes | None = None
    noise1_reason: str = ""
    noise2_payload: NoisePayload | None = None
    noise2_plaintext: bytes | None = None
    noise2_reason: str = ""
    client_public_key: bytes | None = None
    token_secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """Local token secrets that key logs gave, by side."""
    announced_relays: set[int] = field(default_factory=set)
    """Relays that the server's record or its announcements name."""

    @property
    def legs(self) -> list[Leg]:
        """All legs, exchange by exchange."""
        return [leg for exchange in (*self.handshakes, *self.holepunches) for leg in exchange.legs]

    @property
    def whole(self) -> bool:
        """Whether noise message 1 is all there; where the capture cut it, it only tells attempts apart."""
        return all(exchange.whole for exchange in self.handshakes)

    @property
    def noise2(self) -> bytes | None:
        """Noise message 2, once any leg carried it."""
        for exchange in self.handshakes:
            if exchange.answers:
                return exchange.answers[0]
        return None

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges, oldest first."""
        return sorted((*self.handshakes, *self.holepunches), key=lambda exchange: exchange.legs[0].time_ns)

    @property
    def last_ns(self) -> int:
        """Time of the last relayed leg."""
        return max(exchange.last_ns for exchange in (*self.handshakes, *self.holepunches))

    @property
    def handshake_answered(self) -> Exchange | None:
        """The handshake whose answer was seen first."""
        first: Exchange | None = None
        first_ns = 0
        for exchange in self.handshakes:
            answer = exchange.answered
            if answer is not None and (first is None or answer.time_ns < first_ns):
                first, first_ns = exchange, answer.time_ns
        return first

    def rounds(self) -> list[Exchange]:
        """PEER_HOLEPUNCH exchanges, oldest first."""
        return sorted(self.holepunches, key=lambda exchange: exchange.legs[0].time_ns)


def is_handshake(exchange: Exchange) -> bool:
    """Whether an exchange is a PEER_HANDSHAKE."""
    return exchange.command == Command.PEER_HANDSHAKE


def client_hosts(exchanges: Iterable[Exchange]) -> set[int]:
    """Hosts that the client of these exchanges was seen to have, inside and outside."""
    hosts: set[int] = set()
    for exchange in exchanges:
        for leg in exchange.legs:
            hosts.update(leg.client_hosts)
    return hosts
