"""Servers of our own behind the router: how questions come, where answers go; and the client's side."""

from __future__ import annotations

import pytest

from protocol.constants import Command, Mode, ResponseError
from protocol.dht.contact import Failure, Incoming, NodeSocket
from protocol.dht.local_server import Answer, LocalReply
from protocol.dht.proofs import PROBE_SIZE
from protocol.dht.refusals import Refusal
from protocol.dht.router_client import (
    BadReply,
    HandshakeReply,
    HolepunchReply,
    RelayFailed,
    peer_handshake,
    peer_holepunch,
)
from protocol.envelope import decode_response, encode_response
from protocol.hashes import target_of
from protocol.keys import key_pair
from protocol.messages import Address, Handshake, Holepunch, PeerRecord, Request, Response
from protocol.peer_values import (
    decode_handshake,
    decode_holepunch,
    encode_handshake,
    encode_holepunch,
    encode_peer_record,
)
from tests.protocol.dht.clock import OTHER, OWN, NodeUnderTest, as_request

PAIR = key_pair(b"k" * 32)
TARGET = target_of(PAIR.public_key)
CLIENT = Address("10.0.0.6", 6000)
RELAY = Address("10.0.0.7", 7000)
SECOND_RELAY = Address("10.0.0.8", 8000)
NOISE = b"n" * 300
SEALED = b"p" * 80
POOL_SOCKET = 9


class Server:
    """Keeps what it is asked, and answers when the test says so."""

    record = encode_peer_record(PeerRecord(PAIR.public_key, ()))

    def __init__(self) -> None:
        self.asked: list[tuple[Handshake | Holepunch, Incoming]] = []
        self.answers: list[Answer] = []

    def serve_handshake(self, value: Handshake, request: Incoming, now: float, answer: Answer) -> None:
        self.asked.append((value, request))
        self.answers.append(answer)

    def serve_holepunch(self, value: Holepunch, request: Incoming, now: float, answer: Answer) -> None:
        self.asked.append((value, request))
        self.answers.append(answer)


def listening() -> tuple[NodeUnderTest, Server]:
    t = NodeUnderTest()
    server = Server()
    t.node.router.add_server(TARGET, server)
    t.node.requests.sockets.add(POOL_SOCKET)
    return t, server


def handshake(value: Handshake, tid: int = 321) -> Request:
    return Request(tid, OWN, Command.PEER_HANDSHAKE, target=TARGET, value=encode_handshake(value))


def holepunch(value: Holepunch) -> Request:
    return Request(321, OWN, Command.PEER_HOLEPUNCH, target=TARGET, value=encode_holepunch(value))


def test_a_client_that_asks_directly_gets_a_reply() -> None:
    t, server = listening()
    assert not t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
    ((value, request),) = server.asked
    assert value == Handshake(Mode.FROM_CLIENT, NOISE)
    assert request.sender.address == CLIENT
    server.answers[0](LocalReply(b"answer", POOL_SOCKET), t.now)
    server.answers[0](LocalReply(b"again"), t.now)
    out = t.node.poll_datagram(t.now)
    assert out is not None
    assert (out.to, out.socket) == (CLIENT, POOL_SOCKET)
    answer = decode_response(out.data)
    assert (answer.tid, answer.id, answer.token, answer.closer_nodes, answer.error) == (321, None, None, None, 0)
    assert decode_handshake(answer.value or b"") == Handshake(Mode.REPLY, b"answer")
    assert t.node.poll_datagram(t.now) is None


@pytest.mark.parametrize(
    ("mode", "second", "back"),
    [(Mode.FROM_RELAY, None, RELAY), (Mode.FROM_SECOND_RELAY, SECOND_RELAY, SECOND_RELAY)],
)
@pytest.mark.parametrize("socket", [None, POOL_SOCKET])
def test_what_came_over_a_relay_goes_back_over_it(
    mode: Mode, second: Address | None, back: Address, socket: int | None
) -> None:
    t, server = listening()
    t.node._guard.verify(SECOND_RELAY.host, t.now)
    t.tell(handshake(Handshake(mode, NOISE, CLIENT, second)), RELAY)
    ((value, _),) = server.asked
    assert isinstance(value, Handshake)
    assert value.peer_address == CLIENT
    server.answers[0](LocalReply(b"answer" * 60, socket), t.now)
    out = t.node.poll_datagram(t.now)
    assert out is not None
    assert (out.to, out.socket) == (back, NodeSocket.SERVER if socket is None else socket)
    request = as_request(out)
    assert (request.tid, request.to, request.target, request.token) == (321, back, TARGET, None)
    assert (request.id is not None) == (socket is None)
    assert decode_handshake(request.value or b"") == Handshake(Mode.FROM_SERVER, b"answer" * 60, CLIENT)


