"""Traffic around the attempts: punches, UDX streams and NAT samples, found again by their endpoints."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from capture.arrays import I64
from capture.flows.copies import Copies
from capture.flows.endpoint_rows import EndpointRows
from capture.flows.endpoints import (
    destination_endpoint,
    destination_endpoints,
    host_claim,
    host_of,
    is_private,
    source_endpoint,
    source_endpoints,
)
from capture.table import Kind, PacketTable
from protocol.constants import LOW_TTL, Command, InternalCommand, UdxFlag

if TYPE_CHECKING:
    from capture.flows.handoffs import HandoffPacket

Meeting = tuple[int, int]
"""An endpoint, and a host that it exchanged a datagram with."""
INTERNAL: Final = 4
"""Envelope flag of dht-rpc's own commands."""
OPENING_NS: Final = 5_000_000_000
"""How long after its handshake began a side may open its connection to a blind relay."""
SAMPLING_NS: Final = 2_000_000_000
"""How long before its first and after its last relayed leg a socket's samples count."""
BACK_NS: Final = 60_000_000_000
"""A time so far below the newest was not late: the clock was set."""


@dataclass(slots=True, eq=False)
class PunchPacket:
    """A one-byte datagram."""

    row: int
    time_ns: int
    src: int
    dst: int
    ttl: int
    """0 where it is not known."""

    @property
    def is_low(self) -> bool:
        """Whether it is a session opener, meant to die on the way."""
        return 0 < self.ttl <= LOW_TTL


@dataclass(slots=True, eq=False)
class Stream:
    """UDX packets of one direction with one stream id."""

    src: int
    dst: int
    udx_id: int
    first_row: int
    first_ns: int
    count: int = 0
    heartbeats: int = 0
    """How many of them do nothing but keep the path open."""
    last_ns: int = 0
    sources: set[int] = field(default_factory=set)
    destinations: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SamplePacket:
    """A dht-rpc response that tells a socket its outside endpoint."""

    row: int
    time_ns: int
    socket: int
    seen_by: int


def meetings(sources: Collection[int], destinations: Collection[int]) -> set[Meeting]:
    """Every end of a datagram, in every sighting, with every host at the other end."""
    if len(sources) == 1 and len(destinations) == 1:
        [source], [destination] = sources, destinations
        return {(source, destination >> 16), (destination, source >> 16)}
    return {
        meeting
        for source in sources
        for destination in destinations
        for meeting in ((source, host_of(destination)), (destination, host_of(source)))
    }


