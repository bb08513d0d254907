"""Which request each response answers, for a whole packet table.

A response names no command. It answers the last request before it, in the order of the table, that has its transaction
id and went the other way between the same two endpoints, at most `PATIENCE_NS` earlier.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I32, I64
from capture.filter.grown import Grown
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.table import Kind, PacketTable

PATIENCE_NS: Final = 60_000_000_000
"""dht-rpc gives a request up after some seconds; what comes a minute later answers another one."""

_ENDS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


class Answers:
    """Rows of requests by the rows of their responses, grown batch after batch."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._requests = Grown(np.int32, -1)

    def update(self) -> I32:
        """Take in new rows. Gives for each row the request that it answers, -1 for none."""
        start, stop = self._requests.rows, len(self._table)
        if start < stop:
            fresh = self._requests.reach(stop)
            self._join(fresh, start, stop)
        return self._requests.values

    def _join(self, fresh: I32, start: int, stop: int) -> None:
        table = self._table
        kind = table.kind[start:stop]
        responses = np.flatnonzero(kind == Kind.RESPONSE) + start
        if not responses.size:
            return
        since = int(table.time_ns[responses].min()) - PATIENCE_NS
        earlier = np.flatnonzero((table.kind[:start] == Kind.REQUEST) & (table.time_ns[:start] >= since))
        requests = np.concatenate((earlier, np.flatnonzero(kind == Kind.REQUEST) + start))
        if not requests.size:
            return
        asked = self._keys(requests, source_endpoints(table, requests), destination_endpoints(table, requests))
        told = self._keys(responses, destination_endpoints(table, responses), source_endpoints(table, responses))
        rows = np.concatenate((requests, responses))
        keys = np.concatenate((asked, told))
        by_row = np.argsort(rows, kind="stable")
        order = by_row[np.argsort(keys[by_row], kind="stable")]
        is_request = order < requests.size
        places = np.arange(order.size)
        last = np.maximum.accumulate(np.where(is_request, places, -1))
        heads = np.concatenate(([True], keys[order][1:] != keys[order][:-1]))
        group = np.maximum.accumulate(np.where(heads, places, 0))
        at = np.flatnonzero(~is_request & (last >= group))
        answer, request = rows[order[at]], rows[order[last[at]]]
        sound = self._sound(request, answer)
        fresh[answer[sound] - start] = request[sound]

    def _keys(self, rows: I64, asking: I64, asked: I64) -> I64:
        """A number that a request shares with its responses, and hardly with anything else."""
        mixed = asking.astype(np.uint64) * np.uint64(_ENDS[0]) ^ asked.astype(np.uint64) * np.uint64(_ENDS[1])
        mixed ^= mixed >> np.uint64(29)
        keys: I64 = (mixed * np.uint64(_ENDS[0]) + self._table.tid[rows]).view(np.int64)
        return keys

    def _sound(self, request: I64, answer: I64) -> I64:
        """Pairs that really belong together: hashes may collide, and answers come in time."""
        table = self._table
        there = source_endpoints(table, request) == destination_endpoints(table, answer)
        back = destination_endpoints(table, request) == source_endpoints(table, answer)
        late = table.time_ns[answer] - table.time_ns[request] > PATIENCE_NS
        found: I64 = there & back & (table.tid[request] == table.tid[answer]) & ~late
        return found
