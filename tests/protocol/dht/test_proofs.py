"""Hosts that prove their address before they get more than they sent."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import Command, InternalCommand
from protocol.dht.contact import NodeSocket, Outgoing
from protocol.dht.limits import Guard, Limits
from protocol.dht.proofs import (
    ANSWER_WITHIN,
    HELD,
    PORTS,
    PROBE_SIZE,
    REPEAT_AFTER,
    WRONG,
    WRONG_AGE,
    Proofs,
    shortened,
)
from protocol.dht.refusals import Refusal
from protocol.envelope import decode_response, encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest, as_request

FIND_NODE = Request(7, OWN, InternalCommand.FIND_NODE, internal=True, target=bytes(32))
PING = Request(8, OWN, InternalCommand.PING, internal=True)


def stranger(nodes: int = 20) -> NodeUnderTest:
    """A node that knows others, and takes nobody at their word."""
    t = NodeUnderTest()
    for port in range(1, nodes + 1):
        other = Address("10.0.7.1", port)
        t.tell(Request(1, OWN, 0, internal=True, id=node_id(other)), other)
    t.strangers = True
    return t


def pong(ping: Outgoing) -> bytes:
    return encode_response(Response(as_request(ping).tid, OWN))


def test_an_answer_waits_for_the_proof_and_is_whole() -> None:
    t = stranger()
    [ping] = t.tell(FIND_NODE)
    assert (ping.to, ping.socket, len(ping.data)) == (OTHER, NodeSocket.SERVER, PROBE_SIZE)
    [answer] = t.tell_bytes(pong(ping), OTHER)
    response = decode_response(answer.data)
    assert (answer.to, response.tid, response.id) == (OTHER, 7, node_id(OWN))
    assert len(response.closer_nodes or ()) == 20
    # And from now on at once.
    assert len(t.tell(FIND_NODE, Address(OTHER.host, 9))[0].data) == len(answer.data)
    assert not t.node.refused


def test_the_proof_holds_for_ten_minutes() -> None:
    t = stranger()
    t.tell_bytes(pong(t.tell(PING)[0]), OTHER)
    t.advance(599)
    assert len(t.tell(PING)[0].data) == 42
    t.advance(2)
    assert len(t.tell(PING)[0].data) == PROBE_SIZE


def test_a_token_is_a_proof_too() -> None:
    t = stranger()
    t.tell(Request(1, OWN, Command.LOOKUP, target=bytes(32)))
    [short] = [outgoing for outgoing in t.advance(2) if outgoing.to == OTHER]
    token = decode_response(short.data).token
    assert token is not None
    assert len(short.data) <= 43
    t.tell(Request(2, OWN, Command.LOOKUP, token=token, target=bytes(32)))
    assert len(t.tell(FIND_NODE)[0].data) > 100


def test_silence_gets_a_few_nodes_without_the_id() -> None:
    t = stranger()
    t.tell(FIND_NODE)
    sent = [outgoing for outgoing in t.advance(ANSWER_WITHIN + 0.1) if outgoing.to == OTHER]
    [short] = [decode_response(outgoing.data) for outgoing in sent]
    assert (short.tid, short.id, len(short.closer_nodes or ())) == (7, None, 5)
    assert len(sent[0].data) <= len(encode_request(FIND_NODE))
    assert t.node.refused == {Refusal.SHORTENED: 1}


def test_a_ping_of_a_stranger() -> None:
    t = stranger()
    [ping] = t.tell(PING)
    assert as_request(ping).internal
    [answer] = t.tell_bytes(pong(ping), OTHER)
    assert decode_response(answer.data) == Response(8, OTHER, id=node_id(OWN))


def test_who_was_asked_something_gets_an_answer_at_once() -> None:
    """Both sides want a proof: neither must wait for the other's."""
    t = stranger()
    [ping] = t.tell(FIND_NODE)
    [answer] = t.tell(PING)
    assert decode_response(answer.data) == Response(8, OTHER)
    assert len(t.tell_bytes(pong(ping), OTHER)) == 1


def test_a_repeated_request_repeats_the_question_and_waits_on() -> None:
    t = stranger()
    [first] = t.tell(FIND_NODE)
    assert not t.tell(FIND_NODE)
    t.advance(REPEAT_AFTER)
    [again] = t.tell(FIND_NODE)
    assert as_request(again).tid == as_request(first).tid
    assert not [outgoing for outgoing in t.advance(ANSWER_WITHIN - 0.1) if outgoing.to == OTHER]
    assert len(t.tell_bytes(pong(again), OTHER)) == 1


