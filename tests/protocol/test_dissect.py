"""Law: the leaves of a dissected payload cover its bytes once, in order, and say what they hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import Command
from protocol.dissect import Field, dissect, dissect_holepunch_payload, dissect_noise_payload
from protocol.envelope import decode_request, encode_request, encode_response
from protocol.messages import Address, Handshake, PeerRecord, Request, Response
from protocol.peer_values import encode_handshake, encode_peer_record

from .codecs import encodings, load
from .strategies import payloads

TO = Address("10.0.0.1", 49737)
COMMANDS = [(False, command) for command in range(12)] + [(True, command) for command in range(6)]


def leaves(field: Field) -> Iterator[Field]:
    if not field.children:
        yield field
    for child in field.children:
        yield from leaves(child)


def check_law(root: Field, payload: bytes) -> None:
    assert (root.start, root.end) == (0, len(payload))
    at = 0
    for leaf in leaves(root):
        if payload:
            assert leaf.start == at
            assert leaf.end > leaf.start
        if isinstance(leaf.value, bytes):
            assert payload[leaf.start : leaf.end] == leaf.value
        at = leaf.end
    assert at == len(payload)
    check_nesting(root)


def check_nesting(field: Field) -> None:
    if field.children:
        assert field.start == field.children[0].start
        assert field.end == field.children[-1].end
    for child in field.children:
        check_nesting(child)


@given(payload=payloads, missing=st.integers(0, 100), command=st.sampled_from(COMMANDS))
def test_law_for_any_bytes(payload: bytes, missing: int, command: tuple[bool, int]) -> None:
    request = Request(1, TO, command[1], internal=command[0])
    check_law(dissect(payload), payload)
    check_law(dissect(payload, len(payload) + missing, request=request), payload)


@given(plaintext=st.binary(max_size=150))
def test_law_for_any_plaintext(plaintext: bytes) -> None:
    check_law(dissect_noise_payload(plaintext), plaintext)
    check_law(dissect_holepunch_payload(plaintext), plaintext)


@given(value=st.binary(max_size=120), command=st.sampled_from(COMMANDS))
def test_law_for_any_value(value: bytes, command: tuple[bool, int]) -> None:
    request = Request(1, TO, command[1], internal=command[0], value=value)
    payload = encode_request(request)
    check_law(dissect(payload), payload)
    payload = encode_response(Response(1, TO, value=value))
    check_law(dissect(payload, request=request), payload)


def test_conversation_leaves_nothing_over() -> None:
    for datagram in load("conversation")["datagrams"]:
        root = dissect(bytes.fromhex(datagram["hex"]))
        assert not {leaf.name for leaf in leaves(root)} & {"trailing", "undecoded"}
        assert root.note == ""


def test_law_for_every_cut_of_the_conversation() -> None:
    for datagram in load("conversation")["datagrams"]:
        payload = bytes.fromhex(datagram["hex"])
        for length in range(len(payload) + 1):
            check_law(dissect(payload[:length], len(payload)), payload[:length])


def test_vectors_leave_nothing_over() -> None:
    for codec, data, _ in encodings():
        if codec == "noise_payload":
            root = dissect_noise_payload(data)
        elif codec == "holepunch_payload":
            root = dissect_holepunch_payload(data)
        elif codec == "response":
            root = dissect(data)
        else:
            continue
        names = {leaf.name for leaf in leaves(root)}
        assert not names & {"trailing", "undecoded"}
        assert root.note == ""


def rows(field: Field, depth: int = 0) -> list[str]:
    value = field.value.hex() if isinstance(field.value, bytes) else field.value
    shown = "" if field.value is None or field.children else f" {value}"
    note = f" ({field.note})" if field.note else ""
    own = f"{'  ' * depth}{field.start}-{field.end} {field.name}{shown}{note}"
    return [own, *(row for child in field.children for row in rows(child, depth + 1))]


HANDSHAKE = encode_request(
    Request(
        0x201,
        TO,
        Command.PEER_HANDSHAKE,
        target=b"\xaa" * 32,
        value=encode_handshake(Handshake(2, b"\x11" * 32 + b"\x22" * 48 + b"\x33" * 20, peer_address=TO)),
    )
)


def test_request_reads_like_its_layout() -> None:
    assert rows(dissect(HANDSHAKE + b"\xee")) == [
        "0-154 request",
        "  0-1 type 3",
        "  1-2 flags 24 (target, value)",
        "  2-4 tid 513",
        "  4-10 to 10.0.0.1:49737",
        "  10-11 command 0 (PEER_HANDSHAKE)",
        f"  11-43 target {'aa' * 32}",
        "  43-153 value (handshake)",
        "    43-44 length 109",
        "    44-45 flags 1 (peer_address)",
        "    45-46 mode 2 (FROM_RELAY)",
        "    46-147 noise",
        "      46-47 length 100",
        f"      47-79 e {'11' * 32}",
        f"      79-127 sealed_s {'22' * 48}",
        f"      127-147 sealed_payload {'33' * 20}",
        "    147-153 peer_address 10.0.0.1:49737",
        "  153-154 trailing ee",
    ]


def test_cut_request_shows_what_is_there() -> None:
    root = dissect(HANDSHAKE[:60], len(HANDSHAKE))
    assert root.note == "the capture kept 60 of 153 bytes; request.value: needs 109 bytes after its length, 16 left"
    assert rows(root)[7:] == [
        "  43-60 value (16 of 109 bytes)",
        "    43-44 length 109",
        "    44-45 flags 1 (peer_address)",
        "    45-46 mode 2 (FROM_RELAY)",
        "    46-60 noise (13 of 100 bytes)",
        "      46-47 length 100",
        f"      47-60 undecoded {'11' * 13}",
    ]


def test_response_needs_its_request() -> None:
    payload = encode_response(Response(5, TO, value=encode_peer_record(PeerRecord(b"k" * 32, (TO,)))))
    unknown = rows(dissect(payload))
    assert unknown[5] == "  10-50 value (its request was not seen)"
    assert unknown[7].startswith("    11-50 bytes")
    known = rows(dissect(payload, request=Request(5, TO, Command.FIND_PEER)))
    assert known[5:] == [
        "  10-50 value (peer)",
        "    10-11 length 39",
        f"    11-43 public_key {(b'k' * 32).hex()}",
        "    43-50 relay_addresses",
        "      43-44 count 1",
        "      44-50 relay_addresses[0] 10.0.0.1:49737",
    ]


def test_what_is_wrong_is_marked() -> None:
    def wrong(root: Field) -> list[str]:
        return [f.name for f in [root, *everything(root)] if f.wrong]

    def everything(field: Field) -> Iterator[Field]:
        for child in field.children:
            yield child
            yield from everything(child)

    assert wrong(dissect(HANDSHAKE + b"\xee")) == []
    assert wrong(dissect(HANDSHAKE[:60])) == ["request", "value", "noise", "undecoded"]
    # a capture's cut is no fault of the packet
    assert wrong(dissect(HANDSHAKE[:20], len(HANDSHAKE)))[:1] == ["undecoded"]
    assert wrong(dissect_holepunch_payload(b"\x00")) == ["holepunch_payload"]


def test_malformed_value_says_where() -> None:
    payload = encode_request(Request(5, TO, Command.PEER_HOLEPUNCH, value=b"\x00\x01\x02\x09abc"))
    assert rows(dissect(payload))[6:] == [
        "  11-19 value (holepunch.payload: needs 9 bytes after its length, 3 left)",
        "    11-12 length 7",
        "    12-13 flags 0",
        "    13-14 mode 1 (FROM_SERVER)",
        "    14-15 id 2",
        "    15-19 payload (3 of 9 bytes)",
        "      15-16 length 9",
        "      16-19 undecoded 616263",
    ]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x00", ["0-1 punch", "  0-1 bytes 00"]),
        (b"hello", ["0-5 foreign", "  0-5 bytes 68656c6c6f"]),
        (b"", ["0-0 foreign"]),
        (
            b"\x03\x00\x01",
            [
                "0-3 request (request.tid: needs 2 bytes, 1 left)",
                "  0-1 type 3",
                "  1-2 flags 0",
                "  2-3 undecoded 01",
            ],
        ),
    ],
)
def test_small_payloads(payload: bytes, expected: list[str]) -> None:
    assert rows(dissect(payload)) == expected


def test_sacks_and_data_of_udx() -> None:
    payload = bytes.fromhex("ff010508 01000000 02000000 03000000 04000000 05000000 06000000 aabb")
    assert rows(dissect(payload)) == [
        "0-30 udx",
        "  0-1 magic 255",
        "  1-2 version 1",
        "  2-3 flags 5 (DATA, SACK)",
        "  3-4 data_offset 8",
        "  4-8 remote_id 1",
        "  8-12 recv_window 2",
        "  12-16 seq 3",
        "  16-20 ack 4",
        "  20-28 sacks[0]",
        "    20-24 first 5",
        "    24-28 end 6",
        "  28-30 data aabb",
    ]


def test_decoding_and_dissecting_agree() -> None:
    for codec, data, _ in encodings():
        if codec == "request":
            request = decode_request(data)
            fields = {field.name: field.value for field in dissect(data).children}
            for name in ("tid", "to", "command", "id", "token", "target", "value"):
                assert fields.get(name) == getattr(request, name)
