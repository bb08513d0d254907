"""The candidates of an attempt, from its facts: which addresses were known, which were tried, and what got through.

A punch belongs to the address that it was aimed at, wherever on its way it was captured; one to a random port of a host
that states no port belongs to the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from capture.candidate_list import Candidate, CandidateState, Source, Tried
from capture.flows.candidate_names import Named, named_endpoints, outside_endpoints, verified_hosts
from capture.flows.endpoints import address_of, host_of
from capture.flows.facts import Facts, SidePunches, StreamFacts
from capture.flows.local_pings import LocalPing, local_pings
from capture.flows.sides import Side
from capture.flows.traffic import PunchPacket
from capture.flows.verdicts.judgement import Judgement
from capture.model import Outcome
from capture.table import PacketTable
from capture.token_life import TokenEvent

_NS: Final = 1e9


@dataclass(slots=True)
class _Tries:
    """What went to a candidate, or came from it."""

    low: list[PunchPacket] = field(default_factory=list)
    normal: list[PunchPacket] = field(default_factory=list)
    pings: list[LocalPing] = field(default_factory=list)
    aims: set[int] = field(default_factory=set)
    arrived: list[PunchPacket] = field(default_factory=list)

    @property
    def rows(self) -> list[int]:
        """Rows of all datagrams, first to last."""
        return sorted((*(one.row for one in (*self.low, *self.normal)), *(ping.row for ping in self.pings)))

    @property
    def hits(self) -> list[int]:
        """Rows of what got through; of a ping, its answer."""
        answers = [ping.answer for ping in self.pings if ping.answer is not None]
        return sorted((*(packet.row for packet in self.arrived), *answers))

    def value(self, *, whole_host: bool, visible: bool) -> Tried:
        """As the list shows it.

        Args:
            whole_host: the candidate stands for every port of its host.
            visible: the capture would show an arrival.
        """
        everything: list[PunchPacket | LocalPing] = [*self.low, *self.normal, *self.pings]
        times = [one.time_ns / _NS for one in everything]
        return Tried(
            len(self.low),
            len(self.normal),
            len(self.pings),
            len(self.hits) if self.hits or visible else None,
            len(self.aims) if whole_host else 0,
            len({one.src for one in everything}),
            tuple(sorted({packet.ttl for packet in (*self.low, *self.normal) if packet.ttl})),
            min(times, default=None),
            max(times, default=None),
            min((packet.time_ns / _NS for packet in self.arrived), default=None),
        )


class _Half:
    """The candidates of one side, which the other tries."""

    def __init__(
        self,
        table: PacketTable,
        facts: Facts,
        judgement: Judgement,
        verified: dict[int, float],
        *,
        of_server: bool,
    ) -> None:
        self._table = table
        self._facts = facts
        self._judgement = judgement
        self._of_server = of_server
        self._owner: Side = facts.sides.server if of_server else facts.sides.client
        self._other: Side = facts.sides.client if of_server else facts.sides.server
        self._named = named_endpoints(facts, of_server=of_server)
        self._verified = verified
        self._outside = outside_endpoints(facts, of_server=of_server)
        """Outside endpoints of the side's inside sockets, where they are the same for everybody."""
        self._open_hosts = {host_of(endpoint) for endpoint in self._named if not endpoint & 0xFFFF}
        """Hosts that the side states without a port."""
        self._nominated = self._find_nominated()

    def candidates(self) -> list[Candidate]:
        """All of them, in the order in which they came up."""
        facts, of_server = self._facts, self._of_server
        to, back = (
            (facts.client_punches, facts.server_punches) if of_server else (facts.server_punches, facts.client_punches)
        )
        sent = self._sorted(to, towards=True)
        received = self._sorted(back, towards=False)
        if of_server:
            for ping in local_pings(self._table, facts):
                tries = sent.setdefault(self._place(self._facts.copies.destinations(ping.row, ping.dst)), _Tries())
                tries.pings.append(ping)
        endpoints = dict.fromkeys((*self._named, *sent, *received))
        if self._nominated is not None:
            endpoints[self._nominated] = None
        nothing = _Tries()
        found = [
            self._candidate(endpoint, sent.get(endpoint, nothing), received.get(endpoint, nothing))
            for endpoint in endpoints
        ]
        return sorted(found, key=_came_up)

    def _sorted(self, punches: SidePunches, *, towards: bool) -> dict[int, _Tries]:
        """Punches by candidate: by their destination where they go `towards` it, else by their source."""
        copies = self._facts.copies
        arrived = {packet.row for packet in punches.arrived}
        found: dict[int, _Tries] = {}
        for packet in punches.packets:
            row = packet.row
            ends = copies.destinations(row, packet.dst) if towards else copies.sources(row, packet.src)
            aim = self._aim(ends)
            tries = found.setdefault(self._place(ends), _Tries())
            tries.aims.add(aim)
            (tries.low if packet.is_low else tries.normal).append(packet)
            if row in arrived:
                tries.arrived.append(packet)
        return found

    def _aim(self, ends: Sequence[int]) -> int:
        """The endpoint of this side among the sightings of one datagram, as others know it."""
        known = [*ends, *(self._outside[end] for end in ends if end in self._outside)]
        for end in known:
            if end in self._named or end == self._nominated:
                return end
        hosts = self._owner.outside_hosts
        return next((end for end in known if host_of(end) in hosts), ends[0])

    def _place(self, ends: Sequence[int]) -> int:
        """The candidate that a datagram belongs to."""
        aim = self._aim(ends)
        if aim in self._named or aim == self._nominated or not self._open_hosts:
            return aim
        host = host_of(aim)
        if host in self._owner.inside_hosts:
            # Behind the side's own NAT nothing shows which of its ports was aimed at.
            return min(self._open_hosts) << 16
        return host << 16 if host in self._open_hosts else aim

    def _candidate(self, endpoint: int, sent: _Tries, received: _Tries) -> Candidate:
        named = self._named.get(endpoint, Named({Source.OBSERVED: None}, None, None))
        whole_host = not endpoint & 0xFFFF
        rows, back = sent.rows, received.rows
        hits = sorted((*sent.hits, *received.hits))
        hit = hits[0] if hits else None
        if endpoint == self._nominated and self._path is not None:
            hit = self._path.first.first_row
        times = [self._table.time_ns.item(row) for row in (*rows[:1], *back[:1])]
        known = named.time_ns if named.time_ns is not None else min(times, default=None)
        verified = self._verified.get(host_of(endpoint))
        sighting = self._facts.copies.sighting
        return Candidate(
            self._of_server,
            address_of(self._table, endpoint),
            tuple(named.sources),
            None if known is None else known / _NS,
            verified,
            sent.value(whole_host=whole_host, visible=bool(self._owner.inside_hosts)),
            received.value(whole_host=whole_host, visible=bool(self._other.inside_hosts)),
            self._state(endpoint, sent, hits),
            self._unproven(sent, received, verified),
            None if named.row is None else sighting(named.row),
            sighting(rows[0]) if rows else None,
            None if hit is None else sighting(hit),
        )

    def _state(self, endpoint: int, sent: _Tries, hits: list[int]) -> CandidateState:
        if endpoint == self._nominated:
            return CandidateState.NOMINATED
        if hits:
            return CandidateState.HIT
        if not sent.normal and not sent.pings:
            return CandidateState.OPENED if sent.low else CandidateState.WAITING
        outcome = self._judgement.outcome
        # Where the capture stands between the NATs, it shows no arrival at all.
        seen = bool(self._owner.inside_hosts or self._other.inside_hosts)
        if outcome is Outcome.FAILED or (outcome is Outcome.CONNECTED and seen):
            return CandidateState.DEAD
        return CandidateState.PROBING

    def _unproven(self, sent: _Tries, received: _Tries, verified: float | None) -> int:
        """Punches to a host that no token had proved, besides those that the server owes the client.

        It sends one for each round in which the client says that it opened a session, and one for each punch that
        reaches it.
        """
        if not self._facts.readable:
            return 0
        early = [packet for packet in sent.normal if verified is None or packet.time_ns / _NS < verified]
        if self._of_server or not early:
            return len(early)
        last_ns = early[-1].time_ns
        owed = sum(
            one.opened is not None and one.opened.remote_address is not None and one.started_ns <= last_ns
            for one in self._facts.rounds
        )
        owed += sum(packet.time_ns <= last_ns for packet in (*received.low, *received.normal))
        return max(0, len(early) - owed)

    @property
    def _path(self) -> StreamFacts | None:
        """The direct path that the stream came up on."""
        if self._judgement.outcome is not Outcome.CONNECTED:
            return None
        return self._judgement.stream

    def _find_nominated(self) -> int | None:
        path = self._path
        if path is None:
            return None
        streams, others = (path.up, path.down) if self._of_server else (path.down, path.up)
        ends = dict.fromkeys(
            (
                *(end for stream in streams for end in sorted(stream.destinations)),
                *(end for stream in others for end in sorted(stream.sources)),
            )
        )
        known = [*ends, *(self._outside[end] for end in ends if end in self._outside)]
        hosts = self._owner.outside_hosts
        ranked = (
            [end for end in known if end in self._named],
            [end for end in known if host_of(end) in hosts],
            [path.server_side if self._of_server else path.client_side],
        )
        return next(found[0] for found in ranked if found)


def candidates_of(
    table: PacketTable, facts: Facts, judgement: Judgement, events: Sequence[TokenEvent]
) -> tuple[Candidate, ...]:
    """The server's addresses that the client tries, then the client's that the server tries.

    Args:
        table: the packets.
        facts: the attempt.
        judgement: how it ended.
        events: the life of its tokens.
    """
    found: list[Candidate] = []
    for of_server in (True, False):
        verified = verified_hosts(facts, events, of_server=of_server)
        found += _Half(table, facts, judgement, verified, of_server=of_server).candidates()
    return tuple(found)


def _came_up(candidate: Candidate) -> tuple[float, str, int]:
    return candidate.known if candidate.known is not None else float("inf"), *candidate.address
