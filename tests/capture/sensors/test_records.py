"""Records of sensors: what is written is read, and whatever else comes is refused with its place."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.sensors.decoding import RecordError, decode_record
from capture.sensors.records import (
    MOST_BYTES,
    AttemptRecord,
    Head,
    Kind,
    PacketsRecord,
    Record,
    SecretsRecord,
    SensorFrame,
    SensorRecord,
    Source,
    SourceInterface,
    State,
    encode_record,
    is_token,
    kind_of,
    subject_of,
    token_of,
)

_TEXT = st.text(max_size=40)
_COUNT = st.integers(0, (1 << 63) - 1)
_U32 = st.integers(0, (1 << 32) - 1)
_LOSSES = st.dictionaries(_TEXT, _COUNT, max_size=8)
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | _TEXT | st.binary(max_size=40)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
_HEADS = st.builds(
    Head,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    _COUNT,
    _COUNT,
)
_INTERFACES = st.builds(SourceInterface, st.integers(0, 0xFFFF), _TEXT, _U32, _TEXT)
_SOURCES = st.builds(
    Source,
    _TEXT,
    _TEXT,
    st.lists(_INTERFACES, max_size=3).map(tuple),
    _COUNT,
    _LOSSES,
    st.none() | _TEXT,
    st.lists(_TEXT, max_size=3).map(tuple),
)


@st.composite
def _frames(draw: st.DrawFn) -> SensorFrame:
    frame = draw(st.binary(max_size=100))
    length = len(frame) + draw(st.integers(0, 2000))
    reading = draw(st.none() | st.dictionaries(_TEXT, _PLAIN, max_size=4))
    number, interface, direction = draw(st.integers(1, 1 << 31)), draw(st.integers(0, 9)), draw(st.integers(0, 31))
    return SensorFrame(number, draw(_COUNT), interface, length, frame, direction, reading)


_RECORDS = st.one_of(
    st.builds(
        SensorRecord,
        _HEADS,
        st.sampled_from(State),
        _TEXT,
        _TEXT,
        st.lists(_SOURCES, max_size=3).map(tuple),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        _LOSSES,
        _TEXT,
    ),
    st.builds(PacketsRecord, _HEADS, st.integers(0, 9), st.lists(_frames(), max_size=4).map(tuple)),
    st.builds(
        AttemptRecord,
        _HEADS,
        st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
        _TEXT,
        _TEXT,
        st.booleans(),
        st.dictionaries(_TEXT, _PLAIN, max_size=4),
    ),
    st.builds(SecretsRecord, _HEADS, st.binary(max_size=200)),
)


@settings(max_examples=60, deadline=None)
@given(_RECORDS)
def test_what_is_written_is_read(record: Record) -> None:
    assert decode_record(encode_record(record)) == record


def _lawful(data: bytes, readings: bool = True) -> None:
    caught: RecordError | None = None
    try:
        decode_record(data, readings=readings)
    except RecordError as error:
        caught = error
    if caught is not None:
        assert caught.field
        assert caught.reason
        assert 0 <= caught.offset <= len(data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_an_error_with_its_place(data: bytes) -> None:
    _lawful(data)


@settings(max_examples=100, deadline=None)
@given(_RECORDS, st.data())
def test_a_changed_record_is_a_record_or_an_error_with_its_place(record: Record, data: st.DataObject) -> None:
    damaged = bytearray(encode_record(record))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    _lawful(bytes(damaged))
    _lawful(bytes(damaged), readings=False)


HEAD = Head("inside", "0123456789abcdef", 7, 1_700_000_000_000_000_000)
PACKETS = PacketsRecord(
    HEAD, 0, (SensorFrame(1, 5, 0, 60, b"frame"), SensorFrame(2, 6, 0, 5, b"other", 5, {"ttl": 64}))
)


def test_no_start_of_a_record_is_a_record() -> None:
    whole = encode_record(PACKETS)
    for size in range(len(whole)):
        with pytest.raises(RecordError):
            decode_record(whole[:size])


def _changed(**entries: Any) -> bytes:
    plain = cbor2.loads(encode_record(PACKETS))
    for name, value in entries.items():
        plain[name] = value
    return cbor2.dumps(plain)


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        (b"\xa0", "version", "is missing"),
        (b"\x80", "record", "no map"),
        (b"\xbf\xff", "record", "0xbf begins no item of definite length"),
        (_changed(version=2), "version", "is 2; this program reads 1"),
        (_changed(kind="gossip"), "kind", "'gossip' is none that is known"),
        (_changed(sensor="a.b"), "sensor", "not 1 to 64 letters, digits, - and _"),
        (_changed(sensor=">"), "sensor", "not 1 to 64 letters, digits, - and _"),
        (_changed(run="x"), "run", "not 16 hex digits"),
        (_changed(sequence=-1), "sequence", "no number from 0 to 9223372036854775807"),
        (_changed(sequence=True), "sequence", "no number from 0 to 9223372036854775807"),
        (_changed(frames={}), "frames", "no array of 4096 maps at most"),
        (_changed(frames=[1]), "frames[0]", "no map"),
        (_changed(frames=[{}]), "frames[0].frame", "is missing"),
        (_changed(frames=[{"frame": "text"}]), "frames[0].frame", "no byte string"),
        (
            _changed(frames=[{"frame": b"long", "wire_length": 3}]),
            "frames[0].wire_length",
            "3, less than the 4 bytes that there are",
        ),
        (encode_record(PACKETS) + b"\0", "record", "bytes behind it"),
        (bytes(MOST_BYTES + 1), "record", f"{MOST_BYTES + 1} bytes, {MOST_BYTES} are the most"),
        (b"\x9b" + b"\xff" * 8, "record", "no map"),
        (b"\xbb" + b"\x7f" * 8, "record", "an item is missing"),
        (b"\xa1\x64kind" + b"\x81" * 100, "record", "items nested more than 8 deep"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, field: str, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        decode_record(data)
    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize("name", ["frames", "sources", "interfaces", "reading"])
@pytest.mark.parametrize("readings", [True, False])
def test_no_depth_is_too_deep_to_be_refused(name: str, readings: bool) -> None:
    for nested in (b"\xa1" + bytes((0x60 + len(name),)) + name.encode() + b"\x81", b"\x81", b"\xc1"):
        with pytest.raises(RecordError):
            decode_record(
                b"\xa1\x66frames\x81\xa1\x67reading" + nested * (MOST_BYTES // len(nested) - 99), readings=readings
            )
        with pytest.raises(RecordError):
            decode_record(nested * (MOST_BYTES // len(nested)), readings=readings)


def test_what_frames_say_can_be_left_out() -> None:
    without = decode_record(encode_record(PACKETS), readings=False)
    assert isinstance(without, PacketsRecord)
    assert without.frames == tuple(one._replace(reading=None) for one in PACKETS.frames)


def test_an_error_in_a_frame_has_the_offset_of_the_entry() -> None:
    data = encode_record(PACKETS).replace(b"\x69interface\x00", b"\x69interface\xf6", 1)
    with pytest.raises(RecordError) as caught:
        decode_record(data)
    assert caught.value.field == "frames[0].interface"
    assert data[caught.value.offset] == 0xF6


def test_no_record_is_larger_than_readers_take() -> None:
    with pytest.raises(ValueError, match="are the most"):
        encode_record(SecretsRecord(HEAD, bytes(MOST_BYTES)))


def test_names_are_made_fit_for_subjects() -> None:
    assert token_of("lab box.example.org") == "lab-box-example-org"
    assert token_of("日本") == "sensor"
    assert token_of("a" * 80) == "a" * 64
    assert not is_token("a*")
    assert subject_of("live", "inside", kind_of(PACKETS)) == "peephole.live.inside.packets"
    assert PACKETS.head.message_id == "inside.0123456789abcdef.7"
    assert {str(kind) for kind in Kind} == {"sensor", "packets", "attempt", "secrets"}
