"""Legs: the PEER_HANDSHAKE and PEER_HOLEPUNCH datagrams of a capture, one object each.

Only these datagrams become objects; everything else stays in the columns of the packet table until a flow needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, TypeVar

import numpy as np

from capture.arrays import I64
from capture.flows.copies import Copies
from capture.flows.cut_values import read_cut_value
from capture.flows.endpoints import destination_endpoints, endpoint_of, host_of, source_endpoints
from capture.flows.leg_bytes import NOWHERE, LegBytes, read_legs
from capture.flows.wire_columns import HAS_VALUE, KEY_SIZE, pieces, whole_payloads
from capture.raw import Raw
from capture.table import PacketTable
from protocol.constants import Command, Mode
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.peer_values import decode_handshake, decode_holepunch
from protocol.rpc_messages import Request, Response

NO_VALUE: Final = -1
"""Mode of a response without a value: a relay that knows no route to the target."""

Rows = I64
T = TypeVar("T")

_MODE_END: Final = 2
"""Bytes of a value up to its mode, as the reference writes it."""

_NOTHING: Final = (b"", None, None, 0)
"""Body, peer, relay and holepunch id of a leg whose value is still to be read."""

FROM_CLIENT: Final = int(Mode.FROM_CLIENT)
FROM_SERVER: Final = int(Mode.FROM_SERVER)
FROM_RELAY: Final = int(Mode.FROM_RELAY)
FROM_SECOND_RELAY: Final = int(Mode.FROM_SECOND_RELAY)
REPLY: Final = int(Mode.REPLY)
"""Looked up once: to look a member up in its enum takes Python longer than the rest of a look at a leg."""

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
    cut: bool = False
    """The capture cut the packet: what it does not say, it may have said."""
    kept: int | None = None
    """Bytes of `body` that the capture kept, where it cut the packet short of the body's end; None where all."""
    size: int | None = None
    """Bytes that a cut body had on the wire; None where the packet was cut before it says."""
    whole: bool = True
    """`body` is all of it: it was not cut, or could be completed from elsewhere (`capture.flows.cuts`)."""

    @property
    def client_hosts(self) -> tuple[int, ...]:
        """Hosts that this leg shows the client to have, inside and outside."""
        if self.mode == FROM_CLIENT:
            return (host_of(self.src),)
        if self.response:
            return host_of(self.dst), host_of(self.to)
        return () if self.peer is None else (host_of(self.peer),)


@dataclass(frozen=True, slots=True)
class BadLeg:
    """A PEER_* datagram whose value does not decode."""

    row: int
    error: DecodeError


def read_requests(table: PacketTable, copies: Copies, rows: Rows, bad: list[BadLeg]) -> list[Leg]:
    """The legs in `rows`, all PEER_* requests; those that don't decode, or say too little, go to `bad`."""
    commands = table.command[rows].astype(np.int64)
    legs, rest = _read_usual(table, copies, rows, commands, response=False)
    columns = zip(_columns(table, copies, rows[rest]), commands[rest].tolist(), strict=True)
    for (row, payload, time_ns, src, dst, cut), command in columns:
        try:
            request = decode_request(payload, cut=cut)
            value = _value(payload, request)
            if value is None:
                raise DecodeError("request.value", len(payload), "a PEER_* request without a value")
            to, target = endpoint_of(request.to), request.target
            leg = Leg(row, time_ns, src, dst, request.tid, command, 0, False, to, target, *_NOTHING)
            _take_value(leg, value, request)
            legs.append(leg)
        except DecodeError as error:
            bad.append(BadLeg(row, error))
    return legs


def read_responses(table: PacketTable, copies: Copies, rows: Rows, commands: Rows, bad: list[BadLeg]) -> list[Leg]:
    """The legs in `rows`, all responses to PEER_* requests of the given `commands`."""
    legs, rest = _read_usual(table, copies, rows, commands, response=True)
    flags = table.flags[rows[rest]].tolist()
    columns = zip(_columns(table, copies, rows[rest]), commands[rest].tolist(), flags, strict=True)
    for (row, payload, time_ns, src, dst, cut), command, bits in columns:
        try:
            response = decode_response(payload, cut=cut)
            to = endpoint_of(response.to)
            leg = Leg(row, time_ns, src, dst, response.tid, command, NO_VALUE, True, to, None, *_NOTHING)
            value = _value(payload, response)
            if response.truncated_at is not None and bits & HAS_VALUE and len(value or b"") < _MODE_END:
                # The reference answers with no other mode.
                leg.mode, leg.cut, leg.kept, leg.whole = Mode.REPLY, True, 0, False
            elif value is not None:
                _take_value(leg, value, response)
            legs.append(leg)
        except DecodeError as error:
            bad.append(BadLeg(row, error))
    return legs


