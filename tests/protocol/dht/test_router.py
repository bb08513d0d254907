"""Relaying: every leg of a handshake and a holepunch, and what is not passed on."""

from __future__ import annotations

import pytest

from protocol.constants import Command, Mode
from protocol.dht.limits import Limits
from protocol.dht.proofs import PROBE_SIZE
from protocol.dht.refusals import Refusal
from protocol.dht.signing import signed_announce
from protocol.envelope import decode_response, encode_request, encode_response
from protocol.hashes import node_id, target_of
from protocol.keys import key_pair
from protocol.messages import Address, Announce, Handshake, Holepunch, PeerRecord, Request, Response
from protocol.peer_values import (
    decode_handshake,
    decode_holepunch,
    encode_announce,
    encode_handshake,
    encode_holepunch,
)
from tests.protocol.dht.clock import OWN, NodeUnderTest, as_request

PAIR = key_pair(b"k" * 32)
TARGET = target_of(PAIR.public_key)
SERVER = Address("10.0.0.5", 5000)
CLIENT = Address("10.0.0.6", 6000)
RELAY = Address("10.0.0.7", 7000)
VICTIM = Address("10.66.66.66", 53)
NOISE = b"n" * 100
SEALED = b"p" * 80


def announced(limits: Limits | None = None, *, at: Address = SERVER) -> NodeUnderTest:
    """A node at which the server announced itself."""
    t = NodeUnderTest(limits)
    token = t.token(at)
    announce = Announce(PeerRecord(PAIR.public_key, ()))
    signed = signed_announce(Command.ANNOUNCE, PAIR, TARGET, token, node_id(OWN), announce)
    assert t.ask(Request(1, OWN, Command.ANNOUNCE, target=TARGET, token=token, value=encode_announce(signed)), at)
    return t


def handshake(value: Handshake, tid: int = 321, target: bytes | None = TARGET) -> Request:
    return Request(tid, OWN, Command.PEER_HANDSHAKE, target=target, value=encode_handshake(value))


def holepunch(value: Holepunch, tid: int = 321, target: bytes | None = TARGET) -> Request:
    return Request(tid, OWN, Command.PEER_HOLEPUNCH, target=target, value=encode_holepunch(value))


def passed_on(t: NodeUnderTest, request: Request, sender: Address) -> tuple[Address, Request] | None:
    """Where a request goes on to, and as what."""
    sent = [outgoing for outgoing in t.tell(request, sender) if outgoing.data[0] == 3]
    if not sent:
        return None
    (outgoing,) = sent
    assert as_request(outgoing).to == outgoing.to
    return outgoing.to, as_request(outgoing)


def answered(t: NodeUnderTest, request: Request, sender: Address) -> tuple[Address, Response] | None:
    """Where an answer goes, and which."""
    sent = [outgoing for outgoing in t.tell(request, sender) if outgoing.data[0] == 0x13]
    return (sent[0].to, decode_response(sent[0].data)) if sent else None


def refused(t: NodeUnderTest, request: Request, sender: Address, refusal: Refusal) -> bool:
    """Whether a request is counted so, and nothing is sent."""
    before = t.node.refused[refusal]
    return not t.tell(request, sender) and t.node.refused[refusal] == before + 1


def test_a_handshake_over_one_relay() -> None:
    t = announced()
    went = passed_on(t, handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
    assert went is not None
    to, request = went
    assert to == SERVER
    assert (request.tid, request.target, request.id) == (321, TARGET, node_id(OWN))
    assert decode_handshake(request.value or b"") == Handshake(Mode.FROM_RELAY, NOISE, peer_address=CLIENT)
    # The server may answer from another of its sockets.
    other_port = Address(SERVER.host, 5001)
    back = answered(t, handshake(Handshake(Mode.FROM_SERVER, b"answer" * 20, peer_address=CLIENT)), other_port)
    assert back is not None
    to, response = back
    assert to == CLIENT
    assert (response.tid, response.token, response.closer_nodes) == (321, None, None)
    assert decode_handshake(response.value or b"") == Handshake(Mode.REPLY, b"answer" * 20, peer_address=other_port)
    assert t.node.router.relayed == 2


def test_a_handshake_over_a_second_relay() -> None:
    """The server announced at ours from a relay, which is the second one then."""
    t = announced()
    went = passed_on(t, handshake(Handshake(Mode.FROM_RELAY, NOISE, peer_address=CLIENT)), RELAY)
    assert went is not None
    to, request = went
    assert to == SERVER
    assert decode_handshake(request.value or b"") == Handshake(
        Mode.FROM_SECOND_RELAY, NOISE, peer_address=CLIENT, relay_address=RELAY
    )
    # The answer goes to the first relay: nobody waits for one here.
    assert t.node.router.forwards == 0


def test_a_handshake_through_the_relay_that_the_client_names() -> None:
    t = announced(at=RELAY)
    value = Handshake(Mode.FROM_CLIENT, NOISE, relay_address=RELAY)
    went = passed_on(t, handshake(value, target=b"t" * 32), CLIENT)
    assert went is not None
    assert went[0] == RELAY
    # The server itself answers, which this node has never heard of.
    answer = handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=CLIENT), target=b"t" * 32)
    back = answered(t, answer, Address("10.0.0.9", 9))
    assert back is not None
    assert back[0] == CLIENT


