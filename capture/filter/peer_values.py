"""Modes of PEER_* packets and errors of responses, read off the bytes of many packets at once.

The usual shapes are read in columns (`capture.flows.leg_bytes`); whatever has another shape goes through the codec.
Both give the same, which a test holds them to.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I64, Bools
from capture.flows.leg_bytes import read_legs
from capture.flows.wire_columns import HAS_CLOSER, INLINE, after_keys, byte_at, flags_at, whole_payloads
from capture.table import Kind, PacketTable
from protocol.decode import decode_datagram
from protocol.errors import DecodeError
from protocol.messages import Request, Response
from protocol.wire import Reader

NO_MODE: Final = 255
"""Instead of a mode: there is none."""
NO_ERROR: Final = 0

_ADDRESS: Final = 6


def mode_of(message: Request | Response, payload: bytes) -> int | None:
    """The mode that the value of a PEER_HANDSHAKE or PEER_HOLEPUNCH begins with; None where there is no such value."""
    value = message.value
    if value is None and message.truncated_at is not None and message.value_offset:
        value = payload[message.value_offset :]
    if value is None:
        return None
    reader = Reader(value, "value")
    try:
        reader.uint("flags")
        mode = reader.uint("mode")
    except DecodeError:
        return None
    return mode if mode < NO_MODE else None


def modes(table: PacketTable, rows: I64, handshake: Bools) -> I64:
    """The modes of PEER_* packets.

    Args:
        table: the packets.
        rows: PEER_HANDSHAKE and PEER_HOLEPUNCH requests and responses.
        handshake: which are PEER_HANDSHAKE.
    """
    found = np.full(rows.size, NO_MODE, np.int64)
    unusual = np.ones(rows.size, np.bool_)
    response = table.kind[rows] == Kind.RESPONSE
    for wanted in (False, True):
        places = np.flatnonzero(response == wanted)
        for raw, index, start, length in whole_payloads(table, rows[places]):
            legs = read_legs(raw, start, length, handshake[places[index]], response=wanted)
            usual = places[index[legs.usual]]
            found[usual] = legs.mode[legs.usual]
            unusual[usual] = False
    for place in np.flatnonzero(unusual).tolist():
        message, payload = _decoded(table, int(rows[place]))
        mode = None if message is None else mode_of(message, payload)
        if mode is not None:
            found[place] = mode
    return found


def errors(table: PacketTable, rows: I64) -> I64:
    """The errors that responses with an error field state."""
    found = np.zeros(rows.size, np.int64)
    unusual = np.ones(rows.size, np.bool_)
    for raw, index, start, length in whole_payloads(table, rows):
        flags = flags_at(raw, start)
        at = after_keys(start, flags)
        closer = flags & HAS_CLOSER != 0
        count = byte_at(raw, at).astype(np.int64)
        short = ~closer | (count <= INLINE)
        at = np.where(closer, at + 1 + _ADDRESS * count, at)
        error = byte_at(raw, at)
        usual = short & (error <= INLINE) & (at < start + length)
        found[index[usual]] = error[usual]
        unusual[index[usual]] = False
    for place in np.flatnonzero(unusual).tolist():
        message, _ = _decoded(table, int(rows[place]))
        if isinstance(message, Response) and message.error:
            found[place] = message.error
    return found


def _decoded(table: PacketTable, row: int) -> tuple[Request | Response | None, bytes]:
    payload = table.payload(row)
    message = decode_datagram(payload, int(table.wire_length[row]))
    return (message if isinstance(message, Request | Response) else None), payload
