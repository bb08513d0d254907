"""One story from several captures: the clocks brought together, and each datagram counted once.

Datagrams whose content tells them apart are matched first. From them come the clock offsets (`capture.clocks`), the
addresses that NATs between the vantages translate, and what TTL the way between two of them costs. Those decide which
one-byte packets are the same. Two sightings in different files are one datagram when they have the same payload, lie
within half a second of each other after correction, their TTLs do not say that the later one is nearer the sender, and
their ends are equal or translated as telling packets prove. Each file shows a datagram once (its own copies are
joined before); equal ones are matched in order. What a NAT let out later than others of its kind is joined last, where
as many came late as are missing.

The primary row of a datagram is the sighting nearest its sender: highest TTL, then earliest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, groupby
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, Bools
from capture.capture_file import CaptureFile
from capture.clocks import Offset
from capture.corrected_clocks import correct_clocks
from capture.envelopes import Kind
from capture.knowledge import Endpoint, Knowledge
from capture.late_copies import in_turn
from capture.sightings import (
    Sighted,
    endpoints,
    last_sightings,
    learn_from_envelopes,
    shared_primaries,
    sighted,
)
from capture.table import PacketTable
from capture.ways import Ways

WINDOW_NS: Final = 500_000_000
"""Longest way between two vantages, after clock correction."""
SLACK_NS: Final = 20_000_000
"""By how much corrected clocks may still disagree about which sighting came first."""
WEAK_SLACK_NS: Final = 1_000_000
"""The same for packets without content, of which several may be on their way at once."""
MAX_STEP: Final = 40
"""Most hops believed between two vantages whose way no telling datagram went."""
MAX_OPEN: Final = 1024
_OURS: Final = (Kind.REQUEST, Kind.RESPONSE, Kind.UDX, Kind.PUNCH)


def merge_vantages(
    table: PacketTable, given_ns: Mapping[int, int] | None = None, before: Mapping[int, Offset] | None = None
) -> Merged:
    """Correct the times of all files, join sightings across files, and put the rows in order of time.

    Args:
        table: with all the files in it, each by itself, with the times of its own clock.
        given_ns: by how much the clocks of some files, by number, are known to be ahead; the others are estimated.
        before: estimates to keep where the table no longer tells, by file.
    """
    offsets = correct_clocks(table, given_ns or {}, before)
    matcher = Matcher(table)
    matcher.match(telling=True)
    matcher.match(telling=False)
    matcher.mark()
    order = np.argsort(table.time_ns, kind="stable")
    table.reorder(order)
    return Merged(order, offsets)


class Merged(NamedTuple):
    """What became of the rows: row i is the one that was `order[i]`; and the clocks that were estimated, by file."""

    order: I64
    offsets: dict[int, Offset]


class Learned:
    """What telling datagrams prove of the ways between vantages."""

    __slots__ = ("doubles", "knowledge", "ways")

    def __init__(self, files: Iterable[CaptureFile]) -> None:
        self.knowledge = Knowledge()
        for file in files:
            self.knowledge.take_in(file.knowledge)
        self.ways = Ways()
        self.doubles: set[tuple[Endpoint, ...]] = set()


class _Story:
    """One datagram in all the files that show it."""

    __slots__ = ("files", "members")

    def __init__(self, first: Sighted) -> None:
        self.members = [first]
        self.files = {first.file}

    def take_in(self, item: Sighted) -> None:
        """Add what another file shows of it."""
        self.members.append(item)
        self.files.add(item.file)


class Matcher:
    """Joins the sightings of a table whose files each know their own copies.

    Args:
        table: its rows in any order, with corrected times.
        learned: what was proved before, and grows; nothing by default.
    """

    def __init__(self, table: PacketTable, learned: Learned | None = None) -> None:
        learned = learned or Learned(table.files)
        self._table = table
        self._last = last_sightings(table)
        self._knowledge, self._ways, self._doubles = learned.knowledge, learned.ways, learned.doubles
        learn_from_envelopes(table, self._last, self._knowledge)
        self._telling = True
        self._root = np.arange(len(table))
        """The primary row of each primary row of a file."""

    def match(self, *, telling: bool) -> None:
        """Join sightings of datagrams that do, or do not, have content of their own."""
        self._telling = telling
        rows, content = shared_primaries(self._table, telling=telling)
        if telling and rows.size:
            number, plain = self._plain(rows, content)
            inside = plain[number]
            self._ways.note_all(self._table, rows[inside], number[inside])
            self._join_plain(rows[inside], number[inside])
            rows, content = rows[~inside], content[~inside]
        items = sighted(self._table, rows, content, self._last)
        if telling:
            self._learn(items)
        for _, group in groupby(items, key=lambda item: item.content):
            for story in self._join(list(group)):
                first = min(story.members, key=lambda item: (-item.ttl, item.time_ns))
                for item in story.members:
                    self._root[item.row] = first.row

    def mark(self) -> None:
        """Point all rows of each datagram at the row nearest its sender."""
        copy_of = self._table.copy_of
        everyone = np.arange(copy_of.size)
        root = self._root[np.where(copy_of < 0, everyone, copy_of)]
        copy_of[:] = np.where(root == everyone, -1, root)

    def _plain(self, rows: I64, content: I64) -> tuple[I64, Bools]:
        """Number the contents; which of them every file shows at most once, with the same ends, in good order."""
        table = self._table
        new = np.concatenate((np.ones(1, np.bool_), content[1:] != content[:-1]))
        number = np.cumsum(new) - 1
        file, time_ns, ttl = table.file[rows], table.time_ns[rows], table.ttl[rows].astype(np.int64)
        src, dst = (endpoints(table, rows, source=side) for side in (True, False))
        last = self._last[rows]
        alone = (endpoints(table, last, source=True) == src) & (endpoints(table, last, source=False) == dst)
        follows = (src[1:] == src[:-1]) & (dst[1:] == dst[:-1]) & (ttl[1:] <= ttl[:-1])
        good = np.ones(int(number[-1]) + 1, np.bool_)
        good[number[~alone]] = False
        good[number[1:][~new[1:] & ~follows]] = False
        starts = np.flatnonzero(new)
        ends = np.append(starts[1:], rows.size) - 1
        good[time_ns[ends] - time_ns[starts] > WINDOW_NS] = False
        order = np.lexsort((file, number))
        again = (file[order][1:] == file[order][:-1]) & (number[order][1:] == number[order][:-1])
        good[number[order][1:][again]] = False
        return number, good

    def _join_plain(self, rows: I64, number: I64) -> None:
        # Highest TTL first, then earliest: the first of each run is the primary.
        order = np.lexsort((self._table.time_ns[rows], -self._table.ttl[rows].astype(np.int64), number))
        rows, number = rows[order], number[order]
        new = np.flatnonzero(np.diff(number, prepend=-1))
        self._root[rows] = np.repeat(rows[new], np.diff(np.append(new, rows.size)))

    def _learn(self, items: list[Sighted]) -> None:
        """Translations and ways, from content that is in two files and once in each."""
        for _, group in groupby(items, key=lambda item: item.content):
            members = list(group)
            if len({item.file for item in members}) < len(members) or members[0].kind not in _OURS:
                continue
            for a, b in combinations(members, 2):
                if a.ttl == b.ttl or abs(a.time_ns - b.time_ns) > WINDOW_NS:
                    continue
                near, far = (a, b) if a.ttl > b.ttl else (b, a)
                same_src, same_dst = _meet(a.srcs, b.srcs), _meet(a.dsts, b.dsts)
                if same_dst and not same_src:
                    self._knowledge.learn(near.srcs[-1], far.srcs[0], far.dsts[0])
                elif same_src and not same_dst:
                    self._knowledge.learn(far.dsts[0], near.dsts[-1], near.srcs[-1])
                elif not same_src:
                    self._doubles.add(_double(near, far))

    def _join(self, items: list[Sighted]) -> list[_Story]:
        stories: list[_Story] = []
        start = 0
        for item in items:
            while start < len(stories) and item.time_ns - stories[start].members[-1].time_ns > WINDOW_NS:
                start += 1
            chosen: _Story | None = None
            for story in stories[max(start, len(stories) - MAX_OPEN) :]:
                fit = 0 if item.file in story.files else self._fit_story(story, item)
                if fit == 2:
                    chosen = story
                    break
                if fit == 1 and chosen is None:
                    chosen = story
            if chosen is None:
                stories.append(_Story(item))
            else:
                if self._telling:
                    self._note_ways(chosen, item)
                chosen.take_in(item)
        return stories if self._telling else self._join_late(stories)

    def _join_late(self, stories: list[_Story]) -> list[_Story]:
        """Join the one-byte packets that a NAT with random ports let out later than the way takes otherwise."""
        everywhere = len({file for story in stories for file in story.files})
        partly = [number for number, story in enumerate(stories) if len(story.files) < everywhere]
        may_be: list[tuple[int, int]] = []
        start = 0
        for place, number in enumerate(partly):
            story = stories[number]
            while story.members[0].time_ns - stories[partly[start]].members[-1].time_ns > WINDOW_NS:
                start += 1
            may_be += [
                (earlier, number)
                for earlier in partly[max(start, place - MAX_OPEN) : place]
                if stories[earlier].files.isdisjoint(story.files) and self._fits_late(stories[earlier], story)
            ]
        gone = set()
        for earlier, later in in_turn(may_be):
            for item in stories[later].members:
                stories[earlier].take_in(item)
            gone.add(later)
        return [story for number, story in enumerate(stories) if number not in gone]

    def _fits_late(self, earlier: _Story, later: _Story) -> bool:
        """Whether both may be one datagram that took long, from the sender's side of a NAT to the other."""
        fits = False
        for near in earlier.members:
            for far in later.members:
                if near.ttl <= far.ttl or near.kind not in _OURS or not self._possible(near, far):
                    return False
                same_src, same_dst = _meet(near.srcs, far.srcs), _meet(near.dsts, far.dsts)
                fits = fits or (same_src != same_dst and self._translated(near, far, same_src, same_dst) > 0)
        return fits

    def _note_ways(self, story: _Story, item: Sighted) -> None:
        for member in story.members:
            for near, far in ((member, item), (item, member)):
                if near.ttl >= far.ttl:
                    self._ways.note(near.file, far.file, near.ttl - far.ttl, far.time_ns - near.time_ns)

    def _fit_story(self, story: _Story, item: Sighted) -> int:
        """How well a sighting fits the ones of a datagram: 2 surely, 1 if nothing better turns up, 0 not."""
        best = 0
        for member in story.members:
            near, far = (member, item) if member.ttl >= item.ttl else (item, member)
            if not self._possible(near, far):
                return 0
            if best < 2:
                best = max(best, self._fit(near, far))
        return best

    def _possible(self, near: Sighted, far: Sighted) -> bool:
        """Whether times and TTLs let two sightings be of one datagram, whatever else speaks for it."""
        delay, step = far.time_ns - near.time_ns, near.ttl - far.ttl
        if abs(delay) > WINDOW_NS or (step > 0 and delay < (-SLACK_NS if self._telling else -WEAK_SLACK_NS)):
            return False
        way = self._ways.between(near.file, far.file)
        return self._telling or (step <= MAX_STEP if way is None else step in way.steps)

    def _fit(self, near: Sighted, far: Sighted) -> int:
        """How well the ends of two sightings fit."""
        same_src, same_dst = _meet(near.srcs, far.srcs), _meet(near.dsts, far.dsts)
        if same_src and same_dst:
            return 2
        if near.ttl == far.ttl or near.kind not in _OURS:
            return 0
        rank = self._translated(near, far, same_src, same_dst)
        way = self._ways.between(near.file, far.file)
        if rank == 1 and not self._telling and way is not None and not way.takes(far.time_ns - near.time_ns):
            return 0
        return rank

    def _translated(self, near: Sighted, far: Sighted, same_src: bool, same_dst: bool) -> int:
        """The same for sightings of which one end, or both, are not the same."""
        known = self._knowledge
        if same_dst:
            return known.rank(near.srcs[-1], far.srcs[0], far.dsts[0])
        if same_src:
            return known.rank(far.dsts[0], near.dsts[-1], near.srcs[-1])
        if _double(near, far) in self._doubles:
            return 2
        if self._telling:
            return 0
        # Each NAT on the way sees the other's outside address as its peer.
        src = known.rank(near.srcs[-1], far.srcs[0], near.dsts[-1])
        dst = known.rank(far.dsts[0], near.dsts[-1], far.srcs[0])
        return min(src, dst) if dst == 2 else 0


def _meet(a: tuple[Endpoint, Endpoint], b: tuple[Endpoint, Endpoint]) -> bool:
    return a[0] in b or a[1] in b


def _double(near: Sighted, far: Sighted) -> tuple[Endpoint, ...]:
    """Ends of a datagram whose source and destination are both translated between two sightings."""
    return near.srcs[-1], near.dsts[-1], far.srcs[0], far.dsts[0]
