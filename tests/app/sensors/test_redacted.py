"""A sensor that redacts: nothing of the original is in anything that leaves it, and what left still fits together."""

from __future__ import annotations

from pathlib import Path

import cbor2
import pytest

from capture.sensors.decoding import decode_record
from capture.sensors.records import AttemptRecord, PacketsRecord, SensorRecord
from capture.story import Story
from tests.app.running import LAB
from tests.app.sensors.published import Published, rebuilt
from tests.capture.test_masking import Originals, assert_nothing_left

SALT = "a salt that all sensors of a test share"
RUNS = ["consistent-consistent", "random-consistent", "same-nat", "relayed", "in-a-row"]


def capture(name: str) -> Path:
    return LAB / f"{name}.pcap.gz"


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_no_address_and_no_key_of_the_original_is_in_any_record(run: str, everything: bool) -> None:
    path = capture(f"{run}/client")
    known = Originals(Story.open([str(path)]))
    assert known.hosts
    assert known.keys
    published = Published([path], phrase=SALT, everything=everything)
    published.run()
    assert len(published.sent) > 3
    for record in published.sent:
        assert_nothing_left(record, known, binary=True)
    # Strings in strings as well, whatever CBOR does with them.
    assert_nothing_left(repr([cbor2.loads(one) for one in published.sent]).encode(), known, binary=False)
    assert str(path).encode() not in b"".join(published.sent)


def test_neither_the_name_of_a_file_nor_an_address_in_a_remark_is_published() -> None:
    path = capture("relayed/client")
    published = Published([path], phrase=SALT)
    published.table.files[0].notes.append(f"{path}: 11.22.33.44 was seen")
    published.teller.begin()
    published.teller.end((), f"{path}: has ended")
    last = decode_record(published.sent[-1])
    assert isinstance(last, SensorRecord)
    assert last.reason == "capture-1.pcap: has ended"
    [source] = last.sources
    assert source.notes[-1].startswith("capture-1.pcap: 2")
    assert "11.22.33.44" not in source.notes[-1]


def test_the_same_without_redaction_would_be_found() -> None:
    path = capture("relayed/client")
    published = Published([path])
    published.run()
    with pytest.raises(AssertionError):
        assert_nothing_left(b"".join(published.sent), Originals(Story.open([str(path)])), binary=True)


@pytest.mark.parametrize("run", RUNS)
def test_a_redacted_story_has_the_same_verdicts(run: str, tmp_path: Path) -> None:
    path = capture(f"{run}/client")
    whole = Story.open([str(path)])
    again = rebuilt(Published([path], phrase=SALT).run(), tmp_path)
    assert [flow.verdict.code for flow in again.flows] == [flow.verdict.code for flow in whole.flows]
    assert [flow.started for flow in again.flows] == [flow.started for flow in whole.flows]


def test_captures_of_two_sensors_with_one_salt_are_one_story(tmp_path: Path) -> None:
    paths = [capture(f"consistent-consistent/{vantage}") for vantage in ("client", "server")]
    whole = Story.open([str(path) for path in paths])
    both = []
    for number, path in enumerate(paths):
        (tmp_path / str(number)).mkdir()
        rebuilt(Published([path], phrase=SALT).run(), tmp_path / str(number))
        both.append(str(tmp_path / str(number) / "rebuilt.peephole"))
    [masked], [flow] = Story.open(both).flows, whole.flows
    assert masked.verdict.code == flow.verdict.code
    assert len(masked.messages) == len(flow.messages)
    assert [len(one.copies) for one in masked.messages] == [len(one.copies) for one in flow.messages]
    assert masked.client_probes == flow.client_probes


def test_attempts_are_called_as_their_masked_packets_call_them(tmp_path: Path) -> None:
    records = Published([capture("consistent-consistent/client")], phrase=SALT).run()
    [attempt] = [one for one in records if isinstance(one, AttemptRecord)]
    [flow] = rebuilt(records, tmp_path).flows
    assert attempt.id == flow.id
    ids = {id_ for one in records if isinstance(one, PacketsRecord) for f in one.frames for id_ in _attempts(f.reading)}
    assert ids == {flow.id}
    assert all(one.redacted for one in records if isinstance(one, SensorRecord))


def _attempts(reading: object) -> list[str]:
    assert isinstance(reading, dict)
    found: list[str] = reading["attempts"]
    return found


def test_the_salt_decides() -> None:
    path = capture("relayed/client")
    first, again, other = (Published([path], phrase=phrase) for phrase in (SALT, SALT, "another"))
    frames = []
    for published in (first, again, other):
        records = [decode_record(one) for one in (published.run(), published.sent)[1]]
        frames.append([f.frame for one in records if isinstance(one, PacketsRecord) for f in one.frames])
    assert frames[0] == frames[1] != frames[2]
