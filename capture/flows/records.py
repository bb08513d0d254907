"""Servers' records on the wire: what FIND_PEER and LOOKUP responses and ANNOUNCE requests say of them.

A packet that the capture cut gives the public key as long as that was kept; its relays are then missing.
"""

from __future__ import annotations

from typing import Final

from capture.table import PacketTable
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.peer_messages import PeerRecord
from protocol.peer_values import decode_announce, decode_lookup_reply, decode_peer_record
from protocol.rpc_messages import Request, Response

_KEY_SIZE: Final = 32


def found_record(table: PacketTable, row: int) -> PeerRecord | None:
    """The record in a FIND_PEER response; None if it has none, or too little of it was kept.

    Raises:
        DecodeError: the response is malformed.
    """
    payload, cut = table.payload(row), _is_cut(table, row)
    response = decode_response(payload, cut=cut)
    if response.value is not None:
        return decode_peer_record(response.value, response.value_offset)
    return _key_at(payload, response, 0)


def announced_record(table: PacketTable, row: int) -> PeerRecord | None:
    """The record in an ANNOUNCE or UNANNOUNCE request; None and errors as for `found_record`."""
    payload, cut = table.payload(row), _is_cut(table, row)
    request = decode_request(payload, cut=cut)
    if request.value is not None:
        return decode_announce(request.value, request.value_offset).peer
    if request.truncated_at is None:
        raise DecodeError("request.value", len(payload), "an announcement without a value")
    has_peer = 0 < request.value_offset < len(payload) and payload[request.value_offset] & 1
    return _key_at(payload, request, 1) if has_peer else None


def listed_records(table: PacketTable, row: int) -> tuple[PeerRecord, ...]:
    """The records in a LOOKUP response; none of those that were cut. Errors as for `found_record`."""
    response = decode_response(table.payload(row), cut=_is_cut(table, row))
    if response.value is None:
        return ()
    return decode_lookup_reply(response.value, response.value_offset).peers


def _is_cut(table: PacketTable, row: int) -> bool:
    return bool(table.wire_length[row] > table.length[row])


def _key_at(payload: bytes, message: Request | Response, skip: int) -> PeerRecord | None:
    """The public key in what was kept of a value, behind `skip` bytes of it."""
    start = message.value_offset + skip
    if message.truncated_at != "value" or not message.value_offset or len(payload) - start < _KEY_SIZE:
        return None
    return PeerRecord(payload[start : start + _KEY_SIZE], ())
