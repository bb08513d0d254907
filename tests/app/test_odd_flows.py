"""Every view of odd attempts: numbers without a name, missing legs, nothing but noise. Shown, never a crash."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from app.draw.attempt_columns import COLUMNS
from app.draw.attempt_pages import PAGES
from app.draw.attempts import attempt_columns
from app.draw.ladder import Ladder
from app.draw.ladder_options import Bursts, LadderOptions, Level
from app.draw.ladder_plan import plan_ladder
from app.draw.message import field_line, message_view
from app.draw.spans import width_of
from app.draw.statistics import statistics_page
from app.export_json import json_export
from app.export_mermaid import mermaid_attempt, mermaid_round
from app.export_pcapng import pcapng_export
from app.export_svg import svg_export
from app.export_text import text_export
from app.report_detail import detail_lines
from app.report_json import report_document
from app.report_markdown import markdown_report
from app.report_statistics import statistics_json
from capture.figures import figures_of
from capture.statistics import statistics_of
from capture.story import Keys, Story
from tests.capture.story_builder import Call, called, says
from tests.capture.wire_builder import NODE, Wire
from tests.fuzz.flow_script import calls, play


def look_at_ladders(story: Story) -> None:
    """Draw every attempt, and some together, at every level of detail."""
    shown = [(flow,) for flow in story.flows]
    for flows in [*shown, story.flows[:6]] if len(shown) > 1 else shown:
        for level in Level:
            options = LadderOptions(level=level, bursts=Bursts.UNFOLDED, marked=(0,), now=story.last_time)
            drawn = Ladder(plan_ladder(flows, options, story), 90, story, story.files)
            for index in range(min(120, len(drawn.plan.rows))):
                row = drawn.row(index)
                assert (width_of(row.columns), width_of(row.body)) == (drawn.columns_width, drawn.body_width)
            assert len(drawn.plan.shown.origins) == len(drawn.plan.flow.steps)


def look_at_everything(story: Story) -> None:
    """Make every form that an attempt has."""
    json.dumps(report_document(story.files, story.flows, notes=story.notes))
    columns = attempt_columns(900, [column.id for column in COLUMNS])
    for flow in story.flows:
        assert columns.line(flow)
        assert list(detail_lines(flow, lambda sighting: f"#{sighting.frame}"))
        assert text_export(flow, story.files, story, 100)
        assert json_export(flow, story.files)
        assert ElementTree.fromstring(svg_export(flow)).tag.endswith("svg")
        assert "sequenceDiagram" in mermaid_attempt(flow)
        assert pcapng_export(story.table, flow)
        for index in range(len(flow.rounds)):
            assert mermaid_round(flow, index)
        for step in flow.steps:
            if step.sighting is not None:
                sighting = step.sighting
                ends, ttl = story.endpoints(sighting), story.ttl(sighting)
                view = message_view(story.payload(sighting), sighting, ends, ttl, flow=flow, step=step)
                assert all(field_line(row, open_=True) for row in view.rows)
        for page in PAGES:
            for width in (40, 76, 128):
                assert page.draw(flow, story.files, width)
        assert markdown_report(flow, story.files, story, version="1.2.3").startswith("# ")
    look_at_ladders(story)
    statistics = statistics_of(map(figures_of, story.flows))
    assert statistics_page(statistics, 80)
    assert json.loads(statistics_json(story.files, statistics))["statistics"]["attempts"] == len(story.flows)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 99, 2**53 - 1])
def test_numbers_without_a_name(number: int) -> None:
    wire, call = called()
    call.round(
        replace(says(), firewall=number, round=number),
        replace(says(), firewall=number, error=number),
        mode=number,
    )
    wire.idle()
    story = wire.story()
    look_at_everything(story)
    (flow,) = story.flows
    assert flow.rounds[0].request is not None


def test_a_search_of_two_vantages_and_nothing_else() -> None:
    wire = Wire()
    Call(wire).find(record=False)
    wire.ping(NODE, NODE)
    look_at_everything(wire.story())


@pytest.mark.parametrize(
    "seed", [*range(0, 20, 2), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(20, 40, 2))]
)
def test_whatever_passes_on_the_wire(seed: int) -> None:
    keys = Keys(secret_keys=tuple({call.key.seed: None for call in calls()}))
    for number in range(seed, seed + 2):
        wire = play(random.Random(number).randbytes(400))
        look_at_everything(wire.story())
        look_at_everything(wire.story(keys))
        look_at_everything(wire.story(keys, snaplen=162))
