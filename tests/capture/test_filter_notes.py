"""Filters that ask of marks and comments: those of whoever asks, or those that files bring along."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.filter import parse_filter
from capture.notes import NO_NOTES, Notes
from capture.recording.writing import write_recording
from capture.story import Story
from tests.app.running import SAMPLE

TOUR = Story.open([str(SAMPLE)])
FLOWS = TOUR.flows
PACKET = next(step.sighting for step in FLOWS[3].steps if step.sighting is not None)


def notes() -> Notes:
    said = NO_NOTES.with_attempt_mark(FLOWS[0].id).with_attempt_mark(FLOWS[2].id)
    return said.with_attempt_comment(FLOWS[1].id, "To do: ask Ann").with_comment(PACKET, "todo too")


ASKED = {
    "marked": {0, 2},
    "marked == no": set(range(len(FLOWS))) - {0, 2},
    "not marked": set(range(len(FLOWS))) - {0, 2},
    'comment ~ "to do"': {1},
    "comment =~ 'to ?do'": {1, 3},
    "comment == none": set(range(len(FLOWS))) - {1, 3},
    "marked or comment ~ ann": {0, 1, 2},
}


@pytest.mark.parametrize("text", ASKED)
def test_attempts(text: str) -> None:
    wanted = parse_filter(text).on(TOUR, notes())
    passing = set(wanted.select(FLOWS))
    assert {index for index, flow in enumerate(FLOWS) if flow in passing} == ASKED[text]


def test_of_packets_they_are_those_of_their_attempts() -> None:
    marked = parse_filter("marked").on(TOUR, notes()).rows()
    ids = parse_filter(f"id == {FLOWS[0].id} or id == {FLOWS[2].id}").on(TOUR).rows()
    assert marked.tolist() == ids.tolist()
    assert marked.any()


def test_other_notes_other_answers() -> None:
    first = parse_filter("marked").on(TOUR, notes())
    assert first.on(TOUR) is first
    assert first.on(TOUR, NO_NOTES).select(FLOWS) == ()
    assert len(first.select(FLOWS)) == 2
    assert parse_filter("marked").on(TOUR).select(FLOWS) == ()


def test_a_recording_brings_its_own(tmp_path: Path) -> None:
    path = tmp_path / "x.peephole"
    with path.open("wb") as stream:
        write_recording(stream, TOUR.table, notes=notes())
    again = Story.open([str(path)])
    assert {flow.id for flow in parse_filter("marked").on(again).select(again.flows)} == {FLOWS[0].id, FLOWS[2].id}
    assert {flow.id for flow in parse_filter("comment ~ todo").on(again).select(again.flows)} == {FLOWS[3].id}
