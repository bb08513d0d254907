"""Text and bytes are looked for a stretch of the packets at a time, and found where one look at all finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from capture.filter import expression, parse_filter
from capture.story import Story

ROOT = Path(__file__).parents[2]
EXPRESSIONS = (
    "addr ~ 1.3",
    "addr ~ .3:49",
    "addr =~ '3[.].*7$'",
    "not src =~ '^11'",
    "payload ~ 0x0100",
    "text ~ holepunch",
    "text =~ 'r.l.y'",
    "text ~ 11.0 and verdict == punched",
    "command ~ ping or addr ~ 11.0.3",
)


@pytest.fixture(scope="module", params=["app/samples/tour.pcapng", "tests/fixtures/lab/relayed/wan.pcap.gz"])
def story(request: pytest.FixtureRequest) -> Story:
    """A capture of a few hundred packets."""
    return Story.open([str(ROOT / request.param)])


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_packets_are_those_that_pass_all_at_once(text: str, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "STRETCH", 64)
    wanted = parse_filter(text).on(story)
    steps = list(wanted.masking())
    assert len(steps) == -(-len(story.table) // 64) > 3
    assert steps == sorted(steps)
    assert steps[-1] == 1
    whole = parse_filter(text).on(story).rows()
    assert np.array_equal(wanted.mask(), whole)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_attempts_are_those_that_pass_all_at_once(text: str, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "STRETCH", 64)
    wanted = parse_filter(text).on(story)
    for _ in wanted.masking(attempts=True):
        pass
    assert wanted.select(story.flows) == parse_filter(text).on(story).select(story.flows)


def test_what_was_looked_through_is_not_looked_through_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    from capture.filter import on_packets

    wanted = parse_filter("addr ~ 11.0").on(story)
    assert list(wanted.masking())
    monkeypatch.setattr(on_packets, "passing_rows", None)
    assert wanted.mask().size == len(story.table)
    assert list(wanted.masking()) == []


def test_numbers_need_no_stretches(story: Story) -> None:
    assert list(parse_filter("port == 49737").on(story).masking()) == []
