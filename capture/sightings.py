"""Datagrams of one capture as one vantage of a story: each once, with what its first and last sighting show."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.envelopes import Kind
from capture.knowledge import Knowledge
from capture.table import PacketTable

TELLING_LENGTH: Final = 8
"""Payloads of at least this many bytes are taken to be told apart by their content."""


class Sighted(NamedTuple):
    """One datagram as one file shows it: its primary row there, and its ends before and after what the file shows."""

    row: int
    file: int
    content: int
    time_ns: int
    ttl: int
    last_ttl: int
    kind: int
    srcs: tuple[int, int]
    dsts: tuple[int, int]


def endpoints(table: PacketTable, rows: I64, *, source: bool) -> I64:
    """Source or destination of rows as one number each; see `capture.knowledge.Endpoint`."""
    host = (table.src if source else table.dst)[rows].astype(np.int64)
    port = (table.sport if source else table.dport)[rows].astype(np.int64)
    ends: I64 = np.left_shift(table.family6[rows].astype(np.int64), 49) | host << 16 | port
    return ends


def whole_content(table: PacketTable, rows: I64) -> I64:
    """A number per row that only equal payloads share, in order of their first appearance in `rows`.

    The column `content` looks at the first bytes alone. Where captures cut packets at different lengths, the bytes that
    all of the equal ones have are compared.
    """
    payloads = table.payloads(rows)
    if bool((table.length[rows] < table.wire_length[rows]).any()):
        payloads = _common_starts(table, rows, payloads)
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(payload, index) for index, payload in enumerate(payloads)], np.int64)


def _common_starts(table: PacketTable, rows: I64, payloads: list[bytes]) -> list[bytes]:
    content = table.content[rows].tolist()
    shortest: dict[int, int] = {}
    for start, payload in zip(content, payloads, strict=True):
        if len(payload) < shortest.get(start, 1 << 16):
            shortest[start] = len(payload)
    # With the column in front, which knows the length on the wire.
    pairs = zip(content, payloads, strict=True)
    return [start.to_bytes(4, "big") + payload[: shortest[start]] for start, payload in pairs]


def last_sightings(table: PacketTable) -> I64:
    """For each row that is a primary: the row of its last sighting; for the others nothing of use."""
    last = np.arange(len(table), dtype=np.int64)
    copies = np.flatnonzero(table.copy_of >= 0)
    # Rows are in capture order, and of equal indices the last assignment stays.
    last[table.copy_of[copies]] = copies
    return last


def learn_from_envelopes(table: PacketTable, last: I64, knowledge: Knowledge) -> None:
    """Translations that dht-rpc messages name: `to` is the receiver's address as the sender sees it."""
    named = (table.kind == Kind.REQUEST) | (table.kind == Kind.RESPONSE)
    rows = last[np.flatnonzero(named & (table.copy_of < 0) & ~table.family6)]
    said = table.to_host[rows].astype(np.int64) << 16 | table.to_port[rows]
    got = endpoints(table, rows, source=False)
    differ = (said >> 16 != got >> 16) & (said & 0xFFFF != 0)
    peers = endpoints(table, rows[differ], source=True)
    for learned in set(zip(got[differ].tolist(), said[differ].tolist(), peers.tolist(), strict=True)):
        knowledge.learn(*learned)


def shared_primaries(table: PacketTable, *, telling: bool) -> tuple[I64, I64]:
    """Primary rows whose payload is in more than one file, by content, then by time; and their contents."""
    long = table.wire_length >= TELLING_LENGTH
    rows = np.flatnonzero((table.copy_of < 0) & (long if telling else ~long & (table.kind == Kind.PUNCH)))
    rows = _in_several_files(table, rows, table.content[rows].astype(np.int64))[0]
    return _in_several_files(table, rows, whole_content(table, rows))


def _in_several_files(table: PacketTable, rows: I64, content: I64) -> tuple[I64, I64]:
    order = np.lexsort((table.time_ns[rows], content))
    rows, content = rows[order], content[order]
    file = table.file[rows].astype(np.int64)
    starts = np.flatnonzero(np.concatenate((np.ones(min(rows.size, 1), np.bool_), content[1:] != content[:-1])))
    if not starts.size:
        return rows, content
    spread = np.maximum.reduceat(file, starts) != np.minimum.reduceat(file, starts)
    keep = np.repeat(spread, np.diff(np.append(starts, rows.size)))
    return rows[keep], content[keep]


def sighted(table: PacketTable, rows: I64, content: I64, last: I64) -> list[Sighted]:
    """Primary rows with the fields that matching compares."""
    ends = last[rows]
    src = zip(endpoints(table, rows, source=True).tolist(), endpoints(table, ends, source=True).tolist(), strict=True)
    dst = zip(endpoints(table, rows, source=False).tolist(), endpoints(table, ends, source=False).tolist(), strict=True)
    columns = (
        rows.tolist(),
        table.file[rows].tolist(),
        content.tolist(),
        table.time_ns[rows].tolist(),
        table.ttl[rows].tolist(),
        table.ttl[ends].tolist(),
        table.kind[rows].tolist(),
        src,
        dst,
    )
    return [Sighted(*fields) for fields in zip(*columns, strict=True)]
