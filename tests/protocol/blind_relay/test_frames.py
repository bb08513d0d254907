"""Frames and messages: bytes of the npm packages, every cut of them, limits, and bytes of anybody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.blind_relay.frames import (
    ChannelFrame,
    CloseFrame,
    Frame,
    OpenFrame,
    RejectFrame,
    channel_of,
    decode_frames,
    encode_batch,
    encode_entry,
    encode_frame,
)
from protocol.blind_relay.limits import MuxLimits
from protocol.blind_relay.messages import Pair, Unpair, decode_pair, decode_unpair, encode_pair, encode_unpair
from protocol.errors import DecodeError
from protocol.wire import MAX_UINT
from tests.protocol.codecs import load, outcome

VECTORS = load("blind_relay")
TALKS = list(VECTORS["mux"].values()) + [talk["steps"] for talk in VECTORS["relay"].values()]
MESSAGES = [bytes.fromhex(step["hex"]) for steps in TALKS for step in steps if "hex" in step]
LIMITS = MuxLimits()

numbers = st.integers(0, MAX_UINT)
names = st.text(max_size=60)
frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(OpenFrame, numbers, names, st.none() | st.binary(min_size=1, max_size=80), st.binary(max_size=80)),
    st.builds(RejectFrame, numbers),
    st.builds(CloseFrame, numbers),
    st.builds(ChannelFrame, st.integers(1, MAX_UINT), numbers, st.binary(max_size=80)),
)


def encode(content: list[Frame], *, batch: bool) -> bytes:
    if batch:
        return encode_batch([(channel_of(frame), encode_entry(frame)) for frame in content])
    return encode_frame(content[0])


def test_versions_are_recorded() -> None:
    versions = VECTORS["versions"]
    assert (versions["protomux"], versions["blind-relay"], versions["hyperdht"]) == ("3.12.1", "1.6.1", "6.34.0")
    assert set(versions) >= {"node", "compact-encoding", "compact-encoding-bitfield"}


def test_every_frame_of_the_reference_is_encoded_to_the_same_bytes() -> None:
    kinds = set()
    for message in MESSAGES:
        found = decode_frames(message, LIMITS)
        kinds |= {type(frame) for frame in found}
        assert encode(found, batch=message.startswith(b"\0\0")) == message
    assert kinds == {OpenFrame, RejectFrame, CloseFrame, ChannelFrame}
    assert any(message.startswith(b"\0\0") for message in MESSAGES)


def test_every_cut_of_every_frame_is_frames_or_a_truncation() -> None:
    for message in {message for message in MESSAGES if len(message) < 400}:
        for length in range(len(message)):
            found = outcome(lambda message=message, length=length: decode_frames(message[:length], LIMITS))
            if isinstance(found, DecodeError):
                assert found.truncated
                assert found.offset <= length
            else:
                # What has no length of its own ends where the message ends; a batch between two entries.
                shorter = not found or isinstance(found[-1], OpenFrame | ChannelFrame) or message.startswith(b"\0\0")
                assert shorter, message[:length].hex()


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["hex"][:8])
def test_messages_of_the_reference(vector: dict[str, Any]) -> None:
    data, value = bytes.fromhex(vector["hex"]), vector["value"]
    token = bytes.fromhex(value["token"])
    if vector["codec"] == "pair":
        pair = Pair(value["isInitiator"], token, value["id"], value["seq"])
        assert decode_pair(data) == decode_pair(data + b"later") == pair
        assert encode_pair(pair) == data
    else:
        assert decode_unpair(data) == decode_unpair(data + b"later") == Unpair(token)
        assert encode_unpair(Unpair(token)) == data
    decode = decode_pair if vector["codec"] == "pair" else decode_unpair
    for length in range(len(data)):
        with pytest.raises(DecodeError) as caught:
            decode(data[:length])
        assert caught.value.truncated
        assert caught.value.offset <= length


@pytest.mark.parametrize("flags", [b"\x01", b"\x81", b"\xfd\x01\x00", b"\xfe\x01\x00\x00\x00", b"\xfd\x03\xff"])
def test_flags_of_any_length_say_the_same(flags: bytes) -> None:
    assert decode_pair(flags + bytes(32) + b"\x07\x00") == Pair(True, bytes(32), 7)


def test_an_id_that_no_packet_can_carry() -> None:
    data = encode_pair(Pair(True, bytes(32), 0xFFFFFFFF))
    assert decode_pair(data).id == 0xFFFFFFFF
    beyond = data[:33] + b"\xff" + (1 << 32).to_bytes(8, "little") + b"\0"
    with pytest.raises(DecodeError, match=r"pair\.id at byte 33"):
        decode_pair(beyond)
    with pytest.raises(ValueError, match="does not fit"):
        encode_pair(Pair(True, bytes(32), 1 << 32))
    with pytest.raises(ValueError, match="32 are due"):
        encode_unpair(Unpair(bytes(31)))


def test_an_empty_message_has_no_frame() -> None:
    assert decode_frames(b"", LIMITS) == []


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (bytes(LIMITS.max_frame + 1), "mux.frame"),
        (encode_frame(OpenFrame(1, "x" * 256)), "mux.open.protocol"),
        (encode_frame(OpenFrame(1, "x", bytes(256))), "mux.open.key"),
        (b"\0\0\1" + b"\2\1\1" * (LIMITS.max_batch + 1), "mux.batch"),
        (b"\0\0\0\4\0\1\1\1", "mux.type"),
        (b"\0\xfd\0\0\1", "mux.type"),
        (b"\0\0\1\3\1\1", "mux.entry"),
    ],
    ids=["frame", "name", "key", "many", "batch in batch", "long type", "long entry"],
)
def test_limits(message: bytes, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_frames(message, LIMITS)
    assert caught.value.field == field


def test_at_the_limits() -> None:
    assert decode_frames(encode_frame(OpenFrame(1, "x" * 255, bytes(255))), LIMITS)
    assert len(decode_frames(b"\0\0\1" + b"\2\1\1" * LIMITS.max_batch, LIMITS)) == LIMITS.max_batch
    assert decode_frames(b"\1" + bytes(LIMITS.max_frame - 1), LIMITS)


def test_places_in_a_batch_are_those_of_the_message() -> None:
    message = encode_batch([(1, b"\0content"), (0, b"\3\5")])
    with pytest.raises(DecodeError) as caught:
        decode_frames(message[:-1] + b"\xfd", LIMITS)
    assert (caught.value.field, caught.value.offset) == ("mux.close.id", len(message) - 1)


@given(st.lists(frames, min_size=1, max_size=8))
def test_what_is_encoded_decodes_to_the_same(content: list[Frame]) -> None:
    assert decode_frames(encode(content, batch=True), LIMITS) == content
    assert decode_frames(encode(content[:1], batch=False), LIMITS) == content[:1]


@given(st.binary(max_size=120), st.sampled_from([b"", b"\0\0", b"\0\1", b"\0\0\0", b"\0\0\1", b"\1\0"]))
def test_bytes_give_frames_or_an_error(data: bytes, start: bytes) -> None:
    found = outcome(lambda: decode_frames(start + data, LIMITS))
    if isinstance(found, DecodeError):
        assert found.offset <= len(start + data)
        assert found.field.startswith("mux.")
    else:
        assert len(found) <= len(start + data)


@given(st.binary(max_size=80))
def test_bytes_give_a_message_or_an_error(data: bytes) -> None:
    for decode in (decode_pair, decode_unpair):
        found = outcome(lambda decode=decode: decode(data))
        assert not isinstance(found, DecodeError) or found.offset <= len(data)
