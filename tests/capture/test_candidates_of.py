"""Candidates of made-up attempts: what the lab's captures do not show, or not so plainly."""

from __future__ import annotations

from capture.candidate_list import Candidate, CandidateState, Source
from capture.model import Flow
from protocol.address import Address
from tests.capture.story_builder import (
    CLIENT_PUNCH,
    CONSISTENT,
    RANDOM,
    SERVER_PUNCH,
    SERVER_TOKEN,
    Call,
    says,
)
from tests.capture.wire_builder import Wire


def told(call: Call) -> Flow:
    (flow,) = call.wire.story().flows
    return flow


def of_server(flow: Flow, address: Address = SERVER_PUNCH) -> Candidate:
    return next(one for one in flow.candidates if one.of_server and one.address == address)


def of_client(flow: Flow, address: Address = CLIENT_PUNCH) -> Candidate:
    return next(one for one in flow.candidates if not one.of_server and one.address == address)


def shaken() -> Call:
    call = Call(Wire())
    call.find()
    call.handshake()
    return call


def test_each_source_is_named_once_in_the_order_of_coming_up() -> None:
    call = shaken()
    call.probe()
    found = of_server(told(call))
    assert found.sources == (Source.RELAY, Source.STATED)
    assert found.state is CandidateState.WAITING
    assert found.sent.count == found.received.count == 0
    assert found.named is not None
    assert found.link == found.named


def test_openers_alone_leave_it_opened() -> None:
    call = shaken()
    call.punch(low=True)
    call.probe()
    found = of_server(told(call))
    assert (found.sent.low_ttl, found.sent.normal, found.sent.ttls) == (1, 0, (5,))
    assert found.state is CandidateState.OPENED


def test_punches_before_any_proof_are_counted_and_those_after_it_not() -> None:
    call = shaken()
    call.probe()
    call.punch(times=3, gap=0.01)
    early = of_server(told(call))
    assert early.verified is None
    assert early.unproven == 3
    call.agree()
    call.punch(times=2, gap=0.01)
    late = of_server(told(call))
    assert late.verified is not None
    assert late.unproven == 3
    assert late.sent.normal == 5


def test_a_server_owes_a_punch_for_a_fast_open_and_for_each_that_reached_it() -> None:
    call = shaken()
    call.punch(low=True)
    opening = says(CONSISTENT, addresses=(CLIENT_PUNCH,))
    call.round(
        type(opening)(
            **{**{name: getattr(opening, name) for name in opening.__slots__}, "remote_address": SERVER_PUNCH}
        ),
        says(CONSISTENT, addresses=(SERVER_PUNCH,), token=SERVER_TOKEN),
    )
    call.punch(by_client=False)
    assert of_client(told(call)).unproven == 0
    call.punch(by_client=False, times=4, gap=0.01)
    assert of_client(told(call)).unproven == 3, "one for the fast open, one for the opener that was seen"


def test_random_ports_of_a_host_are_one_candidate() -> None:
    anywhere = Address(SERVER_PUNCH.host, 0)
    call = shaken()
    call.round(says(CONSISTENT, addresses=(CLIENT_PUNCH,)), says(RANDOM, addresses=(anywhere,), token=SERVER_TOKEN))
    call.agree(server=RANDOM)
    for port in (1111, 2222, 3333):
        call.wire.send(CLIENT_PUNCH, Address(SERVER_PUNCH.host, port), b"\0", 64)
    found = of_server(told(call), anywhere)
    assert (found.sent.normal, found.sent.ports, found.sent.sockets) == (3, 3, 1)
    assert not any(one.address.port in (1111, 2222, 3333) for one in told(call).candidates)


def test_the_port_that_was_hit_has_a_line_of_its_own() -> None:
    anywhere, hit = Address(SERVER_PUNCH.host, 0), Address(SERVER_PUNCH.host, 2222)
    call = shaken()
    call.round(says(CONSISTENT, addresses=(CLIENT_PUNCH,)), says(RANDOM, addresses=(anywhere,), token=SERVER_TOKEN))
    call.agree(server=RANDOM)
    for port in (1111, 2222):
        call.wire.send(CLIENT_PUNCH, Address(SERVER_PUNCH.host, port), b"\0", 64)
    call.stream(server=hit)
    found = of_server(told(call), hit)
    assert found.sources == (Source.OBSERVED,)
    assert found.state is CandidateState.NOMINATED
    assert found.sent.normal == 1
    assert of_client(told(call)).state is CandidateState.NOMINATED


def test_an_attempt_without_rounds_has_no_candidate_of_the_client() -> None:
    flow = told(shaken())
    assert [one.of_server for one in flow.candidates] == [True], "the relay told where the server is"
