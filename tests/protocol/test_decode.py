from __future__ import annotations

import pytest

from protocol.constants import UdxFlag
from protocol.decode import decode_datagram
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Foreign, Handshake, Message, Punch, Request, Response, UdxHeader, Undecodable
from protocol.peer_values import decode_mode, encode_handshake
from protocol.udx import encode_udx

TO = Address("10.0.0.1", 49737)
REQUEST = Request(
    0x1234, TO, 3, id=bytes(32), token=b"t" * 32, target=b"g" * 32, value=encode_handshake(Handshake(0, b"noise"))
)
RESPONSE = Response(
    9, TO, id=bytes(32), token=b"t" * 32, closer_nodes=(TO, Address("9.9.9.9", 9)), error=16, value=b"value"
)


@pytest.mark.parametrize(
    ("payload", "wire_length", "message"),
    [
        (b"", None, Foreign()),
        (b"\x00", None, Punch()),
        (b"\x00", 1, Punch()),
        (b"\x00", 2, Foreign()),
        (b"\x01", None, Foreign()),
        (b"\x00\x00", None, Foreign()),
        (b"\xff", None, Foreign()),
        (b"\xff\x02" + bytes(18), None, Foreign()),
        (b"\x04\x00" + bytes(18), None, Foreign()),
        (b"", 30, Undecodable("datagram.type", 0, "cut before it says what it is", True)),
        (b"\xff", 30, Undecodable("datagram.type", 1, "cut before it says what it is", True)),
        (b"\x03", None, Undecodable("request.flags", 1, "needs 1 byte, 0 left")),
        (b"\x03", 60, Undecodable("request.flags", 1, "needs 1 byte, 0 left", True)),
        (b"\x13\x00\x01", None, Undecodable("response.tid", 2, "needs 2 bytes, 1 left")),
        (b"\xff\x01" + bytes(17), None, Undecodable("udx.ack", 16, "needs 4 bytes, 3 left")),
        (b"\xff\x01\x01\x09" + bytes(24), None, Undecodable("udx.data_offset", 3, "9 where 8 bytes follow the header")),
    ],
)
def test_what_a_datagram_is(payload: bytes, wire_length: int | None, message: Message) -> None:
    assert decode_datagram(payload, wire_length) == message


@pytest.mark.parametrize(
    ("kept", "known", "truncated_at"),
    [
        (74, {"id", "token"}, None),
        (75, {"id", "token"}, "target"),
        (106, {"id", "token"}, "target"),
        (107, {"id", "token", "target"}, "value"),
        (115, {"id", "token", "target"}, "value"),
        (116, {"id", "token", "target", "value"}, ""),
    ],
)
def test_request_cut_by_the_capture(kept: int, known: set[str], truncated_at: str | None) -> None:
    payload = encode_request(REQUEST)
    assert len(payload) == 116
    message = decode_datagram(payload[:kept], len(payload))
    if truncated_at is None:
        assert message == Undecodable("request.command", 74, "needs 1 byte, 0 left", True)
        return
    assert isinstance(message, Request)
    assert (message.tid, message.to, message.command) == (0x1234, TO, 3)
    assert message.truncated_at == (truncated_at or None)
    for name in ("id", "token", "target", "value"):
        assert getattr(message, name) == (getattr(REQUEST, name) if name in known else None)


def test_the_kept_part_of_a_cut_value_is_found() -> None:
    payload = encode_request(REQUEST)
    for kept in range(108, 116):
        message = decode_datagram(payload[:kept], len(payload))
        assert isinstance(message, Request)
        assert message.truncated_at == "value"
        # nothing is kept when only the length is there
        assert message.value_offset == (108 if kept > 108 else 0)
        if kept >= 110:
            assert decode_mode(payload[message.value_offset : kept]) == 0
    long = encode_response(Response(1, TO, value=bytes(300)))
    assert [decode_datagram(long[:kept], len(long)).value_offset for kept in range(10, 15)] == [0, 0, 0, 0, 13]


@pytest.mark.parametrize(
    ("kept", "known", "truncated_at"),
    [
        (10, set(), "id"),
        (73, {"id"}, "token"),
        (74, {"id", "token"}, "closer_nodes"),
        (86, {"id", "token"}, "closer_nodes"),
        (87, {"id", "token", "closer_nodes"}, "error"),
        (88, {"id", "token", "closer_nodes"}, "value"),
        (93, {"id", "token", "closer_nodes"}, "value"),
    ],
)
def test_response_cut_by_the_capture(kept: int, known: set[str], truncated_at: str) -> None:
    payload = encode_response(RESPONSE)
    assert len(payload) == 94
    message = decode_datagram(payload[:kept], len(payload))
    assert isinstance(message, Response)
    assert (message.tid, message.to, message.truncated_at) == (9, TO, truncated_at)
    for name in ("id", "token", "closer_nodes", "value"):
        assert getattr(message, name) == (getattr(RESPONSE, name) if name in known else None)


def test_a_packet_that_was_not_cut_may_not_end_early() -> None:
    payload = encode_request(REQUEST)
    assert decode_datagram(payload[:80], 80) == Undecodable("request.target", 75, "needs 32 bytes, 5 left")
    # damage is no cut, even where there is a cut as well
    damaged = payload[:107] + b"\xff" + b"\xff" * 8
    message = decode_datagram(damaged, 300)
    assert message == Undecodable("request.value", 107, "18446744073709551615 is above 2^53 - 1")


def test_offsets_of_values_count_from_the_payload() -> None:
    for payload in (encode_request(REQUEST), encode_response(RESPONSE)):
        message = decode_datagram(payload)
        assert isinstance(message, Request | Response)
        assert message.value is not None
        assert payload[message.value_offset :] == message.value


def test_unknown_flags_and_trailing_bytes_are_ignored() -> None:
    assert decode_datagram(bytes.fromhex("03a0 0100 7f000001 0500 00 eeee")) == Request(1, Address("127.0.0.1", 5), 0)


def test_udx_cut_by_the_capture() -> None:
    header = UdxHeader(UdxFlag.SACK | UdxFlag.DATA, 16, 1, 2, 3, 4, sacks=((5, 6), (7, 8)))
    payload = encode_udx(header, b"data")
    assert decode_datagram(payload) == header
    for kept in range(20, 40):
        message = decode_datagram(payload[:kept], len(payload))
        assert isinstance(message, UdxHeader)
        assert message.sacks == header.sacks[: (kept - 20) // 8]
        assert message.truncated_at == ("sacks" if kept < 36 else "data")
    assert decode_datagram(payload[:19], 40) == Undecodable("udx.ack", 16, "needs 4 bytes, 3 left", True)
