"""Which request each response answers, for a whole packet table.

A response names no command. It answers the last request before it, in the order of the table, that has its transaction
id and went the other way between the same two endpoints, at most `PATIENCE_NS` earlier.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I32, I64, Bools
from capture.filter.grown import Grown
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.table import Kind, PacketTable

PATIENCE_NS: Final = 60_000_000_000
"""dht-rpc gives a request up after some seconds; what comes a minute later answers another one."""

_PLACE_BITS: Final = 32
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
        responses = kind == Kind.RESPONSE
        if not responses.any():
            return
        since = int(table.time_ns[start:stop][responses].min()) - PATIENCE_NS
        earlier = np.flatnonzero((table.kind[:start] == Kind.REQUEST) & (table.time_ns[:start] >= since))
        rows = np.concatenate((earlier, np.flatnonzero((kind == Kind.REQUEST) | responses) + start))
        asks = table.kind[rows] == Kind.REQUEST
        order, group = self._grouped(rows, asks)
        places = np.arange(order.size)
        last = np.maximum.accumulate(np.where(asks[order], places, -1))
        at = np.flatnonzero(~asks[order] & (last >= group))
        answer, request = rows[order[at]], rows[order[last[at]]]
        sound = self._sound(request, answer)
        fresh[answer[sound] - start] = request[sound]

    def _grouped(self, rows: I64, asks: Bools) -> tuple[I64, I64]:
        """An order that brings requests together with what may answer them, in the order of the table.

        Returns:
            Places in `rows`, and for each of them where its group begins.
        """
        source, destination = source_endpoints(self._table, rows), destination_endpoints(self._table, rows)
        asking = np.where(asks, source, destination).view(np.uint64)
        asked = np.where(asks, destination, source).view(np.uint64)
        mixed = asking * np.uint64(_ENDS[0]) ^ asked * np.uint64(_ENDS[1])
        mixed ^= mixed >> np.uint64(29)
        keys = mixed * np.uint64(_ENDS[0]) + self._table.tid[rows]
        order = np.argsort(keys)
        sorted_keys = keys[order]
        heads = np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1]))
        # Groups stand together, but a quick sort mixes what is in them: one more, by group and place.
        order = np.sort((np.cumsum(heads) << _PLACE_BITS) | order) & ((1 << _PLACE_BITS) - 1)
        return order, np.maximum.accumulate(np.where(heads, np.arange(order.size), 0))

    def _sound(self, request: I64, answer: I64) -> Bools:
        """Pairs that really belong together: hashes may collide, and answers come in time."""
        table = self._table
        there = source_endpoints(table, request) == destination_endpoints(table, answer)
        back = destination_endpoints(table, request) == source_endpoints(table, answer)
        late = table.time_ns[answer] - table.time_ns[request] > PATIENCE_NS
        found: Bools = there & back & (table.tid[request] == table.tid[answer]) & ~late
        return found
