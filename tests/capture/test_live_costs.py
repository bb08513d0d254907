"""What a look at a live source costs: only what changed is worked out anew, and the end is the same all the same."""

from __future__ import annotations

import gc
import random
from dataclasses import fields
from typing import Any

import pytest

from capture.collector import Elders, collect_all
from capture.flow import Flow
from capture.flows import casebook, gathering
from capture.flows.in_order import InOrder
from capture.flows.matching import Fit, punch_fit
from capture.story import Keys, Story
from protocol.messages import Address
from tests.capture.story_builder import SERVER, Call
from tests.capture.test_flows_growing import begun, busy, grow, read_growing, same
from tests.capture.wire_builder import NODE, Wire

CLIENTS = 24


def many() -> Wire:
    """Clients that call one server, one after the other."""
    wire = Wire()
    for number in range(CLIENTS):
        client, puncher = Address(f"81.2.3.{number + 1}", 40001), Address(f"81.2.3.{number + 1}", 50001)
        call = Call(wire, f"call {number}", client, puncher)
        call.find()
        call.handshake()
    return wire


def changed_by(wire: Wire, before: int) -> tuple[str, ...]:
    """Ids of the attempts that the packets from `before` on change, where every attempt was looked at before."""
    whole = wire.table()
    table = begun(whole)
    grow(table, whole, before)
    story = Story(table)
    assert all(flow.verdict for flow in story.flows)
    story.update()
    grow(table, whole, len(whole))
    return story.update()


def test_a_response_at_a_servers_busy_socket_changes_none_of_its_attempts_that_ended() -> None:
    wire = many()
    for number in range(CLIENTS):
        call = Call(wire, f"connected {number}", Address(f"81.2.4.{number + 1}", 40001))
        call.connect()
    ended = {flow.id for flow in wire.story().flows if flow.outcome.name == "CONNECTED"}
    assert len(ended) == CLIENTS
    before = len(wire.table())
    wire.ping(SERVER, NODE)
    assert not ended & set(changed_by(wire, before))


def test_another_client_of_a_busy_server_changes_none_of_its_attempts() -> None:
    wire = Wire()
    calls = [
        Call(wire, f"call {number}", Address(f"81.2.4.{number}", 40001), Address(f"81.2.4.{number}", 50001))
        for number in range(CLIENTS)
    ]
    for call in calls[:-1]:
        call.connect()
    before = len(wire.table())
    calls[-1].connect()
    assert changed_by(wire, before) == (calls[-1].noise.id,)


def test_what_is_gathered_of_one_client_does_not_grow_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counted(*arguments: Any) -> Fit | None:
        nonlocal asked
        asked += 1
        return punch_fit(*arguments)

    monkeypatch.setattr(gathering, "punch_fit", counted)
    wire, costs = Wire(), []
    for clients in (2, CLIENTS):
        for number in range(clients):
            host = f"81.3.{clients}.{number}"
            Call(wire, f"{clients} {number}", Address(host, 40001), Address(host, 50001)).connect()
        asked = 0
        assert all(flow.verdict for flow in wire.story().flows)
        costs.append(asked / len(wire.story().flows))
    assert costs[1] == costs[0] > 0


def test_a_response_at_a_punching_socket_changes_its_attempt() -> None:
    wire = Wire()
    call = Call(wire)
    call.connect()
    before = len(wire.table())
    wire.ping(call.punch_socket, NODE)
    assert call.noise.id in changed_by(wire, before)


@pytest.mark.parametrize("kept", [1, 2])
def test_facts_that_were_let_go_are_gathered_again(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wire, _ = busy()
    whole = wire.table()
    expected = Story(whole)
    assert all(flow.steps for flow in expected.flows)
    monkeypatch.setattr(casebook, "KEPT", kept)
    story = Story(whole)
    assert [flow.outcome for flow in story.flows] == [flow.outcome for flow in expected.flows]
    same(story, expected)
    same(read_growing(whole, range(0, len(whole), 7), Keys()), expected)


def test_flows_stay_in_order_whatever_is_replaced() -> None:
    chance = random.Random(7)
    flows = {flow.id: flow for flow in many().story().flows}
    order, left = InOrder(), dict(list(flows.items())[::2])
    assert order.all(left.values()) == _sorted(left)
    for _ in range(200):
        if chance.random() < 0.5 and len(left) > 4:
            gone = left.pop(chance.choice(list(left)))
            order.change([gone], [])
        else:
            one = chance.choice(list(flows.values()))
            gone_ones = [left[one.id]] if one.id in left else []
            left[one.id] = one
            order.change(gone_ones, [one])
        assert order.all(left.values()) == _sorted(left)


def _sorted(flows: dict[str, Flow]) -> tuple[Flow, ...]:
    return tuple(sorted(flows.values(), key=lambda flow: (flow.started, flow.id)))


def test_the_story_says_which_attempts_are_no_more() -> None:
    wire = Wire()
    call = Call(wire)
    call.find()
    before = len(wire.table())
    call.handshake()
    whole = wire.table()
    table = begun(whole)
    grow(table, whole, before)
    story = Story(table)
    (search,) = story.flows
    grow(table, whole, len(whole))
    story.update()
    assert story.gone == {search.id}
    assert [flow.id for flow in story.flows] == [call.noise.id]
    story.update()
    assert not story.gone


def test_what_grows_old_is_set_aside_and_still_found_by_a_walk() -> None:
    elders = Elders()
    try:
        before = gc.get_freeze_count()
        kept: list[list[int]] = []
        while gc.get_freeze_count() == before:
            kept += [[number] for number in range(1000)]
            elders.look()
            assert len(kept) < 1_000_000
        kept[0].append(kept[0])  # type: ignore[arg-type]
        del kept
        assert gc.get_freeze_count() > before
    finally:
        collect_all()
    assert gc.get_freeze_count() == 0


class MadeUpCollector:
    """As Python's, of a program that keeps so many objects and makes so much garbage between two looks."""

    def __init__(self, kept: int, garbage: int) -> None:
        self.kept, self.garbage = kept, garbage
        self.frozen, self.most, self.walks = 0, 0, 0

    def get_count(self) -> tuple[int, int, int]:
        return self.garbage, 0, 0

    def collect(self, generation: int = 2) -> None:
        if generation == 2:
            self.frozen, self.walks = 0, self.walks + 1

    def unfreeze(self) -> None:
        pass

    def freeze(self) -> None:
        self.frozen = max(self.frozen, self.kept) + self.garbage
        self.most = max(self.most, self.frozen)

    def get_freeze_count(self) -> int:
        return self.frozen


def test_circles_that_were_set_aside_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = MadeUpCollector(400_000, 3000)
    monkeypatch.setattr("capture.collector.gc", made_up)
    elders = Elders()
    for _ in range(100_000):
        elders.look()
    assert made_up.most < 400_000 * 3 // 2 + 200_000
    assert made_up.walks < 100_000 // 90, "each walks all that there is"


def test_every_field_of_a_flow_belongs_to_a_stage_or_is_known() -> None:
    (flow,) = (one for one in busy()[0].story().flows if one.outcome.name == "CONNECTED")
    assert all(getattr(flow, field.name, self_missing) is not self_missing for field in fields(Flow))
    with pytest.raises(AttributeError, match="no_such_field"):
        flow.no_such_field  # type: ignore[attr-defined]  # noqa: B018


self_missing = object()
