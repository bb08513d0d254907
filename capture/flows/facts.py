"""Facts: everything the packets say of one attempt, gathered for the judging and the showing.

Nothing here decides why an attempt failed; it says what was sent, seen, opened, and by which side.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.sides import Sides
from capture.flows.traffic import PunchPacket, SamplePacket, Stream
from protocol.constants import LOW_TTL, ErrorCode, Firewall
from protocol.nat import Classification


@dataclass(slots=True)
class SidePunches:
    """Punches that one side sent, in time order."""

    packets: list[PunchPacket] = field(default_factory=list)
    arrived: list[PunchPacket] = field(default_factory=list)
    """Those that the capture shows at the other side's inside address."""

    @property
    def low(self) -> list[PunchPacket]:
        """Session openers: meant to die on the way."""
        return [packet for packet in self.packets if packet.ttl <= LOW_TTL]

    @property
    def normal(self) -> list[PunchPacket]:
        """Punches meant to arrive."""
        return [packet for packet in self.packets if packet.ttl > LOW_TTL]


@dataclass(slots=True)
class StreamFacts:
    """The UDX stream of an attempt on one path."""

    client_side: int
    """The client's endpoint of the path, as this capture shows it."""
    server_side: int
    up: list[Stream]
    """Client to server."""
    down: list[Stream]
    """Server to client."""

    @property
    def first_ns(self) -> int:
        """Time of the first packet."""
        return min(stream.first_ns for stream in (*self.up, *self.down))

    @property
    def first(self) -> Stream:
        """The direction that spoke first."""
        return min((*self.up, *self.down), key=lambda stream: (stream.first_ns, stream.first_row))

    @property
    def both_ways(self) -> bool:
        """Whether packets of both directions were seen."""
        return bool(self.up) and bool(self.down)


@dataclass(slots=True)
class Facts:
    """One attempt, gathered."""

    attempt: Attempt
    copies: Copies
    sides: Sides
    rounds: list[Exchange]
    client_punches: SidePunches
    server_punches: SidePunches
    streams: list[StreamFacts]
    """Direct paths between client and server, the first one first."""
    client_samples: list[tuple[SamplePacket, int]]
    """Samples of the client's punching sockets, with the endpoint each node saw."""
    server_samples: list[tuple[SamplePacket, int]]
    client_class: Classification
    server_class: Classification
    capture_start_ns: int
    capture_end_ns: int

    @property
    def readable(self) -> bool:
        """Whether any payload could be opened."""
        return any(exchange.opened or exchange.reply for exchange in self.rounds)

    @property
    def sealed(self) -> bool:
        """Whether there are payloads and none could be opened."""
        return bool(self.rounds) and not self.readable

    def firewall(self, client: bool) -> Firewall | None:
        """The last class that a side stated on the wire; fillers in abort payloads do not count."""
        last: Firewall | None = None
        payloads = [exchange.opened if client else exchange.reply for exchange in self.rounds]
        noise = self.attempt.noise1_payload if client else self.attempt.noise2_payload
        if noise is not None and noise.version == 1:
            last = _firewall(noise.firewall)
        for payload in payloads:
            if payload is None or (payload.error != ErrorCode.NONE and payload.firewall == Firewall.UNKNOWN):
                continue
            last = _firewall(payload.firewall)
        return last

    @property
    def same_nat(self) -> bool:
        """Whether relays saw client and server under the same host."""
        return self.sides.same_nat


def _firewall(number: int) -> Firewall | None:
    try:
        return Firewall(number)
    except ValueError:
        return None
