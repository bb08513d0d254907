"""Facts: everything the packets say of one attempt, gathered for the judging and the showing.

Nothing here decides why an attempt failed; it says what was sent, seen, opened, and by which side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.endpoints import endpoint_of, host_of, is_private, plain_address
from capture.flows.sides import Side, Sides, find_sides
from capture.flows.traffic import PunchPacket, SamplePacket, Stream, Traffic
from protocol.constants import LOW_TTL, ErrorCode, Firewall, Mode
from protocol.errors import DecodeError
from protocol.messages import HolepunchPayload
from protocol.nat import Classification, classify
from protocol.sealed_values import decode_holepunch_payload
from protocol.secretbox import open_payload

SAMPLING_NS = 2_000_000_000
"""How long before its first PEER_HOLEPUNCH a socket may have been sampled."""


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
        sides = self.sides
        return (
            sides.client_address is not None
            and sides.server_address is not None
            and host_of(sides.client_address) == host_of(sides.server_address)
        )


def _firewall(number: int) -> Firewall | None:
    try:
        return Firewall(number)
    except ValueError:
        return None


def open_rounds(attempt: Attempt) -> None:
    """Open every payload of an attempt that is still closed and can be opened."""
    for exchange in attempt.holepunches:
        if exchange.opened is None:
            exchange.opened, exchange.opened_reason = _open(attempt, exchange.body)
        if exchange.reply is None:
            for answer in exchange.answers:
                exchange.reply, exchange.reply_reason = _open(attempt, answer)
                if exchange.reply is not None:
                    break
            else:
                exchange.reply_reason = exchange.reply_reason or "no answer seen"


def _open(attempt: Attempt, sealed: bytes) -> tuple[HolepunchPayload | None, str]:
    if attempt.holepunch_secret is None:
        return None, attempt.key_reason
    plaintext = open_payload(attempt.holepunch_secret, sealed)
    if plaintext is None:
        return None, "the attempt's secret does not open it: altered, cut, or of another attempt"
    try:
        return decode_holepunch_payload(plaintext), ""
    except DecodeError as error:
        return None, f"opened, but malformed: {error}"


class Gatherer:
    """Gathers the facts of attempts; knows which attempt an endpoint belongs to at which time."""

    def __init__(self, traffic: Traffic, copies: Copies) -> None:
        self._traffic = traffic
        self._copies = copies
        self._claims: dict[int, list[tuple[int, Attempt]]] = {}
        self.claimed: dict[int, set[bytes]] = {}
        """Noise message 1 of the attempts that an endpoint belongs to."""

    def claim(self, attempt: Attempt) -> Sides:
        """Open what can be opened and say which endpoints the attempt uses; to be called before `gather`."""
        open_rounds(attempt)
        sides = find_sides(attempt, self._copies)
        started = attempt.started_ns
        for endpoint in sides.client.endpoints | sides.server.endpoints:
            names = self.claimed.setdefault(endpoint, set())
            if attempt.noise1 not in names:
                names.add(attempt.noise1)
                claims = self._claims.setdefault(endpoint, [])
                claims.append((started, attempt))
                claims.sort(key=lambda claim: claim[0])
        return sides

    def owns(self, attempt: Attempt, endpoint: int, time_ns: int) -> bool:
        """Whether `attempt` is the last one that took `endpoint` before a time."""
        owner: Attempt | None = None
        for started, candidate in self._claims.get(endpoint, ()):
            if started > time_ns:
                break
            owner = candidate
        return owner is attempt

    def gather(self, attempt: Attempt, sides: Sides, capture_start_ns: int, capture_end_ns: int) -> Facts:
        """All facts of an attempt."""
        client_punches, server_punches = self._punches(attempt, sides)
        streams = self._streams(attempt, sides, client_punches, server_punches)
        client_samples, server_samples = self._samples(attempt, sides)
        return Facts(
            attempt,
            self._copies,
            sides,
            attempt.rounds(),
            client_punches,
            server_punches,
            streams,
            client_samples,
            server_samples,
            _classify(client_samples),
            _classify(server_samples),
            capture_start_ns,
            capture_end_ns,
        )

    def _punches(self, attempt: Attempt, sides: Sides) -> tuple[SidePunches, SidePunches]:
        client, server = SidePunches(), SidePunches()
        seen: set[int] = set()
        started = attempt.started_ns
        ours = sides.client.punching | sides.server.punching
        for endpoint in ours:
            for punch in self._traffic.punches_by_endpoint.get(endpoint, ()):
                if punch.row in seen or punch.time_ns < started or not self.owns(attempt, endpoint, punch.time_ns):
                    continue
                sources = self._copies.sources(punch.row, punch.src)
                destinations = self._copies.destinations(punch.row, punch.dst)
                sender = _sender(sides, sources, destinations)
                if sender is None:
                    continue
                seen.add(punch.row)
                punches, receiver = (client, sides.server) if sender is sides.client else (server, sides.client)
                punches.packets.append(punch)
                inside = receiver.inside_hosts
                if any(host_of(destination) in inside for destination in destinations):
                    punches.arrived.append(punch)
        for punches in (client, server):
            punches.packets.sort(key=lambda packet: packet.row)
            punches.arrived.sort(key=lambda packet: packet.row)
        return client, server

    def _streams(
        self, attempt: Attempt, sides: Sides, client_punches: SidePunches, server_punches: SidePunches
    ) -> list[StreamFacts]:
        client = set(sides.client.endpoints)
        server = set(sides.server.endpoints)
        for punch in client_punches.packets:
            client.update(self._copies.sources(punch.row, punch.src))
            server.update(self._copies.destinations(punch.row, punch.dst))
        for punch in server_punches.packets:
            server.update(self._copies.sources(punch.row, punch.src))
            client.update(self._copies.destinations(punch.row, punch.dst))
        answered = attempt.handshake_answered
        since = answered.started_ns if answered is not None else attempt.started_ns
        paths: dict[tuple[int, int], StreamFacts] = {}
        seen: set[int] = set()
        for endpoint in sides.client.endpoints | sides.server.endpoints:
            for stream in self._traffic.streams_by_endpoint.get(endpoint, ()):
                if id(stream) in seen or stream.first_ns < since or not self.owns(attempt, endpoint, stream.first_ns):
                    continue
                direction = self._direction(stream, sides, client, server)
                if direction is None:
                    continue
                seen.add(id(stream))
                upwards = direction is sides.client
                ends = (stream.src, stream.dst) if upwards else (stream.dst, stream.src)
                path = paths.setdefault(ends, StreamFacts(*ends, [], []))
                (path.up if upwards else path.down).append(stream)
        return sorted(_merge_nat_paths(list(paths.values()), sides), key=lambda path: path.first_ns)

    def _direction(self, stream: Stream, sides: Sides, client: set[int], server: set[int]) -> Side | None:
        """The side that sends a stream between this client and this server; None when it is between others."""
        from_client, to_server = bool(stream.sources & client), bool(stream.destinations & server)
        from_server, to_client = bool(stream.sources & server), bool(stream.destinations & client)
        if from_client and to_server:
            return sides.client
        if from_server and to_client:
            return sides.server
        source_hosts = {host_of(endpoint) for endpoint in stream.sources}
        destination_hosts = {host_of(endpoint) for endpoint in stream.destinations}
        client_hosts, server_hosts = sides.client.hosts, sides.server.hosts
        if (from_client and destination_hosts & server_hosts) or (to_server and source_hosts & client_hosts):
            return sides.client
        if (from_server and destination_hosts & client_hosts) or (to_client and source_hosts & server_hosts):
            return sides.server
        if _same_lan(sides, stream):
            if from_client or to_server:
                return sides.client
            if from_server or to_client:
                return sides.server
        return None

    def _samples(
        self, attempt: Attempt, sides: Sides
    ) -> tuple[list[tuple[SamplePacket, int]], list[tuple[SamplePacket, int]]]:
        rounds = attempt.rounds()
        if not rounds and attempt.noise2 is None:
            return [], []
        start = attempt.started_ns - SAMPLING_NS
        stop = attempt.last_ns + SAMPLING_NS
        client_sockets, server_sockets = sides.client.punching, sides.server.punching - sides.server.main
        found = self._traffic.samples(client_sockets | server_sockets, start, stop)
        result: tuple[list[tuple[SamplePacket, int]], list[tuple[SamplePacket, int]]] = ([], [])
        for mine, sockets in zip(result, (client_sockets, server_sockets), strict=True):
            rows: set[int] = set()
            for socket in sockets:
                for sample in found.get(socket, ()):
                    if sample.row not in rows:
                        rows.add(sample.row)
                        mine.append((sample, self._traffic.seen_as(sample.row)))
        for exchange in rounds:
            for leg in exchange.legs_of(Mode.FROM_RELAY):
                if leg.dst in server_sockets:
                    result[1].append((SamplePacket(leg.row, leg.time_ns, leg.dst, leg.src), leg.to))
        for mine in result:
            mine.sort(key=lambda pair: pair[0].row)
        return result


def _sender(sides: Sides, sources: list[int], destinations: list[int]) -> Side | None:
    client, server = sides.client.punching, sides.server.punching
    score = 0
    for source in sources:
        score += (source in client) - (source in server)
    for destination in destinations:
        score += (destination in server) - (destination in client)
    return sides.client if score > 0 else sides.server if score < 0 else None


def _same_lan(sides: Sides, stream: Stream) -> bool:
    """Whether both ends are private while relays saw client and server under one host."""
    if sides.client_address is None or sides.server_address is None:
        return False
    if host_of(sides.client_address) != host_of(sides.server_address):
        return False
    return is_private(host_of(stream.src)) and is_private(host_of(stream.dst))


def _merge_nat_paths(paths: list[StreamFacts], sides: Sides) -> list[StreamFacts]:
    """Join the two directions of one path when each was seen on another side of a NAT."""
    whole = [path for path in paths if path.both_ways]
    ups = [path for path in paths if path.up and not path.down]
    downs = [path for path in paths if path.down and not path.up]
    for up in ups:
        match = next((down for down in downs if _one_path(up, down, sides)), None)
        if match is None:
            whole.append(up)
            continue
        downs.remove(match)
        whole.append(StreamFacts(up.client_side, match.server_side, up.up, match.down))
    return whole + downs


def _one_path(up: StreamFacts, down: StreamFacts, sides: Sides) -> bool:
    """Whether an upward and a downward half share an end, at some sighting, and the other ends can be one socket."""
    up_sources = set().union(*(stream.sources for stream in up.up))
    up_destinations = set().union(*(stream.destinations for stream in up.up))
    down_sources = set().union(*(stream.sources for stream in down.down))
    down_destinations = set().union(*(stream.destinations for stream in down.down))
    if up_sources & down_destinations or up_destinations & down_sources:
        return True
    return bool(up_sources & sides.client.endpoints and down_destinations & sides.client.endpoints)


def _classify(samples: list[tuple[SamplePacket, int]]) -> Classification:
    """Classify by the socket that has most samples: the reference starts anew when it opens another."""
    if not samples:
        return classify(())
    sockets = Counter(sample.socket for sample, _ in samples)
    last = max(sockets, key=lambda socket: (min(sockets[socket], 3), _last_row(samples, socket)))
    return classify(
        (plain_address(seen_as), plain_address(sample.seen_by)) for sample, seen_as in samples if sample.socket == last
    )


def _last_row(samples: list[tuple[SamplePacket, int]], socket: int) -> int:
    return max(sample.row for sample, _ in samples if sample.socket == socket)


def given_addresses(payload: HolepunchPayload | None) -> list[int]:
    """Endpoints that a payload announces."""
    return [endpoint_of(address) for address in (payload.addresses if payload is not None else None) or ()]
