"""Gathering: the punches, streams and NAT samples that belong to an attempt.

Sockets outlive attempts: a server's DHT socket takes part in all of them. A punch or stream belongs to the attempt
that began last before it, among those whose two sides it fits.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.endpoints import host_claim, host_of, host_of_claim, is_private
from capture.flows.facts import Facts, Passed, Samples, SidePunches, StreamFacts
from capture.flows.handoffs import LINKING_NS, Handed, HandoffPacket
from capture.flows.joining import SKEW_NS
from capture.flows.legs import FROM_RELAY
from capture.flows.matching import Fit, join_paths, punch_fit, stream_fit
from capture.flows.payloads import open_rounds
from capture.flows.sides import Sides, find_sides
from capture.flows.traffic import OPENING_NS, SAMPLING_NS, PunchPacket, SamplePacket, Stream, Traffic

LOCAL_PING_NS: Final = 5_000_000_000
"""How long after the handshake's answer a client may ping the server locally and connect: four sends, 1 s apart."""

_FEW: Final = 8
"""Claims on one endpoint that are as quickly looked through as looked up."""
_Claim = tuple[int, bytes]
"""Start and noise message 1 of an attempt."""
_UNCLAIMED: Final[list[_Claim]] = []
"""The claims on an endpoint of no attempt; nothing is ever added to it."""

_Ends = tuple[list[int], list[int]]
"""Source and destination endpoints of a datagram, one of each for every sighting."""


