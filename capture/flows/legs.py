"""Legs: the PEER_HANDSHAKE and PEER_HOLEPUNCH datagrams of a capture, one object each.

Only these datagrams become objects; everything else stays in the columns of the packet table until a flow needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from capture.flows.endpoints import destination_endpoints, endpoint_of, source_endpoints
from capture.flows.leg_bytes import read_leg
from capture.table import PacketTable
from protocol.constants import Command, Mode
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.peer_values import decode_handshake, decode_holepunch

NO_VALUE: Final = -1
"""Mode of a response without a value: a relay that knows no route to the target."""

REQUEST_MODES: Final = frozenset((Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY))
"""Modes of the legs on their way to the server."""


@dataclass(slots=True, eq=False)
class Leg:
    """One datagram of a relayed exchange."""

    row: int
    time_ns: int
    src: int
    dst: int
    tid: int
    command: int
    """`Command.PEER_HANDSHAKE` or `Command.PEER_HOLEPUNCH`."""
    mode: int
    """A `Mode`, or `NO_VALUE`."""
    response: bool
    to: int
    """The envelope's `to`: the receiver's endpoint as the sender sees it."""
    target: bytes | None
    body: bytes
    """Noise message or sealed payload; empty with `NO_VALUE`."""
    peer: int | None
    relay: int | None
    hid: int
    """Holepunch id; 0 in answers."""
    retransmission: bool = False


@dataclass(frozen=True, slots=True)
class BadLeg:
    """A PEER_* datagram whose value does not decode."""

    row: int
    error: DecodeError


def read_requests(table: PacketTable, rows: Sequence[int], sealed: list[BadLeg]) -> list[Leg]:
    """The legs in `rows`, all PEER_* requests; those that don't decode go to `sealed`."""
    legs: list[Leg] = []
    commands = table.command[np.asarray(rows, dtype=np.int64)].tolist()
    for (row, payload, time_ns, src, dst), command in zip(_columns(table, rows), commands, strict=True):
        usual = read_leg(payload, handshake=command == Command.PEER_HANDSHAKE, response=False)
        if usual is not None:
            tid, to, target, mode, body, peer, relay, hid = usual
            legs.append(Leg(row, time_ns, src, dst, tid, command, mode, False, to, target, body, peer, relay, hid))
            continue
        try:
            request = decode_request(payload)
            value = request.value
            if value is None:
                raise DecodeError("request.value", len(payload), "a PEER_* request without a value")
            legs.append(
                _leg(row, time_ns, src, dst, request.tid, request.command, request.to, request.target, value, False)
            )
        except DecodeError as error:
            sealed.append(BadLeg(row, error))
    return legs


def read_responses(table: PacketTable, rows: Sequence[int], commands: Sequence[int], bad: list[BadLeg]) -> list[Leg]:
    """The legs in `rows`, all responses to PEER_* requests of the given `commands`."""
    legs: list[Leg] = []
    for (row, payload, time_ns, src, dst), command in zip(_columns(table, rows), commands, strict=True):
        usual = read_leg(payload, handshake=command == Command.PEER_HANDSHAKE, response=True)
        if usual is not None:
            tid, to_end, _, mode, body, peer, relay, hid = usual
            legs.append(Leg(row, time_ns, src, dst, tid, command, mode, True, to_end, None, body, peer, relay, hid))
            continue
        try:
            response = decode_response(payload)
            to = endpoint_of(response.to)
            if response.value is None:
                legs.append(
                    Leg(row, time_ns, src, dst, response.tid, command, NO_VALUE, True, to, None, b"", None, None, 0)
                )
                continue
            legs.append(_leg(row, time_ns, src, dst, response.tid, command, response.to, None, response.value, True))
        except DecodeError as error:
            bad.append(BadLeg(row, error))
    return legs


def _columns(table: PacketTable, rows: Sequence[int]) -> list[tuple[int, bytes, int, int, int]]:
    index = np.asarray(rows, dtype=np.int64)
    return list(
        zip(
            index.tolist(),
            table.payloads(index),
            table.time_ns[index].tolist(),
            source_endpoints(table, index).tolist(),
            destination_endpoints(table, index).tolist(),
            strict=True,
        )
    )


def _leg(
    row: int,
    time_ns: int,
    src: int,
    dst: int,
    tid: int,
    command: int,
    to: Address,
    target: bytes | None,
    value: bytes,
    response: bool,
) -> Leg:
    receiver = endpoint_of(to)
    if command == Command.PEER_HANDSHAKE:
        handshake = decode_handshake(value)
        return Leg(
            row,
            time_ns,
            src,
            dst,
            tid,
            command,
            handshake.mode,
            response,
            receiver,
            target,
            handshake.noise,
            endpoint_of(handshake.peer_address) if handshake.peer_address is not None else None,
            endpoint_of(handshake.relay_address) if handshake.relay_address is not None else None,
            0,
        )
    holepunch = decode_holepunch(value)
    return Leg(
        row,
        time_ns,
        src,
        dst,
        tid,
        command,
        holepunch.mode,
        response,
        receiver,
        target,
        holepunch.payload,
        endpoint_of(holepunch.peer_address) if holepunch.peer_address is not None else None,
        None,
        holepunch.id,
    )
