"""Several attempts in one ladder: shared lanes, order of time, and whose step each is."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from app.draw.ladder import Ladder, columns_of
from app.draw.ladder_options import ColourMode, LadderOptions
from app.draw.ladder_plan import RowKind, plan_ladder
from app.draw.shown_attempts import letter, same_pair, shown_attempts
from app.draw.spans import text_of
from capture.model import Flow, Lane, Role
from capture.story import Story
from protocol.messages import Address
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, STORY, TWO_ROUNDS

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
UTC = LadderOptions(zone=datetime.UTC)


def moved(flow: Flow, seconds: float) -> Flow:
    """The same attempt at another time."""
    steps = tuple(replace(step, time=step.time + seconds) for step in flow.steps)
    return replace(flow, started=flow.started + seconds, steps=steps, id=f"{flow.id[:15]}x")


def test_one_attempt_is_shown_as_it_is() -> None:
    shown = shown_attempts([BOTH_RANDOM])
    assert shown.flow is BOTH_RANDOM
    assert not shown.merged


def test_steps_of_all_come_in_order_of_time_and_know_whose_they_are() -> None:
    second = moved(FAST_OPEN, 0.1)
    shown = shown_attempts([second, FAST_OPEN])
    assert shown.flows == (FAST_OPEN, second), "the first one first, however they were chosen"
    times = [step.time for step in shown.flow.steps]
    assert times == sorted(times)
    assert len(times) == 2 * len(FAST_OPEN.steps)
    for number, origin in enumerate(shown.origins):
        assert origin.step is not None
        original = shown.flows[origin.attempt].steps[origin.step]
        drawn = shown.flow.steps[number]
        assert (drawn.sighting, drawn.time, drawn.label) == (original.sighting, original.time, original.label)
        if drawn.message is not None and original.message is not None:
            theirs = shown.flows[origin.attempt].messages[original.message]
            assert shown.flow.messages[drawn.message] is theirs
        if drawn.round is not None and original.round is not None:
            assert shown.flow.rounds[drawn.round] is shown.flows[origin.attempt].rounds[original.round]


def test_participants_share_a_lane_where_they_are_the_same() -> None:
    lanes = shown_attempts([FAST_OPEN, moved(FAST_OPEN, 1)]).flow.lanes
    assert [lane.role for lane in lanes] == [
        Role.CLIENT,
        Role.RELAY,
        Role.SERVER_RELAY,
        Role.SERVER,
        Role.NODE,
    ]


def with_client(flow: Flow, inside: str, outside: str) -> Flow:
    changed = Lane("client", Role.CLIENT, (Address(outside, 1000),), (Address(inside, 1000),))
    return replace(flow, lanes=tuple(changed if lane.id == "client" else lane for lane in flow.lanes))


def test_two_clients_behind_one_nat_are_two() -> None:
    one, other = with_client(FAST_OPEN, "10.0.0.1", "1.2.3.4"), with_client(moved(FAST_OPEN, 1), "10.0.0.2", "1.2.3.4")
    lanes = shown_attempts([one, other]).flow.lanes
    assert [lane.id for lane in lanes if lane.role is Role.CLIENT] == ["client1", "client2"]
    assert not same_pair(one, other)
    assert same_pair(one, with_client(moved(FAST_OPEN, 1), "10.0.0.1", "1.2.3.4"))
    assert not same_pair(FAST_OPEN, BOTH_RANDOM), "another server"


def test_a_relay_of_the_client_here_and_of_the_server_there_is_both() -> None:
    def relaying(flow: Flow, role: Role) -> Flow:
        return replace(flow, lanes=tuple(replace(one, role=role) if one.id == "relay1" else one for one in flow.lanes))

    first, second = relaying(FAST_OPEN, Role.CLIENT_RELAY), relaying(moved(FAST_OPEN, 1), Role.SERVER_RELAY)
    lanes = shown_attempts([first, second]).flow.lanes
    assert [lane.role for lane in lanes if lane.addresses == FAST_OPEN.lane("relay1").addresses] == [Role.RELAY]


def test_each_step_carries_its_letter_and_its_own_evidence() -> None:
    flows = [FAST_OPEN, BOTH_RANDOM, TWO_ROUNDS]
    drawn = Ladder(plan_ladder(flows, UTC), 140, STORY)
    (legend,) = drawn.legend()
    said = text_of(legend)
    assert [said.index(f"{name} +") for name in "ABC"] == sorted(said.index(f"{name} +") for name in "ABC")
    assert "● punched (fast open)" in said
    assert "✗ both NATs random" in said
    shown = drawn.plan.shown
    numbers: dict[str, set[str]] = {}
    for step, number in drawn.plan.evidence.items():
        numbers.setdefault(shown.letter(step), set()).add(number)
    assert numbers["B"] == {"1", "2"}
    for index, row in enumerate(drawn.plan.rows):
        if row.kind is RowKind.STEP:
            assert text_of(columns_of(drawn.row(index), 140))[4:5] == shown.letter(row.step)
    headings = [row.texts[0] for row in drawn.plan.rows if row.kind is RowKind.PHASE]
    assert "A · handshake through relays" in headings
    assert "B · handshake through relays" in headings


def test_colour_by_attempt() -> None:
    options = replace(UTC, colour=ColourMode.ATTEMPT)
    flows = [FAST_OPEN, moved(FAST_OPEN, 5)]
    drawn = Ladder(plan_ladder(flows, options), 120, STORY)
    tones = []
    for index, row in enumerate(drawn.plan.rows):
        if row.kind is RowKind.STEP and drawn.plan.flow.steps[row.step].label.startswith("UDX"):
            arrow = next(span for span in drawn.row(index).body if "UDX" in span.text)
            tones.append(arrow.tone)
    assert len(tones) == 2
    assert tones[0] is not tones[1]


def test_real_attempts_in_a_row_share_client_and_server() -> None:
    story = Story.open([str(LAB / "in-a-row" / "wan.pcap.gz")])
    plan = plan_ladder(story.flows, UTC, story)
    assert len(plan.shown.flows) > 2
    assert sum(lane.role is Role.CLIENT for lane in plan.lanes) == 1
    assert sum(lane.role is Role.SERVER for lane in plan.lanes) == 1
    relays = [address for lane in plan.lanes if lane.role is not Role.NODE for address in lane.addresses]
    assert len(relays) == len(set(relays))


def test_many_attempts_have_letters_as_far_as_the_alphabet_goes() -> None:
    assert [letter(0), letter(25), letter(26)] == ["A", "Z", "+"]
