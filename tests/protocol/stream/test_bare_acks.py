"""Acks without anything else have a shorter way through; it leads to the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.stream.packet import build, parse, parse_bare

U32 = st.integers(0, 0xFFFFFFFF)


@given(st.integers(0, 63), U32, U32, U32, U32, st.binary(max_size=3))
def test_it_reads_what_is_bare_and_nothing_else(
    flags: int, remote_id: int, window: int, seq: int, ack: int, data: bytes
) -> None:
    datagram = build(flags, remote_id, window, seq, ack, data)
    packet = parse(datagram)
    bare = parse_bare(datagram)
    if flags or data:
        assert bare is None
    else:
        assert packet is not None
        assert bare == (packet.remote_id, packet.recv_window, packet.seq, packet.ack)


@given(st.binary(min_size=18, max_size=22) | st.binary(min_size=16, max_size=16).map(lambda end: b"\xff\x01\0\0" + end))
def test_what_it_reads_is_sound(datagram: bytes) -> None:
    if parse_bare(datagram) is not None:
        assert parse(datagram) is not None
