"""The fuzz target of the recording reader: its law over the corpus, cut and altered, and a brief guided run."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import cbor2
from hypothesis import example, given
from hypothesis import strategies as st

from capture.notes import Notes, PacketId
from capture.opening import read_capture
from capture.recording.layout import SINT64, UINT16, UINT32, UINT64, Item
from capture.recording.writing import write_recording
from tests.capture import build

from .guided import finds_nothing, needs_atheris
from .recording_law import check

RUNS = 2500
TIMEOUT = 300
PING = bytes.fromhex("0304 3412 0b000002 49c2 00")


def recording() -> bytes:
    """Two sources, one of them with a fragmented datagram, notes and names."""
    body = build.udp(bytes(range(60)))
    packets = [build.ipv4(build.udp(payload)) for payload in (PING, b"\x00", b"hello")]
    packets += [build.ipv4(body[:32], ip_id=7, fragment=0x2000), build.ipv4(body[32:], ip_id=7, fragment=4)]
    table = read_capture(build.pcap([build.ethernet(packet) for packet in packets]))
    read_capture(build.pcap([build.sll2(packets[0], 0, 4)], 276), table)
    notes = Notes(frozenset({"00" * 8}), frozenset({PacketId(1, 1)})).with_comment(PacketId(0, 2), "x")
    out = io.BytesIO()
    write_recording(out, table, notes=notes, names={"10.0.0.1": "a"})
    return out.getvalue()


WHOLE = recording()


def with_body(kind: int, body: object) -> bytes:
    """The recording with one more item before its end, whose checksum is right."""
    content = cbor2.dumps(body)
    return WHOLE + cbor2.dumps([kind, zlib.crc32(content), content])


def test_law_holds_cut_anywhere() -> None:
    for end in range(len(WHOLE) + 1):
        check(WHOLE[:end])


@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_law_holds_with_any_byte_altered(place: int, byte: int) -> None:
    check(WHOLE[:place] + bytes((byte,)) + WHOLE[place + 1 :])


_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=20)
_COLUMNS = st.builds(
    cbor2.CBORTag, st.sampled_from([UINT16, UINT32, UINT64, SINT64, 1]), st.binary(max_size=24) | st.text(max_size=2)
)
_VALUES = st.recursive(_SCALARS | _COLUMNS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
_FIELDS = (
    "source name format interfaces clock_offset_ns times_ns numbers lengths wire_lengths bytes packets not_udp notes "
    "truncated keylog public_keys attempts names x attempt_comments packet_comments remarks items frames dropped "
    "malformed fragments fragments_pending touches"
)
_KEYS = st.sampled_from(_FIELDS.split())


@given(kind=st.integers(0, 9), body=st.dictionaries(_KEYS, _VALUES, max_size=9))
def test_law_holds_for_items_that_say_anything(kind: int, body: dict[str, object]) -> None:
    """Items with right checksums and wrong insides reach further than noise does."""
    check(with_body(kind, body))


@example(numbers=[5], times=[])  # the number of the last piece of a datagram, once more
@given(numbers=st.lists(st.integers(0, 2**64 - 1), max_size=3), times=st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_law_holds_for_frames_with_any_columns(numbers: list[int], times: list[int]) -> None:
    frame = build.ethernet(build.ipv4(build.udp(PING)))
    count = len(numbers)
    times = (times + [0] * count)[:count]
    body = {
        "source": 0,
        "times_ns": cbor2.CBORTag(SINT64, b"".join(time.to_bytes(8, "little", signed=True) for time in times)),
        "interfaces": cbor2.CBORTag(UINT16, bytes(2 * count)),
        "numbers": cbor2.CBORTag(UINT64, b"".join(number.to_bytes(8, "little") for number in numbers)),
        "wire_lengths": cbor2.CBORTag(UINT32, len(frame).to_bytes(4, "little") * count),
        "lengths": cbor2.CBORTag(UINT32, len(frame).to_bytes(4, "little") * count),
        "bytes": frame * count,
    }
    check(with_body(Item.FRAMES, body))


@needs_atheris
def test_fuzzer_finds_nothing(tmp_path: Path) -> None:
    finds_nothing("fuzz_recording", (WHOLE, with_body(7, {})), tmp_path, runs=RUNS, longest=2000, timeout=TIMEOUT)
