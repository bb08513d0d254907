"""The casebook: keeps the flows of all attempts, works each out when it is asked for, and again when it changed."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from capture.flow import Flow
from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.listing import list_attempt
from capture.flows.traffic import OPENING_NS, SAMPLING_NS, Stream, Traffic
from capture.flows.waiting import QUIET_NS, Haste, Waiting
from capture.table import PacketTable

if TYPE_CHECKING:
    from capture.flows.facts import Facts
    from capture.flows.freezing import Case
    from capture.flows.gathering import Gatherer

SETTLING_NS: Final = 60_000_000_000
"""After so long without a packet nothing more is expected of an attempt: 35 s of random punches, with room."""
RECENT_NS: Final = 5_000_000_000
"""Attempts that were heard of so shortly before the end of the capture are kept by themselves."""
_FEW: Final = 64
KEPT: Final = 8192
"""Attempts whose facts are kept once they were judged; those of others are gathered again if somebody asks for more."""


class Casebook:
    """Flows by noise message 1."""

    def __init__(self, table: PacketTable, attempts: dict[bytes, Attempt], copies: Copies) -> None:
        self._table = table
        self._attempts = attempts
        self._traffic = Traffic(table, copies)
        self._copies = copies
        self._gatherer: Gatherer | None = None
        """None until somebody looks at an attempt: what works it out is imported only then."""
        self._unclaimed: dict[bytes, None] = {}
        self._seen_rows = 0
        self._heard: dict[bytes, int] = {}
        """When the attempts were heard of last whose facts were gathered since they changed."""
        self._carriers: set[bytes] = set()
        """Those of them that may be the connection to a blind relay of another one."""
        self._facts: dict[bytes, Facts] = {}
        """The facts themselves, of those gathered last: they take half of an attempt's memory."""
        self._recent: dict[bytes, int] = {}
        """Those of `_heard` that go on, at least those later than `RECENT_NS` before the end of the capture."""
        self._recent_at_most = 0
        self._cases: dict[bytes, Case] = {}
        self._unsettled: dict[bytes, int] = {}
        """Attempts that were judged while their end was open, and where the capture ended then."""
        self._waiting = Waiting(attempts)
        self._by_stream: dict[Stream, tuple[bytes, ...]] = {}
        """Attempts whose facts hold a stream."""
        self._starts: list[tuple[int, bytes]] = []
        """Start and noise message 1 of every attempt that was ever judged, in order."""
        self.flows: dict[bytes, Flow] = {}
        self.listed: list[Flow] = []
        """Flows that the last `update` made of new attempts whose turn comes later."""
        self.replaced: list[Flow] = []
        """Flows that the last `update` made anew or left out, as they were."""

    def update(self, changed: Iterable[bytes], dropped: Iterable[bytes] = (), haste: Haste | None = None) -> list[Flow]:
        """Make new flows of attempts that changed, by their legs or by packets at their endpoints.

        Args:
            changed: noise message 1 of attempts whose legs or keys changed.
            dropped: the same of attempts that are no more; another one under the same name is among the changed.
            haste: how much may be done now. Attempts that wait keep the flow that they have, and new ones get one
                that is made anew when their turn comes.

        Returns:
            The new flows.
        """
        self.replaced = []
        self._forget(list(dropped))
        self._traffic.update()
        self._forget_recent()
        stale = dict.fromkeys(changed)
        if self._gatherer is not None:
            for claim in self._traffic.handed:
                # Who stands on a side's place changes what it claims.
                stale.update(dict.fromkeys(self._gatherer.claims.claimants(claim)))
        idle = self._seen_rows == len(self._table) and not (haste is not None and haste.again)
        stale.update(dict.fromkeys(self._touched(haste)))
        now_ns = self._traffic.last_ns
        self._waiting.add(stale, now_ns)
        stale = self._waiting.take(now_ns, haste, idle=idle)
        new = [noise1 for noise1 in self._waiting if noise1 not in self.flows]
        self._unclaimed.update(stale)
        if self._heard:
            # Somebody looks: what these attempts claim anew may be what others were judged by.
            others = self._claim_all()
            if haste is None:
                stale.update(dict.fromkeys(others))
            else:
                self._waiting.add(others - stale.keys(), now_ns)
        carried = self._carriers & stale.keys()
        looked = bool(self._heard)
        for noise1 in stale:
            self._let_go(noise1)
        if looked:
            openers = [self._openers_of(noise1, carried=noise1 in carried) for noise1 in list(stale)]
            stale.update(dict.fromkeys(chain.from_iterable(openers)))
        for noise1 in stale:
            self._cases.pop(noise1, None)
            self._unsettled.pop(noise1, None)
        fresh = {noise1: self._freeze(self._attempts[noise1]) for noise1 in (*stale, *new)}
        self.listed = [fresh[noise1] for noise1 in new]
        self.replaced += [self.flows[noise1] for noise1 in fresh if noise1 in self.flows]
        self.flows.update(fresh)
        return list(fresh.values())

    def claiming(self, sources: list[int], destinations: list[int], time_ns: int, most: int) -> list[Flow]:
        """Attempts that use the ends of a datagram and began before it, the latest first.

        Those that use both ends come before those that use one.

        Args:
            sources: its source endpoint in every sighting.
            destinations: its destination endpoints.
            time_ns: when it was seen.
            most: how many are wanted.
        """
        self._claim_all()
        held = self._gathering().claims
        senders, receivers = held.began_before(sources, time_ns), held.began_before(destinations, time_ns)
        claims = nlargest(most, senders & receivers)
        if len(claims) < most:
            claims += nlargest(most - len(claims), senders ^ receivers)
        return [self.flows[noise1] for _, noise1 in claims if noise1 in self.flows]

    def flows_of_stream(self, row: int) -> list[Flow]:
        """Judged attempts whose stream a UDX packet is of, by its primary row."""
        stream = self._traffic.stream_of(row)
        return [] if stream is None else [self.flows[noise1] for noise1 in self._by_stream.get(stream, ())]

    def _forget(self, dropped: list[bytes]) -> None:
        """Leave out attempts that are no more; others may own now what they claimed, and those changed anyway."""
        for noise1 in dropped:
            if noise1 in self.flows:
                self.replaced.append(self.flows.pop(noise1))
            self._let_go(noise1)
            for kept in (self._cases, self._unsettled, self._unclaimed):
                kept.pop(noise1, None)
            self._waiting.discard(noise1)
            if self._gatherer is not None:
                self._gatherer.claims.release(noise1)
        if dropped:
            self._starts = [start for start in self._starts if start[1] not in dropped]
            gone = set(dropped)
            for stream, members in self._by_stream.items():
                if not gone.isdisjoint(members):
                    self._by_stream[stream] = tuple(one for one in members if one not in gone)

    @property
    def waiting(self) -> int:
        """Attempts that changed and were not worked out anew since."""
        return len(self._waiting)

    def _touched(self, haste: Haste | None) -> Iterator[bytes]:
        """Attempts that packets of the last batch may belong to, or whose time to settle has come."""
        traffic, gatherer = self._traffic, self._gatherer
        start, self._seen_rows = self._seen_rows, len(self._table)
        if gatherer is None:
            return
        met: dict[int, set[int]] = defaultdict(set)
        for endpoint, host in traffic.fresh:
            met[endpoint].add(host)
        for endpoint, hosts in met.items():
            yield from gatherer.claims.meeting(endpoint, hosts)
        for claim in traffic.fresh_locally:
            yield from gatherer.claims.claimants(claim)
        for stream in traffic.grown:
            yield from self._by_stream.get(stream, ())
        idle = start == self._seen_rows
        if idle and haste is not None and haste.again:
            return
        for noise1, judged_ns in self._unsettled.items():
            silent_ns = judged_ns - self._attempts[noise1].last_ns
            due = haste is None or idle or traffic.last_ns - judged_ns >= max(QUIET_NS, silent_ns // 4)
            if due and judged_ns < traffic.last_ns:
                yield noise1
        if idle:
            return
        since = int(self._table.time_ns[start:].min()) - SAMPLING_NS
        for endpoint in traffic.sampled:
            yield from (one for one in gatherer.claims.sampling(endpoint) if self._attempts[one].last_ns >= since)

    def claim_some(self, most: int) -> int:
        """Let some new attempts claim their endpoints; how many are left.

        All of them have to before any is judged, which takes the greater part of a second for some thousand attempts.
        Else the first look at an attempt does it.
        """
        if self._heard:
            self._claim_all()
            return 0
        gatherer = self._gathering()
        for noise1 in list(islice(self._unclaimed, most)):
            gatherer.claim(self._attempts[noise1])
            del self._unclaimed[noise1]
        return len(self._unclaimed)

    def _claim_all(self) -> set[bytes]:
        """Let new and changed attempts claim their endpoints.

        Returns:
            Attempts that have packets at such an endpoint which may not be theirs any more.
        """
        gatherer = self._gathering()
        if not self._unclaimed:
            return set()
        since: dict[int, int] = {}
        claimers: dict[int, list[bytes]] = defaultdict(list)
        for noise1 in self._unclaimed:
            attempt = self._attempts[noise1]
            claimed = gatherer.claim(attempt)
            for endpoint in claimed if self._heard else ():
                since[endpoint] = min(since.get(endpoint, attempt.started_ns), attempt.started_ns)
                claimers[endpoint].append(noise1)
        self._unclaimed.clear()
        found: set[bytes] = set()
        for endpoint, start in since.items():
            heard = self._recent if start >= self._traffic.last_ns - RECENT_NS else self._heard
            rivals = gatherer.claims.rivals(endpoint, claimers[endpoint])
            found.update(one for one in rivals if heard.get(one, -1) >= start and one in self._heard)
        return found

    def _forget_recent(self) -> None:
        """Leave out, now and then, what is not recent any more."""
        if len(self._recent) > self._recent_at_most:
            since = self._traffic.last_ns - RECENT_NS
            self._recent = {one: last_ns for one, last_ns in self._recent.items() if last_ns >= since}
            self._recent_at_most = 2 * len(self._recent) + _FEW

    def _keep(self, facts: Facts) -> None:
        """Take down facts, and leave out the oldest where there are many."""
        from capture.flows.relaying import carries_relayed

        noise1 = facts.attempt.noise1
        self._facts[noise1] = facts
        self._heard[noise1] = facts.last_ns
        if carries_relayed(facts):
            self._carriers.add(noise1)
        if len(self._facts) > KEPT:
            oldest = next(iter(self._facts))
            self._facts.pop(oldest).sides.forget_derived()
            self._cases.pop(oldest, None)

    def _let_go(self, noise1: bytes) -> None:
        self._facts.pop(noise1, None)
        self._heard.pop(noise1, None)
        self._carriers.discard(noise1)

    def _freeze(self, attempt: Attempt) -> Flow:
        return list_attempt(self._table, attempt, self._case)

    def _gathering(self) -> Gatherer:
        if self._gatherer is None:
            from capture.flows.gathering import Gatherer

            self._gatherer = Gatherer(self._traffic, self._copies)
        return self._gatherer

    def _openers_of(self, noise1: bytes, *, carried: bool) -> list[bytes]:
        """Attempts whose stream a changed attempt carried or carries now, as their blind relay."""
        attempt = self._attempts[noise1]
        self._facts_of(attempt)
        if not carried and noise1 not in self._carriers:
            return []
        started, gatherer = attempt.started_ns, self._gathering()
        first = bisect_left(self._starts, (started - OPENING_NS, b""))
        return [
            opener
            for start, opener in self._starts[first : bisect_left(self._starts, (started + 1, b""))]
            if noise1 in gatherer.opened_by_sides(self._attempts[opener])
        ]

    def _case(self, attempt: Attempt) -> Case:
        case = self._cases.get(attempt.noise1)
        if case is None:
            from capture.flows.freezing import make_case
            from capture.model import Outcome

            facts = self._facts_of(attempt)
            opened = self._gathering().opened_by_sides(attempt)
            case = make_case(
                self._table,
                facts,
                [self._facts_of(self._attempts[noise1]) for noise1 in opened],
                self._traffic.handoff_paths,
            )
            self._cases[attempt.noise1] = case
            if case.judgement.outcome is Outcome.UNKNOWN and facts.capture_end_ns - attempt.last_ns < SETTLING_NS:
                self._unsettled[attempt.noise1] = facts.capture_end_ns
            start = attempt.started_ns, attempt.noise1
            at = bisect_left(self._starts, start)
            if self._starts[at : at + 1] != [start]:
                self._starts.insert(at, start)
        return case

    def _facts_of(self, attempt: Attempt) -> Facts:
        """The facts of an attempt; every attempt must have claimed its endpoints first."""
        traffic, gatherer = self._traffic, self._gathering()
        if attempt.noise1 in self._waiting and attempt.noise1 not in gatherer.claims.sides:
            # Somebody looks at it before its turn comes.
            self._unclaimed[attempt.noise1] = None
        if self._unclaimed:
            self._waiting.add(self._claim_all(), traffic.last_ns)
        facts = self._facts.get(attempt.noise1)
        if facts is None:
            facts = gatherer.gather(attempt, traffic.first_ns, traffic.last_ns)
            self._keep(facts)
            if facts.last_ns >= traffic.last_ns - RECENT_NS:
                self._recent[attempt.noise1] = facts.last_ns
            for path in facts.streams:
                for stream in (*path.up, *path.down):
                    self._hold(stream, attempt.noise1)
            for passed in (facts.client_passed, facts.server_passed):
                for stream in () if passed is None else (*passed.to_proxy, *passed.from_proxy):
                    self._hold(stream, attempt.noise1)
        return facts

    def _hold(self, stream: Stream, noise1: bytes) -> None:
        known = self._by_stream.get(stream, ())
        if noise1 not in known:
            self._by_stream[stream] = (*known, noise1)