def _read_usual(
    table: PacketTable, copies: Copies, rows: Rows, commands: Rows, *, response: bool
) -> tuple[list[Leg], Rows]:
    """The legs among `rows` that have the usual shape, and the places in `rows` of those that have not."""
    unusual = np.ones(rows.size, np.bool_)
    legs: list[Leg] = []
    for raw, index, start, length in whole_payloads(table, copies.fullest(rows)):
        handshake = commands[index] == Command.PEER_HANDSHAKE
        found = read_legs(raw, start, length, handshake, response=response)
        usual = index[found.usual]
        unusual[usual] = False
        legs += _legs_of(table, rows[usual], commands[usual], found.pick(found.usual), raw, response=response)
    return legs, np.flatnonzero(unusual)


def _legs_of(
    table: PacketTable, rows: Rows, commands: Rows, found: LegBytes, raw: Raw, *, response: bool
) -> Iterable[Leg]:
    """Legs from columns; the bytes and endpoints that several of them carry are kept once."""
    kept: dict[bytes, bytes] = {}
    ends: dict[Any, Any] = {}

    def shared(endpoints: list[T]) -> list[T]:
        # A number takes 32 bytes each time it is made, and a million legs have four endpoints each.
        return list(map(ends.setdefault, endpoints, endpoints))

    bodies = pieces(raw, found.body_at, found.body_end - found.body_at)
    targets = pieces(raw, found.target_at, np.where(found.target_at == NOWHERE, 0, KEY_SIZE))
    to = (table.to_host[rows].astype(np.int64) << 16) | table.to_port[rows]
    return map(
        Leg,
        rows.tolist(),
        table.time_ns[rows].tolist(),
        shared(source_endpoints(table, rows).tolist()),
        shared(destination_endpoints(table, rows).tolist()),
        shared(table.tid[rows].tolist()),
        commands.tolist(),
        found.mode.tolist(),
        repeat(response),
        shared(to.tolist()),
        [kept.setdefault(target, target) if target else None for target in targets],
        [kept.setdefault(body, body) for body in bodies],
        shared(_present(found.peer)),
        shared(_present(found.relay)),
        found.hid.tolist(),
    )


def _present(endpoints: I64) -> list[int | None]:
    return [None if endpoint == NOWHERE else endpoint for endpoint in endpoints.tolist()]


def _value(payload: bytes, message: Request | Response) -> bytes | None:
    """The value, or the start of it that a cut left."""
    if message.value is not None or message.truncated_at is None:
        return message.value
    return payload[message.value_offset :] if message.value_offset else b""


def _take_value(leg: Leg, value: bytes, message: Request | Response) -> None:
    """Fill in what the value of a leg says, as far as it goes."""
    offset = message.value_offset
    if message.truncated_at is not None:
        start = read_cut_value(value, leg.command, offset)
        leg.mode, leg.hid, leg.body, leg.size, peer, relay = start
        leg.cut, leg.whole = True, len(start.body) == start.size
        leg.kept = None if leg.whole else len(start.body)
    elif leg.command == Command.PEER_HANDSHAKE:
        handshake = decode_handshake(value, offset)
        leg.mode, leg.body, peer, relay = (
            handshake.mode,
            handshake.noise,
            handshake.peer_address,
            handshake.relay_address,
        )
    else:
        holepunch = decode_holepunch(value, offset)
        leg.mode, leg.body, peer, relay = holepunch.mode, holepunch.payload, holepunch.peer_address, None
        leg.hid = holepunch.id
    leg.peer = endpoint_of(peer) if peer is not None else None
    leg.relay = endpoint_of(relay) if relay is not None else None


def _columns(table: PacketTable, copies: Copies, rows: Rows) -> Iterator[tuple[int, bytes, int, int, int, bool]]:
    """Row, payload, time, source and destination endpoint, and whether the payload is cut."""
    fullest = copies.fullest(rows)
    return zip(
        rows.tolist(),
        table.payloads(fullest),
        table.time_ns[rows].tolist(),
        source_endpoints(table, rows).tolist(),
        destination_endpoints(table, rows).tolist(),
        (table.wire_length[fullest] > table.length[fullest]).tolist(),
        strict=True,
    )
