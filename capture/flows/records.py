"""Servers' records on the wire: what FIND_PEER and LOOKUP responses and ANNOUNCE requests say of them.

A packet that the capture cut gives the public key as long as that was kept; its relays are then missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.arrays import I64
from capture.flows.endpoints import endpoint_of
from capture.flows.wire_columns import (
    HAS_CLOSER,
    HAS_ERROR,
    HAS_VALUE,
    INLINE,
    IPV4_SIZE,
    KEY_SIZE,
    KNOWN_FLAGS,
    Whole,
    after_keys,
    byte_at,
    endpoints_at,
    flags_at,
    pieces,
    sized,
    whole_payloads,
)
from capture.table import PacketTable
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.peer_messages import PeerRecord
from protocol.peer_values import decode_announce, decode_lookup_reply, decode_peer_record
from protocol.rpc_messages import Request, Response


class Record(NamedTuple):
    """What a server's record says."""

    public_key: bytes
    relays: tuple[int, ...]
    """Endpoints of the nodes that relay to it."""


def found_records(table: PacketTable, rows: I64) -> list[tuple[int, Record | DecodeError]]:
    """The records in FIND_PEER responses, each with its row, in order; a row without one has no entry.

    In place of a record that does not decode stands the reason.
    """
    unusual = np.ones(rows.size, np.bool_)
    found: list[tuple[int, Record | DecodeError]] = []
    for whole in whole_payloads(table, rows):
        places, records = _usual_records(whole)
        unusual[places] = False
        found += zip(rows[places].tolist(), records, strict=True)
    for row in rows[unusual].tolist():
        try:
            record = _found_record(table, row)
        except DecodeError as error:
            found.append((row, error))
        else:
            if record is not None:
                found.append((row, record))
    found.sort(key=lambda one: one[0])
    return found


def _usual_records(whole: Whole) -> tuple[I64, list[Record]]:
    """Records in FIND_PEER responses as the reference writes them, and their places; the others need the codec.

    It stands for the codec where nothing has a rare form and the record ends where its value and the datagram end.
    """
    raw, places, start, length = whole
    flags = flags_at(raw, start)
    usual = (flags & HAS_VALUE != 0) & (flags <= KNOWN_FLAGS)
    at = after_keys(start, flags)
    nodes = np.where(flags & HAS_CLOSER != 0, byte_at(raw, at), 0).astype(np.int64)
    usual &= nodes <= INLINE
    at += (flags & HAS_CLOSER != 0) + IPV4_SIZE * nodes
    has_error = flags & HAS_ERROR != 0
    usual &= ~has_error | (byte_at(raw, at) <= INLINE)
    at, size, short = sized(raw, at + has_error)
    relays = byte_at(raw, at + KEY_SIZE).astype(np.int64)
    usual &= short & (relays <= INLINE) & (size == KEY_SIZE + 1 + IPV4_SIZE * relays) & (at + size == start + length)
    at, relays = at[usual], relays[usual]
    ends = np.cumsum(relays)
    within = np.arange(int(relays.sum())) - np.repeat(ends - relays, relays)
    endpoints = endpoints_at(raw, np.repeat(at + KEY_SIZE + 1, relays) + IPV4_SIZE * within).tolist()
    return places[usual], [
        Record(key, tuple(endpoints[first:end]))
        for key, first, end in zip(
            pieces(raw, at, np.full(at.size, KEY_SIZE)), (ends - relays).tolist(), ends.tolist(), strict=True
        )
    ]


def _record(peer: PeerRecord) -> Record:
    return Record(peer.public_key, tuple(map(endpoint_of, peer.relay_addresses)))


def _found_record(table: PacketTable, row: int) -> Record | None:
    """The record in a FIND_PEER response; None if it has none, or too little of it was kept.

    Raises:
        DecodeError: the response is malformed.
    """
    payload, cut = table.payload(row), _is_cut(table, row)
    response = decode_response(payload, cut=cut)
    if response.value is not None:
        return _record(decode_peer_record(response.value, response.value_offset))
    return _key_at(payload, response, 0)


def announced_record(table: PacketTable, row: int) -> Record | None:
    """The record in an ANNOUNCE or UNANNOUNCE request; None if it has none, or too little of it was kept.

    Raises:
        DecodeError: the request is malformed.
    """
    payload, cut = table.payload(row), _is_cut(table, row)
    request = decode_request(payload, cut=cut)
    if request.value is not None:
        peer = decode_announce(request.value, request.value_offset).peer
        return None if peer is None else _record(peer)
    if request.truncated_at is None:
        raise DecodeError("request.value", len(payload), "an announcement without a value")
    has_peer = 0 < request.value_offset < len(payload) and payload[request.value_offset] & 1
    return _key_at(payload, request, 1) if has_peer else None


def listed_records(table: PacketTable, row: int) -> tuple[Record, ...]:
    """The records in a LOOKUP response; none of those that were cut. Errors as for `announced_record`."""
    response = decode_response(table.payload(row), cut=_is_cut(table, row))
    if response.value is None:
        return ()
    return tuple(map(_record, decode_lookup_reply(response.value, response.value_offset).peers))


def _is_cut(table: PacketTable, row: int) -> bool:
    return bool(table.wire_length[row] > table.length[row])


def _key_at(payload: bytes, message: Request | Response, skip: int) -> Record | None:
    """The public key in what was kept of a value, behind `skip` bytes of it."""
    start = message.value_offset + skip
    if message.truncated_at != "value" or not message.value_offset or len(payload) - start < KEY_SIZE:
        return None
    return Record(payload[start : start + KEY_SIZE], ())
