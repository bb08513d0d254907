"""Which capture saw what, and how far their clocks are apart."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from app.draw import vantage_marks
from app.draw.ladder import Ladder, columns_of
from app.draw.ladder_options import LadderOptions
from app.draw.ladder_plan import RowKind, plan_ladder
from app.draw.spans import text_of
from capture.model import FileSummary
from capture.story import Story

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
CLIENT, SERVER = (
    FileSummary("/captures/client.pcap", "pcap", 0, 0, 0, 0),
    FileSummary("server.pcap", "pcap", 0, 0, 0, 0, clock_offset=-7.25, clock_uncertainty=0.0004),
)


def test_two_captures_have_half_a_square_each_and_more_have_letters() -> None:
    assert vantage_marks.seen_by([0], 2) == "◧·"
    assert vantage_marks.seen_by([0, 1], 2) == "◧◨"
    assert vantage_marks.seen_by([2, 0], 3) == "a·c"
    assert vantage_marks.cells(1) == 0
    assert len(vantage_marks.seen_by(range(20), 20)) == vantage_marks.cells(20) == 8


def test_the_legend_names_files_and_clocks() -> None:
    whole, names, offsets = vantage_marks.legend([CLIENT, SERVER])
    assert whole == "◧ client.pcap · ◨ server.pcap clock -7.250 s ±0.4 ms"
    assert offsets == "◨ clock -7.250 s ±0.4 ms"
    assert names == "◧ client.pcap · ◨ server.pcap"
    assert vantage_marks.legend([CLIENT]) == []


def test_a_clock_that_nothing_proves_is_uncertain_and_a_given_one_is_said_to_be() -> None:
    assert vantage_marks.clock(replace(SERVER, clock_uncertainty=None)) == "clock -7.250 s uncertain"
    assert vantage_marks.clock(replace(SERVER, clock_given=True)) == "clock -7.250 s as given"
    assert vantage_marks.clock(replace(SERVER, clock_offset=0.0, clock_uncertainty=28e-6)) == "clock +0.0 ms ±28 µs"
    assert vantage_marks.clock(replace(SERVER, clock_drift=-2e-5)).endswith(", drifting -20.0 µs/s")


def test_names_of_files_are_harmless() -> None:
    assert "\x1b" not in vantage_marks.legend([CLIENT, replace(SERVER, path="a\x1b[31m.pcap")])[0]


def test_every_step_says_which_captures_saw_it() -> None:
    story = Story.open([str(LAB / "consistent-consistent" / f"{name}.pcap.gz") for name in ("client", "server")])
    drawn = Ladder(plan_ladder(story.flows[0], LadderOptions(zone=datetime.UTC), story), 120, story, story.files)
    seen = {}
    for index, row in enumerate(drawn.plan.rows):
        if row.kind is RowKind.STEP:
            step = drawn.plan.flow.steps[row.step]
            line = text_of(columns_of(drawn.row(index), 120))
            shown = next(word for word in line.split() if set(word) <= set("◧◨·"))
            seen.setdefault((step.from_lane, step.to_lane), set()).add(shown)
            assert "┄" not in line or step.dashed or step.lost, "what the other capture saw is not drawn as missing"
    assert seen["client", "relay1"] | seen["client", "relay2"] == {"◧·"}
    assert seen["client", "server"] == {"◧·", "◧◨"}
    assert seen["server", "client"] == {"◧◨"}
    assert any(shown == {"·◨"} for shown in seen.values())
