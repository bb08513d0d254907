"""Filters asked of packets: the columns say of every packet of real captures what one packet alone says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.filter import Filter, PacketsNeededError, parse_filter
from capture.filter.names import FIELDS
from capture.filter.packet import Packet
from capture.filter.packets import Packets
from capture.filter.tree import Node, text_of
from capture.flows.members import members_of_flow
from capture.model import Role, StepKind
from capture.opening import read_capture
from capture.story import Story
from capture.table import Kind
from tests.capture.odd_capture import odd_capture
from tests.capture.slow_filter import all_packets
from tests.capture.test_filter_language import nodes
from tests.capture.test_flows_growing import begun, grow

ROOT = Path(__file__).parents[2]
LAB = ROOT / "tests/fixtures/lab"
TOUR = ROOT / "app/samples/tour.pcapng"


@cache
def read(name: str) -> tuple[Story, list[Packet]]:
    """A story, and its packets one by one."""
    if name == "odd":
        odd = Story(read_capture(odd_capture()))
        return odd, all_packets(odd)
    paths = {
        "tour": [str(TOUR)],
        "two vantages": [str(LAB / "consistent-random" / f"{at}.pcap.gz") for at in ("client", "server")],
        "relayed": [str(LAB / "relayed" / "wan.pcap.gz")],
        "not found": [str(LAB / "peer-not-found" / "client.pcap.gz")],
    }[name]
    story = Story.open(paths)
    return story, all_packets(story)


STORIES = ("tour", "two vantages", "relayed", "not found", "odd")

VALUES: dict[str, tuple[str, ...]] = {
    "command": (
        "== PEER_HANDSHAKE",
        "== PEER_HOLEPUNCH",
        "== PING",
        "== FIND_NODE",
        "~ find",
        "=~ ^PEER",
        "== none",
        "~ unknown",
        "~ 12",
    ),
    "kind": ("== request", "== response", "== punch", "== udx", "== other", "== malformed", "~ res"),
    "mode": (
        "== FROM_CLIENT",
        "== FROM_SERVER",
        "== FROM_RELAY",
        "== FROM_SECOND_RELAY",
        "== REPLY",
        "== none",
        "~ from",
    ),
    "role": (
        "== client",
        "== server",
        "== 'client relay'",
        "== server-relay",
        "== relay",
        "== node",
        "== none",
        "~ relay",
    ),
    "addr": (
        "== 11.1.0.2",
        "== 11.1.0.0/16",
        "== 11.0.5.2:49737",
        "~ 11.0",
        "~ 2:4",
        "~ 2001:db8:",
        "== 2001:db8::/32",
        "== [2001:db9::8]:5000",
    ),
    "src": ("== 11.0.0.0/8", "~ :49737", "=~ ':5'"),
    "dst": ("== 11.1.0.2", "!= 11.1.0.2", "~ 73"),
    "to": ("== 11.1.0.0/16", "== none", "~ 11.1.0"),
    "port": ("== 49737", "> 50000", "<= 49737", "~ 97", "!= 49737"),
    "src.port": ("== 49737", "< 30000"),
    "dst.port": ("== 49737", ">= 40000"),
    "tid": ("== 100", "> 32000", "<= 1000.5", "== none", "~ 77"),
    "target": ("~ a", "== none", "=~ '^[0-7]'", "== 0", "== f", f"== {'1a' * 20}", f"== {'1a' * 32}", "~ 1b1b"),
    "round": ("== 0", "== 1", "> 0", "== none"),
    "firewall": ("== UNKNOWN", "== CONSISTENT", "== RANDOM", "== none", "~ n"),
    "error": ("== ABORTED", "== TRY_LATER", "== none", "~ _", "== INVALID_TOKEN", "~ 7", "=~ ^400$"),
    "token": ("== issued", "== verified", "== mismatch", "== none"),
    "punching": ("== yes", "== no", "== none"),
    "time": ("< 5", ">= 20.25", "> 00:30", "<= 12:00:00", "== 09:25", ">= 2020-01-01", "< 2020-01-01T00:00:00Z"),
    "length": ("== 1", "> 100", "< 46.5"),
    "ttl": ("== 64", "< 10", "~ 6"),
    "dir": ("== in", "== out", "!= in", "== passing", "== none"),
    "frame": ("== 17", "> 500"),
    "file": ("~ lab", "=~ 'tour|client'", "== nothing"),
    "udx.id": ("> 0", "== none"),
    "cut": ("== yes", "== no"),
    "malformed": ("== yes", "== no"),
    "duplicate": ("== yes", "== no"),
    "retransmission": ("== yes", "== no"),
    "joined": ("== yes", "== no"),
    "payload": ("~ 0xff01", "~ hyper", "~ 0x1a1a1a1a", "== 0x0300", "~ lo", "== 0x03", "== 0x13", "~ 0x00", "!= 0x03"),
    "text": ("~ reply", "~ random", "~ 11.1.0.2", "=~ 'ping|punch'", "~ 49737", "~ ab"),
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("field", VALUES)
def test_columns_say_what_single_packets_say(name: str, field: str) -> None:
    story, packets = read(name)
    for rest in VALUES[field]:
        wanted = parse_filter(f"{field} {rest}").on(story)
        slow = np.array([wanted.matches_message(packet) for packet in packets])
        assert np.flatnonzero(wanted.rows() != slow).tolist() == [], f"{field} {rest}"


def test_every_field_of_packets_is_held_to_this() -> None:
    assert {field.name for field in FIELDS.values() if field.of_packet is not None} == set(VALUES)


def test_every_field_tells_packets_of_these_captures_apart() -> None:
    """Else the comparison above proves nothing."""
    dull = {"file"}
    for field in VALUES.keys() - dull:
        told = []
        for name in STORIES:
            story, packets = read(name)
            masks = [parse_filter(f"{field} {rest}").rows(story) for rest in VALUES[field]]
            told += [0 < mask.sum() < len(packets) for mask in masks]
        assert any(told), field


EXPRESSIONS = (
    "command == PEER_HOLEPUNCH and mode == REPLY",
    "not command == PING and port > 50000 or ttl < 10",
    "verdict == punched",
    "verdict != punched",
    "not (verdict == punched or outcome == unknown)",
    "verdict != punched and path == none and kind == request",
    "kind == request or not verdict == try-later",
    "not (verdict == punched or port == 49737)",
    "client == 11.1.0.2 and role == client and round == 0",
    "(command == PING or fast_open) and not duplicate",
    "punched",
    "'11.1.0.2' and FROM_RELAY",
)


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_say_of_many_packets_what_they_say_of_one(name: str, expression: str) -> None:
    story, packets = read(name)
    wanted = parse_filter(expression).on(story)
    slow = np.array([wanted.matches_message(packet) for packet in packets])
    assert np.array_equal(wanted.rows(), slow)
    assert np.array_equal(wanted.mask(), slow)
    middle = len(packets) // 3
    assert np.array_equal(wanted.rows(start=middle), slow[middle:])
    assert np.array_equal(wanted.rows(start=middle, stop=2 * middle), slow[middle : 2 * middle])


@settings(deadline=None, max_examples=60)
@given(nodes(), st.sampled_from(("odd", "not found")))
def test_any_expression_says_of_many_packets_what_it_says_of_one(node: Node, name: str) -> None:
    story, packets = read(name)
    wanted = Filter(text_of(node), node, story)
    slow = np.array([wanted.matches_message(packet) for packet in packets[:300]])
    assert np.array_equal(wanted.rows(stop=len(slow)), slow)
    assert set(wanted.select(story.flows)) <= set(story.flows)


@pytest.mark.parametrize("name", STORIES)
def test_an_attempt_passes_if_one_of_its_packets_does(name: str) -> None:
    story, packets = read(name)
    for expression in (
        "command == PEER_HOLEPUNCH",
        "role == server and mode == FROM_SERVER",
        "error == ABORTED",
        "kind == punch and ttl < 10",
        "src == 11.1.0.2 and round == 0 and firewall == CONSISTENT",
    ):
        wanted = parse_filter(expression).on(story)
        passing = {flow.id for packet in packets if wanted.matches_message(packet) for flow in packet.flows}
        assert {flow.id for flow in wanted.select(story.flows)} == passing
        refused = parse_filter(f"not ({expression})").on(story)
        assert {flow.id for flow in refused.select(story.flows)} == {flow.id for flow in story.flows} - passing


def test_comparisons_joined_by_and_are_about_the_same_packet() -> None:
    story, packets = read("tour")
    both = parse_filter("mode == REPLY and role == client").on(story)
    assert both.select(story.flows) == ()
    assert parse_filter("mode == REPLY").on(story).select(story.flows)
    assert parse_filter("role == client").on(story).select(story.flows)
    beside = parse_filter("command == PEER_HOLEPUNCH and not mode == FROM_CLIENT").on(story)
    assert beside.select(story.flows) == parse_filter("command == PEER_HOLEPUNCH and mode != FROM_CLIENT").on(
        story
    ).select(story.flows)
    assert beside.select(story.flows), "of a punch round some packet is not the client's"
    none = parse_filter("mode != FROM_CLIENT and mode != REPLY").on(story)
    assert none.select(story.flows) == tuple(
        flow
        for flow in story.flows
        if not any(flow in packet.flows and packet.mode in ("FROM_CLIENT", "REPLY") for packet in packets)
    )


def test_what_asks_of_packets_needs_them() -> None:
    story, _ = read("tour")
    unbound = parse_filter("command == PING")
    assert unbound.asks_packets
    for use in (lambda: unbound.matches(story.flows[0]), unbound.rows, unbound.mask):
        with pytest.raises(PacketsNeededError):
            use()
    assert parse_filter("verdict == punched").select(story.flows)
    assert not parse_filter("verdict == punched and round > 0").asks_packets


@pytest.mark.parametrize("name", STORIES)
def test_members_are_what_messages_and_steps_show(name: str) -> None:
    story, _ = read(name)
    for flow in story.flows:
        quick, shown = flow.members(), members_of_flow(flow)
        by_row = {member.row: member for member in quick.packets}
        streams = {
            step.sighting.row for step in flow.steps if step.kind is StepKind.STREAM and step.sighting is not None
        }
        assert {member.row for member in shown.packets} - streams == by_row.keys() - streams
        for member in shown.packets:
            if member.row not in streams:
                assert by_row[member.row]._replace(said=None) == member._replace(said=None)


@pytest.mark.parametrize("name", STORIES)
def test_streams_have_as_many_packets_as_their_steps_say(name: str) -> None:
    story, _ = read(name)
    rows = Packets.of(story).members()
    kind = story.table.kind
    for place, flow in enumerate(story.flows):
        for lane, role in (("client", Role.CLIENT), ("server", Role.SERVER)):
            mine = (rows.owner == place) & (rows.role == tuple(Role).index(role)) & (kind[rows.rows] == Kind.UDX)
            of_streams = (StepKind.STREAM, StepKind.RELAY_LINK)
            told = sum(step.count for step in flow.steps if step.kind in of_streams and step.from_lane == lane)
            assert mine.sum() == told


def test_a_table_that_grows_gives_the_same() -> None:
    """Responses find requests of earlier batches, and what is kept for masks is brought up to date."""
    whole = Story.open([str(TOUR)])
    expressions = ("command == PING", "mode == REPLY", "kind == response and target ~ a", "verdict == punched", "reply")
    growing = Story(begun(whole.table))
    bound = {text: parse_filter(text).on(growing) for text in expressions}
    for stop in (1, 700, 701, 2000, len(whole.table)):
        grow(growing.table, whole.table, stop)
        growing.update()
        for text in expressions:
            assert len(bound[text].mask()) == stop
        assert bound["command == PING"].select(growing.flows) is not None
    for text in expressions:
        assert np.array_equal(bound[text].mask(), parse_filter(text).rows(whole)), text
