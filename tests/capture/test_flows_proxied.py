"""Attempts for one side of which a proxy punched, as a capture shows them.

The fixtures are made by `tests.natlab.proxied`: a peer of ours and a real one behind random NATs, a proxy with a public
address for ours, which is the client or the server, and a DHT of real nodes. They are seen from the wide area, and from
where the client, the proxy and the server are.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from capture.flow import Flow
from capture.flows.copies import Copies
from capture.flows.handoffs import read_handoffs
from capture.flows.members import ROLES
from capture.model import Outcome, Role, StepKind, VerdictCode
from capture.model import Path as Way
from capture.story import Story
from capture.table import Kind
from protocol.constants import Command
from protocol.envelope import decode_request
from protocol.proxy.handoff import PLUGIN, HandoffCommand
from protocol.storage_values import decode_plugin_request

FIXTURES = Path(__file__).parent.parent / "fixtures" / "proxied"
FIXTURE = FIXTURES / "client-wan.pcap.gz"
PLACES = ("client", "proxy", "server", "wan")


def test_a_proxied_client_has_punched_and_its_proxy_is_named() -> None:
    link, proxied = sorted(Story.open([str(FIXTURE)]).flows, key=lambda flow: len(flow.rounds))
    assert link.verdict.code is VerdictCode.OPEN_SERVER
    assert proxied.verdict.code is VerdictCode.PUNCHED, "it is no blind relay: the ids of the streams are the same"
    assert proxied.outcome is Outcome.CONNECTED
    assert proxied.path is Way.PUNCHED
    assert link.server is not None
    assert proxied.notes == (
        f"a proxy at {link.server} punched in the client's place, and passed the stream's packets on as they were",
        "the NAT class of the client is its proxy's",
    )


def test_the_verdict_says_who_punched_and_proves_it() -> None:
    story = Story.open([str(FIXTURE)])
    link, proxied = sorted(story.flows, key=lambda flow: len(flow.rounds))
    assert proxied.verdict.summary.endswith(f" A proxy at {link.server} punched on the client's behalf.")
    (proxy,) = proxied.proxies
    assert (proxy.of_client, proxy.address, proxy.in_rounds, proxy.punched) == (True, link.server, True, True)
    assert proxy.hand_off is not None
    says = {one.says: one.sighting for one in proxied.verdict.evidence}
    assert says["the client hands over to its proxy"] == proxy.hand_off
    asked = decode_plugin_request(decode_request(story.payload(proxy.hand_off)).value or b"")
    assert (asked.plugin, asked.command) == (PLUGIN, HandoffCommand.START)
    hosts = {lane.role: {address.host for address in lane.addresses} for lane in proxied.lanes}
    for what in ("first message of a round with the proxy in the client's place", "first punch of the client's proxy"):
        source, _ = story.endpoints(says[what])
        assert source.host in hosts[Role.PROXY]
        assert source.host not in hosts[Role.CLIENT]
    assert link.proxies == ()


def test_the_rounds_of_a_proxy_open_like_all_others() -> None:
    _, proxied = sorted(Story.open([str(FIXTURE)]).flows, key=lambda flow: len(flow.rounds))
    assert [one.request is not None and one.reply is not None for one in proxied.rounds] == [True, True]
    assert proxied.server_token.value == "verified"
    assert proxied.client_token.value == "verified"


def seen_from(role: str, *places: str) -> Flow:
    """The attempt of which the proxy of one role is part, as some places show it."""
    story = Story.open([str(FIXTURES / f"{role}-{place}.pcap.gz") for place in places])
    proxied = [flow for flow in story.flows if flow.verdict.code is VerdictCode.PUNCHED]
    assert len(proxied) == 1
    return proxied[0]


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("place", ["wan", "proxy", "all"])
def test_where_the_proxy_is_seen_to_punch_it_is_said(role: str, place: str) -> None:
    flow = seen_from(role, *(PLACES if place == "all" else (place,)))
    assert f"punched on the {role}'s behalf" in flow.verdict.summary
    assert not flow.verdict.inferred
    lanes = [lane.role for lane in flow.lanes]
    ends = (Role.CLIENT, Role.PROXY) if role == "client" else (Role.SERVER, Role.PROXY)
    assert (lanes[lanes.index(ends[0])], lanes[lanes.index(ends[0]) + 1]) == ends, "beside the side that it stands for"


@pytest.mark.parametrize("role", ["client", "server"])
def test_who_handed_over_sees_no_punch_but_the_stream(role: str) -> None:
    flow = seen_from(role, role)
    assert f"The {role} asked a proxy at" in flow.verdict.summary
    assert flow.outcome is Outcome.CONNECTED
    assert flow.verdict.inferred
    steps = [(step.kind, step.from_lane, step.to_lane) for step in flow.steps]
    assert (StepKind.HANDOFF, role, f"{role} proxy") in steps
    assert (StepKind.RELAY_LINK, role, f"{role} proxy") in steps
    assert (StepKind.RELAY_LINK, f"{role} proxy", role) in steps
    assert StepKind.MISSING not in {kind for kind, *_ in steps}, "what the proxy sends to relays is not expected here"


@pytest.mark.parametrize(("role", "other"), [("client", "server"), ("server", "client")])
def test_the_other_peer_notices_nothing(role: str, other: str) -> None:
    flow = seen_from(role, other)
    assert flow.proxies == ()
    assert "proxy" not in flow.verdict.summary
    assert flow.outcome is Outcome.CONNECTED


@pytest.mark.parametrize("role", ["client", "server"])
def test_all_places_together_show_one_attempt_and_one_link(role: str) -> None:
    story = Story.open([str(FIXTURES / f"{role}-{place}.pcap.gz") for place in PLACES])
    link, proxied = sorted(story.flows, key=lambda flow: len(flow.rounds))
    assert (link.path, proxied.path) == (Way.OPEN, Way.PUNCHED)


@pytest.mark.parametrize("role", ["client", "server"])
def test_punches_and_stream_are_the_proxys(role: str) -> None:
    flow = seen_from(role, *PLACES)
    proxy, other = f"{role} proxy", "server" if role == "client" else "client"
    punched = {(step.from_lane, step.to_lane) for step in flow.steps if step.kind is StepKind.PUNCH}
    assert punched <= {(proxy, other), (other, proxy)}
    assert (proxy, other) in punched
    streams = {(step.from_lane, step.to_lane) for step in flow.steps if step.kind is StepKind.STREAM}
    assert streams == {(proxy, other), (other, proxy)}


def test_a_server_hands_over_each_round_that_still_reaches_it() -> None:
    flow = seen_from("server", "wan")
    (handed,) = [step for step in flow.steps if step.kind is StepKind.HANDOFF]
    assert (handed.label, handed.round, handed.count) == ("hand-off: START+ROUND", 0, 2)
    rounds = [message for message in flow.messages if message.command == "PEER_HOLEPUNCH"]
    reached = [message.to_lane for message in rounds if message.mode == "FROM_RELAY"]
    assert reached == ["server", "server proxy"], "the client sends the punch round to where it was answered from"


@pytest.mark.parametrize("kept", [73, 80, 120])
def test_a_cut_hand_off_is_still_one(kept: int, tmp_path: Path) -> None:
    """Ethernet, IP and UDP headers take 42 bytes; 31 more say that it is a START."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(cut_to(gzip.decompress((FIXTURES / "client-client.pcap.gz").read_bytes()), kept))
    found = []
    for name in (FIXTURES / "client-client.pcap.gz", path):
        table = Story.open([str(name)]).table
        copies = Copies(table)
        copies.update()
        rows = np.flatnonzero(table.command[: len(table)] == Command.PLUGIN)
        found.append([(one.row, one.command, one.src, one.dst) for one in read_handoffs(table, copies, rows)])
    assert len(found[0]) == 1
    assert found[0] == found[1]


