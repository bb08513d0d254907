"""The ladder of an attempt with a proxy: its lane, the hand-off, and whose side it is on, at every level of detail."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from app.draw.ladder_options import LadderOptions, Level
from app.draw.ladder_plan import RowKind, plan_ladder
from app.draw.saying import labels
from app.draw.shown_attempts import on_the_right, proxies_of_server, shown_attempts
from app.export_svg import svg_export
from capture.flow import Flow
from capture.model import Role, StepKind
from capture.story import Story

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "proxied"


@cache
def story(name: str) -> Story:
    return Story.open([str(FIXTURES / f"{name}.pcap.gz")])


def proxied(role: str) -> Flow:
    (flow,) = [flow for flow in story(f"{role}-wan").flows if flow.proxies]
    return flow


@pytest.mark.parametrize("level", list(Level))
def test_the_proxy_stands_beside_its_side(level: Level) -> None:
    for role in ("client", "server"):
        plan = plan_ladder(proxied(role), LadderOptions(level=level), story(f"{role}-wan"))
        roles = [lane.role for lane in plan.lanes]
        beside = roles.index(Role.CLIENT if role == "client" else Role.SERVER) + 1
        assert roles[beside] is Role.PROXY
        assert roles.count(Role.PROXY) == 1, "it is not folded into what lies between the sides"


def test_the_gist_has_who_asked_and_who_answered() -> None:
    flow = plan_ladder(proxied("server"), LadderOptions(level=Level.GIST), story("server-wan")).flow
    rounds = [(step.round, step.from_lane, step.to_lane) for step in flow.steps if step.message is not None]
    assert [step for step in rounds if step[0] is not None] == [
        (0, "client", "server"),
        (0, "server proxy", "client"),
        (1, "client", "server proxy"),
        (1, "server proxy", "client"),
    ]
    flow = plan_ladder(proxied("client"), LadderOptions(level=Level.GIST), story("client-wan")).flow
    rounds = [(step.round, step.from_lane, step.to_lane) for step in flow.steps if step.message is not None]
    assert {step[1:] for step in rounds if step[0] is not None} == {
        ("client proxy", "server"),
        ("server", "client proxy"),
    }


def test_a_hand_off_is_under_the_round_that_it_begins() -> None:
    plan = plan_ladder(proxied("client"), LadderOptions())
    steps = plan.flow.steps
    at = next(index for index, step in enumerate(steps) if step.kind is StepKind.HANDOFF)
    row = next(number for number, row in enumerate(plan.rows) if row.kind is RowKind.STEP and row.step == at)
    heading = plan.rows[row - 1]
    assert heading.kind is RowKind.PHASE
    assert heading.texts[0].startswith("round 0 · probe")
    assert labels(plan.flow, steps[at]) == ["hand-off: START", "START", "hand-off"]
    titles = [row.texts[0] for row in plan.rows if row.kind is RowKind.PHASE]
    assert titles[-1] == "stream, passed on by the proxy"
    assert "through a blind relay" not in titles


def test_notes_of_a_servers_proxy_are_on_its_left() -> None:
    flow = proxied("server")
    assert proxies_of_server(flow.lanes) == {"server proxy"}
    assert on_the_right(flow.lanes) == {"server", "server proxy"}
    assert on_the_right(proxied("client").lanes) == {"server"}
    assert "server&#x27;s proxy" in svg_export(flow) or "server's proxy" in svg_export(flow)


def test_attempts_over_one_proxy_share_its_lane() -> None:
    flows = [flow for flow in story("seed").flows if flow.proxies and flow.proxies[0].of_client]
    shown = shown_attempts(flows)
    roles = [lane.role for lane in shown.flow.lanes]
    assert len(flows) == 2
    assert roles[:2] == [Role.CLIENT, Role.PROXY]
    assert roles.count(Role.PROXY) == 1
