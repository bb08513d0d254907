"""The relays that a server announced itself on, as far as a capture shows them before an attempt ends.

A node is one of the server's relays once it took the server's ANNOUNCE; what it then holds is the record that it hands
to clients. The relay addresses inside records are empty in practice.

Source: npm hyperdht 6.34.0 (lib/announcer.js).
"""

from __future__ import annotations

import numpy as np

from capture.flows.attempt import Attempt
from capture.flows.endpoints import destination_endpoint, endpoint_of, source_endpoint
from capture.table import Kind, PacketTable
from protocol.constants import Command


def announced_relays(table: PacketTable, attempt: Attempt) -> tuple[int, ...]:
    """Endpoints of nodes that took an announcement, hand out the record, or are in the answer to the handshake."""
    relays: dict[int, None] = {}
    for row in _announcements(table, attempt):
        relays[destination_endpoint(table, row)] = None
    for row in attempt.found_rows:
        relays[source_endpoint(table, row)] = None
    noise2 = attempt.noise2_payload
    if noise2 is not None and noise2.holepunch is not None:
        relays.update((endpoint_of(one.relay_address), None) for one in noise2.holepunch.relays)
    return tuple(relays)


def _announcements(table: PacketTable, attempt: Attempt) -> list[int]:
    """Rows of the server's announcements up to the last leg of the attempt."""
    stop = max(leg.row for leg in attempt.legs)
    head = np.uint64(int.from_bytes(attempt.target[:8], "big"))
    mine = (table.kind[:stop] == Kind.REQUEST) & ~table.asked_internally(slice(stop)) & (table.target8[:stop] == head)
    rows = np.flatnonzero(mine & (table.copy_of[:stop] < 0))
    return [int(row) for row in rows[table.command[rows] == Command.ANNOUNCE]]
