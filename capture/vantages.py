"""One story from several captures: the clocks brought together, and each datagram counted once.

Datagrams whose content tells them apart are matched first. From them come the clock offsets (`capture.clocks`), the
addresses that NATs between the vantages translate, and what TTL the way between two of them costs. Those decide which
one-byte packets are the same. Two sightings in different files are one datagram when they have the same payload, lie
within half a second of each other after correction, their TTLs do not say that the later one is nearer the sender, and
their ends are equal or translated as telling packets prove. Each file shows a datagram once (its own copies are
joined before); equal ones are matched in order.

The primary row of a datagram is the sighting nearest its sender: highest TTL, then earliest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import numpy as np

from capture.clocks import clock_offsets
from capture.envelopes import Kind
from capture.knowledge import Endpoint, Knowledge, host_of
from capture.sightings import Sighted, last_sightings, shared_primaries, sighted
from capture.table import PacketTable

WINDOW_NS: Final = 500_000_000
"""Longest way between two vantages, after clock correction."""
SLACK_NS: Final = 20_000_000
"""By how much corrected clocks may still disagree about which sighting came first."""
MAX_OPEN: Final = 1024
_OURS: Final = (Kind.REQUEST, Kind.RESPONSE, Kind.UDX, Kind.PUNCH)


def merge_vantages(table: PacketTable) -> None:
    """Correct the times of all files but the first, join sightings across files, and put the rows in order of time."""
    for number, offset in enumerate(clock_offsets(table)):
        file = table.files[number]
        if offset is None:
            file.notes.append("shares no packets with the files before it: its clock is taken as it is")
            continue
        file.clock_offset_ns = offset.ns
        if offset.ns:
            table.time_ns[table.file == number] -= offset.ns
        if not offset.both_ways:
            file.notes.append("shares packets with other files in one direction only: clock offset uncertain")
    matcher = _Matcher(table)
    matcher.match(telling=True)
    matcher.match(telling=False)
    matcher.mark()
    order = np.argsort(table.time_ns, kind="stable")
    table.reorder(order)


@dataclass(slots=True)
class _Story:
    """One datagram in all the files that show it."""

    members: list[Sighted]
    files: set[int] = field(default_factory=set)


class _Matcher:
    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._last = last_sightings(table)
        self._knowledge = Knowledge()
        for file in table.files:
            self._knowledge.take_in(file.knowledge)
        self._steps: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._doubles: dict[tuple[Endpoint, ...], int] = {}
        self._stories: list[_Story] = []
        self._telling = True

    def match(self, *, telling: bool) -> None:
        """Join sightings of datagrams that do, or do not, have content of their own."""
        self._telling = telling
        rows, content = shared_primaries(self._table, telling=telling)
        items = sighted(self._table, rows, content, self._last)
        if telling:
            self._learn(items)
        for _, group in groupby(items, key=lambda item: item.content):
            self._stories += [story for story in self._join(list(group)) if len(story.members) > 1]

    def mark(self) -> None:
        """Point all rows of each datagram at the row nearest its sender."""
        copies: dict[int, list[int]] = defaultdict(list)
        marked = np.flatnonzero(self._table.copy_of >= 0)
        for row, primary in zip(marked.tolist(), self._table.copy_of[marked].tolist(), strict=True):
            copies[primary].append(row)
        for story in self._stories:
            first = min(story.members, key=lambda item: (-item.ttl, item.time_ns))
            for item in story.members:
                for row in (item.row, *copies[item.row]):
                    self._table.copy_of[row] = first.row
            self._table.copy_of[first.row] = -1

    def _learn(self, items: list[Sighted]) -> None:
        """Translations, from content that is in two files and once in each."""
        for _, group in groupby(items, key=lambda item: item.content):
            members = list(group)
            if len({item.file for item in members}) < len(members):
                continue
            for a, b in _pairs(members):
                if abs(a.time_ns - b.time_ns) > WINDOW_NS or a.kind not in _OURS:
                    continue
                same_src, same_dst = _meet(a.srcs, b.srcs), _meet(a.dsts, b.dsts)
                near, far = (a, b) if a.ttl > b.ttl else (b, a)
                if a.ttl == b.ttl:
                    continue
                if same_dst and not same_src:
                    self._knowledge.learn(near.srcs[-1], far.srcs[0], far.dsts[0])
                elif same_src and not same_dst:
                    self._knowledge.learn(far.dsts[0], near.dsts[-1], near.srcs[-1])
                elif not same_src:
                    key = _double(near, far)
                    self._doubles[key] = self._doubles.get(key, 0) + 1

    def _join(self, items: list[Sighted]) -> list[_Story]:
        stories: list[_Story] = []
        start = 0
        for item in items:
            while start < len(stories) and item.time_ns - stories[start].members[-1].time_ns > WINDOW_NS:
                start += 1
            chosen: _Story | None = None
            for story in stories[max(start, len(stories) - MAX_OPEN) :]:
                if item.file in story.files:
                    continue
                fit = max(self._fit(member, item) for member in story.members)
                if fit == 2:
                    chosen = story
                    break
                if fit == 1 and chosen is None:
                    chosen = story
            if chosen is None:
                stories.append(_Story([item], {item.file}))
            else:
                self._note_steps(chosen, item)
                chosen.members.append(item)
                chosen.files.add(item.file)
        return stories

    def _note_steps(self, story: _Story, item: Sighted) -> None:
        if self._telling:
            for member in story.members:
                self._steps[member.file, item.file].add(member.ttl - item.ttl)
                self._steps[item.file, member.file].add(item.ttl - member.ttl)

    def _fit(self, a: Sighted, b: Sighted) -> int:
        """Whether two sightings are one datagram: 2 surely, 1 if nothing better turns up, 0 no."""
        if abs(b.time_ns - a.time_ns) > WINDOW_NS:
            return 0
        near, far = (a, b) if a.ttl >= b.ttl else (b, a)
        if near.ttl > far.ttl and near.time_ns - far.time_ns > SLACK_NS:
            return 0
        if not self._telling:
            steps = self._steps.get((near.file, far.file))
            if steps and near.ttl - far.ttl not in steps:
                return 0
        same_src, same_dst = _meet(a.srcs, b.srcs), _meet(a.dsts, b.dsts)
        if same_src and same_dst:
            return 2
        if near.ttl == far.ttl or near.kind not in _OURS:
            return 0
        if same_dst:
            return self._translated(near.srcs[-1], far.srcs[0], far.dsts[0])
        if same_src:
            return self._translated(far.dsts[0], near.dsts[-1], near.srcs[-1])
        return 2 * (_double(near, far) in self._doubles)

    def _translated(self, inside: Endpoint, outside: Endpoint, peer: Endpoint) -> int:
        if self._knowledge.proves(inside, outside, peer):
            return 2
        seen = self._knowledge.hosts
        support = seen.get((host_of(inside), host_of(outside)), 0)
        if self._telling:
            return 1 if support else 0
        return 1 if support and self._knowledge.allows(inside, outside, peer) else 0


def _pairs(members: list[Sighted]) -> Iterator[tuple[Sighted, Sighted]]:
    for index, a in enumerate(members):
        for b in members[index + 1 :]:
            yield a, b


def _meet(a: tuple[Endpoint, Endpoint], b: tuple[Endpoint, Endpoint]) -> bool:
    return a[0] in b or a[1] in b


def _double(near: Sighted, far: Sighted) -> tuple[Endpoint, ...]:
    """Ends of a datagram whose source and destination are both translated between two sightings."""
    return near.srcs[-1], near.dsts[-1], far.srcs[0], far.dsts[0]
