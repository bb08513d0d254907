"""Which attempt a datagram belongs to: the way back from a row of the packet table to a flow.

What the assembler joined leads there at once. Punches, streams and NAT samples are looked for among the attempts that
claim the endpoints they were seen with, the one that began last before them first, as `capture.flows.gathering` does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from capture.flow import Flow
from capture.flows.assembly import Assembler
from capture.flows.casebook import Casebook
from capture.flows.copies import Copies
from capture.flows.endpoints import destination_endpoint, source_endpoint
from capture.flows.searches import Search
from capture.table import Kind, PacketTable

CANDIDATES: Final = 6
"""How many attempts that claim an endpoint are looked into for one datagram; all would be thousands for a server."""
KEPT: Final = 256
"""Attempts whose rows are remembered."""


class Owners:
    """Finds the flow of a row.

    Args:
        table: the packets.
        assembler: knows the relayed messages of every attempt.
        casebook: keeps the flows.
        copies: knows the other sightings of a datagram.
    """

    def __init__(self, table: PacketTable, assembler: Assembler, casebook: Casebook, copies: Copies) -> None:
        self._table = table
        self._assembler = assembler
        self._casebook = casebook
        self._copies = copies
        self._searched: dict[int, bytes] = {}
        """Noise message 1 of the attempt that a FIND_PEER row was seen for."""
        self._lone: dict[int, Flow] = {}
        self._rows: OrderedDict[str, tuple[Flow, frozenset[int]]] = OrderedDict()
        self._stale = True

    def forget(self) -> None:
        """Attempts changed: which FIND_PEER queries they are made of is looked up again when it is asked for."""
        self._stale = True

    def flow_of(self, row: int, lone: Iterable[tuple[Search, Flow]]) -> Flow | None:
        """The attempt that a datagram is part of; None for one of no attempt.

        Args:
            row: of any sighting of it.
            lone: searches that led to no attempt, with their flows.
        """
        table = self._table
        first = table.copy_of.item(row)
        primary = row if first < 0 else first
        exchange = self._assembler.exchange_of(primary)
        if exchange is not None and exchange.owner is not None:
            return self._casebook.flows.get(exchange.owner.noise1)
        kind = table.kind.item(primary)
        if kind in (Kind.REQUEST, Kind.RESPONSE):
            self._look_up(lone)
            noise1 = self._searched.get(primary)
            if noise1 is not None:
                return self._casebook.flows.get(noise1)
            if primary in self._lone:
                return self._lone[primary]
        if kind in (Kind.RESPONSE, Kind.PUNCH):
            return next((flow for flow in self._near(primary) if primary in self._rows_of(flow)), None)
        if kind == Kind.UDX:
            return self._of_stream(primary)
        return None

    def _look_up(self, lone: Iterable[tuple[Search, Flow]]) -> None:
        if not self._stale:
            return
        self._stale = False
        self._searched = {
            row: attempt.noise1 for attempt in self._assembler.attempts.values() for row in attempt.search_rows
        }
        self._lone = {row: flow for search, flow in lone for row in search.rows}

    def _of_stream(self, primary: int) -> Flow | None:
        """The attempt whose stream a UDX packet is of; of several, as with a blind relay, the one that began last."""
        known = self._casebook.flows_of_stream(primary)
        if not known:
            for flow in self._near(primary):
                _ = flow.outcome  # To judge an attempt is to find its streams.
            known = self._casebook.flows_of_stream(primary)
        return max(known, key=lambda flow: flow.started, default=None)

    def _near(self, primary: int) -> Iterator[Flow]:
        table, copies = self._table, self._copies
        sources = copies.sources(primary, source_endpoint(table, primary))
        destinations = copies.destinations(primary, destination_endpoint(table, primary))
        return iter(self._casebook.claiming(sources, destinations, table.time_ns.item(primary), CANDIDATES))

    def _rows_of(self, flow: Flow) -> frozenset[int]:
        known = self._rows.get(flow.id)
        if known is not None and known[0] is flow:
            self._rows.move_to_end(flow.id)
            return known[1]
        rows = frozenset(_rows_of(flow))
        self._rows[flow.id] = (flow, rows)
        self._rows.move_to_end(flow.id)
        if len(self._rows) > KEPT:
            self._rows.popitem(last=False)
        return rows


def _rows_of(flow: Flow) -> Iterator[int]:
    """Primary rows of everything that an attempt shows."""
    for message in flow.messages:
        yield message.sighting.row
    for step in flow.steps:
        if step.sighting is not None:
            yield step.sighting.row
        for member in step.members:
            yield member.row
