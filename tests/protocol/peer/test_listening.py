"""A server and what strangers send to it: repeated, flooding, malformed and altered handshakes and rounds."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.constants import Command, ErrorCode, Firewall, Mode
from protocol.dht.contact import Contact, Incoming, Outgoing
from protocol.dht.events import AddressesChanged
from protocol.dht.local_server import LocalReply
from protocol.dht.options import NodeOptions
from protocol.keys import KeyPair, key_pair
from protocol.messages import (
    Address,
    Handshake,
    Holepunch,
    HolepunchPayload,
    NoisePayload,
    RelayInfo,
    RelayThrough,
    Request,
    UdxInfo,
)
from protocol.noise_handshake import HandshakeResult, NoiseInitiator
from protocol.peer.events import ConnectionAccepted, StageChanged
from protocol.peer.failures import Cause
from protocol.peer.listening import Server
from protocol.peer.options import ListenOptions, PeerLimits, PeerOptions
from protocol.peer.peer import Peer
from protocol.peer.refusals import ServerRefusal, StreamRefusal
from protocol.peer_values import decode_handshake
from protocol.punch.puncher import MAX_ADDRESSES
from protocol.sealed_values import (
    decode_holepunch_payload,
    decode_noise_payload,
    encode_holepunch_payload,
    encode_noise_payload,
)
from protocol.secretbox import open_payload, seal_payload
from protocol.stream.packet import build

SERVER, CLIENT = key_pair(b"s" * 32), key_pair(b"c" * 32)
CLIENT_ADDRESS = Address("30.0.0.1", 4000)
RELAY = Address("20.0.0.1", 49737)
OURS = Address("40.0.0.1", 5000)
OFFER = NoisePayload(1, ErrorCode.NONE, Firewall.UNKNOWN, udx=UdxInfo(1, False, 77, 0), secret_stream_version=1)


class Bench:
    """A server without a network, and clients made by hand."""

    def __init__(
        self, limits: PeerLimits | None = None, options: ListenOptions | None = None, nodes: tuple[Address, ...] = ()
    ) -> None:
        self.now = 100.0
        self.random = Random(1)
        self.peer = Peer(PeerOptions(node=NodeOptions(nodes=nodes), limits=limits or PeerLimits()), Random(2), self.now)
        self.peer.local_addresses = (Address("192.168.1.2", 49737),)
        self.peer.start(49737, self.now)
        self.server: Server = self.peer.listen(SERVER, self.now, options)
        self.count = 0

    def handshake(
        self, offer: NoisePayload = OFFER, *, pair: KeyPair = CLIENT, client: Address = CLIENT_ADDRESS
    ) -> tuple[NoiseInitiator, bytes]:
        initiator = NoiseInitiator(pair, SERVER.public_key, self.random.randbytes(32))
        return initiator, initiator.write_message_1(encode_noise_payload(offer))

    def send(self, noise: bytes, *, client: Address | None = CLIENT_ADDRESS) -> list[LocalReply]:
        answers: list[LocalReply] = []
        value = Handshake(Mode.FROM_CLIENT if client is None else Mode.FROM_RELAY, noise, client)
        self.server.serve_handshake(value, self.incoming(), self.now, lambda reply, _: answers.append(reply))
        self.drain()
        return answers

    def punch(self, id: int, payload: bytes, *, client: Address = CLIENT_ADDRESS) -> list[LocalReply]:
        answers: list[LocalReply] = []
        value = Holepunch(Mode.FROM_RELAY, id, payload, client)
        self.server.serve_holepunch(value, self.incoming(), self.now, lambda reply, _: answers.append(reply))
        self.drain()
        return answers

    def incoming(self) -> Incoming:
        self.count += 1
        request = Request(self.count & 0xFFFF, OURS, Command.PEER_HANDSHAKE, False, target=self.server.target)
        return Incoming(Contact(RELAY), request, 0, False, 200)

    def agreed(self) -> tuple[NoisePayload, HandshakeResult]:
        initiator, noise = self.handshake()
        [reply] = self.send(noise)
        plain, result = initiator.read_message_2(reply.payload)
        return decode_noise_payload(plain), result

    def drain(self) -> list[object]:
        told: list[object] = []
        while self.peer.poll_datagram(self.now) is not None:
            pass
        while (event := self.peer.poll_event()) is not None:
            told.append(event)
        return told

    def run(self, seconds: float) -> list[Outgoing]:
        """Let time pass; what the peer sends meanwhile."""
        end, sent = self.now + seconds, list[Outgoing]()
        while (due := self.peer.next_timeout()) is not None and due <= end:
            self.now = max(due, self.now + 1e-6)
            self.peer.handle_timeout(self.now)
            while (outgoing := self.peer.poll_datagram(self.now)) is not None:
                sent.append(outgoing)
            self.drain()
        self.now = end
        return sent

    def offer(self, offer: NoisePayload, *, client: Address = CLIENT_ADDRESS) -> Handshake:
        """A handshake as a relay passes it on."""
        return Handshake(Mode.FROM_RELAY, self.handshake(offer)[1], client)

    def take(self, value: Handshake) -> list[Outgoing]:
        """Hand one in; what the peer sends at once."""
        self.server.serve_handshake(value, self.incoming(), self.now, lambda _reply, _now: None)
        sent = []
        while (outgoing := self.peer.poll_datagram(self.now)) is not None:
            sent.append(outgoing)
        self.drain()
        return sent


def test_a_repeated_handshake_gets_the_same_answer() -> None:
    bench = Bench()
    _, noise = bench.handshake()
    first = bench.send(noise)
    assert first == bench.send(noise)
    assert bench.server.handshakes == 1
    assert len(bench.peer.pool) == 1


def test_a_server_that_is_announced_nowhere_names_the_relay_that_brought_the_client() -> None:
    bench = Bench()
    said, _ = bench.agreed()
    assert said.holepunch is not None
    assert said.holepunch.relays == (RelayInfo(RELAY, OURS),)
    bench.server.announcer.relays = (RelayInfo(Address("20.0.0.2", 1), OURS),)
    said, _ = bench.agreed()
    assert said.holepunch is not None
    assert said.holepunch.relays == bench.server.announcer.relays


def test_each_relay_is_told_the_address_that_it_sees_the_client_at() -> None:
    bench = Bench()
    _, noise = bench.handshake()
    elsewhere = CLIENT_ADDRESS._replace(port=CLIENT_ADDRESS.port + 1)
    for client in (CLIENT_ADDRESS, elsewhere):
        [reply] = bench.send(noise, client=client)
        usual = Handshake(Mode.FROM_SERVER, reply.payload, client)
        assert reply.encode is not None
        assert decode_handshake(reply.encode(usual)) == usual


def test_a_server_is_announced_again_where_the_machine_has_another_address() -> None:
    bench = Bench()
    bench.run(20.0)
    updates = bench.server.announcer.updates
    assert updates
    bench.run(1.0)
    assert bench.server.announcer.updates == updates
    here = (Address("10.0.0.9", 49737),)
    bench.peer.addresses_changed(here, bench.now)
    assert bench.drain() == [AddressesChanged(here)]
    bench.run(1.0)
    assert bench.server.announcer.updates == updates + 1
    assert bench.peer.local_addresses == here


def test_a_client_that_came_without_a_relay_is_named_none() -> None:
    bench = Bench()
    initiator, noise = bench.handshake()
    [reply] = bench.send(noise, client=None)
    plain, _ = initiator.read_message_2(reply.payload)
    said = decode_noise_payload(plain).holepunch
    assert said is not None
    assert said.relays == ()


def test_a_handshake_without_a_round_is_cleared() -> None:
    bench = Bench()
    bench.agreed()
    bench.run(10.5)
    assert len(bench.peer.pool) == 0
    assert len(bench.peer.connections) == 0
    bench.run(10)
    assert bench.server.handshakes == 0


def test_two_handshakes_have_two_numbers_and_numbers_come_back() -> None:
    bench = Bench()
    numbers = []
    for _ in range(3):
        payload, _ = bench.agreed()
        assert payload.holepunch is not None
        numbers.append(payload.holepunch.id)
    assert numbers == [0, 1, 2]
    bench.run(25)
    payload, _ = bench.agreed()
    assert payload.holepunch is not None
    assert payload.holepunch.id == 0


def test_a_flood_from_one_host() -> None:
    bench = Bench(PeerLimits(handshake_rate=1, handshake_burst=5))
    answered = sum(bool(bench.send(bench.handshake()[1])) for _ in range(20))
    assert answered == 5
    assert bench.server.refused[ServerRefusal.TOO_MANY_FROM_HOST] == 15
    other = Address("30.0.0.2", 1)
    assert bench.send(bench.handshake()[1], client=other)


def test_a_flood_from_everywhere_takes_no_more_than_the_table() -> None:
    bench = Bench(PeerLimits(handshakes=8))
    for number in range(100):
        bench.send(bench.handshake()[1], client=Address(f"30.0.{number}.1", 1))
    assert bench.server.handshakes == 8
    assert len(bench.peer.pool) <= 8
    assert bench.server.refused[ServerRefusal.TABLE_FULL] == 92
    bench.run(25)
    assert bench.server.handshakes == 0
    assert bench.send(bench.handshake()[1])


def test_what_is_not_sealed_for_us_costs_a_place_but_no_socket() -> None:
    bench = Bench()
    noise = NoiseInitiator(CLIENT, key_pair(b"x" * 32).public_key, bytes(32)).write_message_1(b"")
    assert not bench.send(noise)
    assert not bench.send(noise)
    assert bench.server.refused == {ServerRefusal.NOT_SEALED: 1}
    assert len(bench.peer.pool) == len(bench.peer.connections) == 0


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        (NoisePayload(2), ErrorCode.VERSION_MISMATCH),
        (replace(OFFER, udx=None), ErrorCode.ABORTED),
    ],
)
def test_an_offer_that_does_not_fit_is_answered_with_an_error(offer: NoisePayload, error: ErrorCode) -> None:
    bench = Bench()
    initiator, noise = bench.handshake(offer)
    [reply] = bench.send(noise)
    answer = decode_noise_payload(initiator.read_message_2(reply.payload)[0])
    assert answer.error == error
    assert answer.udx is not None
    assert answer.udx.id == 0
    assert len(bench.peer.pool) == len(bench.peer.connections) == 0


def test_an_open_client_is_connected_at_once() -> None:
    bench = Bench()
    _, noise = bench.handshake(replace(OFFER, firewall=Firewall.OPEN))
    answers: list[LocalReply] = []
    value = Handshake(Mode.FROM_RELAY, noise, CLIENT_ADDRESS)
    bench.server.serve_handshake(value, bench.incoming(), bench.now, lambda reply, _: answers.append(reply))
    sent = []
    while (outgoing := bench.peer.poll_datagram(bench.now)) is not None:
        sent.append(outgoing)
    assert [outgoing.to for outgoing in sent if outgoing.data[0] == 0xFF] == [CLIENT_ADDRESS]
    assert any(isinstance(event, ConnectionAccepted) for event in bench.drain())
    assert bench.peer.punches.open == 1


def test_who_is_named_as_an_open_client_gets_no_more_than_the_handshake_had() -> None:
    """It may not want the stream; 14 packets in 13 s would be five times as much."""
    bench = Bench()
    sent = bench.take(bench.offer(replace(OFFER, firewall=Firewall.OPEN))) + bench.run(60)
    assert all(outgoing.to == CLIENT_ADDRESS for outgoing in sent)
    assert 79 <= sum(len(outgoing.data) for outgoing in sent) <= 200
    assert bench.server.handshakes == len(bench.peer.connections) == 0
    assert bench.peer.connections.refused[StreamRefusal.WITHHELD] > 0


def test_an_open_client_that_acknowledges_gets_everything() -> None:
    bench = Bench()
    [first] = bench.take(bench.offer(replace(OFFER, firewall=Firewall.OPEN)))
    [connection] = bench.peer.connections
    assert connection.may_send
    connection.send(bytes(5000))
    assert not bench.run(0.3)
    ack = build(0, connection.stream_id, 1 << 20, 0, 1)
    bench.peer.receive_datagram(ack, CLIENT_ADDRESS, bench.now, first.socket)
    got = 0
    while (outgoing := bench.peer.poll_datagram(bench.now)) is not None:
        got += len(outgoing.data)
    assert got + sum(len(outgoing.data) for outgoing in bench.run(2)) > 5000


def test_an_ack_from_elsewhere_is_no_proof() -> None:
    bench = Bench()
    [first] = bench.take(bench.offer(replace(OFFER, firewall=Firewall.OPEN)))
    [connection] = bench.peer.connections
    connection.send(bytes(5000))
    ack = build(0, connection.stream_id, 1 << 20, 0, 1)
    bench.peer.receive_datagram(ack, Address("30.0.0.66", 1), bench.now, first.socket)
    assert sum(len(outgoing.data) for outgoing in bench.run(60)) <= 200


def test_blind_relays_that_clients_choose_are_few() -> None:
    bench = Bench(PeerLimits(relay_dials=3), nodes=(RELAY,))
    for number in range(10):
        through = RelayThrough(1, key_pair(bytes([number]) * 32).public_key, bytes(32))
        bench.take(bench.offer(replace(OFFER, relay_through=through), client=Address(f"30.0.0.{number + 1}", 1)))
    assert bench.peer.relay_counts.attempts == 3
    assert bench.server.refused == {ServerRefusal.TOO_MANY_RELAYS: 7}
    # The attempts go on without.
    assert len(bench.peer.pool) == 10
    bench.run(60)
    through = RelayThrough(1, key_pair(b"z" * 32).public_key, bytes(32))
    bench.take(bench.offer(replace(OFFER, relay_through=through)))
    assert bench.peer.relay_counts.attempts == 4


def test_no_handshake_while_too_many_sockets_are_open() -> None:
    bench = Bench()
    bench.peer.pool._max = 2
    answered = [bool(bench.send(bench.handshake()[1])) for _ in range(4)]
    assert answered == [True, True, False, False]
    assert bench.server.refused == {ServerRefusal.NO_SOCKETS: 2}


def test_many_addresses_are_not_all_looked_at() -> None:
    bench = Bench()
    payload, result = bench.agreed()
    assert payload.holepunch is not None
    addresses = tuple(Address("30.0.0.1", 1 + number) for number in range(1000))
    said = HolepunchPayload(ErrorCode.NONE, Firewall.CONSISTENT, 0, addresses=addresses)
    sealed = seal_payload(result.holepunch_secret, encode_holepunch_payload(said), bytes(24))
    bench.punch(payload.holepunch.id, sealed)
    [handshake] = bench.server._by_id.values()
    assert handshake.puncher is not None
    assert len(handshake.puncher.remote_addresses) == MAX_ADDRESSES


def test_an_abort_is_answered_with_one_and_told_with_its_cause() -> None:
    bench = Bench()
    payload, result = bench.agreed()
    assert payload.holepunch is not None
    said = HolepunchPayload(ErrorCode.ABORTED, Firewall.UNKNOWN, 3)
    sealed = seal_payload(result.holepunch_secret, encode_holepunch_payload(said), bytes(24))
    answers: list[LocalReply] = []
    value = Holepunch(Mode.FROM_RELAY, payload.holepunch.id, sealed, CLIENT_ADDRESS)
    bench.server.serve_holepunch(value, bench.incoming(), bench.now, lambda reply, _: answers.append(reply))
    plain = open_payload(result.holepunch_secret, answers[0].payload)
    assert plain is not None
    assert decode_holepunch_payload(plain) == HolepunchPayload(ErrorCode.ABORTED, Firewall.UNKNOWN, 3)
    [closed] = [event for event in bench.drain() if isinstance(event, StageChanged) and event.closing is not None]
    assert closed.closing is not None
    assert closed.closing.cause is Cause.REMOTE_ABORTED
    # And again: the attempt is over, but the answer may have been lost.
    assert len(bench.punch(payload.holepunch.id, sealed)) == 1


@pytest.mark.parametrize("id", [1, 99, 2**31])
def test_a_round_of_nothing(id: int) -> None:
    bench = Bench()
    bench.agreed()
    assert not bench.punch(id, bytes(80))
    assert bench.server.refused[ServerRefusal.UNKNOWN_ID] == 1


@given(st.binary(max_size=120), st.integers(0, 2), st.booleans())
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes(data: bytes, id: int, direct: bool) -> None:
    bench = Bench()
    bench.agreed()
    assert not bench.punch(id, data)
    assert not bench.send(data, client=None if direct else CLIENT_ADDRESS)
    assert len(bench.peer.pool) == 1


def test_nothing_is_answered_after_the_end() -> None:
    bench = Bench()
    _, noise = bench.handshake()
    bench.server.close(bench.now)
    assert not bench.send(noise)
    assert bench.server.handshakes == 0
    bench.peer.close(bench.now)
    assert bench.peer.next_timeout() is None
