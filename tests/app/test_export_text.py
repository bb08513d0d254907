"""The text form: the ladder and the verdict, in plain characters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.export_text import text_export
from app.terminal_text import cell_width
from capture.model import Flow
from tests.app.flows_by_hand import CONSISTENT_RANDOM, STORY, UNANSWERED


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: flow.verdict.code)
def test_it_tells_who_what_and_why(flow: Flow) -> None:
    text = text_export(flow, STORY.files, STORY, 120)
    assert text.startswith(f"hole-punch attempt {flow.id}, 2025-07-23 10:00:")
    assert "from lab.pcapng" in text
    for step in flow.steps:
        if step.sighting is not None:
            assert f"#{step.sighting.frame} " in text
    assert flow.verdict.code in text
    for evidence in flow.verdict.evidence:
        assert evidence.says in text
    assert flow.target.hex() in text


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_it_keeps_to_the_width(width: int) -> None:
    lines = text_export(CONSISTENT_RANDOM, STORY.files, STORY, width).splitlines()
    assert max(map(cell_width, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_text_from_outside_can_not_steer_a_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x9b31m\r\n\u202e\ud800"
    steps = tuple(replace(step, label=hostile) for step in UNANSWERED.steps)
    flow = replace(UNANSWERED, steps=steps, verdict=replace(UNANSWERED.verdict, summary=hostile, advice=hostile))
    text = text_export(flow, (replace(STORY.files[0], path=hostile),), STORY, 120)
    assert all(line.isprintable() for line in text.split("\n"))
