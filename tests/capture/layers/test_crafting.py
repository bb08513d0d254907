"""Packets made by hand: what is left alone is worked out, what is given is sent, and real nodes understand it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.error import Scapy_Exception
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from capture.layers import (
    UDX,
    AnnounceValue,
    HandshakeValue,
    HolepunchPayloadLayer,
    HolepunchValue,
    HyperDHT,
    HyperDHTPunch,
    HyperDHTRequest,
    HyperDHTResponse,
    PeerRecordValue,
    UdxRange,
)
from protocol.constants import UdxFlag
from protocol.decode import decode_datagram
from protocol.messages import Address, Handshake, Holepunch, HolepunchPayload, Punch, Request, Response, UdxHeader
from protocol.sealed_values import decode_holepunch_payload
from protocol.values import decode_request_value

NOISE = bytes(range(200))


def test_a_handshake_reads_as_it_was_meant() -> None:
    packet = HyperDHTRequest(
        tid=7,
        to="127.0.0.1:49737",
        cmd="PEER_HANDSHAKE",
        target=b"\1" * 32,
        value=HandshakeValue(mode="FROM_RELAY", noise=NOISE, peer_address="192.0.2.1:40000"),
    )
    request = decode_datagram(bytes(packet))
    assert isinstance(request, Request)
    assert (request.tid, request.to, request.command_name) == (7, Address("127.0.0.1", 49737), "PEER_HANDSHAKE")
    assert request.target == b"\1" * 32
    assert decode_request_value(request) == Handshake(2, NOISE, Address("192.0.2.1", 40000))


def test_a_command_of_dht_rpc_makes_the_request_internal() -> None:
    request = decode_datagram(bytes(HyperDHTRequest(cmd="FIND_NODE", target=bytes(32))))
    assert isinstance(request, Request)
    assert request.internal
    assert request.command_name == "FIND_NODE"
    packet = HyperDHT(bytes(HyperDHTRequest(cmd="PING")))
    assert "cmd       = PING" in packet.show(dump=True)


def test_flags_that_are_given_are_sent() -> None:
    packet = HyperDHTRequest(cmd="PING", flags=0)
    assert bytes(packet)[1] == 0
    sound = HyperDHTRequest(cmd="FIND_PEER", target=bytes(32))
    assert bytes(sound)[1] == 8
    assert (
        bytes(HyperDHTRequest(cmd="FIND_PEER", target=bytes(32), flags=24))
        == bytes(sound)[:1] + b"\x18" + bytes(sound)[2:] + b"\0"
    )


def test_a_response_and_its_request_belong_together() -> None:
    request, response = HyperDHTRequest(tid=9), HyperDHTResponse(tid=9, to="192.0.2.1:5", error=1)
    assert response.answers(request)
    assert response.hashret() == request.hashret()
    assert not HyperDHTResponse(tid=8).answers(request)
    assert decode_datagram(bytes(response)) == Response(9, Address("192.0.2.1", 5), error=1)


def test_an_announce_and_its_record() -> None:
    record = PeerRecordValue(public_key=b"\2" * 32, relay_addresses=["192.0.2.1:1", "192.0.2.2:2"])
    value = AnnounceValue(peer=record, signature=b"\3" * 64)
    again = AnnounceValue(bytes(value))
    assert again.peer.relay_addresses == ["192.0.2.1:1", "192.0.2.2:2"]
    assert again.signature == b"\3" * 64
    assert not again.payload


def test_a_round_and_its_flags() -> None:
    plain = HolepunchPayloadLayer(firewall="RANDOM", round=1, punching=True, token=b"\4" * 32)
    assert decode_holepunch_payload(bytes(plain)) == HolepunchPayload(0, 3, 1, punching=True, token=b"\4" * 32)
    value = HolepunchValue(mode="FROM_SERVER", id=300, sealed=bytes(60), peer_address="192.0.2.9:9")
    request = decode_datagram(bytes(HyperDHTRequest(cmd="PEER_HOLEPUNCH", target=bytes(32), value=value)))
    assert isinstance(request, Request)
    assert decode_request_value(request) == Holepunch(1, 300, bytes(60), Address("192.0.2.9", 9))


def test_punch_and_stream_by_hand() -> None:
    assert decode_datagram(bytes(HyperDHTPunch())) == Punch()
    packet = UDX(flags="SACK+DATA", remote_id=5, seq=2, ack=1, sacks=[UdxRange(first=3, end=4)]) / Raw(b"data")
    header = decode_datagram(bytes(packet))
    assert isinstance(header, UdxHeader)
    assert header.flags == UdxFlag.SACK | UdxFlag.DATA
    assert header.sacks == ((3, 4),)
    assert header.data_offset == 8
    assert HyperDHT(bytes(packet)).load == b"data"


def test_what_is_no_address_is_refused() -> None:
    for wrong in ("192.0.2.1", "192.0.2.1:70000", "[::1]:5", "host:1"):
        with pytest.raises(Scapy_Exception, match="no address"):
            bytes(HyperDHTRequest(to=wrong))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([b"\x03", b"\x13", b"\x00", b"\xff\x01", b""]), st.binary(max_size=120))
def test_any_bytes_under_udp_are_a_layer_or_raw(start: bytes, rest: bytes) -> None:
    """Law: scapy reads every datagram, and gives its bytes back."""
    frame = bytes(IP() / UDP(sport=1, dport=2) / Raw(start + rest))
    packet = IP(frame)
    assert bytes(packet) == frame
    packet.show(dump=True)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=80), st.sampled_from([HyperDHTRequest, HyperDHTResponse, UDX]))
def test_too_few_bytes_are_an_error_of_scapy(data: bytes, kind: type[HyperDHTRequest]) -> None:
    """Law: a layer read by itself raises what scapy's own raise, and nothing else."""
    try:
        kind(data)
    except (Scapy_Exception, struct.error):
        return
    assert bytes(kind(data)) == data
