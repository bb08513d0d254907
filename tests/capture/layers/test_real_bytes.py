"""Bytes that real implementations made: taken apart as our decoder reads them, and put together again the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.packet import NoPayload, Packet, Raw

from capture.envelopes import Kind
from capture.layers import (
    UDX,
    AnnounceValue,
    DelayedPingValue,
    DownHintValue,
    HandshakeValue,
    HolepunchPayloadLayer,
    HolepunchValue,
    HyperDHT,
    HyperDHTPunch,
    HyperDHTRequest,
    HyperDHTResponse,
    LookupReplyValue,
    MutableGetReplyValue,
    MutableGetValue,
    MutablePutValue,
    NoisePayloadLayer,
    PeerRecordValue,
    PingNatValue,
    PluginValue,
    open_holepunch,
    seal_holepunch,
)
from capture.opening import open_captures
from protocol.messages import Address, NoisePayload, Request, Response
from protocol.udx import decode_udx
from protocol.values import decode_request_value, decode_response_value
from tests.protocol.codecs import CODECS, encodings, load

LAB = Path(__file__).parents[2] / "fixtures" / "lab"

LAYERS: dict[str, type[Packet]] = {
    "request": HyperDHTRequest,
    "response": HyperDHTResponse,
    "handshake": HandshakeValue,
    "holepunch": HolepunchValue,
    "noise_payload": NoisePayloadLayer,
    "holepunch_payload": HolepunchPayloadLayer,
    "peer_record": PeerRecordValue,
    "lookup_reply": LookupReplyValue,
    "announce": AnnounceValue,
    "mutable_put": MutablePutValue,
    "mutable_get": MutableGetValue,
    "mutable_get_reply": MutableGetReplyValue,
    "plugin_request": PluginValue,
    "ping_nat": PingNatValue,
    "down_hint": DownHintValue,
    "delayed_ping": DelayedPingValue,
}
RENAMED = {"command": "cmd", "payload": "sealed"}
PLAIN = ("uint", "string", "buffer", "ipv4_address", "ipv6_address")
"""Codecs of the vectors that no message consists of."""


def rebuilt(packet: Packet) -> bytes:
    """The bytes of a packet made from its fields alone, none kept from what it was read from."""
    fresh = type(packet)(**{name: renewed(value) for name, value in packet.fields.items()})
    if not isinstance(packet.payload, NoPayload):
        fresh = fresh / Raw(bytes(packet.payload))
    return bytes(fresh)


def renewed(value: Any) -> Any:
    if isinstance(value, Packet):
        return type(value)(rebuilt(value))
    return [renewed(one) for one in value] if isinstance(value, list) else value


def same(found: Any, expected: Any, where: str) -> None:
    """What a layer holds is what our decoder says."""
    if isinstance(expected, Address):
        host = f"[{expected.host}]" if ":" in expected.host else expected.host
        assert found == f"{host}:{expected.port}", where
    elif is_dataclass(expected):
        for field in fields(expected):
            value = getattr(expected, field.name)
            name = RENAMED.get(field.name, field.name)
            if field.name in ("truncated_at", "value_offset"):
                continue
            if field.name == "reusable_socket":
                assert found.features & 1 == value, where
            elif value is None or (isinstance(expected, NoisePayload) and value == () and name != "relay_addresses"):
                assert found.fields.get(name) is None, f"{where}.{field.name}"
            elif field.name in ("bump", "error") and field.name not in found.fields:
                assert value == 0, f"{where}.{field.name}"
            elif isinstance(expected, Request | Response) and field.name == "value":
                assert bytes(found.value) == value
            else:
                same(getattr(found, name), value, f"{where}.{field.name}")
    elif isinstance(expected, tuple):
        assert len(found) == len(expected), where
        for index, (one, due) in enumerate(zip(found, expected, strict=True)):
            same(one, due, f"{where}[{index}]")
    elif isinstance(expected, str):
        assert found == expected.encode(), where
    else:
        assert found == expected, where


def test_there_is_a_layer_for_every_message() -> None:
    assert set(LAYERS) | set(PLAIN) == set(CODECS)


@pytest.mark.parametrize("codec", LAYERS)
def test_vectors_of_the_reference(codec: str) -> None:
    tried = 0
    for name, data, _ in encodings():
        if name == codec:
            tried += 1
            packet = LAYERS[codec](data)
            assert rebuilt(packet) == data
            value = CODECS[codec].decode(data)
            if is_dataclass(value) and getattr(value, "version", 1) == 1:
                same(packet, value, codec)
    assert tried


@cache
def datagrams() -> tuple[bytes, ...]:
    """Different payloads of real captures, and of the recorded conversation that has every command."""
    found = {bytes.fromhex(one["hex"]) for one in load("conversation")["datagrams"]}
    table = open_captures([str(LAB / name / "wan.pcap.gz") for name in ("tour", "relayed")])
    found |= {table.payload(row) for row in range(len(table)) if table.kind[row] != Kind.OTHER}
    return tuple(sorted(found))


def read(kind: type[Packet]) -> Iterator[tuple[bytes, Packet]]:
    for data in datagrams():
        layer = IP(bytes(IP() / UDP(sport=1, dport=2) / data))[UDP].payload
        if isinstance(layer, kind):
            yield data, layer


def test_real_requests() -> None:
    modes, commands = set(), set()
    for data, packet in read(HyperDHTRequest):
        request = CODECS["request"].decode(data)
        same(packet, request, "request")
        commands.add(request.command_name)
        value = decode_request_value(request)
        if is_dataclass(value):
            same(packet.value, value, request.command_name)
            modes.add((type(value).__name__, getattr(value, "mode", None)))
        assert rebuilt(packet) == data
    assert {("Handshake", mode) for mode in (0, 1, 2)} | {("Holepunch", mode) for mode in (0, 1, 2)} <= modes
    assert {"FIND_PEER", "ANNOUNCE", "PING", "PING_NAT", "FIND_NODE", "MUTABLE_PUT"} <= commands


def test_real_responses() -> None:
    requests: dict[tuple[int, int, int], Request] = {}
    answered = set()
    for datagram in load("conversation")["datagrams"]:
        data = bytes.fromhex(datagram["hex"])
        packet = HyperDHT(data)
        if isinstance(packet, HyperDHTRequest):
            requests[datagram["from"], datagram["to"], packet.tid] = CODECS["request"].decode(data)
        elif isinstance(packet, HyperDHTResponse):
            response = CODECS["response"].decode(data)
            same(packet, response, "response")
            assert rebuilt(packet) == data
            request = requests[datagram["to"], datagram["from"], packet.tid]
            value = decode_response_value(response, request)
            if is_dataclass(value):
                answered.add(request.command_name)
                same(packet.answering(request.command_name), value, request.command_name)
    assert {"PEER_HANDSHAKE", "PEER_HOLEPUNCH", "FIND_PEER", "MUTABLE_GET"} <= answered


def test_real_punches_and_streams() -> None:
    assert [data for data, _ in read(HyperDHTPunch)] == [b"\0"]
    seen = 0
    for data, packet in read(UDX):
        header = decode_udx(data)
        assert (int(packet.flags), packet.remote_id, packet.seq, packet.ack, packet.recv_window) == (
            header.flags,
            header.remote_id,
            header.seq,
            header.ack,
            header.recv_window,
        )
        assert tuple((one.first, one.end) for one in packet.sacks) == header.sacks
        assert rebuilt(packet) == data
        seen += 1
    assert seen > 50


def test_vectors_of_udx() -> None:
    for one in load("udx")["packets"]:
        data = bytes.fromhex(one["hex"])
        packet = HyperDHT(data)
        assert isinstance(packet, UDX), one["name"]
        assert rebuilt(packet) == data
        assert tuple((part.first, part.end) for part in packet.sacks) == decode_udx(data).sacks


def test_a_real_sealed_payload_opens() -> None:
    vectors = [(data, value) for name, data, value in encodings() if name == "holepunch_payload"]
    assert vectors
    for data, _ in vectors:
        sealed = seal_holepunch(data, bytes(32), bytes(24))
        opened = open_holepunch(sealed, bytes(32))
        assert opened is not None
        assert rebuilt(opened) == data
        assert open_holepunch(sealed, b"\1" * 32) is None