class Gatherer:
    """Gathers the facts of attempts; knows which attempts an endpoint takes part in."""

    def __init__(self, traffic: Traffic, copies: Copies) -> None:
        self._traffic = traffic
        self._copies = copies
        self._sides: dict[bytes, Sides] = {}
        self._claims: dict[int, list[_Claim]] = {}
        """By the attempts of an endpoint, oldest first."""
        self._sampling: dict[int, dict[bytes, None]] = {}
        """Of endpoints with many claims, the attempts of which a response to them can be a sample."""

    def claim(self, attempt: Attempt) -> set[int]:
        """Open what can be opened and note the endpoints the attempt uses; to be called before `gather`.

        Returns:
            Those that it had not claimed before.
        """
        open_rounds(attempt)
        sides = find_sides(attempt, self._copies, self._handoffs(attempt))
        if sides.same_nat:
            sides.local = self._reached_locally(attempt, sides)
            sides.server.main |= sides.local
        before = self._sides.get(attempt.noise1)
        self._sides[attempt.noise1] = sides
        claim = (attempt.started_ns, attempt.noise1)
        new = _disputed(before, sides)
        hosts = set(map(host_claim, sides.client.hosts))
        for endpoint in sides.client.endpoints | sides.server.endpoints | sides.link_ends | hosts:
            claims = self._claims.setdefault(endpoint, [])
            if not claims or claims[-1] < claim:
                claims.append(claim)
                new.add(endpoint)
            elif not _has(claims, claim):
                insort(claims, claim)
                new.add(endpoint)
            self._note_sampling(endpoint, attempt.noise1)
        return new

    def _note_sampling(self, endpoint: int, noise1: bytes) -> None:
        claims = self._claims[endpoint]
        if len(claims) <= _FEW:
            return
        known = self._sampling.get(endpoint)
        if known is None:
            known = self._sampling[endpoint] = {}
            known.update((other, None) for _, other in claims if endpoint in _sampling(self._sides[other]))
        elif endpoint in _sampling(self._sides[noise1]):
            known[noise1] = None

    def _handoffs(self, attempt: Attempt) -> list[HandoffPacket]:
        """Hand-offs that may be an attempt's."""
        if not self._traffic.handoffs:
            return []
        early = SKEW_NS if attempt.handshakes else LINKING_NS
        return self._traffic.handoffs_between(attempt.started_ns - early, attempt.last_ns + LINKING_NS)

    def _reached_locally(self, attempt: Attempt, sides: Sides) -> set[int]:
        """Sockets that the client pinged right after the handshake and that then spoke UDX with its host.

        A client that shares its public address with the server pings the server's local address, from its DHT socket;
        the stream then runs between two sockets that no relay ever saw.
        """
        answered = attempt.handshake_answered
        if answered is None or answered.answered is None:
            return set()
        since = answered.answered.time_ns
        until = since + LOCAL_PING_NS
        relays = sides.relays
        reached: set[int] = set()
        for pinged_ns, target in self._traffic.pinged(sides.client.main, since, until):
            for stream in self._traffic.streams_by_endpoint.get(target, ()) if target not in relays else ():
                other = stream.sources if target in stream.destinations else stream.destinations
                if pinged_ns < stream.first_ns < until and not sides.client.hosts.isdisjoint(map(host_of, other)):
                    reached.add(target)
        return reached

    def release(self, noise1: bytes) -> None:
        """Give up every claim of an attempt that is no more."""
        sides = self._sides.pop(noise1, None)
        if sides is not None:
            for attempts in self._sampling.values():
                attempts.pop(noise1, None)
            for endpoint, claims in self._claims.items():
                self._claims[endpoint] = [claim for claim in claims if claim[1] != noise1]

    def claimants(self, endpoint: int) -> set[bytes]:
        """Noise message 1 of every attempt that uses an endpoint."""
        return {noise1 for _, noise1 in self._claims.get(endpoint, ())}

    def few_claimants(self, endpoint: int) -> list[bytes] | None:
        """Noise message 1 of every attempt that uses an endpoint; None if they are many."""
        claims = self._claims.get(endpoint, _UNCLAIMED)
        return [noise1 for _, noise1 in claims] if len(claims) <= _FEW else None

    def has_claimed(self, noise1: bytes) -> bool:
        """Whether `claim` was called for an attempt."""
        return noise1 in self._sides

    def claimants_among(self, endpoint: int, among: Collection[bytes]) -> list[bytes]:
        """Those of some attempts that use an endpoint."""
        if len(self._claims.get(endpoint, ())) < len(among):
            return [noise1 for noise1 in self.claimants(endpoint) if noise1 in among]
        return [noise1 for noise1 in among if noise1 in self._sides and _uses(self._sides[noise1], endpoint)]

    def sampling(self, endpoint: int) -> Iterable[bytes]:
        """Noise message 1 of the attempts that a response to an endpoint may say something of."""
        known = self._sampling.get(endpoint)
        return [noise1 for _, noise1 in self._claims.get(endpoint, _UNCLAIMED)] if known is None else known

    def began_before(self, endpoints: list[int], time_ns: int) -> set[tuple[int, bytes]]:
        """Start and noise message 1 of the attempts that use any of some endpoints and began by then."""
        found: set[tuple[int, bytes]] = set()
        for endpoint in endpoints:
            claims = self._claims.get(endpoint, _UNCLAIMED)
            found.update(claims[: bisect_right(claims, (time_ns, b"\xff" * 64))])
        return found

    def opened_by_sides(self, attempt: Attempt) -> list[bytes]:
        """Attempts that the client or the server of an attempt began right after it, as to a blind relay."""
        sides = self._sides[attempt.noise1]
        start, stop = (attempt.started_ns, b""), (attempt.started_ns + OPENING_NS, b"")
        found: dict[bytes, None] = {}
        for host in sides.client.hosts | sides.server.hosts:
            claims = self._claims.get(host_claim(host), [])
            for _, noise1 in claims[bisect_left(claims, start) : bisect_left(claims, stop)]:
                found[noise1] = None
        return list(found)

    def gather(self, attempt: Attempt, capture_start_ns: int, capture_end_ns: int) -> Facts:
        """All facts of an attempt."""
        sides = self._sides[attempt.noise1]
        client_punches, server_punches = self._punches(attempt, sides)
        streams = self._streams(attempt, sides, client_punches, server_punches)
        sides = self._decided(attempt, sides, streams)
        own_ids = {stream.udx_id for path in streams for stream in (*path.up, *path.down)}
        return Facts(
            attempt,
            self._copies,
            sides,
            attempt.rounds(),
            client_punches,
            server_punches,
            streams,
            partial(self._samples, attempt, sides),
            capture_start_ns,
            capture_end_ns,
            self._passed(sides.client.handed, own_ids),
            self._passed(sides.server.handed, own_ids),
        )

    def _owns(self, attempt: Attempt, fit: Fit, ends: _Ends, time_ns: int, fits: Callable[[Sides], Fit | None]) -> bool:
        """Whether no other attempt has a better claim to a packet: an exact one, or as good a one and a later start.

        Args:
            attempt: the attempt that it fits.
            fit: how well.
            ends: the endpoints it was seen with.
            time_ns: when.
            fits: how well it fits the sides of another.
        """
        if attempt.started_ns > time_ns:
            return False
        mine = attempt.started_ns, attempt.noise1
        sources, destinations = ([self._claims.get(end, _UNCLAIMED) for end in group] for group in ends)
        count, opposite = sum(map(len, sources)), sum(map(len, destinations))
        fewer = sources if count <= opposite else destinations
        if fit.exact and (min(count, opposite) == 0 or (count <= 1 and sources[0] == [mine])):
            return True
        exact = self._latest(fewer, time_ns, lambda sides: (found := fits(sides)) is not None and found.exact)
        if fit.exact or exact is not None:
            return fit.exact and (exact is None or exact <= mine)
        latest = self._latest(sources + destinations, time_ns, lambda sides: fits(sides) is not None)
        return latest is None or latest <= mine

    def _latest(self, claims: list[list[_Claim]], time_ns: int, wanted: Callable[[Sides], bool]) -> _Claim | None:
        """The claim that began last before a time, among those whose sides are wanted."""
        latest: _Claim | None = None
        for each in claims:
            for index in range(bisect_right(each, (time_ns, b"\xff" * 64)) - 1, -1, -1):
                if latest is not None and each[index] <= latest:
                    break
                if wanted(self._sides[each[index][1]]):
                    latest = each[index]
                    break
        return latest

    def _punches(self, attempt: Attempt, sides: Sides) -> tuple[SidePunches, SidePunches]:
        client, server = SidePunches(), SidePunches()
        seen: set[int] = set()
        for endpoint in sides.client.punching | sides.server.punching:
            for punch in self._traffic.punches_by_endpoint.get(endpoint, ()):
                if punch.row in seen:
                    continue
                sources = self._copies.sources(punch.row, punch.src)
                destinations = self._copies.destinations(punch.row, punch.dst)
                fit = punch_fit(sides, sources, destinations)
                if fit is None or not self._owns_punch(attempt, fit, punch, (sources, destinations)):
                    continue
                seen.add(punch.row)
                punches, receiver = (client, sides.server) if fit.sender is sides.client else (server, sides.client)
                punches.packets.append(punch)
                inside = receiver.inside_hosts
                if inside and not inside.isdisjoint(map(host_of, destinations)):
                    punches.arrived.append(punch)
        for punches in (client, server):
            punches.packets.sort(key=lambda packet: packet.row)
            punches.arrived.sort(key=lambda packet: packet.row)
        return client, server

    def _owns_punch(self, attempt: Attempt, fit: Fit, punch: PunchPacket, ends: _Ends) -> bool:
        return self._owns(attempt, fit, ends, punch.time_ns, lambda other: punch_fit(other, *ends))

    def _streams(
        self, attempt: Attempt, sides: Sides, client_punches: SidePunches, server_punches: SidePunches
    ) -> list[StreamFacts]:
        client, server = set(sides.client.endpoints), set(sides.server.endpoints)
        for punch in client_punches.packets:
            client.update(self._copies.sources(punch.row, punch.src))
            server.update(self._copies.destinations(punch.row, punch.dst))
        for punch in server_punches.packets:
            server.update(self._copies.sources(punch.row, punch.src))
            client.update(self._copies.destinations(punch.row, punch.dst))
        answered = attempt.handshake_answered
        since = answered.started_ns if answered is not None else attempt.started_ns
        chosen: dict[int, tuple[Stream, bool]] = {}
        for stream in self._near(sides):
            if id(stream) in chosen or stream.first_ns < since:
                continue
            fit = stream_fit(stream, sides, client, server)
            if fit is not None and self._owns_stream(attempt, fit, stream):
                chosen[id(stream)] = (stream, fit.sender is sides.client)
        return join_paths(list(chosen.values()), sides)

    def _decided(self, attempt: Attempt, sides: Sides, streams: list[StreamFacts]) -> Sides:
        """The sides without a hand-off that is likelier to be another attempt's, or led nowhere."""
        handed = sides.client.handed
        if handed is None or not handed.likely:
            return sides
        mine = attempt.started_ns, attempt.noise1
        for host in handed.start.from_hosts:
            for claim in self._claims.get(host_claim(host), _UNCLAIMED):
                other = self._sides[claim[1]].client.handed
                same = other is not None and other.start.row == handed.start.row
                if same and other is not None and (not other.likely or claim > mine):
                    return replace(sides, client=replace(sides.client, handed=None))
        if any(path.both_ways for path in streams):
            return replace(sides, client=replace(sides.client, handed=None))
        return sides

    def _passed(self, handed: Handed | None, own_ids: set[int]) -> Passed | None:
        """What of the attempt's stream goes between a side and its proxy.

        Args:
            handed: the hand-off.
            own_ids: UDX ids of the stream as the other side sees it; empty where the capture doesn't show that.
        """
        if handed is None:
            return None
        passed, start = Passed([], []), handed.start
        for stream in self._traffic.streams_by_endpoint.get(start.src, ()):
            if stream.first_ns < start.time_ns or (own_ids and stream.udx_id not in own_ids):
                continue
            if stream.sources & start.sources and stream.destinations & start.destinations:
                passed.to_proxy.append(stream)
            elif stream.destinations & start.sources and stream.sources & start.destinations:
                passed.from_proxy.append(stream)
        if not own_ids:
            # Others may share the link of a server: the first to begin is the nearest.
            passed.to_proxy[1:] = passed.from_proxy[1:] = []
        return passed

    def _near(self, sides: Sides) -> list[Stream]:
        """Streams at any endpoint of the sides."""
        traffic = self._traffic
        near = [
            stream
            for endpoint in sides.client.endpoints | sides.server.endpoints
            for stream in traffic.streams_by_endpoint.get(endpoint, ())
        ]
        near += [stream for claim in _local_claims(sides) for stream in traffic.local_streams.get(claim, ())]
        return near

    def _owns_stream(self, attempt: Attempt, fit: Fit, stream: Stream) -> bool:
        def fits(other: Sides) -> Fit | None:
            return stream_fit(stream, other, other.client.endpoints, other.server.endpoints)

        sources, destinations = list(stream.sources), list(stream.destinations)
        if is_private(host_of(stream.src)) and is_private(host_of(stream.dst)):
            sources += [host_claim(host_of(end)) for end in stream.sources]
            destinations += [host_claim(host_of(end)) for end in stream.destinations]
        return self._owns(attempt, fit, (sources, destinations), stream.first_ns, fits)

    def _samples(self, attempt: Attempt, sides: Sides) -> tuple[Samples, Samples]:
        rounds = attempt.rounds()
        if not rounds and attempt.noise2 is None:
            return [], []
        start = attempt.started_ns - SAMPLING_NS
        stop = attempt.last_ns + SAMPLING_NS
        client_sockets, server_sockets = _sampled_sockets(sides)
        found = self._traffic.samples(client_sockets | server_sockets, start, stop)
        result: tuple[Samples, Samples] = ([], [])
        for mine, sockets, side in zip(
            result, (client_sockets, server_sockets), (sides.client, sides.server), strict=True
        ):
            rows: set[int] = set()
            # Where one socket is seen inside and outside its NAT, it counts as the one inside.
            inside = side.inside_hosts
            for socket in sorted(sockets, key=lambda one: (host_of(one) not in inside, one)):
                for sample in found.get(socket, ()):
                    if sample.row not in rows:
                        rows.add(sample.row)
                        mine.append((sample, self._traffic.seen_as(sample.row)))
        for exchange in rounds:
            for leg in exchange.legs_of(FROM_RELAY):
                if leg.dst in server_sockets:
                    seen = self._copies.destinations(leg.row, leg.dst)
                    socket = next((end for end in seen if host_of(end) in sides.server.inside_hosts), leg.dst)
                    result[1].append((SamplePacket(leg.row, leg.time_ns, socket, leg.src), leg.to))
        for mine in result:
            mine.sort(key=lambda pair: pair[0].row)
        return result


