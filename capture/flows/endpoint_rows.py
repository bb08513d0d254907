"""Rows of the packet table by endpoint: sorted once, grown with the table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from capture.arrays import I64


class EndpointRows:
    """Rows that can be found by an endpoint.

    They stand in sorted runs, each more than twice as long as the next one: new rows are sorted with the shorter runs
    alone, so that a row is sorted a few times however often the table grows, and there are few runs to look through.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[I64, I64]] = []
        """Endpoints in rising order, and the row of each; rows of one endpoint in rising order too."""

    def add(self, rows: I64, endpoints: I64) -> None:
        """Take in rows, all later than those before, with the endpoint of each."""
        if not len(rows):
            return
        while self._runs and len(self._runs[-1][1]) <= 2 * len(rows):
            older_endpoints, older_rows = self._runs.pop()
            endpoints, rows = np.concatenate((older_endpoints, endpoints)), np.concatenate((older_rows, rows))
        order = np.argsort(endpoints, kind="stable")
        self._runs.append((endpoints[order], rows[order]))

    def at(self, endpoints: Iterable[int]) -> dict[int, I64]:
        """The rows at each of some endpoints, in rising order; endpoints without any are left out."""
        wanted = list(endpoints)
        keys = np.array(wanted, np.int64)
        found: dict[int, I64] = {}
        for known, rows in self._runs:
            firsts, ends = known.searchsorted(keys, "left").tolist(), known.searchsorted(keys, "right").tolist()
            for endpoint, first, end in zip(wanted, firsts, ends, strict=True):
                if first < end:
                    part, older = rows[first:end], found.get(endpoint)
                    found[endpoint] = part if older is None else np.concatenate((older, part))
        return found
