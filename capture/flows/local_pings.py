"""PINGs by which a client tries the server on the network that both share.

A client that relays see under the same host as the server pings one of the server's private addresses from its DHT
socket. What it pings besides are DHT nodes.

Source: npm hyperdht 6.34.0 (lib/connect.js).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.flows.endpoints import (
    destination_endpoint,
    destination_endpoints,
    endpoint_of,
    host_of,
    is_private,
    source_endpoint,
    source_endpoints,
)
from capture.flows.facts import Facts
from capture.flows.gathering import LOCAL_PING_NS
from capture.table import Kind, PacketTable
from protocol.constants import InternalCommand

_LOOPBACK: Final = 127


class LocalPing(NamedTuple):
    """A PING to an address that may be the server's."""

    row: int
    time_ns: int
    src: int
    dst: int
    answer: int | None
    """Row of the response, if one came."""


def local_pings(table: PacketTable, facts: Facts) -> list[LocalPing]:
    """The client's PINGs to the server's local addresses, in time order; retransmissions count."""
    sides, answered = facts.sides, facts.attempt.handshake_answered
    if not sides.same_nat or answered is None or answered.answered is None:
        return []
    since = answered.answered.time_ns
    rows = _pings(table, since, since + LOCAL_PING_NS)
    rows = rows[np.isin(source_endpoints(table, rows), list(sides.client.main))]
    wanted = _stated(facts) | sides.local
    nodes = {*facts.attempt.asked, *sides.relays}
    found: list[LocalPing] = []
    for row in rows.tolist():
        target = destination_endpoint(table, row)
        guessed = is_private(host_of(target)) and host_of(target) >> 24 != _LOOPBACK and target not in nodes
        if target in wanted or guessed:
            source = source_endpoint(table, row)
            answer = _answer(table, row, source, target)
            found.append(LocalPing(row, table.time_ns.item(row), source, target, answer))
    return found


def _stated(facts: Facts) -> set[int]:
    """The addresses in the server's noise payload, where it could be opened."""
    payload = facts.attempt.noise2_payload
    if payload is None or payload.version != 1:
        return set()
    return set(map(endpoint_of, payload.addresses4))


def _pings(table: PacketTable, start_ns: int, stop_ns: int) -> I64:
    times = table.time_ns
    rows = np.flatnonzero((times >= start_ns) & (times <= stop_ns) & (table.copy_of < 0))
    pings = (
        (table.kind[rows] == Kind.REQUEST)
        & table.asked_internally(rows)
        & (table.command[rows] == InternalCommand.PING)
    )
    found: I64 = rows[pings]
    return found


def _answer(table: PacketTable, row: int, source: int, target: int) -> int | None:
    """The response to a PING, within the time in which a client still waits for it."""
    start = table.time_ns.item(row)
    later = np.flatnonzero(
        (table.time_ns >= start)
        & (table.time_ns <= start + LOCAL_PING_NS)
        & (table.kind == Kind.RESPONSE)
        & (table.tid == table.tid[row])
    )
    fits = (source_endpoints(table, later) == target) & (destination_endpoints(table, later) == source)
    return int(later[fits][0]) if fits.any() else None
