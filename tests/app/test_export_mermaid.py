"""Mermaid: rounds of real attempts are the diagrams of the protocol's authors; text from outside stays text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.export_mermaid import mermaid_attempt, mermaid_branches, mermaid_round
from app.mermaid_text import mermaid_text
from capture.model import Flow, StepKind, TokenState
from capture.story import Story
from tests.app.flows_by_hand import BOTH_RANDOM, CONSISTENT_RANDOM, FAST_OPEN, SEALED, STORY, TWO_ROUNDS, UNANSWERED
from tests.app.mermaid_structure import MermaidNote, parse_diagram, parse_diagrams, parse_record, taken

FIXTURES = Path(__file__).parent.parent / "fixtures"
SEED = parse_diagrams((FIXTURES / "seed" / "holepunch.md").read_text())
PROBE_ROUND, PUNCH_ROUND = SEED[:2]

HOSTILE = 'end; note over c: x\n%%{init: {}}%% <script>"#quot; -->> \x1b[31m\u202e loop alt'


def test_the_seed_is_understood_whole() -> None:
    assert len(SEED) == 6
    assert [len(diagram.arrows) for diagram in SEED] == [4, 4, 5, 5, 5, 6]
    assert [len(diagram.notes) for diagram in SEED] == [0, 2, 0, 0, 0, 0]
    assert parse_record("{ a: X, value: { mode: Y, payload: { t, ... }, ... } }") == {
        "a": "X",
        "value": {"mode": "Y", "payload": {"t": None}},
    }


@pytest.fixture(scope="module")
def seen_from_everywhere() -> Flow:
    """Two consistent NATs without fast open, captured where every leg passes."""
    (flow,) = Story.open([str(FIXTURES / "lab" / "consistent-consistent" / "wan.pcap.gz")]).flows
    return flow


def test_a_real_probe_round_is_the_first_diagram_of_the_seed(seen_from_everywhere: Flow) -> None:
    assert parse_diagram(mermaid_round(seen_from_everywhere, 0)) == PROBE_ROUND


def test_a_real_punch_round_is_the_second_diagram_of_the_seed(seen_from_everywhere: Flow) -> None:
    assert parse_diagram(mermaid_round(seen_from_everywhere, 1)) == PUNCH_ROUND


def test_rounds_with_a_random_nat_have_the_same_structure() -> None:
    (flow,) = Story.open([str(FIXTURES / "lab" / "consistent-random" / "wan.pcap.gz")]).flows
    assert [parse_diagram(mermaid_round(flow, index)) for index in range(2)] == [PROBE_ROUND, PUNCH_ROUND]


@pytest.mark.parametrize(("role", "probe", "punch"), [("client", 2, 3), ("server", 4, 5)])
@pytest.mark.parametrize("places", [("wan",), ("client", "proxy", "server", "wan")], ids=["wan", "everywhere"])
def test_real_rounds_with_a_proxy_are_diagrams_of_the_seed(
    role: str, probe: int, punch: int, places: tuple[str, ...]
) -> None:
    story = Story.open([str(FIXTURES / "proxied" / f"{role}-{place}.pcap.gz") for place in places])
    (flow,) = [flow for flow in story.flows if flow.proxies]
    assert parse_diagram(mermaid_round(flow, 0)) == SEED[probe]
    assert parse_diagram(mermaid_round(flow, 1)) == taken(SEED[punch], otherwise=True)


def test_one_capture_has_all_diagrams_of_the_seed() -> None:
    """Made by `tests.interop.seed_world`: each is acted out on loopback, those with branches twice."""
    story = Story.open([str(FIXTURES / "proxied" / "seed.pcap.gz")])
    by_proxy = sorted(
        (flow for flow in story.flows if flow.target == story.flows[0].target), key=lambda one: one.started
    )
    direct, begun_c, handed_c, begun_s, handed_s = by_proxy
    assert [parse_diagram(mermaid_round(direct, index)) for index in range(2)] == SEED[:2]
    assert parse_diagram(mermaid_round(handed_c, 0)) == SEED[2]
    assert parse_diagram(mermaid_branches(begun_c, handed_c, 1)) == SEED[3]
    assert parse_diagram(mermaid_round(handed_s, 0)) == SEED[4]
    assert parse_diagram(mermaid_branches(begun_s, handed_s, 1)) == SEED[5]


@pytest.mark.parametrize("vantage", ["client", "server"])
def test_one_side_alone_shows_its_own_legs_among_the_same_participants(vantage: str) -> None:
    (flow,) = Story.open([str(FIXTURES / "lab" / "consistent-consistent" / f"{vantage}.pcap.gz")]).flows
    for index, whole in enumerate((PROBE_ROUND, PUNCH_ROUND)):
        drawn = parse_diagram(mermaid_round(flow, index))
        assert drawn.participants == whole.participants
        assert drawn.notes == whole.notes
        end = "c" if vantage == "client" else "s"
        assert drawn.arrows == tuple(arrow for arrow in whole.arrows if end in (arrow.start, arrow.end))


@pytest.mark.parametrize("flow", [CONSISTENT_RANDOM, TWO_ROUNDS], ids=["bursts", "two rounds"])
def test_drawn_rounds_are_the_seeds(flow: Flow) -> None:
    assert [parse_diagram(mermaid_round(flow, index)) for index in range(2)] == [PROBE_ROUND, PUNCH_ROUND]


def test_a_wrong_echo_verifies_nothing() -> None:
    wrong = replace(TWO_ROUNDS, client_token=TokenState.MISMATCH, server_token=TokenState.MISMATCH)
    assert parse_diagram(mermaid_round(wrong, 1)).notes == ()
    half = replace(TWO_ROUNDS, client_token=TokenState.MISMATCH)
    assert parse_diagram(mermaid_round(half, 1)).notes == PUNCH_ROUND.notes[:1]


def test_what_never_came_ends_in_a_cross() -> None:
    arrows = parse_diagram(mermaid_round(UNANSWERED, 0)).arrows
    assert [(arrow.start, arrow.line, arrow.end) for arrow in arrows] == [("c", "->>", "sr"), ("sr", "--x", "s")]
    assert arrows[1].text == "FROM_RELAY expected here, none seen"


def test_errors_in_a_payload_are_named() -> None:
    first, *_ = parse_diagram(mermaid_round(BOTH_RANDOM, 1)).arrows
    assert isinstance(first.text, dict)
    assert first.text["value"] == {"mode": "FROM_CLIENT", "payload": {"error": "ABORTED", "remoteToken": None}}


def test_a_sealed_round_says_payload_and_no_more() -> None:
    rounds = tuple(replace(one, request=None, reply=None, request_reason="no key") for one in TWO_ROUNDS.rounds)
    diagram = parse_diagram(mermaid_round(replace(TWO_ROUNDS, rounds=rounds), 1))
    assert diagram.notes == ()
    for arrow in diagram.arrows:
        assert isinstance(arrow.text, dict)
        value = arrow.text["value"]
        assert isinstance(value, dict)
        assert value["payload"] is None


@pytest.mark.parametrize("flow", STORY.flows, ids=lambda flow: flow.verdict.code)
def test_the_whole_attempt_has_every_step_and_the_verdict(flow: Flow) -> None:
    diagram = parse_diagram(mermaid_attempt(flow))
    assert len(diagram.arrows) == len(flow.steps)
    last = diagram.body[-1]
    assert isinstance(last, MermaidNote)
    assert str(flow.verdict.code) in last.text


def test_lanes_of_one_role_get_numbers() -> None:
    lanes = tuple(
        replace(lane, role=TWO_ROUNDS.lanes[2].role) if lane.id == "relay1" else lane for lane in TWO_ROUNDS.lanes
    )
    step = next(step for step in FAST_OPEN.steps if step.to_lane == "relay2")
    both = replace(FAST_OPEN, lanes=lanes, steps=(*FAST_OPEN.steps, step))
    ids = [participant.id for participant in parse_diagram(mermaid_attempt(both)).participants]
    assert ids == ["c", "sr", "sr2", "s", "n"]


def test_text_from_outside_stays_text() -> None:
    steps = tuple(
        replace(step, label=HOSTILE, notes=tuple(replace(note, text=HOSTILE) for note in step.notes))
        for step in UNANSWERED.steps
    )
    flow = replace(UNANSWERED, steps=steps, verdict=replace(UNANSWERED.verdict, summary=HOSTILE))
    hostile, harmless = parse_diagram(mermaid_attempt(flow)), parse_diagram(mermaid_attempt(UNANSWERED))
    assert hostile.participants == harmless.participants
    assert [type(item) for item in hostile.body] == [type(item) for item in harmless.body]
    missing = next(step for step in steps if step.kind is StepKind.MISSING)
    assert missing.label == HOSTILE
    assert "<script" not in mermaid_attempt(flow)
    assert mermaid_text(HOSTILE).isprintable()


def test_entities_are_mermaids() -> None:
    assert mermaid_text('a;b#c<d>"e%f') == "a#59;b#35;c#60;d#62;#34;e#37;f"
    assert mermaid_text("{ mode: X, ... } ✓") == "{ mode: X, ... } ✓"


def test_the_incomplete_attempt_is_drawn_too() -> None:
    assert len(parse_diagram(mermaid_attempt(SEALED)).arrows) == 4
