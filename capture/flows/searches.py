"""Searches: which FIND_PEER queries belong to which attempt, and which led to none.

A client asks node after node for the target before and while it sends handshakes, from the same socket. Behind a
random NAT that socket has another port for every node, so the host decides where no endpoint does. A server asks for
its own target too, before it announces: a host that announces a target does not search for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np

from capture.flows.assembly import Assembler
from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.endpoints import destination_endpoints, endpoint_of, host_of, source_endpoints
from capture.flows.joining import Rows
from capture.flows.legs import FROM_CLIENT
from capture.table import Kind, PacketTable
from protocol.constants import Command
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError

RESPONSE_VALUE: Final = 16
"""Envelope flag of a response that carries a value."""

GroupKey = tuple[int, int]
"""First 8 bytes of a target as a number, and the host that asks for it."""

Query = tuple[int, int, int]
"""Row, source and destination endpoint of a request."""


@dataclass(slots=True, eq=False)
class Search:
    """A query for a target that led to no handshake."""

    target: bytes
    client: int
    rows: list[int] = field(default_factory=list)
    """Requests and responses, in row order."""
    tid: int = 0
    asked: set[int] = field(default_factory=set)
    answered: int = 0
    found: bool = False
    whole: bool = False
    """The capture shows the query itself, not only what one of the asked nodes saw of it."""


class Searches:
    """Sorts FIND_PEER rows to attempts, batch after batch."""

    def __init__(self, table: PacketTable, assembler: Assembler, copies: Copies) -> None:
        self._table = table
        self._assembler = assembler
        self._copies = copies
        self._groups: dict[GroupKey, list[Query]] = defaultdict(list)
        """The requests of each host for each target."""
        self._targets: dict[int, tuple[bytes, ...]] = {}
        """Targets of attempts, by their first eight bytes."""
        self._sockets: dict[bytes, set[int]] = {}
        """Endpoints that each attempt's client sent handshakes from, by noise message 1; kept during an update."""
        self._announcers: set[GroupKey] = set()
        self._lone: dict[GroupKey, Search] = {}
        self.changed = False
        """Whether the last `update` changed which searches no attempt claims, or what they are made of."""
        self._partial: set[GroupKey] = set()
        self._done = 0

    @property
    def lone(self) -> list[Search]:
        """Searches that no attempt claims."""
        return list(self._lone.values())

    @property
    def partial(self) -> int:
        """Searches seen only in part, by one node that was asked: no attempt of their own."""
        return len(self._partial)

    def update(self) -> None:
        """Assign the rows of every host and target that something new was seen of."""
        self._sockets.clear()
        self.changed = False
        shown_again = set(self._keys(np.array(sorted(self._assembler.searched_again), dtype=np.int64)))
        # In order of rows and attempts, which is how they lie in memory.
        dirty = dict.fromkeys((*self._take_announcements(), *self._take_requests(), *shown_again, *self._of_changed()))
        if not dirty:
            return
        claimants = self._claimants(dirty)
        for key in dirty:
            members = self._groups.get(key)
            if not members:
                continue
            self.changed = self._lone.pop(key, None) is not None or self.changed
            self._partial.discard(key)
            attempts = claimants.get(key)
            if attempts:
                self._assign(attempts, members)
                if key in shown_again:
                    self._assembler.changed.update((attempt.noise1, None) for attempt in attempts)
            elif key not in self._announcers:
                self._leave(key, members)
        self._sockets.clear()

    def _claimants(self, keys: dict[GroupKey, None]) -> dict[GroupKey, list[Attempt]]:
        """The attempts on each of some targets from each of some hosts, in the order in which they were found."""
        found: dict[GroupKey, list[Attempt]] = defaultdict(list)
        for head in {head for head, _ in keys} & self._targets.keys():
            for attempt in chain.from_iterable(map(self._assembler.by_target.__getitem__, self._targets[head])):
                for host in {host_of(socket) for socket in self._sockets_of(attempt)}:
                    if (head, host) in keys:
                        found[head, host].append(attempt)
        return found

    def _take_announcements(self) -> set[GroupKey]:
        """Hosts that announce a target, among the new rows."""
        table = self._table
        start, stop = self._done, len(table)
        self._done = stop
        window = slice(start, stop)
        announcing = (
            (table.kind[window] == Kind.REQUEST) & ~table.asked_internally(window) & (table.copy_of[window] < 0)
        )
        announcing &= (table.command[window] == Command.ANNOUNCE) | (table.command[window] == Command.UNANNOUNCE)
        fresh = set(self._keys(np.flatnonzero(announcing) + start)) - self._announcers
        self._announcers |= fresh
        return fresh

    def _take_requests(self) -> list[GroupKey]:
        """Hosts and targets of new FIND_PEER requests, and of old ones that were answered since."""
        rows, answered = self._assembler.take_searches()
        sources = source_endpoints(self._table, rows).tolist()
        destinations = destination_endpoints(self._table, rows).tolist()
        keys = self._keys(rows)
        for key, query in zip(keys, zip(rows.tolist(), sources, destinations, strict=True), strict=True):
            self._groups[key].append(query)
        return keys + self._keys(answered)

    def _of_changed(self) -> Iterator[GroupKey]:
        """Hosts and targets of the clients of attempts that changed."""
        for noise1 in self._assembler.changed:
            attempt = self._assembler.attempts[noise1]
            head = _head(attempt.target)
            known = self._targets.get(head, ())
            if attempt.target not in known:
                self._targets[head] = (*known, attempt.target)
            for socket in self._sockets_of(attempt):
                yield head, host_of(socket)

    def _keys(self, rows: Rows) -> list[GroupKey]:
        hosts = source_endpoints(self._table, rows) >> 16
        return list(zip(self._table.target8[rows].tolist(), hosts.tolist(), strict=True))

    def _sockets_of(self, attempt: Attempt) -> set[int]:
        found = self._sockets.get(attempt.noise1)
        if found is None:
            found = self._sockets[attempt.noise1] = {
                source
                for exchange in attempt.handshakes
                for leg in exchange.legs
                if leg.mode == FROM_CLIENT
                for source in self._copies.sources(leg.row, leg.src)
            }
        return found

    def _assign(self, attempts: list[Attempt], members: list[Query]) -> None:
        """Give the rows of one host and target to its attempts, in the order in which these began."""
        if len(attempts) == 1:
            self._give(attempts[0], members)
            return
        attempts = sorted(attempts, key=lambda attempt: attempt.started_ns)
        times = self._table.time_ns
        own: list[list[Query]] = [[] for _ in attempts]
        starts = [attempt.started_ns for attempt in attempts]
        every = (range(len(attempts)), starts)
        of_socket: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for index, attempt in enumerate(attempts):
            for socket in self._sockets_of(attempt):
                indexes, began = of_socket[socket]
                indexes.append(index)
                began.append(attempt.started_ns)
        for query in members:
            row, source, _ = query
            time_ns = int(times[row])
            candidates, began = of_socket.get(source, every)
            at = bisect_left(began, time_ns)
            # Between two attempts of one host: nearer in time decides.
            if at == len(began) or (at and time_ns - began[at - 1] <= began[at] - time_ns):
                at -= 1
            own[candidates[at]].append(query)
        for attempt, queries in zip(attempts, own, strict=True):
            self._give(attempt, queries)

    def _give(self, attempt: Attempt, queries: list[Query]) -> None:
        """Give an attempt its queries, and what answers them."""
        answers = self._assembler.search_answers
        asked = [row for row, _, _ in queries]
        answered = [answers[row] for row in asked if row in answers]
        rows = sorted({*asked, *answered})
        if rows == attempt.search_rows:
            return
        flags = self._table.flags
        attempt.search_rows = rows
        attempt.asked = {destination for _, _, destination in queries}
        attempt.found_rows = [row for row in answered if flags.item(row) & RESPONSE_VALUE]
        self._assembler.changed[attempt.noise1] = None

    def _leave(self, key: GroupKey, members: list[Query]) -> None:
        """A query that led to no handshake: an attempt if this capture shows the query itself."""
        answers = self._assembler.search_answers
        search: Search | None = None
        offered: set[int] = set()
        for row, source, _ in members:
            try:
                request = decode_request(self._table.payload(row), cut=self._is_cut(row))
            except DecodeError as error:
                self._assembler.note_bad(row, error)
                continue
            if request.target is None:
                continue  # without a target, or cut inside it: nobody can say what was searched for
            if search is None:
                search = Search(request.target, source, tid=request.tid)
            search.rows.append(row)
            search.asked.add(int(self._table.dst[row]) << 16 | int(self._table.dport[row]))
            answer = answers.get(row)
            if answer is None:
                continue
            search.rows.append(answer)
            search.answered += 1
            search.found = search.found or bool(self._table.flags[answer] & RESPONSE_VALUE)
            seen_as, nodes = self._read_answer(answer)
            offered |= nodes
            if search.answered == 1 and seen_as is not None:
                search.client = seen_as
        if search is None:
            self._partial.add(key)
            return
        search.rows.sort()
        search.whole = len(search.asked) > 1 or not offered - search.asked
        if search.whole:
            self._lone[key] = search
            self.changed = True
        else:
            self._partial.add(key)

    def _is_cut(self, row: int) -> bool:
        return bool(self._table.wire_length[row] > self._table.length[row])

    def _read_answer(self, row: int) -> tuple[int | None, set[int]]:
        """The asking socket as the node sees it, and the closer nodes that it offers."""
        try:
            response = decode_response(self._table.payload(row), cut=self._is_cut(row))
        except DecodeError as error:
            self._assembler.note_bad(row, error)
            return None, set()
        return endpoint_of(response.to), {endpoint_of(node) for node in response.closer_nodes or ()}


def _head(target: bytes) -> int:
    return int.from_bytes(target[:8], "big")
