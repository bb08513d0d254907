"""What the list says of attempts that go on."""

from __future__ import annotations

import datetime
from dataclasses import replace

from app.draw.attempt_columns import Shown
from app.draw.attempts import attempt_columns
from app.draw.pending import going_panel
from app.draw.spans import text_of
from app.draw.terms import GOES_ON
from capture.model import Flow
from tests.app.flows_by_hand import BOTH_RANDOM, SEALED, TWO_ROUNDS

UNDER_WAY = replace(TWO_ROUNDS, verdict=SEALED.verdict, outcome=SEALED.outcome)


def row(flow: Flow, quiet: float | None) -> str:
    latest = None if quiet is None else flow.ended + quiet
    return text_of(attempt_columns(120).line(flow, Shown(datetime.UTC, latest)))


def test_an_attempt_under_way_says_how_far_it_is() -> None:
    assert row(UNDER_WAY, 1.0).endswith("… punching, round 1")
    assert row(replace(UNDER_WAY, rounds=UNDER_WAY.rounds[:1]), 1.0).endswith("… probing, round 0")
    assert row(replace(UNDER_WAY, rounds=()), 1.0).endswith("… handshake")
    assert row(replace(UNDER_WAY, rounds=(), relays=()), 1.0).endswith("… searching")


def test_its_verdict_panel_does_not_judge_yet() -> None:
    panel = "\n".join(text_of(one.line) for one in going_panel(UNDER_WAY, 80))
    assert "under way  punching, round 1" in panel
    assert "incomplete" not in panel


def test_in_files_and_after_long_silence_it_is_incomplete() -> None:
    assert row(UNDER_WAY, None).endswith("? incomplete")
    assert row(UNDER_WAY, GOES_ON).endswith("? incomplete")


def test_an_attempt_that_is_decided_keeps_its_verdict() -> None:
    assert row(BOTH_RANDOM, 1.0).endswith("✗ both NATs random")
