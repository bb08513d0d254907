"""Requests and their responses for one datagram at a time, as a packet list asks for them.

`capture.flows.joining` joins whole columns; it keeps only what attempts are made of. Here the rule is the same (the
last request before it, between the same two endpoints the other way round, with the same tid), for any message.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U32
from capture.envelopes import Kind
from capture.flows.endpoints import destination_endpoint, host_of, source_endpoint
from capture.flows.joining import LIFETIME_NS, SKEW_NS
from capture.table import PacketTable
from protocol.constants import InternalCommand

_INTERNAL: Final = 4
"""Envelope flag of dht-rpc's own commands."""
_TIDS: Final = 1 << 16
_TAIL: Final = 1 << 22
"""Rows beyond the index that are looked through with each search, half a millisecond for all of them; to take them into
the index each time that a live source has brought more would stop the screen for longer and longer."""


class Exchanged(NamedTuple):
    """Primary rows of the messages of one exchange, in row order: a request with its retransmissions, and answers."""

    requests: tuple[int, ...] = ()
    responses: tuple[int, ...] = ()


class Exchanges:
    """Finds what a dht-rpc message answers or is answered by; indexed by tid when first asked."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._indexed = 0
        self._rows: U32 = np.empty(0, np.uint32)
        self._starts: I64 = np.zeros(_TIDS + 1, np.int64)

    def of(self, row: int) -> Exchanged:
        """The exchange that a message belongs to; nothing for what is no request or response.

        Args:
            row: of any sighting of it.
        """
        table = self._table
        row = self._primary(row)
        kind = table.kind.item(row)
        if kind not in (Kind.REQUEST, Kind.RESPONSE):
            return Exchanged()
        if kind == Kind.REQUEST:
            return self._around(row)
        asked = self.request_of(row)
        return Exchanged((), (row,)) if asked is None else self._around(asked)

    def request_of(self, row: int) -> int | None:
        """The primary row of the last request that a response answers; None if it was not seen."""
        table = self._table
        row = self._primary(row)
        time_ns = table.time_ns.item(row)
        near = self._near(table.tid.item(row), time_ns - LIFETIME_NS, time_ns + SKEW_NS)
        wanted = {(destination, source) for source, destination in self._ends(row, near)}
        best: int | None = None
        for other in near:
            if table.kind.item(other) == Kind.REQUEST and self._asks(other, wanted):
                found = self._primary(other)
                if best is None or found < row:
                    best = found
        return best

    def _around(self, row: int) -> Exchanged:
        """The exchange of a request."""
        table = self._table
        time_ns = table.time_ns.item(row)
        near = self._near(table.tid.item(row), time_ns - LIFETIME_NS, time_ns + LIFETIME_NS)
        there = self._ends(row, near)
        same = table.content.item(row), table.wire_length.item(row)
        asked = [one for one in near if self._primary(one) == row] or [row]
        requests: dict[int, None] = {row: None}
        responses: dict[int, None] = {}
        others: list[int] = []
        for other in near:
            first = self._primary(other)
            source, destination = self._pair(other)
            if table.kind.item(other) == Kind.RESPONSE:
                if any(self._asks(one, {(destination, source)}) for one in asked):
                    responses[first] = None
            elif (source, destination) in there:
                if (table.content.item(first), table.wire_length.item(first)) == same:
                    requests[first] = None
                else:
                    others.append(first)
        ours = sorted(requests)
        # A later request under the same tid ends the exchange, an earlier one had answers of its own.
        since = max((one for one in others if one < ours[0]), default=-1)
        until = min((one for one in others if one > ours[-1]), default=len(table))
        begun = table.time_ns.item(ours[0]) - SKEW_NS
        answers = [one for one in sorted(responses) if since < one < until and table.time_ns.item(one) >= begun]
        return Exchanged(tuple(ours), tuple(answers))

    def _asks(self, row: int, pairs: set[tuple[int, int]]) -> bool:
        """Whether a request went between these ends; that of PING_NAT names another port of its sender for the answer.

        Args:
            row: a sighting of the request.
            pairs: source and destination that it has to have.
        """
        source, destination = self._pair(row)
        if (source, destination) in pairs:
            return True
        table = self._table
        if table.command.item(row) != InternalCommand.PING_NAT or not table.flags.item(row) & _INTERNAL:
            return False
        return any(host_of(source) == host_of(end) and destination == other for end, other in pairs)

    def _near(self, tid: int, since_ns: int, until_ns: int) -> list[int]:
        """Rows of messages with that tid between two times, in order."""
        table = self._table
        self._take_in()
        found = self._rows[self._starts[tid] : self._starts[tid + 1]].astype(np.int64)
        tail = np.flatnonzero(table.tid[self._indexed :] == tid) + self._indexed
        kind = table.kind[tail]
        rows = np.concatenate((found, tail[(kind == Kind.REQUEST) | (kind == Kind.RESPONSE)]))
        times = table.time_ns[rows]
        return list(rows[(times >= since_ns) & (times <= until_ns)].tolist())

    def _take_in(self) -> None:
        table = self._table
        if len(table) - self._indexed <= _TAIL and self._indexed:
            return
        self._indexed = len(table)
        messages = np.flatnonzero((table.kind == Kind.REQUEST) | (table.kind == Kind.RESPONSE)).astype(np.uint32)
        tids = table.tid[messages]
        self._rows = messages[np.argsort(tids, kind="stable")]
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(tids, minlength=_TIDS)))).astype(np.int64)

    def _ends(self, row: int, near: list[int]) -> set[tuple[int, int]]:
        """Source and destination endpoint in every sighting of a message."""
        return {self._pair(one) for one in near if self._primary(one) == row} | {self._pair(row)}

    def _pair(self, row: int) -> tuple[int, int]:
        return source_endpoint(self._table, row), destination_endpoint(self._table, row)

    def _primary(self, row: int) -> int:
        first = self._table.copy_of.item(row)
        return row if first < 0 else first
