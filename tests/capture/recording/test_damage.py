"""Recordings that were cut or damaged: readable up to there, and past it where an item says where it ends."""

from __future__ import annotations

import io
import re

import cbor2
import pytest

from capture.errors import CaptureError
from capture.notes import Notes
from capture.opening import read_capture
from capture.raw import Raw
from capture.recording.items import read_items
from capture.recording.layout import MAGIC, Item
from capture.recording.writing import write_recording
from capture.said import notes_of
from tests.capture import build

PING = bytes.fromhex("0304 3412 0b000002 49c2 00")
NOTES = Notes(frozenset({"0011223344556677"})).with_attempt_comment("8899aabbccddeeff", "was es ist")


def small() -> bytes:
    """Two sources of three frames each, marks and names."""
    table = read_capture(build.pcap([build.ethernet(build.ipv4(build.udp(PING, 9 + n))) for n in range(3)]))
    read_capture(build.pcap([build.ethernet(build.ipv4(build.udp(b"\0", 30 + n))) for n in range(3)]), table)
    out = io.BytesIO()
    write_recording(out, table, notes=NOTES, names={"10.0.0.1": "a"})
    return out.getvalue()


WHOLE = small()
BODIES = list(read_items(Raw(WHOLE)))


def said_of(content: bytes) -> tuple[int, str | None, list[str]]:
    table = read_capture(content)
    file = table.files[0]
    return len(table), file.truncated, file.notes


def test_the_whole_has_no_trouble() -> None:
    assert said_of(WHOLE) == (6, None, [])
    assert [body.kind for body in BODIES] == [
        Item.HEADER, Item.SOURCE, Item.FRAMES, Item.COUNTS, Item.SOURCE, Item.FRAMES, Item.COUNTS, Item.NOTES,
        Item.NAMES, Item.END,
    ]  # fmt: skip


def test_cut_anywhere_it_is_read_up_to_there() -> None:
    """Every length: the header is needed, of the rest what is there; it is always said that something is missing."""
    before = 0
    starts = {body.at for body in BODIES}
    for length in range(len(WHOLE)):
        content = WHOLE[:length]
        if length < BODIES[0].span.end:
            with pytest.raises(CaptureError) as caught:
                read_capture(content)
            assert caught.value.offset is None or caught.value.offset <= length
            continue
        rows, truncated, notes = said_of(content)
        assert rows >= before
        before = rows
        if length in starts:
            assert truncated is None
            assert any("no end" in note for note in notes)
        else:
            assert truncated is not None
            assert re.search(r"at byte \d+: .*\blost$", truncated), truncated
    assert before == 6


def test_frames_of_a_batch_that_was_cut_are_read_one_by_one() -> None:
    frames = BODIES[2]
    size = len(build.ethernet(build.ipv4(build.udp(PING))))
    counts = {said_of(WHOLE[:end])[0] for end in range(frames.span.end - size, frames.span.end + 1)}
    assert counts == {2, 3}
    _, truncated, _ = said_of(WHOLE[: frames.span.end - 1])
    assert truncated is not None
    assert "item 2 (frames) ends there, 1 of its 3 frames" in truncated


@pytest.mark.parametrize("body", BODIES[1:], ids=lambda body: f"{body.order}-{Item(body.kind).name.lower()}")
def test_damage_inside_an_item_costs_that_item(body) -> None:  # type: ignore[no-untyped-def]
    """Every byte of its body: the item is named, and what follows is read."""
    for place in range(body.span.start, body.span.end):
        content = bytearray(WHOLE)
        content[place] ^= 0x41
        rows, truncated, _ = said_of(bytes(content))
        assert truncated is not None
        assert truncated.startswith(f"damaged at byte {body.at}: item {body.order} ({Item(body.kind).name.lower()})")
        lost = 3 if body.kind in (Item.SOURCE, Item.FRAMES) else 0
        assert rows == 6 - lost
        if body.kind != Item.NOTES:
            assert notes_of(read_capture(bytes(content)).files) == NOTES


def test_damage_between_items_ends_the_reading() -> None:
    for body in BODIES[1:]:
        content = bytearray(WHOLE)
        content[body.at] = 0xFF
        _, truncated, _ = said_of(bytes(content))
        assert truncated is not None
        left = len(WHOLE) - body.at
        assert f"damaged at byte {body.at}: no item begins here; {left} bytes from there on are lost" in truncated or (
            f"at byte {body.at}" in truncated
        )


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"format": "peephole recording", "version": 2, "redacted": False}, "version 2"),
        ({"format": "another", "version": 1, "redacted": False}, "another format"),
        ({"format": "peephole recording", "redacted": False}, "field version"),
        ([1], "no map"),
    ],
)
def test_what_is_no_recording_is_refused(header: object, reason: str) -> None:
    import zlib

    body = cbor2.dumps(header)
    content = MAGIC + cbor2.dumps([0, zlib.crc32(body), body])
    with pytest.raises(CaptureError, match=reason):
        read_capture(content)


def test_items_of_later_kinds_are_left_alone() -> None:
    import zlib

    body = cbor2.dumps({"what": 1})
    end = BODIES[-1].at
    content = WHOLE[:end] + cbor2.dumps([77, zlib.crc32(body), body]) + WHOLE[end:]
    rows, truncated, notes = said_of(content)
    assert (rows, truncated) == (6, None)
    assert any("1 items of <memory> are of kinds that this version does not know" in note for note in notes)