def test_without_a_route_a_client_is_shown_closer_nodes() -> None:
    t = NodeUnderTest()
    t.tell(Request(1, OWN, 0, internal=True, id=node_id(RELAY)), RELAY)
    back = answered(t, handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
    assert back == (CLIENT, Response(321, CLIENT, id=node_id(OWN), closer_nodes=(RELAY,)))


@pytest.mark.parametrize("peer_address", [None, SERVER, Address(SERVER.host, 5555)])
def test_a_holepunch(peer_address: Address | None) -> None:
    t = announced()
    went = passed_on(t, holepunch(Holepunch(Mode.FROM_CLIENT, 7, SEALED, peer_address)), CLIENT)
    assert went is not None
    to, request = went
    assert to == (peer_address or SERVER)
    assert decode_holepunch(request.value or b"") == Holepunch(Mode.FROM_RELAY, 7, SEALED, CLIENT)
    back = answered(t, holepunch(Holepunch(Mode.FROM_SERVER, 0, b"a" * 60, CLIENT)), SERVER)
    assert back is not None
    to, response = back
    assert to == CLIENT
    assert decode_holepunch(response.value or b"") == Holepunch(Mode.REPLY, 0, b"a" * 60, SERVER)


def test_a_holepunch_to_a_server_that_answered_over_another_relay() -> None:
    """It never announced here, but answered to what was passed on."""
    t = announced(at=RELAY)
    server = Address("10.0.0.9", 9)
    value = Handshake(Mode.FROM_CLIENT, NOISE, relay_address=RELAY)
    t.tell(handshake(value), CLIENT)
    t.strangers = True
    sent = t.tell(handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=CLIENT)), server)
    [ping] = [outgoing for outgoing in sent if outgoing.to == server]
    punch = holepunch(Holepunch(Mode.FROM_CLIENT, 7, SEALED, server))
    assert not t.tell(punch, CLIENT)
    [went] = t.tell_bytes(encode_response(Response(as_request(ping).tid, OWN)), server)
    assert went.to == server
    assert as_request(went).command == Command.PEER_HOLEPUNCH