def _has(claims: list[tuple[int, bytes]], claim: tuple[int, bytes]) -> bool:
    at = bisect_left(claims, claim)
    return at < len(claims) and claims[at] == claim


def _uses(sides: Sides, endpoint: int) -> bool:
    """Whether an endpoint, or the claim of a host, is one that an attempt with these sides claims."""
    if endpoint < 0:
        return host_of_claim(endpoint) in sides.client.hosts
    return endpoint in sides.client.endpoints or endpoint in sides.server.endpoints or endpoint in sides.link_ends


def _sampled_sockets(sides: Sides) -> tuple[set[int], set[int]]:
    """Sockets of the client and of the server whose responses are samples."""
    return sides.client.punching, sides.server.punching - sides.server.main


def _sampling(sides: Sides) -> set[int]:
    """Sockets whose responses say something of an attempt: DHT sockets get some all the time, which mostly don't."""
    client, server = _sampled_sockets(sides)
    # A client that shares its NAT with the server pings it from its DHT socket.
    return client | server | sides.client.main if sides.same_nat else client | server


def _disputed(before: Sides | None, sides: Sides) -> set[int]:
    """Claims of hosts whose other attempts may have lost a hand-off to one that has these sides now."""
    old, new = None if before is None else before.client.handed, sides.client.handed
    if new is None or (old is not None and (old.start.row, old.likely) == (new.start.row, new.likely)):
        return set()
    return set(map(host_claim, new.start.from_hosts))


def _local_claims(sides: Sides) -> set[int]:
    """Claims on the hosts behind a NAT that both sides share."""
    if not sides.same_nat:
        return set()
    return {host_claim(host) for host in sides.client.inside_hosts | sides.server.inside_hosts}
