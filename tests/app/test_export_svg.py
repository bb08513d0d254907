"""SVG: one valid file that needs nothing else, with every step in it, and no text from outside as markup."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from app.draw.vantage_marks import Vantages
from app.export_svg import svg_export
from app.svg_parts import cells_in, width_of
from capture.model import Flow, StepKind
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, STORY, UNANSWERED
from tests.app.running import LAB

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert(1)</script>&amp;"\x00\x1b[31m\ud800\ufffe\u202e]]>'


def parse(flow: Flow) -> ElementTree.Element:
    return ElementTree.fromstring(svg_export(flow))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: flow.verdict.code)
def test_it_is_one_whole_drawing(flow: Flow) -> None:
    root = parse(flow)
    assert root.tag == f"{SVG}svg"
    said = texts(root)
    for lane in flow.lanes:
        used = any(lane.id in (step.from_lane, step.to_lane) for step in flow.steps)
        assert (lane.title in said) == used
    for step in flow.steps:
        if step.sighting is not None:
            assert f"#{step.sighting.frame}" in said
    assert any(str(flow.verdict.code) in one for one in said)
    assert sum(1 for _ in root.iter(f"{SVG}g")) == len(flow.steps)


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: flow.verdict.code)
def test_nothing_lies_outside_the_paper(flow: Flow) -> None:
    root = parse(flow)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for element in root.iter(f"{SVG}text"):
        size = 20 if "large" in element.attrib["class"] else 12
        x, content = float(element.attrib["x"]), element.text or ""
        span = width_of(content, size)
        start = {"start": x, "middle": x - span / 2, "end": x - span}[element.attrib.get("text-anchor", "start")]
        assert start >= 0, content
        assert start + span <= width, content
        assert 0 < float(element.attrib["y"]) < height


def test_it_needs_nothing_from_elsewhere_and_follows_the_viewer_into_the_dark() -> None:
    drawing = svg_export(FAST_OPEN)
    assert "prefers-color-scheme: dark" in drawing
    for outside in ("href", "url(", "@import", "<script", "<image", "http://", "https://"):
        assert outside not in drawing.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_every_class_has_a_rule() -> None:
    root = parse(CONSISTENT_RANDOM)
    sheet = next(root.iter(f"{SVG}style")).text or ""
    for element in root.iter():
        for name in element.attrib.get("class", "").split():
            assert f".{name}{{" in sheet or f".{name}," in sheet, name


def test_text_from_outside_is_text() -> None:
    steps = tuple(replace(step, label=HOSTILE) for step in UNANSWERED.steps)
    verdict = replace(UNANSWERED.verdict, summary=HOSTILE, advice=HOSTILE)
    root = parse(replace(UNANSWERED, steps=steps, verdict=verdict))
    assert {element.tag for element in root.iter()} == {element.tag for element in parse(UNANSWERED).iter()}
    assert any("<script>" in one for one in texts(root))
    assert all(one.isprintable() for one in texts(root))


def test_what_never_came_is_dotted_and_what_died_is_crossed() -> None:
    root = parse(UNANSWERED)
    dotted = [line for line in root.iter(f"{SVG}line") if "dotted" in line.attrib["class"]]
    assert len(dotted) == sum(step.kind is StepKind.MISSING for step in UNANSWERED.steps) == 1
    openers = sum(step.kind is StepKind.OPENER for step in UNANSWERED.steps)
    strokes = [line for line in root.iter(f"{SVG}line") if "punch-line" in line.attrib["class"]]
    assert len(strokes) == 3 * openers == 3


def test_evidence_is_numbered_beside_its_rows_and_in_the_card() -> None:
    discs = list(parse(BOTH_RANDOM).iter(f"{SVG}circle"))
    assert len(discs) == 2 * len(BOTH_RANDOM.verdict.evidence)


def test_widths_and_cells_agree() -> None:
    assert all(cells_in(width_of("x" * count) + 0.01) == count for count in range(200))


def test_with_several_captures_each_step_says_which_saw_it() -> None:
    story = Story.open([str(LAB / "consistent-consistent" / f"{name}.pcap.gz") for name in ("client", "server")])
    source = svg_export(story.flows[0], vantages=Vantages(story.files, story.sightings))
    shown = texts(ElementTree.fromstring(source))
    assert {"◧·", "·◨", "◧◨"} <= set(shown)
    assert any(text.startswith("◧ client.pcap.gz · ◨ server.pcap.gz clock") for text in shown)
    assert "◧" not in svg_export(story.flows[0])