def test_an_ephemeral_node_relays_too() -> None:
    t = NodeUnderTest(persistent=False)
    back = answered(t, handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
    assert back == (CLIENT, Response(321, CLIENT))


class TestNobodyElseIsReached:
    @pytest.mark.parametrize(
        "to", [OWN, Address("255.255.255.255", 1), Address("224.0.0.1", 1), Address("0.0.0.0", 1),
               Address(SERVER.host, 0)], ids=str,
    )  # fmt: skip
    def test_by_naming_an_address(self, to: Address) -> None:
        t = announced()
        through = handshake(Handshake(Mode.FROM_CLIENT, NOISE, relay_address=to))
        assert refused(t, through, CLIENT, Refusal.BAD_DESTINATION)
        assert refused(t, holepunch(Holepunch(Mode.FROM_CLIENT, 1, SEALED, to)), CLIENT, Refusal.BAD_DESTINATION)

    def test_by_naming_one_who_may_not_want_it(self) -> None:
        """A PING asks; without an answer nothing else is sent."""
        t = announced()
        through = handshake(Handshake(Mode.FROM_CLIENT, NOISE, relay_address=VICTIM))
        [ping] = t.tell(through, CLIENT)
        assert (ping.to, len(ping.data)) == (VICTIM, PROBE_SIZE)
        assert not t.tell(holepunch(Holepunch(Mode.FROM_CLIENT, 1, SEALED, VICTIM)), CLIENT)
        assert VICTIM not in {outgoing.to for outgoing in t.advance(5)}
        assert t.node.refused[Refusal.BAD_DESTINATION] == 2

    def test_by_repeating_an_answer(self) -> None:
        t = announced()
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
        answer = handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=CLIENT))
        assert answered(t, answer, SERVER) is not None
        assert refused(t, answer, SERVER, Refusal.UNKNOWN_FORWARD)

    def test_by_an_answer_that_is_larger_than_what_was_asked(self) -> None:
        t = announced()
        t.strangers = True
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), VICTIM)
        answer = handshake(Handshake(Mode.FROM_SERVER, NOISE * 4, peer_address=VICTIM))
        t.node._guard.verify(SERVER.host, t.now)
        [ping] = t.tell(answer, SERVER)
        assert (ping.to, len(ping.data)) == (VICTIM, PROBE_SIZE)
        assert VICTIM not in {outgoing.to for outgoing in t.advance(5)}
        assert t.node.refused[Refusal.AMPLIFICATION] == 1

    def test_by_answering_what_nobody_asked(self) -> None:
        t = announced()
        for request in (
            handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=VICTIM)),
            handshake(Handshake(Mode.FROM_SERVER, NOISE)),
            holepunch(Holepunch(Mode.FROM_SERVER, 0, SEALED, VICTIM)),
            holepunch(Holepunch(Mode.FROM_SERVER, 0, SEALED)),
        ):
            assert refused(t, request, SERVER, Refusal.UNKNOWN_FORWARD)

    def test_by_changing_the_tid_target_or_command_of_an_answer(self) -> None:
        t = announced()
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
        answer = Handshake(Mode.FROM_SERVER, NOISE, peer_address=CLIENT)
        for request in (
            handshake(answer, tid=322),
            handshake(answer, target=b"x" * 32),
            handshake(answer, target=None),
            holepunch(Holepunch(Mode.FROM_SERVER, 0, SEALED, CLIENT)),
            handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=Address(CLIENT.host, 1))),
        ):
            assert refused(t, request, SERVER, Refusal.UNKNOWN_FORWARD)
        assert answered(t, handshake(answer), SERVER) is not None

    def test_after_the_answer_is_overdue(self) -> None:
        t = announced()
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
        answer = handshake(Handshake(Mode.FROM_SERVER, NOISE, peer_address=CLIENT))
        t.advance(29)
        assert answered(t, answer, SERVER) is not None
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE)), CLIENT)
        t.advance(31)
        assert refused(t, answer, SERVER, Refusal.UNKNOWN_FORWARD)

    def test_without_a_route(self) -> None:
        t = NodeUnderTest()
        relayed = handshake(Handshake(Mode.FROM_RELAY, NOISE, peer_address=CLIENT))
        assert refused(t, relayed, RELAY, Refusal.NO_ROUTE)
        assert refused(t, holepunch(Holepunch(Mode.FROM_CLIENT, 1, SEALED)), CLIENT, Refusal.NO_ROUTE)
        assert refused(t, holepunch(Holepunch(Mode.FROM_CLIENT, 1, SEALED), target=None), CLIENT, Refusal.NO_ROUTE)

    @pytest.mark.parametrize("mode", [Mode.FROM_SECOND_RELAY, Mode.REPLY, 77])
    def test_in_modes_that_are_for_servers_and_clients(self, mode: int) -> None:
        t = announced()
        value = Handshake(mode, NOISE, CLIENT, RELAY)
        assert refused(t, handshake(value), RELAY, Refusal.NO_ROUTE)
        assert refused(t, holepunch(Holepunch(mode, 1, SEALED, CLIENT)), RELAY, Refusal.NO_ROUTE)

    def test_with_bytes_that_are_no_value(self) -> None:
        t = announced()
        for command in (Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH):
            for value in (None, b"", b"\0", b"\3\0\5ab"):
                request = Request(1, OWN, command, target=TARGET, value=value)
                assert refused(t, request, CLIENT, Refusal.BAD_VALUE)
        assert refused(t, handshake(Handshake(Mode.FROM_CLIENT, b"")), CLIENT, Refusal.BAD_VALUE)


def test_what_one_host_can_have_relayed_is_bounded() -> None:
    t = announced(Limits(relay_rate=1, relay_burst=5))
    for tid in range(20):
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE), tid), CLIENT)
        t.tell(holepunch(Holepunch(Mode.FROM_CLIENT, 1, SEALED), tid), CLIENT)
    assert t.node.router.relayed == 5
    assert t.node.refused[Refusal.TOO_MANY_REQUESTS] == 35
    assert passed_on(t, handshake(Handshake(Mode.FROM_CLIENT, NOISE)), Address("10.0.0.8", 1)) is not None


def test_what_is_remembered_is_bounded() -> None:
    t = announced(Limits(forwards=10))
    for tid in range(50):
        t.tell(handshake(Handshake(Mode.FROM_CLIENT, NOISE), tid), CLIENT)
    assert t.node.router.forwards == 10


def test_nothing_grows_on_the_way() -> None:
    """A relayed message is larger than what came in by the addresses that relays add, at most."""
    t = announced()
    request = handshake(Handshake(Mode.FROM_CLIENT, NOISE))
    (outgoing,) = t.tell(request, CLIENT)
    assert len(outgoing.data) <= len(encode_request(request)) + 6 + 32
