"""The bundled capture: real, small, and with something of everything."""

from __future__ import annotations

from pathlib import Path

from capture.story import Story
from tests.app.make_sample import VANTAGES, make_sample
from tests.app.running import LAB, SAMPLE


def test_it_shows_successes_and_failures() -> None:
    story = Story.open([str(SAMPLE)])
    codes = {str(flow.verdict.code) for flow in story.flows}
    assert {"punched", "open-server", "both-nats-random", "try-later", "peer-not-found"} <= codes
    assert {flow.fast_open for flow in story.flows} == {True, False}
    assert any(flow.client_probes.normal > 50 for flow in story.flows)
    assert any(lane.inside for flow in story.flows for lane in flow.lanes)
    (file,) = story.files
    assert file.duplicates > 0
    assert file.truncated is None


def test_it_is_small() -> None:
    assert SAMPLE.stat().st_size < 600_000


def test_it_can_be_made_again(tmp_path: Path) -> None:
    again = tmp_path / "tour.pcapng"
    assert make_sample(LAB / "tour", again) > 1000
    apart = Story.open([str(LAB / "tour" / f"{vantage}.pcap.gz") for vantage in VANTAGES])
    assert [flow.id for flow in Story.open([str(again)]).flows] == [flow.id for flow in apart.flows]
