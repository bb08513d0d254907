"""A capture that grows under the eyes of its reader ends up as the story of the whole capture read at once.

Law: however the rows of a capture come in, and whatever is looked at on the way, the flows in the end are equal in
every field to those of one reading; and a flow whose id `update` did not name is the same object as before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capture.model import Flow
from capture.opening import open_captures
from capture.story import Keys, Story
from capture.table import PacketTable
from tests.capture.story_builder import SERVER_TOKEN, Call, called, hello, says
from tests.capture.wire_builder import Wire

LAB = Path(__file__).parent.parent / "fixtures" / "lab"
GROWN = [
    "at-once/client",
    "consistent-consistent/nat",
    "consistent-consistent-fast-open/wan",
    "in-a-row/nat",
    "loss/wan",
    "random-consistent/client",
    "nat-unknown/client",
    "peer-not-found/wan",
    "punches-dropped/wan",
    "relayed/client",
    "same-nat/nat",
    "server-killed/wan",
    "try-later/server",
    "upgraded/wan",
    "../proxied/client-proxy",
    "../proxied/server-server",
]


def begun(whole: PacketTable) -> PacketTable:
    """A table that has all of `whole` but its rows."""
    table = PacketTable()
    table.files, table.hosts6, table.segments = whole.files, whole.hosts6, whole.segments
    table.assembled, table.pieces = whole.assembled, whole.pieces
    return table


def grow(table: PacketTable, whole: PacketTable, stop: int) -> None:
    """Append the rows of `whole` up to `stop`."""
    start = len(table)
    table.append(**{name: whole.stored(name)[start:stop] for name in whole.columns})


def read_growing(whole: PacketTable, stops: Iterable[int], keys: Keys, *, look: bool = True) -> Story:
    """The story of a table that grew to each of `stops` in turn and then to its end."""
    table = begun(whole)
    story = Story(table, keys)
    for start, stop in pairwise([0, *sorted({min(stop, len(whole)) for stop in stops} - {0, len(whole)}), len(whole)]):
        before = {flow.id: flow for flow in story.flows}
        assert len(table) == start
        grow(table, whole, stop)
        changed = set(story.update())
        for flow in story.flows:
            assert flow.id in changed or flow is before[flow.id]
            if look:
                assert flow.verdict
                assert flow.steps
    return story


def same(grown: Story, whole: Story) -> None:
    """Every field of every flow; of packets that carry one key, either may be named as its proof."""
    assert [flow.id for flow in grown.flows] == [flow.id for flow in whole.flows]
    for ours, theirs in zip(grown.flows, whole.flows, strict=True):
        for field in fields(Flow):
            mine, yours = getattr(ours, field.name), getattr(theirs, field.name)
            if field.name == "key" and mine.proof is not None and yours.proof is not None:
                assert mine.server_public_key in grown.payload(mine.proof)
                yours = replace(yours, proof=mine.proof)
            assert mine == yours, f"{ours.id} {field.name}"


@cache
def table_of(name: str) -> PacketTable:
    return open_captures([str(LAB / f"{name}.pcap.gz")])


@cache
def at_once(name: str) -> Story:
    return Story(table_of(name))


@pytest.mark.parametrize("name", ["consistent-consistent/nat", "consistent-consistent-fast-open/wan", "loss/wan"])
def test_row_by_row(name: str) -> None:
    whole = table_of(name)
    same(read_growing(whole, range(len(whole)), Keys()), at_once(name))


@pytest.mark.parametrize("name", GROWN)
@pytest.mark.parametrize("size", [7, 100])
def test_batches_of_one_size(name: str, size: int) -> None:
    whole = table_of(name)
    same(read_growing(whole, range(0, len(whole), size), Keys()), at_once(name))


@pytest.mark.parametrize("name", GROWN)
def test_nothing_looked_at_on_the_way(name: str) -> None:
    whole = table_of(name)
    grown = read_growing(whole, range(0, len(whole), 50), Keys(), look=False)
    same(grown, at_once(name))
    assert grown.notes == at_once(name).notes


@settings(max_examples=30, deadline=None)
@example(name="relayed/client", stops=[1])
@given(name=st.sampled_from(GROWN), stops=st.lists(st.integers(1, 1500), max_size=6))
def test_any_batches(name: str, stops: list[int]) -> None:
    same(read_growing(table_of(name), stops, Keys()), at_once(name))


def busy() -> tuple[Wire, list[Call]]:
    """Several calls of one client to one server, in a row and at once, some failing."""
    wire = Wire()
    calls = [Call(wire, name) for name in ("one", "two", "three")]
    calls[0].connect()
    calls[1].find()
    calls[1].handshake()
    calls[2].handshake()
    calls[1].probe()
    calls[2].probe()
    calls[1].agree()
    calls[2].round(says(punching=True, round=1, echo=SERVER_TOKEN), None)
    calls[1].punch(times=3)
    wire.idle()
    return wire, calls


@settings(max_examples=20, deadline=None)
@given(stops=st.lists(st.integers(1, 60), max_size=8), look=st.booleans())
def test_calls_at_once_and_in_a_row(stops: list[int], look: bool) -> None:
    wire, calls = busy()
    whole = wire.table()
    story = Story(whole)
    assert {flow.id for flow in story.flows} == {call.noise.id for call in calls}
    same(read_growing(whole, stops, Keys(), look=look), story)


@settings(max_examples=20, deadline=None)
@given(stops=st.lists(st.integers(1, 60), max_size=4))
def test_keys_given_at_the_end(stops: list[int]) -> None:
    wire, calls = busy()
    for call in calls[:1]:
        wire.packets = [packet for packet in wire.packets if call.key.public_key not in packet.payload]
    whole = wire.table()
    keys = Keys(public_keys=(calls[0].key.public_key,), secret_keys=(calls[0].key.seed,))
    grown = read_growing(whole, stops, Keys())
    assert {flow.key.holepunch_secret for flow in grown.flows} == {None}
    assert set(grown.add_keys(keys)) == {call.noise.id for call in calls}
    assert grown.add_keys(keys) == ()
    same(grown, Story(whole, keys))


def test_a_long_pause_settles_what_was_open() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch(times=4)
    before = len(wire.packets)
    wire.idle(300.0)
    whole = wire.table()
    story = Story(begun(whole))
    grow(story.table, whole, before)
    story.update()
    assert story.flows[0].verdict.code == "incomplete"
    grow(story.table, whole, len(whole))
    assert story.update() == (call.noise.id,)
    assert story.flows[0].verdict.code == "probes-lost"
    assert story.update() == ()


def test_streams_are_counted_on() -> None:
    wire, call = called()
    call.probe()
    call.punch(by_client=False)
    for _ in range(50):
        call.stream()
    whole = wire.table()
    same(read_growing(whole, range(0, len(whole), 20), Keys()), Story(whole))


def test_an_open_server_that_is_refused_until_the_key_log_is_given() -> None:
    wire = Wire()
    call = Call(wire, offers=hello(error=1))
    call.find()
    call.handshake()
    wire.idle()
    story = wire.story()
    first = story.flows[0]
    assert first.verdict.code == "incomplete"
    assert story.add_keys(Keys(secret_keys=(call.key.seed,))) == (call.noise.id,)
    assert story.flows[0] is not first
    assert story.flows[0].key.noise1 is not None
