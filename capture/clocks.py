"""How far the clocks of several captures are apart, from the datagrams that more than one of them shows.

A datagram seen in file a and later in file b gives offset + delay, one that goes the other way offset - delay: half
the sum of the medians is the offset, whatever the delay, as long as both ways take equally long. Which way a datagram
goes, its TTL says; between captures on one link, where the TTL does not change, packets from the busiest host and to
it are the two ways. Files that share no packets with the first are compared through others, or through the messages
that relays passed on. Clocks that drift apart meanwhile are told by `capture.drift`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.clock_curve import Curve
from capture.drift import JITTER_NS, NEGLIGIBLE_NS, curve_of, drift_of
from capture.relayed import Leg, relayed_legs
from capture.sightings import TELLING_LENGTH, last_sightings, whole_content
from capture.table import PacketTable

LONG_CONTENT: Final = 20
"""Bytes of payload that are not equal by chance."""
ONE_WAY_DELAY_NS: Final = 2_000_000_000
"""Longest delay believed where packets are seen in one direction only."""
_ZERO: Final = Curve.constant(0)


class Offset(NamedTuple):
    """Clock of one file minus that of another."""

    curve: Curve
    """By the time of the file that is ahead, or, between two files, of the one with the smaller number."""
    datagrams: int
    """How many datagrams both files show; the estimate rests on them."""
    both_ways: bool
    uncertainty_ns: int | None = None
    """By how much it may be wrong either way, given that no packet arrives before it was sent; None: not known."""


def clock_offsets(table: PacketTable) -> list[Offset | None]:
    """For each file its clock offset from the first file's.

    None for a file that nothing connects with the ones before it; files connected with that one are relative to it.
    """
    count = len(table.files)
    last = last_sightings(table)
    unique = [_unique_rows(table, number) for number in range(count)]
    edges = {(a, b): _offset(table, unique[a], unique[b], last) for a in range(count) for b in range(a + 1, count)}
    _add_relayed(table, edges)
    known: dict[int, Offset | None] = {0: Offset(_ZERO, 0, True, 0)}
    while len(known) < count:
        # The pair that shares most goes first: a chain of good estimates beats a direct poor one.
        reach = [
            (edge.both_ways, edge.datagrams, a, b)
            for (low, high), edge in edges.items()
            for a, b in ((low, high), (high, low))
            if edge is not None and a in known and b not in known
        ]
        if not reach:
            known[next(number for number in range(count) if number not in known)] = None
            continue
        _, _, a, b = max(reach)
        base, edge = known[a], edges[min(a, b), max(a, b)]
        assert edge is not None
        curve = edge.curve if a < b else edge.curve.back()
        known[b] = Offset(
            curve.over(base.curve if base else _ZERO),
            edge.datagrams,
            edge.both_ways and (base is None or base.both_ways),
            _sum(base.uncertainty_ns if base else 0, edge.uncertainty_ns),
        )
    return [known[number] for number in range(count)]


def _sum(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def _add_relayed(table: PacketTable, edges: dict[tuple[int, int], Offset | None]) -> None:
    """Connect files that share no datagrams by the messages that relays passed on between them."""
    legs: dict[int, dict[bytes, Leg]] = {}
    for (a, b), edge in edges.items():
        if edge is not None:
            continue
        for number in (a, b):
            if number not in legs:
                legs[number] = relayed_legs(table, number)
        shared = [(legs[a][sealed], legs[b][sealed]) for sealed in legs[a].keys() & legs[b].keys()]
        shared = [(x, y) for x, y in shared if x.order != y.order]
        if shared:
            times = np.array([x.time_ns for x, _ in shared], np.int64)
            difference = np.array([y.time_ns - x.time_ns for x, y in shared], np.int64)
            edges[a, b] = _estimate(times, difference, np.array([y.order - x.order for x, y in shared], np.int64))


def _unique_rows(table: PacketTable, file: int) -> I64:
    """Primary rows of a file whose content the file shows once only, by content."""
    mine = (table.file == file) & (table.copy_of < 0) & (table.wire_length >= TELLING_LENGTH)
    rows = np.flatnonzero(mine)
    content, first, counts = np.unique(table.content[rows], return_index=True, return_counts=True)
    return rows[first[counts == 1]] if content.size else rows


def _offset(table: PacketTable, rows_a: I64, rows_b: I64, last: I64) -> Offset | None:
    _, in_a, in_b = np.intersect1d(
        table.content[rows_a], table.content[rows_b], assume_unique=True, return_indices=True
    )
    a, b = rows_a[in_a], rows_b[in_b]
    equal = np.split(whole_content(table, np.concatenate((a, b))), 2)
    a, b = a[equal[0] == equal[1]], b[equal[0] == equal[1]]
    same_src = (table.src[a] == table.src[b]) & (table.sport[a] == table.sport[b])
    same_dst = (table.dst[a] == table.dst[b]) & (table.dport[a] == table.dport[b])
    akin = (table.family6[a] == table.family6[b]) & (same_src | same_dst)
    if not akin.any():
        # Both ends are translated, as between two captures behind NATs; short payloads may be equal by chance.
        akin = table.wire_length[a] >= LONG_CONTENT
    a, b = a[akin], b[akin]
    if not a.size:
        return None
    difference, step = _nearest(table, a, b, last)
    if (step == 0).any() and not ((step > 0).any() and (step < 0).any()):
        # On one link, there and back are what the busiest host sends and what it is sent.
        step[step == 0] = _ways(table, a[step == 0])
    return _estimate(table.time_ns[a], difference, step)


def _nearest(table: PacketTable, a: I64, b: I64, last: I64) -> tuple[I64, I64]:
    """Time and TTL between the sightings nearest each other, of datagrams that either file may show several times."""
    ttl = table.ttl.astype(np.int64)
    forth, back = ttl[last[a]] - ttl[b], ttl[last[b]] - ttl[a]
    times = table.time_ns
    difference = times[b] - times[a]
    there, here = (forth >= 0) & (ttl[a] != ttl[b]), (back >= 0) & (ttl[a] != ttl[b])
    difference = np.where(there, times[b] - times[last[a]], difference)
    difference = np.where(here, times[last[b]] - times[a], difference)
    return difference, np.where(forth > 0, forth, np.where(back > 0, -back, 0))


def _estimate(times: I64, difference: I64, way: I64) -> Offset:
    """Offset from when a shows each datagram, how much later b does, and its way: see `capture.drift.drift_of`."""
    drift, at_ns = drift_of(times, difference, way), int(times[times.size // 2])
    if drift:
        difference = difference - np.rint(drift * (times - at_ns).astype(np.float64)).astype(np.int64)
    ahead_ns, both_ways, uncertainty_ns = _constant(difference, way, drifts=drift != 0)
    return Offset(curve_of(times, difference, way, ahead_ns, drift, at_ns), difference.size, both_ways, uncertainty_ns)


def _constant(difference: I64, way: I64, *, drifts: bool) -> tuple[int, bool, int | None]:
    """Offset of clocks that keep their distance, whether datagrams went both ways, and the uncertainty.

    Args:
        difference: as for `drift_of`, without what the drift makes of it.
        way: as for `drift_of`.
        drifts: whether there was one: then it is not the same clock, however little they are apart.
    """
    negligible_ns = 0 if drifts else NEGLIGIBLE_NS
    forth, back, still = difference[way > 0], difference[way < 0], difference[way == 0]
    if forth.size and back.size:
        forward, backward = float(np.median(forth)), float(np.median(back))
        # No packet arrives before it was sent: the fastest one of each way bounds the offset.
        most, least = float(forth.min()), float(back.max())
        offset = (forward + backward) / 2
        if least <= most:
            offset = min(max(offset, least), most)
        low, high = sorted((forward, backward))
        causal = low <= JITTER_NS and high >= -JITTER_NS
        if causal and min(abs(offset), abs(low), abs(high)) < negligible_ns:
            # Vantages next to each other for one direction and not for the other look like this; clocks hardly do.
            offset = 0
        # Bounds that contradict each other mean clocks that stray meanwhile, by so much.
        return round(offset), True, round(abs(most - least) / 2)
    if still.size:
        offset = float(np.median(still))
        spread = round(float(still.max() - still.min()) / 2)
        return 0 if abs(offset) < negligible_ns else round(offset), True, spread
    median = float(np.median(difference))
    forward = -median if back.size else median
    offset = 0 if 0 <= forward <= ONE_WAY_DELAY_NS or abs(median) < NEGLIGIBLE_NS else median
    return round(offset), False, None


def _ways(table: PacketTable, rows: I64) -> I64:
    """1 for datagrams from the host that most of them are from or to, -1 for those to it, 0 for others."""
    hosts, counts = np.unique(np.concatenate((table.src[rows], table.dst[rows])), return_counts=True)
    busiest = hosts[counts.argmax()]
    sent, got = (table.src[rows] == busiest), (table.dst[rows] == busiest)
    ways: I64 = sent.astype(np.int64) - got.astype(np.int64)
    return ways
