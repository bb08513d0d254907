"""Every form of every attempt of every captured run: whatever the lab brought about can be shown."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.export_mermaid import mermaid_attempt, mermaid_round
from app.export_svg import svg_export
from app.export_text import text_export
from app.report_text import UNFOLDED, Style, report_lines
from capture.story import Story
from tests.app.mermaid_structure import parse_diagram
from tests.app.running import LAB

RUNS = sorted(path for path in LAB.iterdir() if path.is_dir())
VANTAGES = ("client", "wan")


@pytest.mark.parametrize("vantage", VANTAGES)
@pytest.mark.parametrize("folder", RUNS, ids=lambda path: path.name)
def test_every_attempt_in_every_form(folder: Path, vantage: str) -> None:
    story = Story.open([str(folder / f"{vantage}.pcap.gz")])
    for flow in story.flows:
        diagram = parse_diagram(mermaid_attempt(flow))
        assert len(diagram.arrows) == len(flow.steps)
        for index in range(len(flow.rounds)):
            assert len(parse_diagram(mermaid_round(flow, index)).participants) >= 2
        drawing = ElementTree.fromstring(svg_export(flow))
        assert sum(1 for _ in drawing.iter("{http://www.w3.org/2000/svg}g")) == len(flow.steps)
        text = text_export(flow, story.files, story)
        assert str(flow.verdict.code) in text
        assert all(line.isprintable() for line in text.splitlines())
    assert all(line.isprintable() for line in report_lines(story, story.flows, Style(UNFOLDED), verbose=True))