def test_who_has_an_id_enters_the_table_with_the_proof() -> None:
    """Anybody can compute the id that fits another's address."""
    t = stranger(0)
    victim = Address("10.9.9.9", 9)
    sent = t.tell(Request(1, OWN, 0, internal=True, id=node_id(victim)), victim)
    assert len(t.node.membership) == 0
    [ping] = [outgoing for outgoing in sent if outgoing.data[0] == 3]
    t.tell_bytes(encode_response(Response(as_request(ping).tid, OWN, id=node_id(victim))), victim)
    assert len(t.node.membership) == 1


def claim(t: NodeUnderTest, who: Address) -> Outgoing:
    """Somebody writes the id that fits this address; the ping that asks for a proof."""
    [ping] = [sent for sent in t.tell(Request(1, OWN, 0, internal=True, id=node_id(who)), who) if sent.data[0] == 3]
    return ping


def test_a_proof_without_the_id_is_believed_until_a_ping_tells() -> None:
    """A node that joins says no id to strangers, and one that takes no part says none to anybody."""
    for takes_part in (True, False):
        t = stranger(0)
        t.node.reachability.bootstrapped = True
        joins = Address("10.9.9.9", 9)
        sent = t.tell_bytes(pong(claim(t, joins)), joins)
        assert [node.address for node in t.node.membership.table] == [joins]
        [check] = [outgoing for outgoing in sent if outgoing.data[0] == 3]
        assert (check.to, as_request(check).command) == (joins, InternalCommand.PING)
        id = node_id(joins) if takes_part else None
        t.tell_bytes(encode_response(Response(as_request(check).tid, OWN, id=id)), joins)
        assert len(t.node.membership) == takes_part


def test_who_is_claimed_and_silent_leaves_again() -> None:
    """A host that proved itself vouches for its other ports as long as a ping takes."""
    t = stranger(0)
    one, other = Address("10.9.9.9", 9), Address("10.9.9.9", 10)
    ping = claim(t, one)
    claim(t, other)
    t.tell_bytes(encode_response(Response(as_request(ping).tid, OWN, id=node_id(one))), one)
    assert {node.address for node in t.node.membership.table} == {one, other}
    t.advance(10.0)
    assert [node.address for node in t.node.membership.table] == [one]


def test_claims_that_are_looked_at_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.dht.membership.MAX_CLAIMS", 3)
    t = stranger(0)
    for number in range(1, 9):
        joins = Address(f"10.9.9.{number}", 9)
        t.tell_bytes(pong(claim(t, joins)), joins)
    assert len(t.node.membership) == 3


def test_who_joins_is_told_of_those_who_joined_meanwhile() -> None:
    t = stranger(0)
    first, second = Address("10.9.9.1", 9), Address("10.9.9.2", 9)

    def joins(who: Address) -> Outgoing:
        ask = Request(2, OWN, InternalCommand.FIND_NODE, internal=True, id=node_id(who), target=node_id(who))
        [ping] = t.tell(ask, who)
        return ping

    pings = [joins(first), joins(second)]
    told = []
    for who, ping in zip((first, second), pings, strict=True):
        sent = t.tell_bytes(encode_response(Response(as_request(ping).tid, OWN, id=node_id(who))), who)
        [answer] = [decode_response(outgoing.data) for outgoing in sent if outgoing.data[0] == 0x13]
        told.append(set(answer.closer_nodes or ()))
    assert told == [{first}, {first, second}]


def test_other_ports_of_the_host_and_repeated_answers_are_welcome() -> None:
    t = stranger(0)
    ports = [Address("10.0.9.9", port) for port in (1, 2, 3)]
    pings = []
    for port in ports:
        pings += [
            sent for sent in t.tell(Request(1, OWN, 0, internal=True, id=node_id(port)), port) if sent.data[0] == 3
        ]
    assert len(pings) == 3
    for ping in (*pings, *pings):
        t.tell_bytes(encode_response(Response(as_request(ping).tid, OWN, id=node_id(ping.to))), ping.to)
    assert len(t.node.membership) == 3
    assert not t.node.refused
    assert t.node.requests.replies.proofs.proved == 1


