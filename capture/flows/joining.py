"""Joining responses to requests, for whole columns at once.

A response names no command. It belongs to the last request before it between the same two endpoints, the other way
round, with the same tid. Every sighting counts: behind a NAT the request may have been seen with the inside address
and its response with the outside one, and only a copy of either shows both ends of the pair.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I64, U16, U64
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.table import Kind, PacketTable

LIFETIME_NS: Final = 30_000_000_000
"""How long a request waits for its response: far longer than the reference's retries (4 sends, about 1 s apart)."""

SKEW_NS: Final = 1_000_000_000
"""How long before its request a response may stand, where the clocks of several vantages disagree."""

_FEW: Final = 4096
_MIX_SRC: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_DST: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_TID: Final = np.uint64(0x165667B19E3779F9)

Rows = I64


def pair_keys(a: I64, b: I64, tid: U16) -> U64:
    """One 64-bit key for each (endpoint a, endpoint b, tid)."""
    with np.errstate(over="ignore"):
        key = a.astype(np.uint64) * _MIX_SRC
        key ^= (b.astype(np.uint64) * _MIX_DST) >> np.uint64(7)
        key += tid.astype(np.uint64) * _MIX_TID
        return key ^ (key >> np.uint64(29))


class Join:
    """Remembers requests of interest and finds the responses to them, batch after batch."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._asked = KeyedRows()
        """Requests that may still be answered."""
        self._answered = np.zeros(0, np.bool_)
        """For each row, as far as it goes, whether it is a response that was joined: more sightings may still come."""

    def feed(self, requests: Rows, start: int, stop: int) -> tuple[Rows, Rows]:
        """Take the `requests` among the rows from `start` to `stop` and answer the responses among them.

        Returns:
            Two arrays of one length: primary rows of responses, and the primary row of the request each answers. A
            response is returned once, however many batches its sightings come in.
        """
        table = self._table
        ends = source_endpoints(table, requests), destination_endpoints(table, requests)
        self._asked.add(pair_keys(*ends, table.tid[requests]), requests)

        responses = np.flatnonzero(table.kind[start:stop] == Kind.RESPONSE) + start
        answer_keys = pair_keys(
            destination_endpoints(table, responses), source_endpoints(table, responses), table.tid[responses]
        )
        likely = self._asked.maybe(answer_keys)
        responses, answer_keys = responses[likely], answer_keys[likely]
        chosen = self._asked.last_before(answer_keys, responses)
        responses, chosen = responses[chosen >= 0], chosen[chosen >= 0]
        self._asked.forget(table.time_ns, table.time_ns.item(stop - 1) - LIFETIME_NS)

        apart = np.abs(table.time_ns[responses] - table.time_ns[chosen])
        timely = apart <= np.where(chosen < responses, LIFETIME_NS, SKEW_NS)
        answers, firsts = np.unique(primary(table, responses[timely]), return_index=True)
        asked = primary(table, chosen[timely])[firsts]
        if len(self._answered) < stop:
            self._answered = np.concatenate((self._answered, np.zeros(2 * stop - len(self._answered), np.bool_)))
        if start:
            new = ~self._answered[answers]
            answers, asked = answers[new], asked[new]
        self._answered[answers] = True
        return answers, asked


class KeyedRows:
    """Rows by keys, of which most that are asked for are not there.

    They stand in sorted runs, each more than twice as long as the next one, so that a row is sorted a few times however
    many batches it came in. A table of bits by the lowest part of the keys sorts out nearly all that are not there: it
    stays in the processor's cache, and a search among sorted keys takes ten times as long.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[U64, Rows]] = []
        """Keys in rising order, and the row of each; rows of one key in rising order too."""
        self._size = self._least = 0
        self._bits = np.zeros(1 << 10, np.bool_)

    def add(self, keys: U64, rows: Rows) -> None:
        """Take in rows, all later than those before."""
        if not len(rows):
            return
        self._size += len(rows)
        while self._runs and len(self._runs[-1][1]) <= 2 * len(rows):
            older_keys, older_rows = self._runs.pop()
            keys, rows = np.concatenate((older_keys, keys)), np.concatenate((older_rows, rows))
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], rows[order]))
        if 16 * self._size > len(self._bits):
            self._mark_anew()
        else:
            self._bits[keys & np.uint64(len(self._bits) - 1)] = True

    def maybe(self, keys: U64) -> I64:
        """Places of the keys that may be there: all that are, and a few others."""
        return np.flatnonzero(self._bits[keys & np.uint64(len(self._bits) - 1)])

    def last_before(self, keys: U64, rows: Rows) -> Rows:
        """For each key the last row with it that is before some row, or else the first one; -1 if there is none."""
        before, first = np.full(len(keys), -1, np.int64), np.full(len(keys), -1, np.int64)
        for known, known_rows in self._runs:
            left, right = known.searchsorted(keys, "left"), known.searchsorted(keys, "right")
            hit = np.flatnonzero(left < right)
            one = known_rows[left[hit]]
            first[hit] = np.where(first[hit] < 0, one, first[hit])
            before[hit] = np.where(one < rows[hit], np.maximum(before[hit], one), before[hit])
            for index in np.flatnonzero(right - left > 1).tolist():
                among = known_rows[left[index] : right[index]]
                earlier = int(among.searchsorted(rows[index]))
                if earlier:
                    before[index] = max(int(before[index]), int(among[earlier - 1]))
        return np.where(before >= 0, before, first)

    def forget(self, times: I64, since_ns: int) -> None:
        """Leave out, now and then, rows from before a time."""
        if self._size <= 2 * self._least:
            return
        kept = [times[rows] >= since_ns for _, rows in self._runs]
        self._runs = [(keys[one], rows[one]) for (keys, rows), one in zip(self._runs, kept, strict=True) if one.any()]
        self._size = sum(len(rows) for _, rows in self._runs)
        self._least = max(_FEW, self._size)
        self._mark_anew()

    def _mark_anew(self) -> None:
        self._bits = np.zeros(1 << max(10, (32 * self._size).bit_length()), np.bool_)
        for keys, _ in self._runs:
            self._bits[keys & np.uint64(len(self._bits) - 1)] = True


def primary(table: PacketTable, rows: Rows) -> Rows:
    """The primary sighting of each row."""
    copy_of = table.copy_of[rows].astype(np.int64)
    return np.where(copy_of >= 0, copy_of, rows)
