from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import UdxFlag
from protocol.errors import DecodeError
from protocol.messages import UdxHeader
from protocol.udx import decode_udx, encode_udx

from .codecs import load, outcome
from .strategies import udx_headers

PACKETS = {packet["name"]: bytes.fromhex(packet["hex"]) for packet in load("udx")["packets"]}
WINDOW = 4 << 20


@pytest.mark.parametrize(
    ("name", "flags", "seq", "ack", "sacks", "data"),
    [
        ("data", UdxFlag.DATA, 0, 0, (), b"the first data"),
        ("message", UdxFlag.MESSAGE, 1, 0, (), b"a message"),
        ("heartbeat", UdxFlag.HEARTBEAT, 1, 0, (), b""),
        ("ack", UdxFlag(0), 1, 1, (), b""),
        ("one range", UdxFlag.SACK, 1, 1, ((2, 3),), b""),
        ("two ranges", UdxFlag.SACK, 1, 1, ((2, 3), (4, 5)), b""),
        ("end", UdxFlag.END, 1, 1, (), b""),
        ("destroy", UdxFlag.DESTROY, 2, 1, (), b""),
    ],
)
def test_packets_of_real_streams(
    name: str, flags: UdxFlag, seq: int, ack: int, sacks: tuple[tuple[int, int], ...], data: bytes
) -> None:
    packet = PACKETS[name]
    header = UdxHeader(flags, 0, 0x01020304, WINDOW, seq, ack, sacks=sacks)
    assert decode_udx(packet) == header
    assert encode_udx(header, data) == packet


def test_every_packet_is_checked() -> None:
    assert len(PACKETS) == 8


@given(header=udx_headers, data=st.binary(max_size=50))
def test_round_trip(header: UdxHeader, data: bytes) -> None:
    # with a data_offset of 0 all that follows the header of a SACK packet is ranges
    assert decode_udx(encode_udx(header, data if header.data_offset or not header.flags & 4 else b"")) == header


@given(data=st.binary(max_size=80), wire_length=st.none() | st.integers(0, 120))
def test_any_bytes_raise_or_decode(data: bytes, wire_length: int | None) -> None:
    for packet in (data, b"\xff\x01" + data, b"\xff\x01\x04" + data):
        found = outcome(lambda packet=packet: decode_udx(packet, wire_length))
        if isinstance(found, DecodeError):
            assert 0 <= found.offset <= len(packet)
        else:
            assert len(packet) >= 20
            assert (found.truncated_at is None) == (wire_length is None or wire_length <= len(packet))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (UdxHeader(256, 0, 0, 0, 0, 0), "256 does not fit 1 bytes"),
        (UdxHeader(1, 0, 1 << 32, 0, 0, 0), "4294967296 does not fit 4 bytes"),
        (UdxHeader(4, 8, 0, 0, 0, 0), "data_offset 8 where 0 bytes of sacks follow the header"),
    ],
)
def test_encoder_refuses(header: UdxHeader, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode_udx(header)
