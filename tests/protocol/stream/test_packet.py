"""The stream's quick reading of a header agrees with the codec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import DecodeError
from protocol.messages import UdxHeader
from protocol.stream.packet import DATA, MAX_SACKS, SACK, build, parse, sack_field, unwrap
from protocol.udx import decode_udx, encode_udx

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "udx.json").read_text())
U32 = st.integers(0, 2**32 - 1)


def agree(datagram: bytes) -> None:
    packet = parse(datagram)
    try:
        header = decode_udx(datagram)
    except DecodeError:
        assert packet is None
        return
    assert packet is not None
    assert packet[:5] == (header.flags, header.remote_id, header.recv_window, header.seq, header.ack)
    if header.truncated_at is None:
        assert packet.sacks == header.sacks[:MAX_SACKS]
    assert packet.data == datagram[20 + header.data_offset :]


def packets() -> list[bytes]:
    found = [bytes.fromhex(entry["hex"]) for entry in VECTORS["packets"]]
    assert len(found) > 5
    return found


@pytest.mark.parametrize("datagram", packets())
def test_real_packets(datagram: bytes) -> None:
    for end in range(len(datagram) + 1):
        agree(datagram[:end])


@given(st.binary(max_size=80))
@example(b"\xff\x01\x04\x08" + bytes(16) + b"\1\0\0\0\2\0\0\0data")
@example(b"\xff\x01\x01\x05" + bytes(16) + b"data")
def test_arbitrary_bytes(tail: bytes) -> None:
    agree(tail)
    agree(b"\xff\x01" + tail)


@given(st.integers(0, 63), U32, U32, st.integers(0, 2**40), st.integers(0, 2**40), st.binary(max_size=30))
def test_what_is_built_is_read(flags: int, remote_id: int, window: int, seq: int, ack: int, data: bytes) -> None:
    flags &= ~SACK
    header = UdxHeader(flags, 0, remote_id, window, seq % 2**32, ack % 2**32)
    assert build(flags, remote_id, window, seq, ack, data) == encode_udx(header, data)


def test_an_ack_with_ranges() -> None:
    ranges = [(2**32 - 1, 2**32), (2**32 + 3, 2**32 + 9)]
    datagram = build(SACK, 7, 1, 0, 2**32 - 3, sack_field(ranges))
    packet = parse(datagram)
    assert packet is not None
    assert packet.sacks == ((2**32 - 1, 0), (3, 9))
    assert [unwrap(wire, 2**32) for pair in packet.sacks for wire in pair] == [n for pair in ranges for n in pair]
    assert decode_udx(datagram).sacks == packet.sacks


def test_padding_of_a_probe_is_no_data() -> None:
    datagram = bytearray(build(DATA, 7, 1, 0, 0, bytes(40) + b"data"))
    datagram[3] = 40
    packet = parse(bytes(datagram))
    assert packet is not None
    assert packet.data == b"data"


@given(st.integers(0, 2**48), st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_number_is_found_again(near: int, distance: int) -> None:
    assert unwrap((near + distance) % 2**32, near) == near + distance
