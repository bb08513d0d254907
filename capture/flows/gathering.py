"""Gathering: the punches, streams and NAT samples that belong to an attempt.

Sockets outlive attempts: a server's DHT socket takes part in all of them. A punch or stream belongs to the attempt
that began last before it, among those whose two sides it fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Final

from capture.flows.attempt import Attempt
from capture.flows.claims import Claims, sampled_sockets
from capture.flows.copies import Copies
from capture.flows.endpoints import host_claim, host_of, is_private
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

_Ends = tuple[list[int], list[int]]
"""Source and destination endpoints of a datagram, one of each for every sighting."""


class Gatherer:
    """Gathers the facts of attempts."""

    def __init__(self, traffic: Traffic, copies: Copies) -> None:
        self._traffic = traffic
        self._copies = copies
        self.claims = Claims()
        """Which attempts an endpoint takes part in."""

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
        before = self.claims.sides.get(attempt.noise1)
        return self.claims.take((attempt.started_ns, attempt.noise1), sides) | _disputed(before, sides)

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
            met = () if target in relays else self._traffic.streams_at((target,), sides.client.hosts)
            if any(pinged_ns < stream.first_ns < until for stream in met):
                reached.add(target)
        return reached

    def opened_by_sides(self, attempt: Attempt) -> list[bytes]:
        """Attempts that the client or the server of an attempt began right after it, as to a blind relay."""
        sides, start = self.claims.sides[attempt.noise1], attempt.started_ns
        found: dict[bytes, None] = {}
        for host in sides.client.hosts | sides.server.hosts:
            for _, noise1 in self.claims.between(host_claim(host), start, start + OPENING_NS):
                found[noise1] = None
        return list(found)

    def gather(self, attempt: Attempt, capture_start_ns: int, capture_end_ns: int) -> Facts:
        """All facts of an attempt."""
        sides = self.claims.sides[attempt.noise1]
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
        sources, destinations = ([self.claims.on(end) for end in group] for group in ends)
        count, opposite = sum(map(len, sources)), sum(map(len, destinations))
        fewer = sources if count <= opposite else destinations
        if fit.exact and (min(count, opposite) == 0 or (count <= 1 and sources[0] == [mine])):
            return True
        exact = self.claims.latest(fewer, time_ns, lambda sides: (found := fits(sides)) is not None and found.exact)
        if fit.exact or exact is not None:
            return fit.exact and (exact is None or exact <= mine)
        latest = self.claims.latest(sources + destinations, time_ns, lambda sides: fits(sides) is not None)
        return latest is None or latest <= mine

    def _punches(self, attempt: Attempt, sides: Sides) -> tuple[SidePunches, SidePunches]:
        client, server = SidePunches(), SidePunches()
        seen: set[int] = set()
        for punch in self._near_punches(sides):
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

    def _near_punches(self, sides: Sides) -> Iterator[PunchPacket]:
        """Punches between a punching socket of either side and a host of the other."""
        between = self._traffic.punches_between
        for side, other in ((sides.client, sides.server), (sides.server, sides.client)):
            for meeting in product(side.punching, other.hosts):
                yield from between.get(meeting, ())

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
        hosts = {host_of(end) for end in client | server} - sides.hosts
        self.claims.reach(attempt.noise1, hosts)
        answered = attempt.handshake_answered
        since = answered.started_ns if answered is not None else attempt.started_ns
        chosen: dict[int, tuple[Stream, bool]] = {}
        for stream in self._near(sides, hosts):
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
            for claim in self.claims.on(host_claim(host)):
                other = self.claims.sides[claim[1]].client.handed
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
        ends = start.sources | start.destinations
        for stream in self._traffic.streams_at((start.src,), set(map(host_of, ends))):
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

    def _near(self, sides: Sides, hosts: set[int]) -> list[Stream]:
        """Streams between any endpoint of the sides and a host of theirs, or one of some more."""
        traffic = self._traffic
        near = list(traffic.streams_at(sides.client.endpoints | sides.server.endpoints, sides.hosts | hosts))
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
        client_sockets, server_sockets = sampled_sockets(sides)
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
