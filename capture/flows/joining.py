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
        self._keys: U64 = np.empty(0, dtype=np.uint64)
        self._rows: Rows = np.empty(0, dtype=np.int64)
        self._answered: Rows = np.empty(0, dtype=np.int64)
        """Primary rows of responses that were joined lately: further sightings of them may still come."""

    def feed(self, requests: Rows, start: int, stop: int) -> tuple[Rows, Rows]:
        """Take the `requests` among the rows from `start` to `stop` and answer the responses among them.

        Returns:
            Two arrays of one length: primary rows of responses, and the primary row of the request each answers. A
            response is returned once, however many batches its sightings come in.
        """
        table = self._table
        keys = np.concatenate(
            (
                self._keys,
                pair_keys(
                    source_endpoints(table, requests), destination_endpoints(table, requests), table.tid[requests]
                ),
            )
        )
        rows = np.concatenate((self._rows, requests))
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        sorted_rows = rows[order]

        responses = np.flatnonzero(table.kind[start:stop] == Kind.RESPONSE) + start
        answer_keys = pair_keys(
            destination_endpoints(table, responses), source_endpoints(table, responses), table.tid[responses]
        )
        likely = _maybe_among(sorted_keys, answer_keys)
        responses, answer_keys = responses[likely], answer_keys[likely]
        left = np.searchsorted(sorted_keys, answer_keys, "left")
        hit = left < len(sorted_keys)
        hit[hit] = sorted_keys[left[hit]] == answer_keys[hit]
        responses = responses[hit]
        left = left[hit]
        right = np.searchsorted(sorted_keys, answer_keys[hit], "right")
        chosen = sorted_rows[left] if len(left) else left
        for index in np.flatnonzero(right - left > 1).tolist():
            before = [row for row in sorted_rows[left[index] : right[index]].tolist() if row < responses[index]]
            chosen[index] = before[-1] if before else chosen[index]
        self._keep(keys, rows, stop)

        apart = np.abs(table.time_ns[responses] - table.time_ns[chosen])
        timely = apart <= np.where(chosen < responses, LIFETIME_NS, SKEW_NS)
        answers, firsts = np.unique(primary(table, responses[timely]), return_index=True)
        asked = primary(table, chosen[timely])[firsts]
        if start:
            new = ~np.isin(answers, self._answered)
            answers, asked = answers[new], asked[new]
        self._answered = np.concatenate((self._answered, answers))
        return answers, asked

    def _keep(self, keys: U64, rows: Rows, stop: int) -> None:
        """Forget requests too old to be answered by a later batch, and responses too old to be seen again."""
        now = int(self._table.time_ns[stop - 1])
        self._answered = self._answered[self._table.time_ns[self._answered] >= now - LIFETIME_NS]
        if not len(rows):
            return
        recent = self._table.time_ns[rows] >= now - LIFETIME_NS
        self._keys = keys[recent]
        self._rows = rows[recent]


def _maybe_among(few: U64, many: U64) -> Rows:
    """Places in `many` of the keys that may be among the `few`: all that are, and a few others.

    Most responses answer requests of no interest here. A look into a table of bits tells, which stays in the
    processor's cache; a search among sorted keys takes ten times as long.
    """
    size = 1 << max(10, (16 * few.size).bit_length())
    mask = np.uint64(size - 1)
    taken = np.zeros(size, np.bool_)
    taken[few & mask] = True
    return np.flatnonzero(taken[many & mask])


def primary(table: PacketTable, rows: Rows) -> Rows:
    """The primary sighting of each row."""
    copy_of = table.copy_of[rows].astype(np.int64)
    return np.where(copy_of >= 0, copy_of, rows)
