"""Everything that was lost, cut, refused or odd is counted, and leads to the packets that show it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from capture.keylog import SECRETS_TYPE
from capture.losses import Losses
from capture.opening import read_capture
from capture.problems import KEPT, Problem, Problems, Severity
from capture.story import Story
from capture.table import PacketTable
from tests.capture.build import block, enhanced, ethernet, interface, ipv4, option, pcap, section, udp

REQUEST = bytes.fromhex("0300") + bytes(8) + b"\5"
CUT_REQUEST = REQUEST[:5]
"""Ends inside the envelope."""


def frame(payload: bytes) -> bytes:
    return ethernet(ipv4(udp(payload)))


def problems_of(table: PacketTable, losses: Losses | None = None) -> dict[str, Problem]:
    story = Story(table)
    problems = Problems(table)
    while problems.look_some():
        pass
    found = problems.found(story, ("--key 11…22 is the key of no attempt in here",), losses)
    assert len({problem.kind for problem in found}) == len(found)
    return {problem.kind: problem for problem in found}


def test_undecodable_datagrams_say_field_offset_and_reason() -> None:
    table = read_capture(pcap([frame(REQUEST), frame(CUT_REQUEST), frame(CUT_REQUEST)]))
    problem = problems_of(table)["undecodable"]
    assert problem.severity is Severity.WARNING
    assert problem.count == table.files[0].undecodable == 2
    assert [one.frame for one in problem.sightings] == [2, 3]
    assert [one.row for one in problem.sightings] == [1, 2]
    field, _, offset = problem.example.partition(":")[0].partition(" at byte ")
    assert field.startswith("request")
    assert 0 < int(offset) <= len(CUT_REQUEST)
    assert problem.says.startswith(f"undecodable {field}: ")


def test_what_the_capture_cut_what_it_shows_twice_and_headers_that_lie() -> None:
    sound = frame(b"hello, this is longer than the snap length")
    lying = ethernet(ipv4(udp(b"x", length=4)))
    frames = [sound, ethernet(ipv4(udp(b"ab"), ip_id=7)), lying]
    found = problems_of(read_capture(pcap(frames, snaplen=60)))
    assert found["cut"].count == 1
    assert [one.frame for one in found["cut"].sightings] == [1]
    assert found["malformed"].count == 1
    assert found["malformed"].example == "frame 3"
    assert found["malformed"].says.startswith("<memory>: frames whose IP or UDP header")


def test_fragments_whose_rest_is_missing_and_those_that_became_whole() -> None:
    body = udp(bytes(32))
    first = ethernet(ipv4(body[:24], fragment=0x2000, ip_id=1))
    last = ethernet(ipv4(body[24:], fragment=3, ip_id=1))
    lone = ethernet(ipv4(body[:24], fragment=0x2000, ip_id=2))
    found = problems_of(read_capture(pcap([first, last, lone])))
    assert (found["fragments"].count, [one.frame for one in found["fragments"].sightings]) == (1, [2])
    assert found["pieces missing"].count == 1
    assert found["pieces"].count == 2
    assert found["pieces"].example == "frame 1"


def test_link_types_that_are_unknown_and_drops_that_the_file_tells() -> None:
    statistics = block(
        5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 3)) + option(7, struct.pack("<Q", 4))
    )
    early = block(5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 1)))
    start = section() + interface() + interface(250)
    data = start + early + enhanced(frame(REQUEST), 1) + enhanced(b"what", 2, 1) + statistics
    table = read_capture(data)
    assert table.files[0].dropped == 7, "later statistics count what earlier ones did"
    found = problems_of(table)
    assert found["dropped"].severity is Severity.ERROR
    assert found["dropped"].count == 7
    assert found["link type"].example == "frame 2"
    assert "link type 250" in found["link type"].says
    assert "note" not in found, "the note of the file says the same"


def test_a_file_that_says_nothing_of_drops_is_not_said_to_have_none() -> None:
    table = read_capture(section() + interface() + enhanced(frame(REQUEST), 1) + block(5, bytes(12)))
    assert table.files[0].dropped is None
    assert read_capture(pcap([frame(REQUEST)])).files[0].dropped is None
    assert Story(table).files[0].dropped is None


def test_short_interface_statistics_are_named() -> None:
    table = read_capture(section() + interface() + enhanced(frame(REQUEST), 1) + block(5, bytes(8)))
    assert table.files[0].notes == ["interface statistics of 20 bytes say nothing"]


def test_malformed_lines_of_secrets_blocks_are_told_with_their_place() -> None:
    text = b"# fine\nHOLEPUNCH_SECRET 12 34\n"
    secrets = block(10, struct.pack("<II", SECRETS_TYPE, len(text)) + text)
    table = read_capture(section() + interface() + secrets + enhanced(frame(REQUEST), 1))
    problem = problems_of(table)["key log"]
    assert problem.count == 1
    assert problem.texts == problem.texts[:1]
    assert problem.texts[0].startswith("<memory>, secrets block 1: key log line 2: ")
    assert "34" not in problem.texts[0], "it may be a secret"


def test_what_a_live_source_lost_and_keys_that_fit_nothing() -> None:
    table = read_capture(pcap([frame(REQUEST)]))
    (note,) = (one for one in Problems(table).found(Story(table), (), Losses(let_go=9)) if one.kind == "let go")
    assert (note.severity, note.count) == (Severity.NOTE, 9)
    found = problems_of(table, Losses(kernel=12, elsewhere=3, queue=4, unwritten=5, unrecorded=6, malformed=99))
    counts = {kind: problem.count for kind, problem in found.items() if problem.severity is Severity.ERROR}
    assert counts == {"dropped": 12, "dropped elsewhere": 3, "dropped here": 4, "not saved": 5, "not recorded": 6}
    assert found["key"].says == "--key 11…22 is the key of no attempt in here"


def test_the_worst_comes_first_and_nothing_is_no_problem() -> None:
    table = read_capture(pcap([frame(CUT_REQUEST)]) + b"\1")
    story, problems = Story(table), Problems(table)
    while problems.look_some():
        pass
    found = problems.found(story)
    assert [problem.kind for problem in found] == ["damage", "undecodable"]
    table = read_capture(pcap([frame(REQUEST)]))
    assert Problems(table).found(Story(table)) == []


def test_a_table_that_grows_is_looked_through_where_it_grew() -> None:
    table = read_capture(pcap([frame(CUT_REQUEST)]))
    problems, story = Problems(table), Story(table)
    while problems.look_some():
        pass
    read_capture(pcap([frame(REQUEST), frame(CUT_REQUEST)]), table)
    while problems.look_some():
        pass
    (undecodable,) = (one for one in problems.found(story) if one.kind == "undecodable")
    assert undecodable.count == 2
    assert [one.row for one in undecodable.sightings] == [0, 2]
    assert not problems.look_some()


def test_thousands_are_counted_and_some_of_them_kept() -> None:
    table = read_capture(pcap([frame(CUT_REQUEST + bytes([0])), *(frame(CUT_REQUEST) for _ in range(KEPT + 20))]))
    problem = problems_of(table)["undecodable"]
    assert problem.count == KEPT + 21
    assert len(problem.sightings) == KEPT


@pytest.mark.parametrize("name", ["tour.pcapng"])
def test_counts_agree_with_those_of_the_file(name: str) -> None:
    table = Story.open([str(Path(__file__).parents[2] / "app/samples" / name)]).table
    problems = Problems(table)
    while problems.look_some():
        pass
    found = problems.found(Story(table))
    undecodable = sum(one.count for one in found if one.kind == "undecodable")
    assert undecodable == sum(file.undecodable for file in table.files)
    assert sum(one.count for one in found if one.kind == "duplicate") == sum(file.duplicates for file in table.files)