class Traffic:
    """Indexes by endpoint and the host it speaks with, grown batch after batch.

    A server's socket meets every client there ever was; what is of one attempt is found without the others'.
    """

    def __init__(self, table: PacketTable, copies: Copies) -> None:
        self._table = table
        self._copies = copies
        self._done = 0
        self._in_order = True
        """No packet is earlier than the one before it: not every capture keeps to that."""
        self.first_ns = 0
        self.last_ns = 0
        """When the capture begins and ends; 0 while it is empty."""
        self._indexed = 0
        self._responses = EndpointRows()
        """Responses by receiver. Like the pings indexed when they are first asked for: few verdicts take them."""
        self._pings = EndpointRows()
        """PING requests by sender."""
        self._streams: dict[tuple[int, int, int], Stream] = {}
        self.punches_between: dict[Meeting, list[PunchPacket]] = defaultdict(list)
        self.streams_between: dict[Meeting, list[Stream]] = defaultdict(list)
        self.local_streams: dict[int, list[Stream]] = defaultdict(list)
        """Streams between private hosts, by the claim of either: on a LAN peers use sockets that no relay saw."""
        self.handoffs: list[HandoffPacket] = []
        """Requests to proxies to act for a peer, in order of time."""
        self.handoff_paths: set[tuple[int, int]] = set()
        """From where to where they went: the links between peers and their proxies."""
        self.handed: set[int] = set()
        """Endpoints that the last batch brought hand-offs of, and claims of their hosts."""
        self.fresh: set[Meeting] = set()
        """Where the last batch brought punches, or began streams."""
        self.fresh_locally: set[int] = set()
        """Claims of private hosts between which it began streams."""
        self.grown: set[Stream] = set()
        """Older streams that the last batch added packets to."""
        self.sampled: set[int] = set()
        """Endpoints that the last batch brought responses to. None for the first batch: nobody waits for them yet."""

    def update(self) -> None:
        """Take in the rows since the last call, as far as their copies are known."""
        start, stop = self._done, self._copies.done
        self._done = stop
        times = self._table.time_ns[max(0, start - 1) : stop]
        if start < stop:
            self._in_order = self._in_order and bool((times[1:] >= times[:-1]).all())
            self.first_ns = min(self.first_ns, int(times.min())) if start else int(times.min())
            # Where a live clock went back, it is there that the capture goes on.
            went_back = start > 0 and int(times[-1]) < self.last_ns - BACK_NS
            self.last_ns = int(times[-1]) if went_back else max(self.last_ns, int(times.max()))
        for changes in (self.fresh, self.fresh_locally, self.grown, self.sampled, self.handed):
            changes.clear()
        kind = self._table.kind[start:stop]
        primary = self._table.copy_of[start:stop] < 0
        self._add_punches(np.flatnonzero((kind == Kind.PUNCH) & primary) + start)
        self._add_streams(np.flatnonzero((kind == Kind.UDX) & primary) + start)
        plugin = (kind == Kind.REQUEST) & (self._table.command[start:stop] == Command.PLUGIN) & primary
        self._add_handoffs(np.flatnonzero(plugin & ~self._table.asked_internally(slice(start, stop))) + start)
        if start:
            self._add_copies()
            responses = np.flatnonzero(kind == Kind.RESPONSE) + start
            self.sampled.update(destination_endpoints(self._table, responses).tolist())

    def handoffs_between(self, start_ns: int, stop_ns: int) -> list[HandoffPacket]:
        """Hand-offs of that time."""
        first = bisect_left(self.handoffs, start_ns, key=lambda one: one.time_ns)
        return self.handoffs[first : bisect_right(self.handoffs, stop_ns, key=lambda one: one.time_ns)]

    def _add_handoffs(self, rows: I64) -> None:
        if not len(rows):
            return
        from capture.flows.handoffs import read_handoffs

        found = read_handoffs(self._table, self._copies, rows)
        self.handoffs = sorted((*self.handoffs, *found), key=lambda one: (one.time_ns, one.row))
        for one in found:
            self.handoff_paths.update(product(one.sources, one.destinations))
            self.handed.update(one.sources, one.destinations, map(host_claim, one.from_hosts | one.to_hosts))

    def streams_at(self, endpoints: Iterable[int], hosts: Collection[int]) -> Iterator[Stream]:
        """Streams between some endpoints and hosts; one with more than one such end comes more than once."""
        between = self.streams_between
        for meeting in product(endpoints, hosts):
            yield from between.get(meeting, ())

    def stream_of(self, row: int) -> Stream | None:
        """The stream that a UDX packet is of, by its primary row."""
        return self._streams.get((*self._ends(row), int(self._table.udx_id[row])))

    def _add_copies(self) -> None:
        """Further sightings of earlier packets: their endpoints lead to those packets too."""
        for row, primary in self._copies.late:
            (src, dst), ends = self._ends(primary), self._ends(row)
            if self._table.kind[primary] == Kind.PUNCH:
                punches = self.punches_between
                first = src, host_of(dst)
                known = next((punch for punch in reversed(punches.get(first, ())) if punch.row == primary), None)
                if known is None:
                    continue
                met = meetings(self._copies.sources(primary, src), self._copies.destinations(primary, dst))
                for meeting in met:
                    if known not in punches[meeting]:
                        insort(punches[meeting], known, key=lambda punch: punch.row)
                self.fresh.update(met)
            elif self._table.kind[primary] == Kind.UDX:
                stream = self._streams.get((src, dst, int(self._table.udx_id[primary])))
                if stream is None or stream.first_row != primary:
                    continue
                before = meetings(stream.sources, stream.destinations)
                for endpoint, known_ends in zip(ends, (stream.sources, stream.destinations), strict=True):
                    known_ends.add(endpoint)
                met = meetings(stream.sources, stream.destinations)
                for meeting in met - before:
                    self.streams_between[meeting].append(stream)
                self.fresh.update(met)

    def _ends(self, row: int) -> tuple[int, int]:
        return source_endpoint(self._table, row), destination_endpoint(self._table, row)

    def _add_punches(self, rows: I64) -> None:
        if not len(rows):
            return
        table, copies, index = self._table, self._copies, self.punches_between
        for row, time_ns, src, dst, ttl in zip(
            rows.tolist(),
            table.time_ns[rows].tolist(),
            source_endpoints(table, rows).tolist(),
            destination_endpoints(table, rows).tolist(),
            table.ttl[rows].tolist(),
            strict=True,
        ):
            if src == dst:
                continue  # A node that tests its own socket on listen, not a punch.
            punch = PunchPacket(row, time_ns, src, dst, ttl)
            met = meetings(copies.sources(row, src), copies.destinations(row, dst))
            for meeting in met:
                index[meeting].append(punch)
            self.fresh |= met

    def _add_streams(self, rows: I64) -> None:
        if not len(rows):
            return
        table, copies = self._table, self._copies
        src, dst = source_endpoints(table, rows), destination_endpoints(table, rows)
        ids = table.udx_id[rows].astype(np.int64)
        key = (src * 0x9E3779B1) ^ (dst * 0x85EBCA77) ^ (ids * 0xC2B2AE3D)
        order = np.argsort(key)
        sorted_key = key[order]
        heads = np.flatnonzero(np.concatenate(([True], sorted_key[1:] != sorted_key[:-1])))
        counts = np.diff(heads, append=len(order))
        times = table.time_ns[rows]
        beats = np.add.reduceat((table.udx_flags[rows][order] == UdxFlag.HEARTBEAT).astype(np.int64), heads)
        heads, tails = np.minimum.reduceat(order, heads), np.maximum.reduceat(order, heads)
        for source, destination, udx_id, row, first_ns, last_ns, count, heartbeats in zip(
            src[heads].tolist(),
            dst[heads].tolist(),
            ids[heads].tolist(),
            rows[heads].tolist(),
            times[heads].tolist(),
            times[tails].tolist(),
            counts.tolist(),
            beats.tolist(),
            strict=True,
        ):
            identity = (source, destination, udx_id)
            stream = self._streams.get(identity)
            if stream is None:
                sources, destinations = set(copies.sources(row, source)), set(copies.destinations(row, destination))
                stream = Stream(*identity, row, first_ns, 0, 0, 0, sources, destinations)
                self._streams[identity] = stream
                met = meetings(sources, destinations)
                for meeting in met:
                    self.streams_between[meeting].append(stream)
                self.fresh |= met
                ends = host_of(source), host_of(destination)
                if is_private(ends[0]) and is_private(ends[1]):
                    for claim in map(host_claim, ends):
                        self.local_streams[claim].append(stream)
                        self.fresh_locally.add(claim)
            else:
                self.grown.add(stream)
            stream.count += count
            stream.heartbeats += heartbeats
            stream.last_ns = last_ns

    def _at(self, index: EndpointRows, endpoints: set[int], start_ns: int, stop_ns: int) -> Iterator[tuple[int, I64]]:
        """Endpoints with those of their rows in an index that lie between two times, the bounds included."""
        times = self._table.time_ns[: self._done]
        if not self._in_order:
            for endpoint, rows in index.at(endpoints).items():
                yield endpoint, rows[(times[rows] >= start_ns) & (times[rows] <= stop_ns)]
            return
        start, stop = times.searchsorted(start_ns, "left"), times.searchsorted(stop_ns, "right")
        for endpoint, rows in index.at(endpoints).items():
            yield endpoint, rows[rows.searchsorted(start) : rows.searchsorted(stop)]

    def _index(self) -> None:
        """Take the rows that are new since the last call into the indexes of responses and pings."""
        table, start, stop = self._table, self._indexed, self._done
        if start == stop:
            return
        self._indexed = stop
        kind = table.kind[start:stop]
        rows = np.flatnonzero(kind == Kind.RESPONSE) + start
        self._responses.add(rows, destination_endpoints(table, rows))
        ping = (kind == Kind.REQUEST) & (table.flags[start:stop] & INTERNAL != 0)
        rows = np.flatnonzero(ping & (table.command[start:stop] == InternalCommand.PING)) + start
        self._pings.add(rows, source_endpoints(table, rows))

    def samples(self, sockets: set[int], start_ns: int, stop_ns: int) -> dict[int, list[SamplePacket]]:
        """Responses to any of `sockets` between two times, by socket."""
        self._index()
        table = self._table
        found: dict[int, list[SamplePacket]] = {}
        for socket, rows in self._at(self._responses, sockets, start_ns, stop_ns):
            columns = zip(
                rows.tolist(),
                table.time_ns[rows].tolist(),
                source_endpoints(table, rows).tolist(),
                table.copy_of[rows].tolist(),
                strict=True,
            )
            found[socket] = [
                SamplePacket(row if copy_of < 0 else copy_of, time_ns, socket, seen_by)
                for row, time_ns, seen_by, copy_of in columns
            ]
        return found

    def pinged(self, sockets: set[int], start_ns: int, stop_ns: int) -> list[tuple[int, int]]:
        """Time and destination endpoint of PING requests that any of `sockets` sent between two times."""
        self._index()
        table = self._table
        found: list[tuple[int, int]] = []
        for _, rows in self._at(self._pings, sockets, start_ns, stop_ns):
            found += zip(table.time_ns[rows].tolist(), destination_endpoints(table, rows).tolist(), strict=True)
        return found

    def seen_as(self, row: int) -> int:
        """The endpoint that a response's envelope names as its receiver."""
        return int(self._table.to_host[row]) << 16 | int(self._table.to_port[row])