def cut_to(capture: bytes, kept: int) -> bytes:
    """A little-endian pcap with so many bytes of each frame."""
    out, at = bytearray(capture[:24]), 24
    while at < len(capture):
        seconds, fraction, size, length = struct.unpack_from("<IIII", capture, at)
        out += struct.pack("<IIII", seconds, fraction, min(size, kept), length)
        out += capture[at + 16 : at + 16 + min(size, kept)]
        at += 16 + size
    return bytes(out)


@pytest.mark.parametrize("role", ["client", "server"])
def test_packets_belong_to_who_sent_them(role: str) -> None:
    story = Story.open([str(FIXTURES / f"{role}-wan.pcap.gz")])
    (flow,) = [flow for flow in story.flows if flow.proxies]
    members, own, other = flow.members(), Role(role), Role.SERVER if role == "client" else Role.CLIENT
    by_row = {member.row: ROLES[member.role] for member in members.packets}
    hand_off = flow.proxies[0].hand_off
    assert hand_off is not None
    assert by_row[hand_off.row] is own
    proxy = {address.host for lane in flow.lanes if lane.role is Role.PROXY for address in lane.addresses}
    punches = [row for row in by_row if story.table.kind[row] == Kind.PUNCH]
    assert len(punches) > 2
    for row in punches:
        assert by_row[row] is (Role.PROXY if story.table.source(row).host in proxy else other)
    between = [(story.table.source(row).host in proxy, by_row[row]) for row in by_row]
    assert all(by is Role.PROXY for from_proxy, by in between if from_proxy)
    roles = sorted(ROLES[stream.role] for stream in members.streams)
    assert roles == sorted((own, other, Role.PROXY, Role.PROXY)), "there and back, before the proxy and behind it"


