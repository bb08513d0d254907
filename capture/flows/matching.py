"""Matching: which side of an attempt sent a punch or a stream, if it is of this attempt at all."""

from __future__ import annotations

from typing import NamedTuple

from capture.flows.endpoints import host_of, is_private
from capture.flows.facts import StreamFacts
from capture.flows.sides import Side, Sides
from capture.flows.traffic import Stream


class Fit(NamedTuple):
    """How a punch or a stream fits the sides of an attempt."""

    sender: Side
    exact: bool
    """Both ends are known to be the attempt's; else one is, and the other only has its host."""


def punch_fit(sides: Sides, sources: list[int], destinations: list[int]) -> Fit | None:
    """The side that sent a punch seen with these endpoints; None if it is not between these sides."""
    client, server = sides.client, sides.server
    score = 0
    for source in sources:
        score += (source in client.punching) - (source in server.punching)
    for destination in destinations:
        score += (destination in server.punching) - (destination in client.punching)
    if score == 0:
        return None
    sender, receiver = (client, server) if score > 0 else (server, client)
    if sender.hosts.isdisjoint(map(host_of, sources)) or receiver.hosts.isdisjoint(map(host_of, destinations)):
        return None
    return Fit(sender, not (sender.punching.isdisjoint(sources) or receiver.punching.isdisjoint(destinations)))


def stream_fit(stream: Stream, sides: Sides, client: set[int], server: set[int]) -> Fit | None:
    """The side that sends a stream between this client and this server; None when it is between others.

    Args:
        stream: the stream.
        sides: the sides of the attempt.
        client: endpoints of the client, those of its punches included.
        server: endpoints of the server.
    """
    sources, destinations = stream.sources, stream.destinations
    from_client, to_server = not client.isdisjoint(sources), not server.isdisjoint(destinations)
    if from_client and to_server:
        return Fit(sides.client, True)
    from_server, to_client = not server.isdisjoint(sources), not client.isdisjoint(destinations)
    if from_server and to_client:
        return Fit(sides.server, True)
    source_hosts = {host_of(endpoint) for endpoint in sources}
    destination_hosts = {host_of(endpoint) for endpoint in destinations}
    client_hosts, server_hosts = sides.client.hosts, sides.server.hosts
    if (from_client and destination_hosts & server_hosts) or (to_server and source_hosts & client_hosts):
        return Fit(sides.client, False)
    if (from_server and destination_hosts & client_hosts) or (to_client and source_hosts & server_hosts):
        return Fit(sides.server, False)
    if sides.same_nat and is_private(host_of(stream.src)) and is_private(host_of(stream.dst)):
        inside_client, inside_server = sides.client.inside_hosts, sides.server.inside_hosts
        if source_hosts & inside_client or destination_hosts & inside_server:
            return Fit(sides.client, False)
        if source_hosts & inside_server or destination_hosts & inside_client:
            return Fit(sides.server, False)
    return None


def join_paths(streams: list[tuple[Stream, bool]], sides: Sides) -> list[StreamFacts]:
    """Streams, each with whether it goes up to the server, as paths with both their directions, the first first."""
    paths: dict[tuple[int, int], StreamFacts] = {}
    for stream, upwards in streams:
        ends = (stream.src, stream.dst) if upwards else (stream.dst, stream.src)
        path = paths.setdefault(ends, StreamFacts(*ends, [], []))
        (path.up if upwards else path.down).append(stream)
    return sorted(_merge_nat_paths(list(paths.values()), sides), key=lambda path: path.first_ns)


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
