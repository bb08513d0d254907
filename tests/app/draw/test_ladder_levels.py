"""Levels of detail: what the ends say, lanes folded, and every datagram at every place where it was seen."""

from __future__ import annotations

import datetime
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from app.draw.ladder import MIN_GAP, SCROLLING_GAP, Ladder, columns_of
from app.draw.ladder_options import Bursts, LadderOptions, Level
from app.draw.ladder_plan import LadderPlan, RowKind, plan_ladder
from app.draw.spans import text_of, width_of
from app.tui.session import Session
from capture.model import Outcome, Role, StepKind
from capture.story import Story
from tests.app.flows_by_hand import CONSISTENT_RANDOM, STORY, TWO_ROUNDS, UNANSWERED

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
SCENARIOS = sorted(path.name for path in LAB.iterdir() if (path / "wan.pcap.gz").exists())


@cache
def seen(scenario: str, *vantages: str) -> Story:
    return Story.open([str(LAB / scenario / f"{vantage}.pcap.gz") for vantage in vantages])


def planned(story: Story, level: Level, **options: object) -> LadderPlan:
    chosen = LadderOptions(level=level, zone=datetime.UTC, now=story.last_time, **options)  # type: ignore[arg-type]
    return plan_ladder(story.flows[0], chosen, story)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_level_of_every_scenario_can_be_drawn(scenario: str, level: Level) -> None:
    story = seen(scenario, "client", "server")
    for width in (80, 200):
        drawn = Ladder(planned(story, level), width, story, story.files)
        for index in range(len(drawn.plan.rows)):
            row = drawn.row(index)
            assert (width_of(row.columns), width_of(row.body)) == (drawn.columns_width, drawn.body_width)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_extended_shows_every_message_and_sample_of_the_attempt_once(scenario: str) -> None:
    story = seen(scenario, "wan")
    plan = planned(story, Level.EXTENDED)
    flow = story.flows[0]
    drawn = [step.sighting for step in plan.flow.steps if step.sighting is not None]
    assert len(drawn) == len(set(drawn))
    assert {message.sighting for message in flow.messages} <= set(drawn)
    for nat in (flow.client_nat, flow.server_nat):
        for sample in nat.samples if nat is not None else ():
            assert sample.sighting in drawn
    assert all(step.count == 1 for step in plan.flow.steps if step.kind in {StepKind.FIND_PEER, StepKind.SAMPLE})
    times = [step.time for step in plan.flow.steps if step.kind in {StepKind.FIND_PEER, StepKind.SAMPLE}]
    assert times == sorted(times)


def test_extended_gives_each_node_a_lane_and_the_arrows_end_at_the_right_one() -> None:
    story = seen("consistent-consistent", "wan")
    plan = planned(story, Level.EXTENDED)
    nodes = [lane for lane in plan.lanes if lane.role is Role.NODE]
    assert len(nodes) > 5
    assert all(len(lane.addresses) == 1 for lane in nodes)
    lanes = {lane.id: lane for lane in plan.lanes}
    checked = 0
    for step in plan.flow.steps:
        for lane, address in ((lanes[step.from_lane], step.src), (lanes[step.to_lane], step.dst)):
            if lane.role is Role.NODE:
                assert lane.addresses == (address,)
                checked += 1
    assert checked > 10


def test_extended_follows_a_datagram_from_place_to_place() -> None:
    story = seen("consistent-consistent", "client", "nat-wan", "server")
    drawn = Ladder(planned(story, Level.EXTENDED), 140, story, story.files)
    hops = [index for index, row in enumerate(drawn.plan.rows) if row.kind is RowKind.HOP]
    assert hops
    for index in hops:
        row = drawn.plan.rows[index]
        assert row.sighting is not None
        step = drawn.plan.flow.steps[row.step]
        assert step.sighting is not None
        assert row.sighting.file != step.sighting.file
        assert story.payload(row.sighting) == story.payload(step.sighting)
        text = text_of(columns_of(drawn.row(index), 140))
        assert "↳" in text
        assert f"TTL {story.ttl(row.sighting)}" in text
    translated = [
        index
        for index in hops
        if story.endpoints(drawn.plan.rows[index].sighting)[0]  # type: ignore[arg-type]
        != drawn.plan.flow.steps[drawn.plan.rows[index].step].src
    ]
    assert translated, "behind a NAT the same datagram has another source"


def test_the_gist_has_each_request_and_answer_once_between_the_ends() -> None:
    plan = plan_ladder(TWO_ROUNDS, LadderOptions(level=Level.GIST))
    legs = [step for step in plan.flow.steps if step.round is not None]
    assert [(step.from_lane, step.to_lane) for step in legs] == [("client", "server"), ("server", "client")] * 2
    assert not any(row.kind is RowKind.NOTE for row in plan.rows)
    assert any(row.kind is RowKind.NOTE for row in plan_ladder(TWO_ROUNDS, LadderOptions()).rows)
    assert any(row.kind is RowKind.NOTE for row in plan_ladder(TWO_ROUNDS, LadderOptions(level=Level.COMPRESSED)).rows)


