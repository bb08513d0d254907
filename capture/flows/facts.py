"""Facts: everything the packets say of one attempt, gathered for the judging and the showing.

Nothing here decides why an attempt failed; it says what was sent, seen, opened, and by which side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import plain_address
from capture.flows.legs import FROM_CLIENT
from capture.flows.once import once
from capture.flows.sides import Sides
from capture.flows.traffic import PunchPacket, SamplePacket, Stream
from protocol.constants import ErrorCode, Firewall
from protocol.nat import Classification, classify

_FIREWALLS: Final = {int(known): known for known in Firewall}
_UNKNOWN: Final = int(Firewall.UNKNOWN)
_NO_ERROR: Final = int(ErrorCode.NONE)

Samples = list[tuple[SamplePacket, int]]
"""Sample packets, each with the endpoint that the node saw."""


@dataclass(slots=True)
class SidePunches:
    """Punches that one side sent, in time order."""

    packets: list[PunchPacket] = field(default_factory=list)
    arrived: list[PunchPacket] = field(default_factory=list)
    """Those that the capture shows at the other side's inside address."""

    @property
    def low(self) -> list[PunchPacket]:
        """Session openers: meant to die on the way."""
        return [packet for packet in self.packets if packet.is_low]

    @property
    def normal(self) -> list[PunchPacket]:
        """Punches meant to arrive."""
        return [packet for packet in self.packets if not packet.is_low]


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
class Passed:
    """UDX packets of an attempt's stream on the link between a side and its proxy."""

    to_proxy: list[Stream]
    from_proxy: list[Stream]

    @property
    def both_ways(self) -> bool:
        """Whether packets of both directions were seen."""
        return bool(self.to_proxy) and bool(self.from_proxy)

    @property
    def first(self) -> Stream | None:
        """The direction that spoke first."""
        both = (*self.to_proxy, *self.from_proxy)
        return min(both, key=lambda stream: (stream.first_ns, stream.first_row), default=None)


@dataclass
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
    find_samples: Callable[[], tuple[Samples, Samples]]
    """Looks the samples up: few verdicts need them."""
    capture_start_ns: int
    capture_end_ns: int
    client_passed: Passed | None = None
    """The stream between the client and its proxy; None where it has none."""
    server_passed: Passed | None = None

    @once
    def _samples(self) -> tuple[Samples, Samples]:
        return self.find_samples()

    @property
    def client_samples(self) -> Samples:
        """Samples of the client's punching sockets, with the endpoint each node saw."""
        return self._samples[0]

    @property
    def server_samples(self) -> Samples:
        """Samples of the server's punching sockets."""
        return self._samples[1]

    @once
    def client_class(self) -> Classification:
        """What nat.js makes of the client's samples."""
        return classify_samples(self.client_samples)

    @once
    def server_class(self) -> Classification:
        """What nat.js makes of the server's samples."""
        return classify_samples(self.server_samples)

    @once
    def last_ns(self) -> int:
        """Time of the last leg or punch, and of the stream's first packets: what the attempt itself took."""
        times = [self.attempt.last_ns]
        times += [
            punches.packets[-1].time_ns for punches in (self.client_punches, self.server_punches) if punches.packets
        ]
        times += [stream.first_ns for path in self.streams for stream in (*path.up, *path.down)]
        handed = (self.sides.client.handed, self.sides.server.handed)
        times += [packet.time_ns for one in handed if one is not None for packet in one.packets]
        passed = (self.client_passed, self.server_passed)
        times += [one.first.first_ns for one in passed if one is not None and one.first is not None]
        return max(times)

    @property
    def client_visible(self) -> bool:
        """Whether the capture shows what the client sends to anyone, so that its silence means something.

        What stands at one relay shows the client talking to that relay alone.
        """
        reached = set(self.attempt.asked)
        reached.update(packet.dst for packet in self.client_punches.packets)
        for exchange in (*self.attempt.handshakes, *self.rounds):
            reached.update(leg.dst for leg in exchange.legs if leg.mode == FROM_CLIENT)
        return len(reached) > 1

    @property
    def one_relay_only(self) -> bool:
        """Whether the capture shows nothing but the legs of one relay: another relay may have fared better."""
        relays = self.sides.relays
        return len(relays) == 1 and not self.client_visible

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
        for exchange in reversed(self.rounds):
            payload = exchange.opened if client else exchange.reply
            if payload is None or (payload.error != _NO_ERROR and payload.firewall == _UNKNOWN):
                continue
            return _FIREWALLS.get(payload.firewall)
        noise = self.attempt.noise1_payload if client else self.attempt.noise2_payload
        return _FIREWALLS.get(noise.firewall) if noise is not None and noise.version == 1 else None

    @property
    def same_nat(self) -> bool:
        """Whether relays saw client and server under the same host."""
        return self.sides.same_nat


def classify_samples(samples: Samples) -> Classification:
    """Classify by the socket that has most samples: the reference starts anew when it opens another."""
    if not samples:
        return classify(())
    sockets = Counter(sample.socket for sample, _ in samples)
    last = max(sockets, key=lambda socket: (min(sockets[socket], 3), _last_row(samples, socket)))
    return classify(
        (plain_address(seen_as), plain_address(sample.seen_by)) for sample, seen_as in samples if sample.socket == last
    )


def _last_row(samples: Samples, socket: int) -> int:
    return max(sample.row for sample, _ in samples if sample.socket == socket)
