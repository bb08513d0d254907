"""Which packets belong to which attempts, for a whole story: the bridge between what is asked of either.

The packets of every attempt stand side by side in columns, so that a mask over packets becomes one over attempts, and
the other way round, in a few numpy operations. An attempt that did not change keeps what was found for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import is_
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8, Array, Bools
from capture.flow import Flow
from capture.flows.endpoints import destination_endpoints, source_endpoints
from capture.flows.members import Members
from capture.table import Kind, PacketTable
from protocol.messages import HolepunchPayload, NoisePayload

NOT_SAID: Final = -1
"""Instead of a number that a payload does not state."""
_MOST: Final = (1 << 63) - 1
"""A varint may state more; nobody counts that far."""
STEP: Final = 16
"""Attempts between two chances for others to run."""


class Said(NamedTuple):
    """What the opened payloads of members state; `NOT_SAID` where they don't."""

    round: I64
    firewall: I64
    error: I64
    punching: I64


class Rows(NamedTuple):
    """Members of all attempts, attempt by attempt."""

    rows: I64
    """Primary rows."""
    owner: I64
    """Place of the attempt in the story's flows."""
    role: U8
    """Of the sender: place in `capture.flows.members.ROLES`."""
    tokens: U8
    again: Bools
    said: Said


class Belonging:
    """Members of the attempts of a story."""

    def __init__(self, table: PacketTable) -> None:
        self._table = table
        self._known: dict[str, tuple[Flow, Members]] = {}
        self._flows: Sequence[Flow] | None = None
        self._length = -1
        self._rows: Rows | None = None
        self._starts: I64 = np.zeros(1, np.int64)
        self._place: dict[str, int] = {}

    def learning(self, flows: Sequence[Flow]) -> Iterator[None]:
        """Look at attempts that are new or have changed, a few at a time; to be run to the end before `rows`."""
        known = self._known
        for number, flow in enumerate(flows):
            before = known.get(flow.id)
            if before is None or before[0] is not flow:
                known[flow.id] = (flow, flow.members())
                if number % STEP == STEP - 1:
                    yield

    def rows(self, flows: Sequence[Flow]) -> Rows:
        """The members of these attempts, which are all of the story."""
        if self._rows is not None and self._length == len(self._table) and same(self._flows, flows):
            return self._rows
        for _ in self.learning(flows):
            pass
        if len(self._known) > len(flows):
            ids = {flow.id for flow in flows}
            self._known = {flow_id: known for flow_id, known in self._known.items() if flow_id in ids}
        self._flows, self._length = flows, len(self._table)
        self._place = {flow.id: place for place, flow in enumerate(flows)}
        self._rows = self._gather([self._known[flow.id][1] for flow in flows])
        return self._rows

    def spread(self, rows: Rows, passing: Bools) -> Bools:
        """Packets of the attempts that pass, as a mask over the table.

        Args:
            rows: the members.
            passing: by place of the attempt.
        """
        return self.mask(rows.rows[passing[rows.owner]])

    def mask(self, primaries: I64) -> Bools:
        """A mask over the table of some primary rows and all further sightings of them."""
        found = np.zeros(len(self._table), np.bool_)
        found[primaries] = True
        copy_of = self._table.copy_of
        copies = np.flatnonzero(copy_of >= 0)
        found[copies] |= found[copy_of[copies]]
        return found

    def any_of(self, flow: Flow, mask: Bools) -> bool:
        """Whether a packet of the attempt is in a mask over the table."""
        place = self._place.get(flow.id)
        if place is None or self._rows is None:
            return False
        return bool(mask[self._rows.rows[self._starts[place] : self._starts[place + 1]]].any())

    def knows(self, flow: Flow) -> bool:
        """Whether the attempt, as it is, is among those of the last call of `rows`."""
        known = self._known.get(flow.id)
        return known is not None and known[0] is flow and flow.id in self._place

    def _gather(self, members: list[Members]) -> Rows:
        packets = [packet for one in members for packet in one.packets]
        counts = np.array([len(one.packets) for one in members], np.int64)
        columns: list[Array] = [
            np.array([packet.row for packet in packets], np.int64),
            np.repeat(np.arange(len(members)), counts),
            np.array([packet.role for packet in packets], np.uint8),
            np.array([packet.tokens for packet in packets], np.uint8),
            np.array([packet.again for packet in packets], np.bool_),
            *_said([packet.said for packet in packets]),
        ]
        streams = self._stream_rows(members)
        if streams[0].size:
            nothing = np.full(streams[0].size, NOT_SAID, np.int64)
            zeros = np.zeros(streams[0].size, np.uint8)
            more: list[Array] = [*streams, zeros, zeros.astype(np.bool_), nothing, nothing, nothing, nothing]
            columns = [np.concatenate((own, other)) for own, other in zip(columns, more, strict=True)]
        there = columns[0] < len(self._table)
        order = np.argsort(columns[1], kind="stable")
        order = order[there[order]]
        rows, owner, role, tokens, again, *said = (column[order] for column in columns)
        self._starts = np.searchsorted(owner, np.arange(len(members) + 1))
        return Rows(rows, owner, role, tokens, again, Said(*said))

    def _stream_rows(self, members: list[Members]) -> tuple[I64, I64, U8]:
        """Rows of the UDX packets of all streams, with the attempt and the role of the sender of each."""
        streams = [(place, *stream) for place, one in enumerate(members) for stream in one.streams]
        if not streams:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
        place, src, dst, udx_id, role = np.array(streams, np.int64).T
        table = self._table.unmasked
        udx = np.flatnonzero((table.kind == Kind.UDX) & (table.copy_of < 0))
        keys = _stream_keys(source_endpoints(table, udx), destination_endpoints(table, udx), table.udx_id[udx])
        wanted = _stream_keys(src, dst, udx_id)
        order = np.argsort(keys, kind="stable")
        first = np.searchsorted(keys[order], wanted, "left")
        counts = np.searchsorted(keys[order], wanted, "right") - first
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = udx[order[np.repeat(first, counts) + within]]
        return rows, np.repeat(place, counts), np.repeat(role, counts).astype(np.uint8)


def same(before: Sequence[Flow] | None, now: Sequence[Flow]) -> bool:
    """Whether these are the very same attempts, none of them grown."""
    if before is now:
        return True
    return before is not None and len(before) == len(now) and all(map(is_, before, now))


def _stream_keys(src: I64, dst: I64, udx_id: Array) -> I64:
    """A number for two endpoints and a stream id; see `capture.flows.traffic`."""
    keys: I64 = (src * 0x9E3779B1) ^ (dst * 0x85EBCA77) ^ (udx_id.astype(np.int64) * 0xC2B2AE3D)
    return keys


def _said(payloads: list[HolepunchPayload | NoisePayload | None]) -> Said:
    stated = [_stated(payload) for payload in payloads]
    columns = np.array(stated, np.int64).reshape(len(stated), len(Said._fields))
    return Said(*columns.T)


def _stated(payload: HolepunchPayload | NoisePayload | None) -> tuple[int, int, int, int]:
    """Round, firewall, error and whether it punches."""
    if isinstance(payload, HolepunchPayload):
        return min(payload.round, _MOST), min(payload.firewall, _MOST), min(payload.error, _MOST), payload.punching
    if payload is not None and payload.version == 1:
        return NOT_SAID, min(payload.firewall, _MOST), min(payload.error, _MOST), NOT_SAID
    return NOT_SAID, NOT_SAID, NOT_SAID, NOT_SAID