def test_guesses_are_few() -> None:
    t = stranger()
    [ping] = t.tell(FIND_NODE)
    right = as_request(ping).tid
    for number in range(1, WRONG + 1):
        t.tell_bytes(encode_response(Response(right ^ number, OWN)), OTHER)
    t.tell_bytes(pong(ping), OTHER)
    assert not t.node._guard.is_verified(OTHER.host, t.now)
    assert t.node.refused[Refusal.UNMATCHED_RESPONSE] == WRONG + 1
    [short] = t.tell(FIND_NODE)
    assert len(short.data) <= 43
    t.advance(WRONG_AGE + 0.1)
    assert len(t.tell(FIND_NODE)[0].data) == PROBE_SIZE


def test_the_host_that_answers_has_to_be_the_one_that_was_asked() -> None:
    t = stranger()
    [ping] = t.tell(FIND_NODE)
    t.tell_bytes(pong(ping), Address("10.0.0.3", 2000))
    assert not t.node._guard.is_verified(OTHER.host, t.now)
    assert not t.node._guard.is_verified("10.0.0.3", t.now)


def test_what_waits_is_bounded() -> None:
    t = stranger()
    asked = 0
    for number in range(500):
        sent = t.tell(Request(number, OWN, 2, internal=True, target=bytes(32)), Address(OTHER.host, 1 + number % 50))
        asked += sum(outgoing.data[0] == 3 for outgoing in sent)
    assert asked == PORTS
    assert len(t.node.requests.replies.proofs) == HELD
    for number in range(20_000):
        t.tell(PING, Address(f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}", 5))
    assert t.node.requests.replies.proofs.pending <= 4096
    assert len(t.node.requests.replies.proofs) <= 4096
    t.advance(5)
    assert len(t.node.requests.replies.proofs) == 0


def test_closing_forgets_what_waits() -> None:
    t = stranger()
    t.tell(FIND_NODE)
    t.node.suspend(t.now)
    assert not t.advance(5)
    t.node.resume(OWN.port, t.now)
    assert len(t.node.requests.replies.proofs) == 0


RESPONSES = st.builds(
    Response,
    st.integers(0, 0xFFFF),
    st.just(OTHER),
    id=st.none() | st.binary(min_size=32, max_size=32),
    token=st.none() | st.binary(min_size=32, max_size=32),
    closer_nodes=st.none() | st.lists(st.just(OTHER), max_size=20).map(tuple),
    error=st.integers(0, 300),
    value=st.none() | st.binary(max_size=300),
)


@given(RESPONSES, st.integers(0, 400))
def test_shortened_responses_fit(response: Response, room: int) -> None:
    data = shortened(response, room)
    if data is None:
        return
    assert len(data) <= room
    short = decode_response(data)
    assert (short.tid, short.to, short.id, short.error) == (response.tid, response.to, None, response.error)
    assert short.token in (None, response.token)
    assert short.value in (None, response.value)
    assert (short.closer_nodes or ()) == (response.closer_nodes or ())[: len(short.closer_nodes or ())]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.floats(0, 3)), max_size=60))
def test_everything_that_waits_ends_once(story: list[tuple[int, int, float]]) -> None:
    guard, sent = Guard(Limits()), list[Outgoing]()
    proofs, now, ended = Proofs(Random(1), guard, sent.append), 0.0, list[int]()
    for number, (act, host, pause) in enumerate(story):
        address = Address(f"10.0.0.{host}", 1 + host % 3)
        if act < 3:
            proofs.ask(address, 1, now, lambda _: False)
            proofs.hold(address.host, number, now, lambda _proved, _now, number=number: ended.append(number))  # type: ignore[misc]
        elif act == 3 and sent:
            last = as_request(sent[-1])
            proofs.answered(last.tid, last.to, now)
        elif act == 4:
            proofs.wrong(address.host, now)
        else:
            now += pause
            proofs.handle_timeout(now)
    proofs.handle_timeout(now + 10)
    assert sorted(ended) == [number for number, (act, _, _) in enumerate(story) if act < 3]
    assert len(proofs) == 0
    assert proofs.next_timeout() is None


@pytest.mark.parametrize("room", [9, 10])
def test_the_least_there_is(room: int) -> None:
    assert (shortened(Response(1, OTHER, id=bytes(32)), room) is None) == (room < 10)
