"""What was done to packets stays with them: in the table, in pcapng files and recordings, written at once or live."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live_feed import LiveFeed
from capture.disk_ring.ring import DiskRing
from capture.opening import open_captures
from capture.pcapng_writer import write_pcapng
from capture.recording.writing import write_recording
from capture.said import notes_of
from capture.table import PacketTable
from capture.tap import Tap
from capture.touches import (
    MARK,
    OF_A_PACKET,
    Touch,
    Touches,
    comment_of,
    from_plain,
    read_comment_of_touch,
    read_touch,
    to_plain,
    touched_rows,
    touches_of,
)
from protocol.messages import Address

LOCAL, REMOTE = Address("10.0.0.1", 1000), Address("10.0.0.2", 2000)
EDITED = Touch("edited", 5, True, REMOTE, "strip", original=b"\x03as it came")
HELD = Touch("held", 6, False, REMOTE, reason="command == PING")
FORWARDED = Touch("redirected", 7, False, REMOTE, became=b"as it went on", to=Address("10.0.0.3", 7), unsent=True)


def tapped(count: int = 3) -> Tap:
    tap = Tap()
    for number in range(count):
        frame = tap.take((number, number % 2 == 1, LOCAL, REMOTE, 64, b"\x00", 1))
        assert frame == number + 1
    tap.file.touches = Touches()
    return tap


def told(table: PacketTable) -> list[tuple[Touch, ...]]:
    return [touches_of(table, row) for row in range(len(table))]


WANTED = [(HELD, FORWARDED), (EDITED,), ()]


def touched() -> Tap:
    tap = tapped()
    tap.collect()
    assert tap.file.touches is not None
    for frame, touch in ((1, HELD), (2, EDITED), (1, FORWARDED), (1, HELD)):
        tap.file.touches.add(frame, touch)
    return tap


def test_of_rows() -> None:
    tap = touched()
    assert told(tap.table) == WANTED
    assert touched_rows(tap.table) == {0: WANTED[0], 1: WANTED[1]}
    assert tap.file.touches is not None
    assert [frame for frame, _ in tap.file.touches] == [1, 2, 1]
    assert EDITED.edited
    assert not HELD.edited


def test_rows_without_any() -> None:
    tap = tapped()
    tap.collect()
    assert touched_rows(tap.table) == {}
    tap.file.touches = None
    assert told(tap.table) == [(), (), ()]


@pytest.mark.parametrize("form", ["pcapng", "recording"])
def test_saved_and_opened_again(form: str, tmp_path: Path) -> None:
    tap, path = touched(), str(tmp_path / "saved")
    if form == "pcapng":
        write_pcapng(path, tap.table, range(3), comments={0: "somebody's"})
    else:
        write_recording(path, tap.table)
    table = open_captures([path])
    assert told(table) == WANTED
    assert list(notes_of(table.files).packet_comments.values()) == (["somebody's"] if form == "pcapng" else [])
    again = str(tmp_path / "again")
    write_pcapng(again, table, [1])
    assert told(open_captures([again])) == [(EDITED,)]


def test_a_part_of_a_recording_has_the_touches_of_its_packets(tmp_path: Path) -> None:
    tap, path = touched(), str(tmp_path / "part")
    write_recording(path, tap.table, [1])
    assert told(open_captures([path])) == [(EDITED,)]


@pytest.mark.parametrize("late", [False, True])
def test_written_while_it_happens(late: bool, tmp_path: Path) -> None:
    tap = tapped()
    assert tap.file.touches is not None
    pcapng, recording = tmp_path / "live.pcapng", tmp_path / "live.peephole"
    with recording.open("wb") as record:
        feed = LiveFeed(tap, DiskRing(str(pcapng)), record=record)
        tap.file.touches.add(1, HELD)
        if late:
            feed.poll()
        tap.file.touches.add(1, FORWARDED)
        tap.file.touches.add(2, EDITED)
        feed.finish()
    for path in (pcapng, recording):
        assert told(open_captures([str(path)])) == WANTED
    assert b"touched 1:" in pcapng.read_bytes() if late else True


def test_there_is_an_end_to_what_is_kept() -> None:
    touches = Touches()
    for number in range(OF_A_PACKET + 3):
        touches.add(1, Touch("held", number, True, REMOTE))
    assert (len(touches), touches.left_out) == (OF_A_PACKET, 3)


@pytest.mark.parametrize("touch", [EDITED, HELD, FORWARDED])
def test_as_a_comment_and_back(touch: Touch) -> None:
    assert read_comment_of_touch(comment_of(touch)) == (None, touch)
    assert read_comment_of_touch(comment_of(touch, 17)) == (17, touch)
    assert from_plain(to_plain(touch)) == touch


def test_bytes_that_no_comment_has_room_for_are_left_out() -> None:
    long = Touch("edited", 1, True, REMOTE, original=bytes(20_000))
    found = read_comment_of_touch(comment_of(long))
    assert found is not None
    assert found[1].original is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a comment",
        f"{MARK}",
        f"{MARK}: ",
        f"{MARK}: []",
        f"{MARK}: {{}}",
        f"{MARK} x: {{}}",
        f"{MARK}: {{'fate'",
        f'{MARK}: {{"fate":"held","time_ns":1,"remote":"nobody"}}',
        f'{MARK}: {{"fate":7,"time_ns":1,"remote":"1.2.3.4:5"}}',
        f'{MARK}: {{"fate":"held","time_ns":{10**30},"remote":"1.2.3.4:5"}}',
        MARK + ": " + "[" * 100_000,
    ],
)
def test_what_is_no_touch(text: str) -> None:
    assert read_comment_of_touch(text) is None


@given(st.text())
def test_any_text_is_a_touch_or_none(text: str) -> None:
    read_touch(text)
    assert read_comment_of_touch(f"{MARK}: {text}") is None or read_touch(text) is not None


def test_a_comment_that_only_looks_like_a_touch_is_a_comment(tmp_path: Path) -> None:
    tap, out = touched(), io.BytesIO()
    write_pcapng(out, tap.table, [2], comments={2: f"{MARK}: nonsense"})
    path = tmp_path / "odd.pcapng"
    path.write_bytes(out.getvalue())
    table = open_captures([str(path)])
    assert told(table) == [()]
    assert list(notes_of(table.files).packet_comments.values()) == [f"{MARK}: nonsense"]
