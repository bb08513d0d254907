"""Searches: which FIND_PEER queries belong to which attempt, and which led to none.

A client asks node after node for the target before and while it sends handshakes, from the same socket. Behind a
random NAT that socket has another port for every node, so the host decides where no endpoint does. A server asks for
its own target too, before it announces: a host that announces a target does not search for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from capture.flows.assembly import Assembler
from capture.flows.attempt import Attempt
from capture.flows.copies import Copies
from capture.flows.endpoints import destination_endpoints, endpoint_of, host_of, source_endpoints
from capture.table import Kind, PacketTable
from protocol.constants import Command, Mode
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError

RESPONSE_VALUE: int = 16
"""Envelope flag of a response that carries a value."""


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
        self.lone: list[Search] = []
        """Searches that no attempt claims."""
        self.partial = 0
        """Searches seen only in part, by one node that was asked: no attempt of their own."""
        self._counted = 0

    def update(self) -> None:
        """Assign all FIND_PEER rows anew; cheap, since only rows of wanted targets are looked at one by one."""
        rows = self._assembler.searches
        if len(rows) == self._counted and not self._assembler.changed:
            return
        self._counted = len(rows)
        if not len(rows):
            return
        table = self._table
        sources = source_endpoints(table, rows)
        groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for row, head, source in zip(rows.tolist(), table.target8[rows].tolist(), sources.tolist(), strict=True):
            groups[head, host_of(source)].append((row, source))
        attempts_by_head: dict[int, list[Attempt]] = defaultdict(list)
        for target, attempts in self._assembler.by_target.items():
            attempts_by_head[int.from_bytes(target[:8], "big")].extend(attempts)
        announcers = self._announcers({head for head, _ in groups})
        self.lone = []
        self.partial = 0
        for (head, host), members in groups.items():
            attempts = [attempt for attempt in attempts_by_head.get(head, ()) if host in self._hosts_of(attempt)]
            if attempts:
                self._assign(attempts, members)
            elif (head, host) not in announcers:
                self._leave(members)

    def _hosts_of(self, attempt: Attempt) -> set[int]:
        return {
            host_of(source)
            for exchange in attempt.handshakes
            for leg in exchange.legs
            if leg.mode == Mode.FROM_CLIENT
            for source in self._copies.sources(leg.row, leg.src)
        }

    def _announcers(self, heads: set[int]) -> set[tuple[int, int]]:
        table = self._table
        announcing = (table.kind == Kind.REQUEST) & ~table.internal & (table.copy_of < 0)
        announcing &= (table.command == Command.ANNOUNCE) | (table.command == Command.UNANNOUNCE)
        rows = np.flatnonzero(announcing)
        rows = rows[np.isin(table.target8[rows], np.fromiter(heads, dtype=np.uint64, count=len(heads)))]
        hosts = source_endpoints(table, rows) >> 16
        return set(zip(table.target8[rows].tolist(), hosts.tolist(), strict=True))

    def _assign(self, attempts: list[Attempt], members: list[tuple[int, int]]) -> None:
        """Give the rows of one host and target to its attempts, in the order in which these began."""
        attempts = sorted(attempts, key=lambda attempt: attempt.started_ns)
        answers = self._assembler.search_answers
        times = self._table.time_ns
        own: dict[int, list[int]] = {index: [] for index in range(len(attempts))}
        sockets = [
            {
                source
                for exchange in attempt.handshakes
                for leg in exchange.legs_of(Mode.FROM_CLIENT)
                for source in self._copies.sources(leg.row, leg.src)
            }
            for attempt in attempts
        ]
        starts = [attempt.started_ns for attempt in attempts]
        for row, source in members:
            candidates = [index for index, ports in enumerate(sockets) if source in ports] or list(range(len(attempts)))
            time_ns = int(times[row])
            later = [index for index in candidates if starts[index] >= time_ns]
            earlier = [index for index in candidates if starts[index] < time_ns]
            if not later:
                own[earlier[-1]].append(row)
            elif not earlier:
                own[later[0]].append(row)
            else:
                # Between two attempts of one host: nearer in time decides.
                near = time_ns - starts[earlier[-1]] <= starts[later[0]] - time_ns
                own[earlier[-1] if near else later[0]].append(row)
        for index, attempt in enumerate(attempts):
            rows = sorted({row for asked in own[index] for row in (asked, answers.get(asked)) if row is not None})
            if rows == attempt.search_rows:
                continue
            attempt.search_rows = rows
            asked_rows = np.asarray(own[index], dtype=np.int64)
            attempt.asked = set(destination_endpoints(self._table, asked_rows).tolist())
            attempt.found_rows = [
                answers[row]
                for row in own[index]
                if row in answers and self._table.flags[answers[row]] & RESPONSE_VALUE
            ]
            self._assembler.changed.add(attempt.noise1)

    def _leave(self, members: list[tuple[int, int]]) -> None:
        """A query that led to no handshake: an attempt if this capture shows the query itself."""
        answers = self._assembler.search_answers
        search: Search | None = None
        offered: set[int] = set()
        for row, source in members:
            try:
                request = decode_request(self._table.payload(row))
            except DecodeError as error:
                self._assembler.note_bad(row, error)
                continue
            if search is None:
                search = Search(request.target or b"", source, tid=request.tid)
            search.rows.append(row)
            search.asked.add(int(self._table.dst[row]) << 16 | int(self._table.dport[row]))
            answer = answers.get(row)
            if answer is None:
                continue
            search.rows.append(answer)
            search.answered += 1
            search.found = search.found or bool(self._table.flags[answer] & RESPONSE_VALUE)
            offered.update(self._closer_nodes(answer))
        if search is None:
            return
        search.rows.sort()
        search.whole = len(search.asked) > 1 or not offered - search.asked
        if search.whole:
            self.lone.append(search)
        else:
            self.partial += 1

    def _closer_nodes(self, row: int) -> set[int]:
        try:
            nodes = decode_response(self._table.payload(row)).closer_nodes or ()
        except DecodeError as error:
            self._assembler.note_bad(row, error)
            return set()
        return {endpoint_of(node) for node in nodes}
