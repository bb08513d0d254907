"""Sightings of one datagram within one capture: as ``-i any``, bridges, mirror ports and tunnels show it.

A row is a copy of an earlier one when both have the same payload, at least one end in common, and the capture shows a
forwarding hop between them: another interface, direction or pair of MAC addresses, or, where the link layer tells
nothing, a smaller TTL. The same bytes on the same interface in the same direction are never copies: nodes do send two
equal one-byte packets within a millisecond, and repeat requests byte by byte. TTLs never rise along the copies, an
address is translated only where the TTL falls, and differing IPv4 identifications refute.

Payloads without content (hole-punch packets) are joined in order, the k-th to the k-th, only over TTL steps and
translations that telling datagrams of the capture proved.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import Final

import numpy as np

from capture.arrays import I64, Bools, distinct
from capture.candidates import (
    FORWARD_WINDOW_NS,
    SAME_TTL_WINDOW_NS,
    Group,
    directed,
    grouped,
    plain,
    repeated,
    with_a_hop,
)
from capture.knowledge import Endpoint, Knowledge
from capture.sightings import TELLING_LENGTH, endpoints, whole_content
from capture.table import PacketTable

MAX_OPEN: Final = 512
"""Equal payloads between the same ends within the window that are looked through; a flood has more."""


class _Seen:
    """A datagram with its sightings so far; the fields are those of the latest."""

    __slots__ = ("dst", "hops", "ip_id", "primary", "src", "time_ns", "ttl")

    def __init__(self, primary: int, time_ns: int, src: Endpoint, dst: Endpoint, ttl: int, ip_id: int) -> None:
        self.primary = primary
        self.time_ns = time_ns
        self.src = src
        self.dst = dst
        self.ttl = ttl
        self.ip_id = ip_id
        self.hops: set[int] = set()


class _Open:
    """Datagrams at one endpoint that later rows may show again."""

    __slots__ = ("_all", "_waiting")

    def __init__(self) -> None:
        self._all: list[_Seen] = []
        self._waiting: dict[tuple[int, int], tuple[int, list[_Seen]]] = {}
        """For a hop and a TTL: how many of all were looked at, and which of those it can show again."""

    def add(self, seen: _Seen) -> None:
        """One more."""
        self._all.append(seen)

    def waiting(self, hop: int, directed: bool, ttl: int, now_ns: int) -> list[_Seen]:
        """Those that a row seen there and then may show again, the earliest first; the last `MAX_OPEN` of them.

        What this place has shown, it never shows again, and TTLs only fall. So whatever drops out here is never looked
        at again for this hop and TTL, and a flood of equal packets takes time in proportion to their number.
        """
        looked_at, left = self._waiting.get((hop, ttl), (0, []))
        left = [
            seen
            for seen in chain(left, self._all[max(looked_at, len(self._all) - MAX_OPEN) :])
            if seen.ttl >= ttl
            and not (hop in seen.hops and (directed or seen.ttl == ttl))
            and abs(now_ns - seen.time_ns) <= FORWARD_WINDOW_NS
        ][-MAX_OPEN:]
        self._waiting[hop, ttl] = len(self._all), left
        return left


def mark_copies(table: PacketTable, start: int, end: int, first_new: int, knowledge: Knowledge) -> int:
    """Set `copy_of` for the rows of one file.

    Args:
        table: the packet table.
        start: first row to look at; with `first_new` above it, rows before that are known and only looked back on.
        end: one past the last row; all in between are of one file.
        first_new: first row to decide on.
        knowledge: what the file proved so far; grows.

    Returns:
        How many copies were found.
    """
    rows = with_a_hop(table, repeated(table.content[start:end], first_new - start) + start)
    telling = table.wire_length[rows] >= TELLING_LENGTH
    group = grouped(table, rows[telling], whole_content(table, rows[telling]))
    found = 0
    if group.starts.size:
        easy = plain(table, group) & (group.rows[group.starts] >= first_new)
        found += _mark_plain(table, group, easy, knowledge)
        sizes = np.diff(np.append(group.starts, group.rows.size))
        hard = np.repeat(~easy, sizes)
        if hard.any():
            found += _Joiner(table, group.rows[hard], group.content[hard], first_new, knowledge).join()
    weak = rows[~telling]
    if weak.size:
        content = whole_content(table, weak)
        order = np.argsort(content, kind="stable")
        found += _Joiner(table, weak[order], content[order], first_new, knowledge).join()
    return found


def _mark_plain(table: PacketTable, group: Group, easy: Bools, knowledge: Knowledge) -> int:
    """Mark groups that are one datagram each, and learn from them."""
    sizes = np.diff(np.append(group.starts, group.rows.size))
    inside = np.repeat(easy, sizes)
    primary = np.repeat(group.rows[group.starts], sizes)
    rows = group.rows[inside & (group.rows != primary)]
    table.copy_of[rows] = primary[inside & (group.rows != primary)]
    later = np.flatnonzero(inside & (group.rows != primary))
    before, after = group.rows[later - 1], group.rows[later]
    steps = table.ttl[before].astype(np.int64) - table.ttl[after]
    knowledge.ttl_steps.update(distinct(steps[steps > 0]).tolist())
    src = endpoints(table, before, source=True), endpoints(table, after, source=True)
    dst = endpoints(table, before, source=False), endpoints(table, after, source=False)
    out, back = src[0] != src[1], dst[0] != dst[1]
    # On the way in it is the destination that gets its inside address back.
    for inner, outer, peer in ((src[0][out], src[1][out], dst[0][out]), (dst[1][back], dst[0][back], src[0][back])):
        for learned in set(zip(inner.tolist(), outer.tolist(), peer.tolist(), strict=True)):
            knowledge.learn(*learned)
    return int(rows.size)


class _Joiner:
    """Walks candidates in order and joins each to the datagram it is another sighting of."""

    def __init__(self, table: PacketTable, rows: I64, content: I64, first_new: int, knowledge: Knowledge) -> None:
        self._table = table
        self._rows: list[int] = rows.tolist()
        self._first_new = first_new
        self._knowledge = knowledge
        self._content: list[int] = content.tolist()
        self._time: list[int] = table.time_ns[rows].tolist()
        self._src: list[int] = endpoints(table, rows, source=True).tolist()
        self._dst: list[int] = endpoints(table, rows, source=False).tolist()
        self._ttl: list[int] = table.ttl[rows].tolist()
        self._ip_id: list[int] = table.ip_id[rows].tolist()
        self._copy_of: list[int] = table.copy_of[rows].tolist()
        self._hop: list[int] = table.hop[rows].tolist()
        self._directed: list[bool] = directed(table, rows).tolist()
        self._telling = bool(table.wire_length[rows[0]] >= TELLING_LENGTH)

    def join(self) -> int:
        """Set `copy_of` of all rows from the first new one on; how many are copies."""
        found = 0
        content = -1
        by_src: defaultdict[Endpoint, _Open] = defaultdict(_Open)
        by_dst: defaultdict[Endpoint, _Open] = defaultdict(_Open)
        by_primary: dict[int, _Seen] = {}
        for i, row in enumerate(self._rows):
            if self._content[i] != content:
                content = self._content[i]
                by_src, by_dst, by_primary = defaultdict(_Open), defaultdict(_Open), {}
            old = row < self._first_new
            seen = by_primary.get(self._copy_of[i]) if old else self._find(i, by_src, by_dst)
            if seen is None:
                seen = _Seen(row, self._time[i], self._src[i], self._dst[i], self._ttl[i], self._ip_id[i])
                by_primary[row] = seen
                by_src[seen.src].add(seen)
                by_dst[seen.dst].add(seen)
            else:
                if not old:
                    self._table.copy_of[row] = seen.primary
                    found += 1
                self._advance(seen, i, by_src, by_dst)
            seen.hops.add(self._hop[i])
        return found

    def _advance(
        self, seen: _Seen, i: int, by_src: defaultdict[Endpoint, _Open], by_dst: defaultdict[Endpoint, _Open]
    ) -> None:
        if self._telling and self._ttl[i] < seen.ttl:
            self._knowledge.ttl_steps.add(seen.ttl - self._ttl[i])
        if self._src[i] != seen.src:
            self._knowledge.learn(seen.src, self._src[i], seen.dst)
            by_src[self._src[i]].add(seen)
        if self._dst[i] != seen.dst:
            # On the way in it is the destination that gets its inside address back.
            self._knowledge.learn(self._dst[i], seen.dst, seen.src)
            by_dst[self._dst[i]].add(seen)
        seen.time_ns, seen.src, seen.dst = self._time[i], self._src[i], self._dst[i]
        seen.ttl, seen.ip_id = self._ttl[i], self._ip_id[i] or seen.ip_id

    def _find(self, i: int, by_src: defaultdict[Endpoint, _Open], by_dst: defaultdict[Endpoint, _Open]) -> _Seen | None:
        """The datagram that this row shows again: proven translations first, then the earliest that it can be."""
        src, dst = self._src[i], self._dst[i]
        place = self._hop[i], self._directed[i], self._ttl[i], self._time[i]
        best: _Seen | None = None
        for seen in chain(by_dst[dst].waiting(*place), by_src[src].waiting(*place)):
            if not self._follows(seen, i):
                continue
            if (seen.src == src and seen.dst == dst) or self._proven(seen, src, dst):
                return seen
            if best is None and self._allowed(seen, src, dst):
                best = seen
        return best

    def _proven(self, seen: _Seen, src: Endpoint, dst: Endpoint) -> bool:
        if seen.src != src:
            return self._knowledge.rank(seen.src, src, dst) == 2
        return self._knowledge.rank(dst, seen.dst, src) == 2

    def _allowed(self, seen: _Seen, src: Endpoint, dst: Endpoint) -> bool:
        if self._telling:
            return True
        if seen.src != src:
            return self._knowledge.allows(seen.src, src, dst)
        return self._knowledge.allows(dst, seen.dst, src)

    def _follows(self, seen: _Seen, i: int) -> bool:
        """Whether time, TTL and ends let row i be the next sighting."""
        step = seen.ttl - self._ttl[i]
        if step < 0 or abs(self._time[i] - seen.time_ns) > (FORWARD_WINDOW_NS if step else SAME_TTL_WINDOW_NS):
            return False
        ends = (seen.src == self._src[i]) + (seen.dst == self._dst[i])
        if ends == 0 or (ends == 1 and step == 0):
            return False
        if seen.ip_id and self._ip_id[i] and seen.ip_id != self._ip_id[i]:
            return False
        return self._telling or step == 0 or self._knowledge.allows_step(step)