def test_the_gist_of_an_unanswered_request_says_so() -> None:
    plan = plan_ladder(UNANSWERED, LadderOptions(level=Level.GIST))
    legs = [step for step in plan.flow.steps if step.round is not None]
    assert [step.kind is StepKind.MISSING for step in legs] == [False, True]
    assert (legs[1].from_lane, legs[1].to_lane) == ("server", "client")


def test_what_may_still_come_is_not_missing_yet() -> None:
    step = UNANSWERED.steps[-1]
    assert step.kind is StepKind.MISSING
    steps = (*UNANSWERED.steps[:-1], replace(step, due=step.time + 3))
    waiting = replace(UNANSWERED, steps=steps, outcome=Outcome.UNKNOWN)
    early = plan_ladder(waiting, LadderOptions(now=step.time + 2.9))
    late = plan_ladder(waiting, LadderOptions(now=step.time + 3))
    never = plan_ladder(waiting, LadderOptions())
    assert len(early.rows) == len(late.rows) - 1 == len(never.rows) - 1
    assert early.next_due == step.time + 3
    assert late.next_due is None
    failed = plan_ladder(replace(waiting, outcome=Outcome.FAILED), LadderOptions(now=step.time))
    assert len(failed.rows) == len(late.rows), "nothing is awaited of an attempt that is over"


@pytest.mark.parametrize("scenario", ["server-killed", "relay-killed-before-probe", "firewall-reject"])
def test_real_missing_entries_are_due_after_the_protocols_last_send(scenario: str) -> None:
    story = seen(scenario, "wan")
    missing = [(flow, step) for flow in story.flows for step in flow.steps if step.kind is StepKind.MISSING]
    assert missing
    for flow, step in missing:
        assert step.due is not None
        assert step.time <= step.due <= step.time + 3
        sends = [one for one in flow.messages if one.mode == "FROM_CLIENT" and one.time <= step.time]
        assert sends


def test_only_the_rows_asked_for_are_drawn() -> None:
    """A ladder of many hundred rows costs what is on screen."""

    class Counting:
        asked = 0

        def __getattr__(self, name: str) -> object:
            if name in {"endpoints", "ttl"}:
                self.asked += 1
            return getattr(STORY, name)

    counting = Counting()
    plan = plan_ladder(CONSISTENT_RANDOM, LadderOptions(bursts=Bursts.UNFOLDED), counting)  # type: ignore[arg-type]
    assert len(plan.rows) > 900
    assert not counting.asked
    drawn = Ladder(plan, 100, counting)  # type: ignore[arg-type]
    drawn.header()
    assert not counting.asked
    members = [index for index, row in enumerate(plan.rows) if row.kind is RowKind.MEMBER][:30]
    for index in members:
        drawn.row(index)
    assert 0 < counting.asked <= 2 * len(members)


def test_lanes_that_do_not_fit_have_room_for_their_labels() -> None:
    story = seen("consistent-consistent", "wan")
    drawn = Ladder(planned(story, Level.EXTENDED), 80, story)
    assert drawn.gap == SCROLLING_GAP > MIN_GAP
    assert drawn.body_width > 80


def test_extended_shows_the_requests_that_samples_answer() -> None:
    session = Session(seen("consistent-consistent", "client"))
    plan = plan_ladder(session.flows[0], LadderOptions(level=Level.EXTENDED, now=session.last_time), session)
    steps = [step for step in plan.flow.steps if step.kind is StepKind.SAMPLE]
    asked = {(step.to_lane, step.src): step for step in steps if not step.dashed}
    answers = [step for step in steps if step.dashed and step.label.startswith("PING")]
    assert answers
    for answer in answers:
        request = asked[answer.from_lane, answer.dst]
        assert request.label == "PING"
        assert request.time < answer.time
    sightings = [step.sighting for step in plan.flow.steps if step.sighting is not None]
    assert len(sightings) == len(set(sightings))


def test_a_ping_on_the_local_network_is_a_step_with_its_answer() -> None:
    story = seen("same-nat", "client")
    flow = story.flows[0]
    asked, answered = (step for step in flow.steps if step.kind is StepKind.LAN_PING)
    assert (asked.from_lane, asked.to_lane, asked.dashed) == ("client", "server", False)
    assert (answered.from_lane, answered.to_lane, answered.dashed) == ("server", "client", True)
    assert asked.dst == answered.src
    assert asked.dst is not None
    assert asked.dst.host.startswith("192.168.")
    tried = next(one.tried for one in flow.candidates if one.sent.pings)
    assert asked.sighting == tried, "what the candidates page leads to is in the ladder"
    drawn = Ladder(planned(story, Level.NORMAL), 100, story, story.files)
    assert any("same network?" in text_of(drawn.row(index).body) for index in range(len(drawn.plan.rows)))