def test_rounds_of_holepunching() -> None:
    t, server = listening()
    t.tell(holepunch(Holepunch(Mode.FROM_RELAY, 7, SEALED, CLIENT)), RELAY)
    ((value, _),) = server.asked
    assert value == Holepunch(Mode.FROM_RELAY, 7, SEALED, CLIENT)
    server.answers[0](LocalReply(b"sealed", POOL_SOCKET), t.now)
    out = t.node.poll_datagram(t.now)
    assert out is not None
    assert (out.to, out.socket) == (RELAY, POOL_SOCKET)
    assert decode_holepunch(as_request(out).value or b"") == Holepunch(Mode.FROM_SERVER, 0, b"sealed", CLIENT)


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (handshake(Handshake(Mode.FROM_SERVER, NOISE, CLIENT)), Refusal.NO_ROUTE),
        (handshake(Handshake(Mode.REPLY, NOISE, CLIENT)), Refusal.NO_ROUTE),
        (handshake(Handshake(99, NOISE, CLIENT)), Refusal.NO_ROUTE),
        (handshake(Handshake(Mode.FROM_CLIENT, b"")), Refusal.BAD_VALUE),
        (handshake(Handshake(Mode.FROM_SECOND_RELAY, NOISE, CLIENT)), Refusal.BAD_VALUE),
        (handshake(Handshake(Mode.FROM_SECOND_RELAY, NOISE, CLIENT, Address("255.255.255.255", 1))), Refusal.BAD_VALUE),
        (holepunch(Holepunch(Mode.FROM_RELAY, 7, SEALED)), Refusal.BAD_VALUE),
        (holepunch(Holepunch(Mode.FROM_CLIENT, 7, SEALED)), Refusal.NO_ROUTE),
        (holepunch(Holepunch(Mode.REPLY, 7, SEALED, CLIENT)), Refusal.NO_ROUTE),
    ],
)
def test_what_a_server_is_not_asked(request_: Request, refusal: Refusal) -> None:
    t, server = listening()
    assert not t.tell(request_, RELAY)
    assert not server.asked
    assert t.node.refused == {refusal: 1}


def test_an_answer_to_a_relay_that_anybody_named_is_bounded() -> None:
    t, server = listening()
    victim = Address("10.66.66.66", 53)
    for tid in range(3):
        t.tell(handshake(Handshake(Mode.FROM_SECOND_RELAY, b"n", CLIENT, victim), tid=tid), RELAY)
    for answer in server.answers:
        answer(LocalReply(b"a" * 300), t.now)
    assert (out := t.node.poll_datagram(t.now)) is not None
    assert (out.to, len(out.data)) == (victim, PROBE_SIZE)
    assert victim not in {outgoing.to for outgoing in t.advance(5)}
    assert t.node.refused == {Refusal.AMPLIFICATION: 3}


def test_a_direct_client_is_where_it_sends_from() -> None:
    """Whatever address it claims: a policy that looks at addresses must not be lied to."""
    t, server = listening()
    t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE, Address("10.66.66.66", 53))), CLIENT)
    ((value, request),) = server.asked
    assert value == Handshake(Mode.FROM_CLIENT, NOISE)
    assert request.sender.address == CLIENT


def test_an_answer_after_its_socket_has_closed_is_counted_and_not_sent() -> None:
    t, server = listening()
    t.tell(handshake(Handshake(Mode.FROM_RELAY, NOISE, CLIENT)), RELAY)
    t.node.requests.sockets.discard(POOL_SOCKET)
    server.answers[0](LocalReply(b"answer", POOL_SOCKET), t.now)
    assert t.node.poll_datagram(t.now) is None
    assert t.node.refused == {Refusal.CLOSED_SOCKET: 1}


