"""The ladder as lines: geometry at any width, and the meaning of every sign."""

from __future__ import annotations

import datetime
from dataclasses import replace
from itertools import product

import pytest

from app.draw import saying
from app.draw.ladder import Ladder, columns_of
from app.draw.ladder_plan import (
    Bursts,
    ColourMode,
    LadderOptions,
    Level,
    RowKind,
    TimeMode,
    evidence_steps,
    plan_ladder,
    step_of,
)
from app.draw.spans import Tone, fitted, text_of, width_of
from capture.model import Flow, StepKind
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, STORY, TWO_ROUNDS, UNANSWERED
from tests.app.running import SAMPLE

WIDTHS = (40, 60, 79, 80, 100, 119, 144, 200, 260)


def ladder(flow: Flow, width: int = 100, **options: object) -> Ladder:
    chosen = LadderOptions(zone=datetime.UTC, **options)  # type: ignore[arg-type]
    return Ladder(plan_ladder(flow, chosen), width, STORY)


def lines(drawn: Ladder, width: int = 100) -> list[str]:
    rows = [*drawn.header(), *map(drawn.row, range(len(drawn.plan.rows)))]
    return [text_of(columns_of(row, width)) for row in rows]


def line_with(drawn: Ladder, text: str) -> str:
    return next(line for line in lines(drawn) if text in line)


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: str(flow.verdict.code))
@pytest.mark.parametrize("width", WIDTHS)
def test_every_row_fills_exactly_its_width(flow: Flow, width: int) -> None:
    # Times are columns of their own: they have nothing to do with bursts and levels.
    times = [(time, Bursts.FOLDED, Level.NORMAL) for time in TimeMode]
    for time, bursts, level in [*times, *product([TimeMode.DELTA], Bursts, Level)]:
        drawn = ladder(flow, width, time=time, bursts=bursts, level=level, marked=(2,))
        rows = [*drawn.header(), *(drawn.row(index) for index in range(min(60, len(drawn.plan.rows))))]
        assert drawn.columns_width + drawn.body_width >= width
        for row in rows:
            assert width_of(row.columns) == drawn.columns_width
            assert width_of(row.body) == drawn.body_width
            for scrolled in (0, 1, 7):
                assert width_of(columns_of(row, width, scrolled)) == width


def test_an_attempt_reads_as_it_happened() -> None:
    assert lines(ladder(BOTH_RANDOM, 88), 88) == [
        "        time        Δ client           both relays           server            DHT nodes",
        "                      11.2.0.2 ×2    11.1.7.10:49737     11.3.0.2:61000          3 nodes",
        "                      (192.168.10.10)                    (192.168.20.10)",
        "                        ╞══ find the server ════════════════════════════════════════╡",
        "       0.000        –   │── FIND_PEER ──────┼───────────────────┼──────────────────▶│",
        "       0.031   +0.031   │◀┄ FIND_PEER e4f51617…, 2 relays ┄┄┄┄┄┄┆┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄│",
        "                        ╞══ handshake through relays ═══════════════════════════════╡",
        "       0.032   +0.001   │── HANDSHAKE ─────▶│                   │                   │",
        "       0.049   +0.017   │                   │── HANDSHAKE ─────▶│                   │",
        "       0.052   +0.003   │                   │                   │◀─ 8 samples ─────▶│",
        "       0.081   +0.029   │                   │◀─ HANDSHAKE ──────│                   │",
        "       0.098   +0.017   │◀ HANDSHAKE REPLY ┄│                   │                   │",
        "       0.099   +0.001   │◀─ PING: 4 samples, 4 ports ───────────┼──────────────────▶│",
        "                        ╞══ round 0 · probe · client RANDOM · server RANDOM ════════╡",
        "  1    0.180   +0.081   │── HOLEPUNCH ─────▶│                   │                   │",
        "       0.197   +0.017   │                   │── HOLEPUNCH ─────▶│                   │",
        "  2    0.230   +0.033   │                   │◀─ HOLEPUNCH ──────│                   │",
        "       0.247   +0.017   │◀┄ HOLEPUNCH ┄┄┄┄┄┄│                   │                   │",
        "                        ╞══ round 1 · client says ABORTED · server says ABORTED ════╡",
        "       0.300   +0.053   │── HOLEPUNCH ─────▶│                   │                   │",
        "       0.317   +0.017   │                   │── HOLEPUNCH ─────▶│                   │",
        "       0.350   +0.033   │                   │◀─ HOLEPUNCH ──────│                   │",
        "       0.367   +0.017   │◀┄ HOLEPUNCH ┄┄┄┄┄┄│                   │                   │",
    ]


def test_what_never_came_is_dashed_with_a_hollow_head() -> None:
    line = line_with(ladder(UNANSWERED), "▷")
    assert "┄" in line
    assert "FROM_RELAY" in line
    assert "─" not in line


def test_retransmissions_are_marked() -> None:
    assert sum("↻ HOLEPUNCH" in line for line in lines(ladder(UNANSWERED))) == 3


def test_an_opener_dies_before_the_second_lane_after_its_sender() -> None:
    drawn = ladder(FAST_OPEN, 120)
    line = next(text for text in lines(drawn, 120) if "open session" in text)
    cross = line.index("✕") - drawn.columns_width
    client, server = drawn.lane_x("client"), drawn.lane_x("server")
    assert client is not None
    assert server is not None
    assert client < cross < server - drawn.gap


