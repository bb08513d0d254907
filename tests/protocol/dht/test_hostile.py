"""Whatever arrives, a node neither raises nor grows beyond its bounds nor sends more than it was sent.

The law: `receive_datagram` with any bytes from any sender returns. What it cannot serve is counted.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.constants import Command
from protocol.dht.contact import Ask
from protocol.dht.limits import Limits
from protocol.dht.proofs import PROBE_SIZE
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest, as_request

SMALL = Limits(
    hosts=50, delayed_pings=20, records=30, records_per_target=10, routes=20, values=20, value_bytes=2000, forwards=20
)

fixed = st.binary(min_size=32, max_size=32)
hosts = st.integers(0, 0xFFFFFFFF).map(lambda n: ".".join(str(n >> shift & 255) for shift in (24, 16, 8, 0)))
senders = st.builds(Address, st.one_of(st.just(OTHER.host), hosts), st.integers(0, 65535))
values = st.one_of(st.none(), st.binary(max_size=300))
requests = st.builds(
    Request,
    st.integers(0, 0xFFFF),
    st.just(OWN),
    st.integers(0, 12),
    st.booleans(),
    id=st.one_of(st.none(), fixed),
    token=st.none(),
    target=st.one_of(st.none(), fixed),
    value=values,
)
responses = st.builds(
    Response,
    st.integers(0, 0xFFFF),
    senders,
    id=st.one_of(st.none(), fixed),
    token=st.one_of(st.none(), fixed),
    closer_nodes=st.one_of(st.none(), st.lists(senders, max_size=30).map(tuple)),
    error=st.integers(0, 300),
    value=values,
)
datagrams = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=100).map(lambda rest: b"\x03" + rest),
    st.binary(max_size=100).map(lambda rest: b"\x13" + rest),
    requests.map(encode_request),
    responses.map(encode_response),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(datagrams, senders), max_size=20))
def test_any_bytes_from_anybody(received: list[tuple[bytes, Address]]) -> None:
    t = NodeUnderTest(SMALL)
    for data, sender in received:
        t.tell_bytes(data, sender)
    t.advance(20)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(senders, max_size=25))
def test_any_answers_to_a_search(data: st.DataObject, named: list[Address]) -> None:
    """Answers with the right tid and host, but any content: nodes that do not exist, own address, broadcast."""
    t = NodeUnderTest(SMALL)
    t.tell(Request(1, OWN, 0, internal=True, id=node_id(OTHER)))
    ended: list[bool] = []
    t.node.searches.start(
        Ask(Command.LOOKUP, target=bytes(32)), t.now, on_finished=lambda result, _: ended.append(result.failure is None)
    )
    for _ in range(6):
        out = t.node.poll_datagram(t.now)
        if out is None:
            break
        answer = data.draw(responses)
        forged = Response(
            as_request(out).tid, answer.to, answer.id, answer.token, (*named, OWN), answer.error, answer.value
        )
        t.tell_bytes(encode_response(forged), out.to)
    for _ in range(100):
        if ended:
            break
        t.advance(5)
    assert ended == [True]
    assert t.node.searches.active == 0


def test_memory_is_bounded_under_a_flood_from_everywhere() -> None:
    t = NodeUnderTest(SMALL)
    random = Random(1)
    sent = received = 0
    for number in range(20_000):
        sender = Address(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1 + random.randrange(65535))
        request = Request(
            number & 0xFFFF,
            OWN,
            random.randrange(12),
            random.random() < 0.5,
            id=node_id(sender) if random.random() < 0.5 else None,
            target=random.randbytes(32),
            value=random.randbytes(random.randrange(200)),
        )
        data = encode_request(request)
        received += len(data)
        sent += sum(len(out.data) for out in t.tell_bytes(data, sender))
        if number % 100 == 0:
            t.advance(0.5)
    node = t.node
    assert len(node.membership) <= 256 * 20
    assert node.requests.in_flight < 100
    assert len(node.announcements) <= SMALL.records
    assert len(node.routes) <= SMALL.routes
    assert len(node.values) <= 2 * SMALL.values
    assert node.router.forwards <= SMALL.forwards
    assert sum(node.refused.values()) > 5000


def test_a_spoofed_victim_gets_less_than_was_sent_in_its_name() -> None:
    """The attacker sends as the victim from many ports, as fast as it can."""
    t = NodeUnderTest()
    for other in (Address("10.0.7.1", port) for port in range(1, 30)):
        t.tell(Request(1, OWN, 0, internal=True, id=node_id(other)), other)
    t.strangers = True
    sent = received = 0
    for number in range(5000):
        victim = Address("10.9.9.9", 1 + number % 60_000)
        data = encode_request(Request(1, OWN, Command.LOOKUP, target=bytes(32)))
        received += len(data)
        out = t.tell_bytes(data, victim) + t.advance(0.001)
        sent += sum(len(outgoing.data) for outgoing in out)
        assert all(len(outgoing.data) <= len(data) for outgoing in out)
    sent += sum(len(outgoing.data) for outgoing in t.advance(5) if outgoing.to.host == "10.9.9.9")
    assert received * 0.9 < sent <= received + 4 * PROBE_SIZE


def test_a_flood_of_one_host_leaves_others_served() -> None:
    t = NodeUnderTest(Limits(request_rate=100, request_burst=100))
    ping = Request(1, OWN, 0, internal=True)
    assert sum(t.ask(ping, Address("10.9.9.9", port)) is not None for port in range(1, 1000)) == 100
    assert t.ask(ping) is not None