def test_a_persistent_node_knows_its_own_servers() -> None:
    t, server = listening()
    find = t.ask(Request(1, OWN, Command.FIND_PEER, target=TARGET))
    look = t.ask(Request(1, OWN, Command.LOOKUP, target=TARGET))
    assert find is not None
    assert look is not None
    assert find.value == server.record
    assert server.record in (look.value or b"")
    t.node.router.remove_server(TARGET)
    t.node.router.remove_server(TARGET)
    find = t.ask(Request(1, OWN, Command.FIND_PEER, target=TARGET))
    assert find is not None
    assert find.value is None
    # Without the server, the node helps the client to find its way.
    answer = t.ask(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
    assert answer is not None
    assert answer.value is None


class Asking:
    """A client whose one request the test answers."""

    def __init__(self, *, holepunching: bool = False, **given: object) -> None:
        self.t = NodeUnderTest()
        self.t.node.requests.sockets.add(POOL_SOCKET)
        self.results: list[HandshakeReply | HolepunchReply | RelayFailed] = []
        session = self.t.node.session()

        def done(result: HandshakeReply | HolepunchReply | RelayFailed, _: float) -> None:
            self.results.append(result)

        if holepunching:
            peer_holepunch(session, TARGET, 7, SEALED, RELAY, self.t.now, done, **given)  # type: ignore[arg-type]
        else:
            peer_handshake(session, TARGET, NOISE, RELAY, self.t.now, done, **given)  # type: ignore[arg-type]
        out = self.t.node.poll_datagram(self.t.now)
        assert out is not None
        assert out.to == RELAY
        self.sent, self.request = out, as_request(out)

    def answered(self, value: bytes | None, sender: Address = RELAY, error: int = 0) -> object:
        response = Response(self.request.tid, CLIENT, value=value, error=error)
        self.t.node.receive_datagram(encode_response(response), sender, self.t.now, self.sent.socket)
        (result,) = self.results
        return result


def test_asking_for_a_connection() -> None:
    asking = Asking(relay_address=SECOND_RELAY, socket=POOL_SOCKET)
    assert asking.sent.socket == POOL_SOCKET
    assert (asking.request.id, asking.request.target) == (None, TARGET)
    assert decode_handshake(asking.request.value or b"") == Handshake(
        Mode.FROM_CLIENT, NOISE, relay_address=SECOND_RELAY
    )
    value = encode_handshake(Handshake(Mode.REPLY, b"answer", peer_address=OTHER))
    assert asking.answered(value) == HandshakeReply(b"answer", True, OTHER, CLIENT)


def test_a_server_that_was_asked_directly() -> None:
    asking = Asking()
    assert asking.sent.socket == NodeSocket.SERVER
    value = encode_handshake(Handshake(Mode.REPLY, b"answer"))
    assert asking.answered(value) == HandshakeReply(b"answer", False, RELAY, CLIENT)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        encode_handshake(Handshake(Mode.REPLY, b"")),
        encode_handshake(Handshake(Mode.FROM_SERVER, b"answer")),
    ],
)
def test_answers_that_are_none(value: bytes | None) -> None:
    assert Asking().answered(value) == RelayFailed(BadReply.HANDSHAKE, no_route=value is None)


def test_an_answer_from_another_port_is_none() -> None:
    value = encode_handshake(Handshake(Mode.REPLY, b"answer"))
    assert Asking().answered(value, Address(RELAY.host, 1)) == RelayFailed(BadReply.HANDSHAKE)


def test_an_error_is_no_answer() -> None:
    assert Asking().answered(None, error=ResponseError.UNKNOWN_COMMAND) == RelayFailed(BadReply.HANDSHAKE)


def test_silence() -> None:
    for holepunching in (False, True):
        asking = Asking(holepunching=holepunching)
        sent = [out for out in asking.t.advance(10) if out.to == RELAY]
        assert len(sent) == 3
        assert asking.results == [RelayFailed(Failure.TIMED_OUT)]


def test_a_round() -> None:
    asking = Asking(holepunching=True, peer_address=OTHER, socket=POOL_SOCKET)
    assert asking.sent.socket == POOL_SOCKET
    assert decode_holepunch(asking.request.value or b"") == Holepunch(Mode.FROM_CLIENT, 7, SEALED, OTHER)
    value = encode_holepunch(Holepunch(Mode.REPLY, 0, b"sealed", OTHER))
    assert asking.answered(value) == HolepunchReply(b"sealed", RELAY, CLIENT, OTHER)


@pytest.mark.parametrize(
    "value", [None, b"", b"\xff" * 9, encode_holepunch(Holepunch(Mode.FROM_SERVER, 0, b"sealed", OTHER))]
)
def test_rounds_without_an_answer(value: bytes | None) -> None:
    assert Asking(holepunching=True).answered(value) == RelayFailed(BadReply.HOLEPUNCH)


def test_an_address_that_is_missing_is_the_one_that_was_asked() -> None:
    value = encode_holepunch(Holepunch(Mode.REPLY, 0, b"sealed"))
    assert Asking(holepunching=True).answered(value) == HolepunchReply(b"sealed", RELAY, CLIENT, RELAY)