def test_a_burst_says_how_much_it_folds() -> None:
    line = next(text for text in lines(ladder(CONSISTENT_RANDOM, 160), 160) if "×660" in text)
    assert all(part in line for part in ("═", "13.2 s", "655 ports", "hit #2497"))


def test_unfolded_a_burst_shows_each_datagram_and_which_got_through() -> None:
    burst = next(i for i, step in enumerate(CONSISTENT_RANDOM.steps) if step.count == 660)
    plan = plan_ladder(CONSISTENT_RANDOM, LadderOptions(unfolded=frozenset({burst})))
    assert sum(row.kind is RowKind.MEMBER for row in plan.rows) == 660
    shown = lines(Ladder(plan, 100, STORY))
    assert sum("got through" in line for line in shown) == 1


def test_hidden_bursts_leave_the_conversation() -> None:
    plan = plan_ladder(CONSISTENT_RANDOM, LadderOptions(bursts=Bursts.HIDDEN))
    kinds = {CONSISTENT_RANDOM.steps[row.step].kind for row in plan.rows if row.kind is RowKind.STEP}
    assert not kinds & {StepKind.PUNCH, StepKind.OPENER}
    assert StepKind.PUNCH_ROUND in kinds


def test_compressed_every_step_is_still_there_between_three_lanes() -> None:
    plan = plan_ladder(FAST_OPEN, LadderOptions(level=Level.COMPRESSED))
    assert [lane.id for lane in plan.lanes] == ["client", "between", "server"]
    assert sum(row.kind is RowKind.STEP for row in plan.rows) == len(FAST_OPEN.steps)


def test_lanes_that_no_step_touches_are_left_out() -> None:
    assert "relay2" not in {lane.id for lane in plan_ladder(BOTH_RANDOM, LadderOptions()).lanes}
    assert "relay2" in {lane.id for lane in plan_ladder(FAST_OPEN, LadderOptions()).lanes}


def test_each_round_has_one_heading() -> None:
    headings = [row.texts[0] for row in plan_ladder(TWO_ROUNDS, LadderOptions()).rows if row.kind is RowKind.PHASE]
    assert [text.partition(" · ")[0] for text in headings if text.startswith("round")] == ["round 0", "round 1"]


def test_token_notes_stand_by_their_lane() -> None:
    shown = lines(ladder(TWO_ROUNDS, 160), 160)
    assert any("✓" in line and "client" in line and "verified" in line for line in shown)


def test_evidence_is_numbered_at_its_step_and_more_of_it_is_marked() -> None:
    proofs = BOTH_RANDOM.verdict.evidence
    doubled = replace(BOTH_RANDOM, verdict=replace(BOTH_RANDOM.verdict, evidence=(*proofs, proofs[0])))
    assert sorted(evidence_steps(doubled).values()) == ["1+", "2"]


def test_a_copy_of_a_datagram_leads_to_the_step_that_shows_it() -> None:
    message = BOTH_RANDOM.messages[3]
    copy = replace(message.sighting, file=1, frame=9999)
    messages = list(BOTH_RANDOM.messages)
    messages[3] = replace(message, copies=(copy,))
    flow = replace(BOTH_RANDOM, messages=tuple(messages))
    step = step_of(flow, copy)
    assert step is not None
    assert flow.steps[step].message == 3
    assert step_of(flow, replace(copy, frame=10_000)) is None


def test_time_of_day_and_time_since_a_mark() -> None:
    assert any("10:00:07.490" in line for line in lines(ladder(BOTH_RANDOM, 120, time=TimeMode.CLOCK), 120))
    marked = lines(ladder(BOTH_RANDOM, 120, time=TimeMode.MARK, marked=(2,)), 120)
    assert any("+0.000" in line for line in marked)
    assert any("-0.032" in line for line in marked)


def test_colour_by_sender_and_by_token_use_their_tones() -> None:
    for mode, wanted in ((ColourMode.SIDE, Tone.SERVER), (ColourMode.TOKEN, Tone.PROBE), (ColourMode.PHASE, Tone.FIND)):
        drawn = ladder(TWO_ROUNDS, 120, colour=mode)
        tones = {span.tone for index in range(len(drawn.plan.rows)) for span in drawn.row(index).body}
        assert wanted in tones, mode


def test_wide_characters_keep_the_lanes_straight() -> None:
    steps = tuple(replace(step, label="日本語" * 9, message=None) for step in BOTH_RANDOM.steps)
    drawn = ladder(replace(BOTH_RANDOM, steps=steps), 90)
    for index in range(len(drawn.plan.rows)):
        assert width_of(drawn.row(index).body) == drawn.body_width
    last = drawn.lane_x("nodes")
    assert last is not None
    for row in map(drawn.row, range(len(drawn.plan.rows))):
        assert text_of(fitted(row.body, last + 1))[-1] in "│╡"


def test_a_single_sample_is_called_one_however_narrow_the_lanes() -> None:
    flows = Story.open([str(SAMPLE)]).flows
    flow, step = next((f, s) for f in flows for s in f.steps if s.kind is StepKind.SAMPLE and s.count == 1)
    assert all("sample" in label for label in saying.labels(flow, step))
