"""Relayed messages of two captures that share no datagram, for bringing their clocks together.

A relay rewrites the envelope, so what goes in is another datagram than what comes out; but the noise message, or the
sealed holepunch payload, inside is the same on all legs, and the mode says which leg comes before which.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.envelopes import Kind
from capture.table import PacketTable
from protocol.constants import Command, Mode
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.peer_values import decode_handshake, decode_holepunch

_LEG: Final = {
    Mode.FROM_CLIENT: 0,
    Mode.FROM_RELAY: 1,
    Mode.FROM_SECOND_RELAY: 2,
    Mode.FROM_SERVER: 3,
    Mode.REPLY: 4,
}
_SHORTEST: Final = 32
"""Bytes of noise or sealed payload that are not equal by chance."""


class Leg(NamedTuple):
    """Where a relayed message was first seen in a file: how far on its way, and when."""

    order: int
    time_ns: int


def relayed_legs(table: PacketTable, file: int) -> dict[bytes, Leg]:
    """Noise messages and sealed payloads that a file shows on the way, by their bytes."""
    asked = _requests(table, file)
    answered = np.flatnonzero((table.file == file) & (table.kind == Kind.RESPONSE) & (table.copy_of < 0))
    answers = answered[np.isin(table.tid[answered], table.tid[asked])]
    command_of = dict(zip(table.tid[asked].tolist(), table.command[asked].tolist(), strict=True))
    legs: dict[bytes, Leg] = {}
    for rows, decode in ((asked, decode_request), (answers, decode_response)):
        for row, payload in zip(rows.tolist(), table.payloads(rows), strict=True):
            try:
                value = decode(payload).value
                found = _sealed(value, command_of[int(table.tid[row])]) if value else None
            except DecodeError:
                continue  # cut by the capture, or not what its command says: no evidence of time either way
            if found is not None:
                leg = Leg(found[0], int(table.time_ns[row]))
                legs[found[1]] = min(legs.get(found[1], leg), leg)
    return legs


def _requests(table: PacketTable, file: int) -> I64:
    relayed = (table.command == Command.PEER_HANDSHAKE) | (table.command == Command.PEER_HOLEPUNCH)
    return np.flatnonzero((table.file == file) & (table.copy_of < 0) & relayed & ~table.internal)


def _sealed(value: bytes, command: int) -> tuple[int, bytes] | None:
    """Leg and sealed bytes of a handshake or holepunch value."""
    if command == Command.PEER_HANDSHAKE:
        handshake = decode_handshake(value)
        mode, sealed = handshake.mode, handshake.noise
    else:
        holepunch = decode_holepunch(value)
        mode, sealed = holepunch.mode, holepunch.payload
    if mode not in _LEG or len(sealed) < _SHORTEST:
        return None
    return _LEG[Mode(mode)], sealed
