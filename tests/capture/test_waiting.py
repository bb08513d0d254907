"""Attempts of a story that grows in haste: nothing is lost by waiting, and who is seen comes first."""

from __future__ import annotations

import pytest

from capture.flow import Flow
from capture.story import Haste, Story
from protocol.messages import Address
from tests.capture.story_builder import Call
from tests.capture.test_flows_growing import begun, grow, same
from tests.capture.wire_builder import Wire

CLIENTS = 12


def crowd() -> Wire:
    """Clients that call one server at the same time, step by step."""
    wire = Wire()
    calls = [Call(wire, f"call {number}", Address(f"81.2.3.{number + 1}", 40001)) for number in range(CLIENTS)]
    for call in calls:
        call.find()
    for call in calls:
        call.connect()
    return wire


def look(flows: tuple[Flow, ...]) -> None:
    for flow in flows:
        _ = flow.outcome, flow.client_nat


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize("most", [1, 4])
def test_it_ends_as_the_story_that_was_read_at_once(rows: int, most: int) -> None:
    whole = crowd().table()
    table = begun(whole)
    story = Story(table)
    for stop in range(rows, len(whole) + rows, rows):
        grow(table, whole, min(stop, len(whole)))
        changed = set(story.update(haste=Haste(most)))
        look(tuple(flow for flow in story.flows if flow.id in changed - story.listed))
    while story.waiting:
        look(tuple(story.flow(one) for one in story.update(haste=Haste(most))))
    at_once = Story(whole)
    assert len(at_once.flows) == CLIENTS
    same(story, at_once)


def test_what_is_new_is_listed_at_once_and_worked_out_when_its_turn_comes() -> None:
    whole = crowd().table()
    table = begun(whole)
    story = Story(table)
    grow(table, whole, len(whole))
    changed = story.update(haste=Haste(2))
    assert len(changed) == len(story.flows) == CLIENTS
    assert len(story.listed) == story.waiting
    assert not any(flow.worked_out for flow in story.flows)
    look(story.flows)
    assert all(flow.worked_out for flow in story.flows)
    turns = 0
    while story.waiting:
        assert story.update(haste=Haste(2))
        assert not story.listed
        turns += 1
    assert turns >= CLIENTS // 2 - 1
    assert story.update(haste=Haste(2)) == ()


def test_who_is_seen_does_not_wait() -> None:
    whole = crowd().table()
    table = begun(whole)
    story = Story(table)
    grow(table, whole, len(whole) - 1)
    story.update(haste=Haste(0))
    last = story.flows[-1]
    assert story.waiting == CLIENTS
    grow(table, whole, len(whole))
    assert last.id in story.update(haste=Haste(0, (last.id,)))
    assert story.waiting == CLIENTS - 1
    assert last.id not in story.listed


def test_without_haste_nobody_waits() -> None:
    whole = crowd().table()
    table = begun(whole)
    story = Story(table)
    grow(table, whole, len(whole))
    story.update(haste=Haste(1))
    assert story.waiting
    assert story.update()
    assert not story.waiting
