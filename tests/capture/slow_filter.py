"""Packets of a story as a filter sees them, made one by one and slowly: what the columns are held to."""

from __future__ import annotations

from collections import defaultdict

from capture.direction import direction_of
from capture.filter.packet import Packet
from capture.model import Flow, Role, TokenState
from capture.story import Story
from capture.table import Kind, PacketTable
from protocol.decode import decode_datagram
from protocol.errors import DecodeError
from protocol.messages import HolepunchPayload, NoisePayload, Request, Response
from protocol.sealed_values import decode_holepunch_payload, decode_noise_payload

PATIENCE = 60.0
"""Seconds after which an answer is none."""


def all_packets(story: Story) -> list[Packet]:
    """A packet for each row of the table."""
    table = story.table
    asked = _asked(table)
    belongs: dict[int, list[tuple[Flow, Role]]] = defaultdict(list)
    said: dict[int, HolepunchPayload | NoisePayload] = {}
    tokens: dict[int, set[TokenState]] = defaultdict(set)
    again: set[int] = set()
    for flow in story.flows:
        for row, role in _rows_of(table, flow).items():
            belongs[row].append((flow, role))
        for message in flow.messages:
            row = message.sighting.row
            payload = _payload(message.payload and message.payload.plaintext, message.command)
            if payload is not None:
                said[row] = payload
            if message.retransmission:
                again.add(row)
        for step in flow.steps:
            if step.sighting is not None:
                tokens[step.sighting.row] |= {note.token for note in step.notes if note.token is not None}
    found = []
    for row in range(len(table)):
        copy_of = int(table.copy_of[row])
        primary = row if copy_of < 0 else copy_of
        payload = table.payload(row)
        found.append(
            Packet(
                payload,
                table.source(row),
                table.destination(row),
                int(table.time_ns[row]),
                int(table.time_ns[0]),
                int(table.wire_length[row]),
                int(table.ttl[row]),
                int(table.frame[row]),
                table.files[int(table.file[row])].path,
                copy_of >= 0,
                primary in again,
                asked.get(row),
                said.get(primary),
                tuple(tokens.get(primary, ())),
                tuple(role for _, role in belongs[primary]),
                tuple(flow for flow, _ in belongs[primary]),
                direction_of(int(table.direction[row])),
            )
        )
    return found


def _asked(table: PacketTable) -> dict[int, Request]:
    """The request of each response: the last one before it between the same two, under the same number."""
    pending: dict[tuple[object, ...], tuple[float, Request]] = {}
    found: dict[int, Request] = {}
    for row in range(len(table)):
        message = decode_datagram(table.payload(row), int(table.wire_length[row]))
        time = int(table.time_ns[row]) / 1e9
        if isinstance(message, Request):
            pending[message.tid, table.source(row), table.destination(row)] = (time, message)
        elif isinstance(message, Response):
            asked = pending.get((message.tid, table.destination(row), table.source(row)))
            if asked is not None and time - asked[0] <= PATIENCE:
                found[row] = asked[1]
    return found


def _rows_of(table: PacketTable, flow: Flow) -> dict[int, Role]:
    """Primary rows of what the messages and steps of an attempt show, with the role of the sender."""
    roles = {lane.id: lane.role for lane in flow.lanes}
    found: dict[int, Role] = {}
    for step in flow.steps:
        for sighting in step.members or ((step.sighting,) if step.sighting is not None else ()):
            found[sighting.row] = roles.get(step.from_lane, Role.NODE)
    for message in flow.messages:
        found[message.sighting.row] = message.from_role
    for stream in flow.members().streams:
        for row in range(len(table)):
            if table.kind[row] == Kind.UDX and table.copy_of[row] < 0 and table.udx_id[row] == stream.udx_id:
                src = int(table.src[row]) << 16 | int(table.sport[row])
                dst = int(table.dst[row]) << 16 | int(table.dport[row])
                if (src, dst) == (stream.src, stream.dst):
                    found[row] = tuple(Role)[stream.role]
    return found


def _payload(plaintext: bytes | None, command: str) -> HolepunchPayload | NoisePayload | None:
    if plaintext is None:
        return None
    try:
        return (decode_noise_payload if command == "PEER_HANDSHAKE" else decode_holepunch_payload)(plaintext)
    except DecodeError:
        return None
