"""A recording of a capture tells the same story: same packets, same attempts, same notes."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import cbor2
import numpy as np
import pytest

from capture.flow import FileSummary
from capture.notes import Notes, PacketId
from capture.opening import read_capture
from capture.recording.layout import FORMAT, MAGIC_TAG, VERSION, Item
from capture.recording.writing import write_recording
from capture.said import names_of, notes_of
from capture.story import Story
from capture.table import PacketTable
from tests.app.running import LAB, SAMPLE

RUNS = sorted(path for path in LAB.iterdir() if path.is_dir())
PLACE = {"segment", "frame_at", "frame_length", "frame_wire_length", "skip"}
"""Where bytes lie: not the same in another file."""


def recorded(story: Story, **more: object) -> bytes:
    out = io.BytesIO()
    write_recording(out, story.table, **more)  # type: ignore[arg-type]
    return out.getvalue()


def reopened(content: bytes, folder: Path) -> Story:
    path = folder / "x.peephole"
    path.write_bytes(content)
    return Story.open([str(path)])


def same_packets(one: PacketTable, other: PacketTable) -> None:
    assert len(one) == len(other)
    for name in one.columns.keys() - PLACE:
        assert np.array_equal(one.stored(name), other.stored(name)), name
    assert one.payloads(range(len(one))) == other.payloads(range(len(other)))
    assert [one.whole_frame(row) for row in range(len(one))] == [other.whole_frame(row) for row in range(len(other))]


def same_story(one: Story, other: Story) -> None:
    assert [flow.id for flow in other.flows] == [flow.id for flow in one.flows]
    for flow, again in zip(one.flows, other.flows, strict=True):
        for name in ("verdict", "steps", "messages", "rounds", "lanes", "key", "client_nat", "server_nat", "notes"):
            assert getattr(flow, name) == getattr(again, name), name
    assert other.files == one.files
    assert other.notes == one.notes


@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_every_run_reopens_the_same(folder: Path, tmp_path: Path) -> None:
    """All vantages of a run in one recording: merged again, with the same clocks."""
    files = sorted(map(str, folder.glob("*.pcap.gz")))
    story = Story.open(files)
    again = reopened(recorded(story), tmp_path)
    same_packets(story.table, again.table)
    same_story(story, again)


def test_the_sample_reopens_the_same(tmp_path: Path) -> None:
    story = Story.open([str(SAMPLE)])
    again = reopened(recorded(story), tmp_path)
    same_packets(story.table, again.table)
    same_story(story, again)


def test_a_recording_of_a_recording_is_the_same(tmp_path: Path) -> None:
    story = Story.open([str(SAMPLE)])
    once = recorded(story)
    assert recorded(reopened(once, tmp_path)) == once


def test_notes_and_names_come_back(tmp_path: Path) -> None:
    story = Story.open([str(path) for path in sorted((LAB / "relayed").glob("*.pcap.gz"))[:2]])
    first, last = story.flows[0], story.flows[-1]
    notes = Notes(frozenset({first.id}), frozenset({PacketId(1, 3)}))
    notes = notes.with_attempt_comment(last.id, "\x1b[31mhere ⇒").with_comment(PacketId(0, 7), "zwei\nZeilen")
    names = {"10.0.0.1": "Büro", "aabbccdd": "key"}
    again = reopened(recorded(story, notes=notes, names=names), tmp_path)
    assert notes_of(again.table.files) == notes
    assert names_of(again.table.files) == names


def test_one_attempt_alone_keeps_its_frame_numbers() -> None:
    story = Story.open([str(SAMPLE)])
    flow = story.flows[0]
    rows = [message.sighting.row for message in flow.messages]
    content = recorded(story, rows=rows)
    table = read_capture(content)
    assert set(table.frame.tolist()) == {message.sighting.frame for message in flow.messages}
    assert table.files[0].packets == len(set(rows))


def test_other_readers_of_cbor_can_read_it() -> None:
    """With `cbor2` and no code of ours: the sequence, its checksums and its columns are as documented."""
    story = Story.open([str(SAMPLE)])
    stream = io.BytesIO(recorded(story))
    assert stream.getvalue()[:3] == b"\xd9" + MAGIC_TAG.to_bytes(2, "big")
    items = []
    while stream.tell() < len(stream.getbuffer()):
        items.append(cbor2.load(stream))
    for kind, checksum, body in items:
        assert zlib.crc32(body) == checksum
        assert kind in list(Item)
    bodies = [(kind, cbor2.loads(body)) for kind, _, body in items]
    assert bodies[0][1]["format"] == FORMAT
    assert bodies[0][1]["version"] == VERSION
    frames = [body for kind, body in bodies if kind == Item.FRAMES]
    assert sum(len(body["times_ns"].value) // 8 for body in frames) == len(story.table)
    assert bodies[-1] == (Item.END, {"items": len(items) - 1, "frames": len(story.table)})


def test_counts_that_frames_do_not_tell_come_back(tmp_path: Path) -> None:
    story = Story.open([str(LAB / "loss" / "client.pcap.gz")])
    story.table.files[0].not_udp, story.table.files[0].packets = 41, len(story.table) + 41
    story.table.files[0].dropped, story.table.files[0].truncated = 7, "truncated at byte 9: x"
    file: FileSummary = story.files[0]
    (again,) = reopened(recorded(story), tmp_path).files
    assert again == file
