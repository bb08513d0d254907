"""Requests and responses of one datagram at a time, and the attempt that it is part of."""

from pathlib import Path

from capture.exchanges import Exchanges
from capture.flows.joining import LIFETIME_NS
from capture.model import Sighting
from capture.story import Story
from capture.table import Kind
from protocol.constants import InternalCommand
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from tests.capture.story_builder import CLIENT, RELAY, called
from tests.capture.wire_builder import NODE, Wire

LAB = Path(__file__).parent.parent / "fixtures" / "lab"


def ask(wire: Wire, tid: int, command: int = 2, src: Address = CLIENT, dst: Address = NODE) -> None:
    wire.send(src, dst, encode_request(Request(tid, dst, command, internal=True, target=bytes(32))))


def answer(wire: Wire, tid: int, src: Address = NODE, dst: Address = CLIENT) -> None:
    wire.send(src, dst, encode_response(Response(tid, dst, node_id(src))))


def test_a_request_and_its_answer_find_each_other() -> None:
    wire = Wire()
    ask(wire, 7)
    ask(wire, 8)
    answer(wire, 8)
    answer(wire, 7)
    exchanges = Exchanges(wire.table())
    assert exchanges.of(0) == exchanges.of(3) == ((0,), (3,))
    assert exchanges.of(1) == exchanges.of(2) == ((1,), (2,))
    assert exchanges.request_of(3) == 0


def test_what_goes_between_others_or_the_same_way_is_no_answer() -> None:
    wire = Wire()
    ask(wire, 7)
    answer(wire, 7, RELAY)
    answer(wire, 7, CLIENT, NODE)
    exchanges = Exchanges(wire.table())
    assert exchanges.of(0) == ((0,), ())
    assert exchanges.of(1) == ((), (1,))
    assert exchanges.request_of(2) is None


def test_retransmissions_are_one_exchange_and_another_request_under_the_tid_is_not() -> None:
    wire = Wire()
    ask(wire, 7)
    wire.wait(1)
    ask(wire, 7)
    answer(wire, 7)
    wire.wait(2)
    ask(wire, 7, command=0)
    answer(wire, 7)
    exchanges = Exchanges(wire.table())
    assert exchanges.of(2) == ((0, 1), (2,))
    assert exchanges.of(3) == ((3,), (4,))
    assert exchanges.request_of(2) == 1
    assert exchanges.request_of(4) == 3


def test_an_answer_that_comes_too_late_is_none() -> None:
    wire = Wire()
    ask(wire, 7)
    wire.wait(LIFETIME_NS / 1e9 + 1)
    answer(wire, 7)
    exchanges = Exchanges(wire.table())
    assert exchanges.request_of(1) is None
    assert exchanges.of(0) == ((0,), ())


def test_rows_that_come_after_the_index_was_made_are_found() -> None:
    wire = Wire()
    ask(wire, 7)
    answer(wire, 7)
    whole = wire.table()
    exchanges = Exchanges(whole)
    assert exchanges.of(0) == ((0,), (1,))
    columns = {name: whole.stored(name).copy() for name in whole.columns}
    columns["time_ns"] += 5_000_000_000
    columns["tid"][:] = 9
    whole.append(**columns)
    assert exchanges.of(2) == ((2,), (3,))


def test_the_answer_to_ping_nat_goes_to_another_port() -> None:
    wire = Wire()
    elsewhere = Address(CLIENT.host, 5)
    request = Request(7, NODE, InternalCommand.PING_NAT, internal=True, value=(5).to_bytes(2, "little"))
    wire.send(CLIENT, NODE, encode_request(request))
    answer(wire, 7, dst=elsewhere)
    exchanges = Exchanges(wire.table())
    assert exchanges.of(0) == exchanges.of(1) == ((0,), (1,))


def test_both_sides_of_a_nat_are_one_exchange() -> None:
    """The request is first seen inside, its answer first outside: only copies show both ends of the pair."""
    story = Story.open([str(LAB / "tour" / "nat.pcap.gz")])
    table = story.table
    exchanges = Exchanges(table)
    across = 0
    for row in range(len(table)):
        if table.kind[row] != Kind.RESPONSE or table.copy_of[row] >= 0:
            continue
        asked = exchanges.request_of(row)
        if asked is not None and table.source(asked) != table.destination(row):
            across += 1
            assert row in exchanges.of(asked).responses
    assert across > 10


def test_a_datagram_of_an_attempt_leads_to_it() -> None:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch()
    call.punch(by_client=False)
    call.stream()
    wire.ping(Address("1.2.3.4", 5), NODE)
    story = wire.story()
    (flow,) = story.flows
    owners = [story.flow_of(Sighting(0, row + 1, row)) for row in range(len(story.table))]
    assert owners[-2:] == [None, None]
    assert all(one is flow for one in owners[:-2])


def test_every_packet_that_an_attempt_shows_leads_back_to_it() -> None:
    for name in ("tour", "random-random", "relayed", "same-nat"):
        story = Story.open([str(LAB / name / "wan.pcap.gz")])
        for flow in story.flows:
            shown = {message.sighting for message in flow.messages}
            shown |= {member for step in flow.steps for member in step.members}
            for sighting in shown:
                owner = story.flow_of(sighting)
                assert owner is not None
                # A stream that a relay carries, or a node that answers two at once, is shown by both attempts.
                assert owner is flow or sighting in _shown(owner) or story.table.kind[sighting.row] == Kind.UDX


def _shown(flow: object) -> set[Sighting]:
    from capture.model import Flow

    assert isinstance(flow, Flow)
    found = {message.sighting for message in flow.messages}
    for step in flow.steps:
        found |= {*step.members, *(() if step.sighting is None else (step.sighting,))}
    return found
