"""The quick reading of PEER_* datagrams equals the codec's, or leaves them to it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.flows.endpoints import endpoint_of
from capture.flows.leg_bytes import LegBytes, read_leg
from capture.opening import open_captures
from capture.table import Kind
from protocol.constants import Command
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.peer_values import decode_handshake, decode_holepunch

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


def by_codec(data: bytes, *, handshake: bool, response: bool) -> LegBytes | None:
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
            return LegBytes(
                message.tid, to, target, one.mode, one.noise, end(one.peer_address), end(one.relay_address), 0
            )
        two = decode_holepunch(message.value)
        return LegBytes(message.tid, to, target, two.mode, two.payload, end(two.peer_address), None, two.id)
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
    for data, handshake, response in datagrams():
        for as_handshake in (handshake, not handshake):
            ours = read_leg(data, handshake=as_handshake, response=response)
            if ours is not None:
                assert ours == by_codec(data, handshake=as_handshake, response=response)
                quick += 1
    assert quick > 100


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_messages_are_read_alike_or_left_to_the_codec(data: st.DataObject) -> None:
    payload, handshake, response = data.draw(st.sampled_from(datagrams()))
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(1, min(90, len(damaged) - 1)))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(2, len(damaged)))] if data.draw(st.booleans()) else damaged)
    ours = read_leg(cut, handshake=handshake, response=response)
    if ours is not None:
        assert ours == by_codec(cut, handshake=handshake, response=response)


@settings(max_examples=300)
@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_any_bytes(data: bytes, handshake: bool, response: bool) -> None:
    head = b"\x13" if response else b"\x03"
    ours = read_leg(head + data, handshake=handshake, response=response)
    assert ours is None or ours == by_codec(head + data, handshake=handshake, response=response)