def test_links_to_proxies_are_nobodys_blind_relays() -> None:
    """Five attempts on one server within seconds, four of them over one proxy, two by links of the server's."""
    story = Story.open([str(FIXTURES / "seed.pcap.gz")])
    first = story.flows[0]
    attempts = [flow for flow in story.flows if flow.target == first.target]
    assert [[one.of_client for one in flow.proxies] for flow in attempts] == [[], [True], [True], [False], [False]]
    handed = [one.hand_off for flow in attempts for one in flow.proxies]
    assert None not in handed
    assert len(set(handed)) == len(handed), "each was handed over by itself"
    assert all(lane.role is not Role.BLIND_RELAY for flow in story.flows for lane in flow.lanes)
    assert all(flow.verdict.code is VerdictCode.PUNCHED for flow in attempts)


def test_only_what_begins_or_passes_on_is_drawn() -> None:
    """Most of what goes between a client and its proxy only asks how it is."""
    story = Story.open([str(FIXTURES / "client-client.pcap.gz")])
    table = story.table
    rows = np.flatnonzero((table.kind[: len(table)] == Kind.REQUEST) & (table.command[: len(table)] == Command.PLUGIN))
    values = [decode_plugin_request(decode_request(table.payload(row)).value or b"") for row in rows.tolist()]
    commands = [value.command for value in values if value.plugin == PLUGIN]
    assert commands.count(HandoffCommand.START) == 1
    assert len(commands) > 2
    steps = [step for flow in story.flows for step in flow.steps if step.kind is StepKind.HANDOFF]
    drawn = [member for step in steps for member in step.members]
    assert [member.row for member in drawn] == [rows[commands.index(HandoffCommand.START)]]


def test_a_plugin_of_somebody_elses_hands_nothing_over(tmp_path: Path) -> None:
    capture = gzip.decompress((FIXTURES / "client-client.pcap.gz").read_bytes())
    path = tmp_path / "other.pcap"
    path.write_bytes(capture.replace(PLUGIN.encode(), b"somebody-elses"))
    flows = Story.open([str(path)]).flows
    assert len(flows) == 2
    assert all(flow.proxies == () for flow in flows)
    assert all(step.kind is not StepKind.HANDOFF for flow in flows for step in flow.steps)
