"""The quick reading of PEER_* datagrams equals the codec's, or leaves them to it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.flows.endpoints import endpoint_of
from capture.flows.leg_bytes import NOWHERE, read_legs
from capture.opening import open_captures
from capture.raw import Raw
from capture.table import Kind
from protocol.constants import Command
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.peer_values import decode_handshake, decode_holepunch

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


TARGET_SIZE = 32


class Fields(NamedTuple):
    """What both readings say of a datagram; endpoints as integers."""

    tid: int
    to: int
    target: bytes | None
    mode: int
    body: bytes
    peer: int | None
    relay: int | None
    hid: int


def read_all(payloads: list[bytes], handshake: list[bool], *, response: bool) -> list[Fields | None]:
    """The fields that the quick reading finds in each of some payloads, which lie between other bytes."""
    between = b"\x01\xfd"
    buffer = between + between.join(payloads) + between
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    start = np.cumsum(sizes + len(between)) - sizes
    found = read_legs(Raw(buffer), start, sizes, np.array(handshake), response=response)
    fields: list[Fields | None] = []
    for index, payload in enumerate(payloads):
        if not found.usual[index]:
            fields.append(None)
            continue
        target_at, body = int(found.target_at[index]), slice(int(found.body_at[index]), int(found.body_end[index]))
        peer, relay = (None if end[index] == NOWHERE else int(end[index]) for end in (found.peer, found.relay))
        target = None if target_at == NOWHERE else buffer[target_at : target_at + TARGET_SIZE]
        mode, hid = int(found.mode[index]), int(found.hid[index])
        host, port = int.from_bytes(payload[4:8], "big"), int.from_bytes(payload[8:10], "little")
        tid = int.from_bytes(payload[2:4], "little")
        fields.append(Fields(tid, host << 16 | port, target, mode, buffer[body], peer, relay, hid))
    return fields


def read_one(payload: bytes, *, handshake: bool, response: bool) -> Fields | None:
    """The same for one."""
    return read_all([payload], [handshake], response=response)[0]


def by_codec(data: bytes, *, handshake: bool, response: bool) -> Fields | None:
    """What the codec reads; None where there is no value, or it does not decode."""

    def end(address: Address | None) -> int | None:
        return None if address is None else endpoint_of(address)

    try:
        message = decode_response(data) if response else decode_request(data)
        if message.value is None:
            return None
        target = None if response else decode_request(data).target
        to = endpoint_of(message.to)
        if handshake:
            one = decode_handshake(message.value)
            return Fields(
                message.tid, to, target, one.mode, one.noise, end(one.peer_address), end(one.relay_address), 0
            )
        two = decode_holepunch(message.value)
        return Fields(message.tid, to, target, two.mode, two.payload, end(two.peer_address), None, two.id)
    except DecodeError:
        return None


@cache
def datagrams() -> list[tuple[bytes, bool, bool]]:
    """Payloads of real PEER_* messages, of other requests and of responses: bytes, handshake, response."""
    found: list[tuple[bytes, bool, bool]] = []
    for name in ("tour", "relayed", "random-consistent"):
        table = open_captures([str(LAB / name / "wan.pcap.gz")])
        for row in range(len(table)):
            kind = int(table.kind[row])
            if kind in (Kind.REQUEST, Kind.RESPONSE):
                handshake = int(table.command[row]) == Command.PEER_HANDSHAKE
                found.append((table.payload(row), handshake, kind == Kind.RESPONSE))
    return found


def test_real_messages_are_read_alike() -> None:
    quick = 0
    for response in (False, True):
        some = [(data, handshake) for data, handshake, is_response in datagrams() if is_response == response]
        for flip in (False, True):
            as_handshake = [handshake != flip for _, handshake in some]
            found = read_all([data for data, _ in some], as_handshake, response=response)
            for (data, _), handshake, ours in zip(some, as_handshake, found, strict=True):
                assert ours is None or ours == by_codec(data, handshake=handshake, response=response)
                quick += ours is not None
    assert quick > 100


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_messages_are_read_alike_or_left_to_the_codec(data: st.DataObject) -> None:
    payload, handshake, response = data.draw(st.sampled_from(datagrams()))
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(1, min(90, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(2, len(damaged)))] if data.draw(st.booleans()) else damaged)
    ours = read_one(cut, handshake=handshake, response=response)
    if ours is not None:
        assert ours == by_codec(cut, handshake=handshake, response=response)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_any_bytes(data: bytes, handshake: bool, response: bool) -> None:
    head = b"\x13" if response else b"\x03"
    ours = read_one(head + data, handshake=handshake, response=response)
    assert ours is None or ours == by_codec(head + data, handshake=handshake, response=response)
