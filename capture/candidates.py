"""Rows that may be sightings of one datagram, found without looking at any packet twice.

Nearly all payloads of a capture are unlike each other, and most equal ones can't be copies: they are seconds apart, or
were seen at the same place in the same direction. What is left is few rows, or, in a capture on several interfaces,
plain pairs and triples that are decided here at once; the rest is walked row by row (`capture.duplicates`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U32, Bools
from capture.links import DIRECTED
from capture.sightings import endpoints
from capture.table import PacketTable

SAME_TTL_WINDOW_NS: Final = 50_000_000
"""Longest time between two sightings on one machine with the same TTL, as on a bridge."""
FORWARD_WINDOW_NS: Final = 500_000_000
"""Longest time between sightings before and after a hop: half of what a node waits before it repeats a request."""
_MARK_BITS: Final = 20
_MARK_SHIFT: Final = np.uint32(32 - _MARK_BITS)


class Group(NamedTuple):
    """Rows with equal payloads that are near in time, grouped; in capture order within each group."""

    rows: I64
    content: I64
    """A number for each payload."""
    starts: I64
    """Index of the first row of each group."""


def repeated(content: U32, first_new: int = 0) -> I64:
    """Indices, in order, of the values that occur more than once.

    Args:
        content: the values.
        first_new: where new ones begin; values that occur only before it may be left out.
    """
    if first_new:
        again = content[first_new:]
    else:
        values = np.sort(content)
        again = values[1:][values[1:] == values[:-1]]
    # Marking the top bits of those in a small table finds nearly only them, without a search for each row.
    marked = np.zeros(1 << _MARK_BITS, np.bool_)
    marked[again >> _MARK_SHIFT] = True
    rows = np.flatnonzero(marked[content >> _MARK_SHIFT])
    order = np.argsort(content[rows], kind="stable")
    values = content[rows[order]]
    equal = values[1:] == values[:-1]
    found = np.zeros(rows.size, np.bool_)
    found[order[1:]] |= equal
    found[order[:-1]] |= equal
    return rows[found]


def directed(table: PacketTable, rows: I64) -> Bools:
    """Whether the link layer of each row, all of one file, tells ways in from ways out."""
    linktypes = [interface.linktype for interface in table.files[int(table.file[rows[0]])].interfaces]
    told = np.array([linktype in DIRECTED for linktype in linktypes])
    return np.take(told, table.interface[rows])


def with_a_hop(table: PacketTable, rows: I64) -> I64:
    """Those of the rows that have another near them with the same content, one end in common, and a hop between."""
    if not rows.size:
        return rows
    # Where the link layer says nothing, a hop shows by the TTL.
    hop = table.hop[rows].astype(np.int64) << 8 | np.where(directed(table, rows), 0, table.ttl[rows])
    kept = np.zeros(rows.size, np.bool_)
    for source in (False, True):
        ends = endpoints(table, rows, source=source)
        order, starts = _near(table, rows, table.content[rows].astype(np.int64), ends)
        low, high = np.minimum.reduceat(hop[order], starts), np.maximum.reduceat(hop[order], starts)
        kept[order] |= np.repeat(low != high, np.diff(np.append(starts, rows.size)))
    return rows[kept]


def grouped(table: PacketTable, rows: I64, content: I64) -> Group:
    """Rows with equal payloads near in time; those that are alone are left out."""
    if not rows.size:
        return Group(rows, content, rows)
    order, starts = _near(table, rows, content, None)
    sizes = np.diff(np.append(starts, rows.size))
    kept = order[np.repeat(sizes > 1, sizes)]
    sizes = sizes[sizes > 1]
    return Group(rows[kept], content[kept], np.cumsum(sizes) - sizes)


def _near(table: PacketTable, rows: I64, content: I64, key: I64 | None) -> tuple[I64, I64]:
    """Order by content, key and row, and where a run of one content and key without a long silence starts.

    Rows come in rising order, and sorting keeps it among those that are alike.
    """
    order = np.argsort(content, kind="stable") if key is None else np.lexsort((key, content))
    time_ns, content = table.time_ns[rows[order]], content[order]
    new = np.abs(np.diff(time_ns)) > FORWARD_WINDOW_NS
    new |= content[1:] != content[:-1]
    if key is not None:
        key = key[order]
        new |= key[1:] != key[:-1]
    return order, np.flatnonzero(np.concatenate((np.ones(1, np.bool_), new)))


def plain(table: PacketTable, group: Group) -> Bools:
    """Groups that are one datagram without a doubt: each row the next sighting of the one before, all hops unlike."""
    rows, starts = group.rows, group.starts
    number = np.zeros(rows.size, np.int64)
    number[starts] = 1
    number = np.cumsum(number) - 1
    same = number[1:] == number[:-1]
    step = -np.diff(table.ttl[rows].astype(np.int64))
    delay = np.abs(np.diff(table.time_ns[rows]))
    src, dst = endpoints(table, rows, source=True), endpoints(table, rows, source=False)
    ends = (src[1:] == src[:-1]).astype(np.int64) + (dst[1:] == dst[:-1])
    ip_id = table.ip_id[rows]
    follows = (step >= 0) & (delay <= np.where(step > 0, FORWARD_WINDOW_NS, SAME_TTL_WINDOW_NS))
    follows &= (ends == 2) | ((ends == 1) & (step > 0))
    follows &= (ip_id[1:] == ip_id[:-1]) | (ip_id[1:] == 0) | (ip_id[:-1] == 0)
    hop = table.hop[rows].astype(np.int64)
    order = np.lexsort((hop, number))
    again = (hop[order][1:] == hop[order][:-1]) & (number[order][1:] == number[order][:-1])
    good = np.ones(starts.size, np.bool_)
    good[number[1:][same & ~follows]] = False
    good[number[order][1:][again]] = False
    return good
