"""What a stranger can make a peer of ours send to a victim, message by message: the table of docs/node.md, measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from protocol.constants import Command, ErrorCode, Firewall, InternalCommand, Mode
from protocol.dht.contact import NodeSocket, Outgoing
from protocol.dht.options import NodeOptions
from protocol.dht.proofs import PROBE_SIZE
from protocol.dht.signing import signed_announce
from protocol.envelope import decode_request, decode_response, encode_request, encode_response
from protocol.hashes import blake2b_256, node_id, target_of
from protocol.keys import KeyPair, key_pair
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchPayload,
    NoisePayload,
    PeerRecord,
    Request,
    Response,
    UdxInfo,
)
from protocol.node_values import encode_delayed_ping, encode_down_hint, encode_ping_nat
from protocol.noise_handshake import HandshakeResult, NoiseInitiator, NoiseResponder
from protocol.peer.options import ConnectOptions, PeerOptions
from protocol.peer.peer import Peer
from protocol.peer_values import (
    decode_handshake,
    encode_announce,
    encode_handshake,
    encode_holepunch,
)
from protocol.sealed_values import decode_noise_payload, encode_holepunch_payload, encode_noise_payload
from protocol.secretbox import seal_payload
from protocol.stream.packet import HEARTBEAT, build

DOCS = Path(__file__).parents[3] / "docs" / "node.md"
VICTIM = Address("99.0.0.1", 53)
CROOK = Address("66.0.0.1", 6000)
RELAY = Address("20.0.0.1", 49737)
OURS = Address("40.0.0.1", 49737)
SERVER, CLIENT, ELSEWHERE = key_pair(b"s" * 32), key_pair(b"c" * 32), key_pair(b"e" * 32)
TARGET = target_of(SERVER.public_key)
TOPIC = blake2b_256(b"a topic")
VALUE = bytes(range(256)) * 4
MINUTE = 60.0
OFFER = NoisePayload(1, ErrorCode.NONE, Firewall.UNKNOWN, udx=UdxInfo(1, False, 77, 0), secret_stream_version=1)


class Bench:
    """A peer that knows twenty nodes, a topic with records and a value, and whose server listens."""

    def __init__(self, *, firewalled: bool = False) -> None:
        self.now = 1000.0
        options = NodeOptions(
            ephemeral=firewalled,
            firewalled=firewalled,
            public_address=None if firewalled else OURS,
            epoch=1_700_000_000.0,
        )
        self.peer = Peer(PeerOptions(node=options), Random(1), self.now)
        self.peer.start(OURS.port, self.now)
        node = self.peer.node
        for port in range(1, 21):
            other = Address("20.0.7.1", port)
            node._guard.verify(other.host, self.now)
            self.hand(Request(1, OURS, 0, internal=True, id=node_id(other)), other)
        if not firewalled:
            for number in range(20):
                self.announce(key_pair(bytes([number]) * 32), TOPIC)
            self.announce(ELSEWHERE, target_of(ELSEWHERE.public_key))
            self.put()
        self.server = self.peer.listen(SERVER, self.now)
        self.take()
        self.run(5)

    def token(self, sender: Address) -> bytes:
        self.peer.node._guard.verify(sender.host, self.now)
        self.hand(Request(1, OURS, Command.LOOKUP, target=TOPIC), sender)
        [answer] = [outgoing for outgoing in self.take() if outgoing.to == sender]
        token = decode_response(answer.data).token
        assert token is not None
        return token

    def announce(self, pair: KeyPair, target: bytes) -> None:
        sender = Address("20.0.8.1", 49737)
        token, own = self.token(sender), self.peer.node.id
        assert own is not None
        record = PeerRecord(pair.public_key, (RELAY,) * 3)
        value = signed_announce(Command.ANNOUNCE, pair, target, token, own, Announce(record))
        request = Request(2, OURS, Command.ANNOUNCE, target=target, token=token, value=encode_announce(value))
        self.hand(request, sender)
        assert any(outgoing.to == sender for outgoing in self.take())

    def put(self) -> None:
        sender = Address("20.0.8.1", 49737)
        target = blake2b_256(VALUE)
        self.hand(Request(3, OURS, Command.IMMUTABLE_PUT, target=target, token=self.token(sender), value=VALUE), sender)
        self.take()
        assert len(self.peer.node.values) == 1

    def hand(self, request: Request, sender: Address, socket: int = NodeSocket.SERVER) -> int:
        data = encode_request(request)
        self.peer.receive_datagram(data, sender, self.now, socket)
        return len(data)

    def take(self) -> list[Outgoing]:
        sent: list[Outgoing] = []
        while True:
            before = len(sent)
            while (outgoing := self.peer.poll_datagram(self.now)) is not None:
                sent.append(outgoing)
            while self.peer.poll_event() is not None:
                pass
            if len(sent) == before:
                return sent

    def run(self, seconds: float) -> list[Outgoing]:
        end, sent = self.now + seconds, self.take()
        while (due := self.peer.next_timeout()) is not None and due <= end:
            self.now = max(due, self.now + 1e-6)
            self.peer.handle_timeout(self.now)
            sent += self.take()
        self.now = end
        return sent

    def shake_hands(self, offer: NoisePayload = OFFER) -> tuple[NoisePayload, HandshakeResult, int]:
        """A crook shakes hands with our server over a relay."""
        initiator = NoiseInitiator(CLIENT, SERVER.public_key, bytes(32))
        noise = initiator.write_message_1(encode_noise_payload(offer))
        self.peer.node._guard.verify(RELAY.host, self.now)
        value = encode_handshake(Handshake(Mode.FROM_RELAY, noise, CROOK))
        size = self.hand(Request(5, OURS, Command.PEER_HANDSHAKE, target=TARGET, value=value), RELAY)
        [answer] = [outgoing for outgoing in self.take() if outgoing.to == RELAY]
        plain, result = initiator.read_message_2(decode_handshake(decode_request(answer.data).value or b"").noise)
        return decode_noise_payload(plain), result, size


@dataclass(frozen=True)
class Case:
    """One message in or about the victim's name."""

    name: str
    send: Callable[[Bench], int]
    """Sends it and returns the bytes that it took."""
    most: tuple[int, int]
    """Datagrams and bytes that the victim gets within a minute."""
    firewalled: bool = False


def request(command: int, *, internal: bool = False, **fields: object) -> Callable[[Bench], int]:
    asked = Request(7, OURS, command, internal, **fields)  # type: ignore[arg-type]
    return lambda bench: bench.hand(asked, VICTIM)


def stolen_token(bench: Bench) -> int:
    return bench.hand(
        Request(7, OURS, Command.ANNOUNCE, target=TOPIC, token=bench.token(CROOK), value=bytes(99)), VICTIM
    )


def shake(
    mode: Mode, firewall: Firewall, sender: Address, client: Address | None, relay: Address | None = None
) -> Callable[[Bench], int]:
    def send(bench: Bench) -> int:
        initiator = NoiseInitiator(CLIENT, SERVER.public_key, bytes(32))
        noise = initiator.write_message_1(encode_noise_payload(replace(OFFER, firewall=firewall)))
        value = encode_handshake(Handshake(mode, noise, client, relay))
        return bench.hand(Request(7, OURS, Command.PEER_HANDSHAKE, target=TARGET, value=value), sender)

    return send


def relay_on(bench: Bench) -> int:
    """The victim is named as another relay."""
    value = encode_handshake(Handshake(Mode.FROM_CLIENT, bytes(200), relay_address=VICTIM))
    request = Request(7, OURS, Command.PEER_HANDSHAKE, target=bytes(32), value=value)
    return bench.hand(request, CROOK)


def hole_on(bench: Bench) -> int:
    """The victim is named as a server."""
    value = encode_holepunch(Holepunch(Mode.FROM_CLIENT, 1, bytes(200), VICTIM))
    return bench.hand(Request(7, OURS, Command.PEER_HOLEPUNCH, target=bytes(32), value=value), CROOK)


def large_answer(bench: Bench) -> int:
    """The victim seems to ask for a server that is a crook's, which answers at length, and often."""
    target = target_of(ELSEWHERE.public_key)
    value = encode_handshake(Handshake(Mode.FROM_CLIENT, bytes(120)))
    size = bench.hand(Request(7, OURS, Command.PEER_HANDSHAKE, target=target, value=value), VICTIM)
    answer = encode_handshake(Handshake(Mode.FROM_SERVER, bytes(1000), VICTIM))
    for _ in range(20):
        bench.hand(Request(7, OURS, Command.PEER_HANDSHAKE, target=target, value=answer), Address("20.0.8.1", 49737))
    return size


def probe_list(count: int, **said: object) -> Callable[[Bench], int]:
    def send(bench: Bench) -> int:
        payload, result, size = bench.shake_hands()
        addresses = (VICTIM,) * count
        told = HolepunchPayload(
            ErrorCode.NONE,
            Firewall.CONSISTENT,
            0,
            punching=True,
            addresses=addresses,
            **said,  # type: ignore[arg-type]
        )
        sealed = seal_payload(result.holepunch_secret, encode_holepunch_payload(told), bytes(24))
        id = 0 if payload.holepunch is None else payload.holepunch.id
        value = encode_holepunch(Holepunch(Mode.FROM_RELAY, id, sealed, VICTIM))
        # The NAT of the socket is known to be consistent once four nodes have seen it at one address.
        [handshake] = bench.server._by_id.values()
        assert handshake.puncher is not None
        for port in range(1, 5):
            handshake.puncher.nat.add(Address("40.0.0.1", 7000), Address("20.0.7.1", port), bench.now)
        return size + bench.hand(Request(8, OURS, Command.PEER_HOLEPUNCH, target=TARGET, value=value), RELAY)

    return send


def unknown_stream(bench: Bench) -> int:
    packet = build(HEARTBEAT, 12345, 0, 0, 0, bytes(100))
    bench.peer.receive_datagram(packet, VICTIM, bench.now, NodeSocket.SERVER)
    return len(packet)


def own_stream(bench: Bench) -> int:
    """The crook's own attempt, whose first packet seems to come from the victim."""
    payload, _, size = bench.shake_hands()
    assert payload.udx is not None
    packet = build(HEARTBEAT, payload.udx.id, 0, 0, 0)
    bench.peer.receive_datagram(packet, VICTIM, bench.now, NodeSocket.SERVER)
    return size + len(packet)


def echo(bench: Bench) -> int:
    bench.shake_hands()
    [handshake] = bench.server._by_id.values()
    assert handshake.puncher is not None
    bench.take()
    for _ in range(100):
        bench.peer.receive_datagram(b"\0", VICTIM, bench.now, handshake.puncher.socket)
    return 100


CASES = (
    Case("PING", request(InternalCommand.PING, internal=True), (2, 21)),
    Case("PING with an id", request(InternalCommand.PING, internal=True, id=node_id(VICTIM)), (2, 53)),
    Case("PING_NAT", request(InternalCommand.PING_NAT, internal=True, value=encode_ping_nat(99)), (2, 21)),
    Case("FIND_NODE", request(InternalCommand.FIND_NODE, internal=True, target=bytes(32)), (2, 52)),
    Case(
        "DOWN_HINT that names it",
        request(InternalCommand.DOWN_HINT, internal=True, value=encode_down_hint(VICTIM)),
        (2, 21),
    ),
    Case(
        "DELAYED_PING", request(InternalCommand.DELAYED_PING, internal=True, value=encode_delayed_ping(5000)), (2, 21)
    ),
    Case("FIND_PEER of a record", request(Command.FIND_PEER, target=target_of(ELSEWHERE.public_key)), (2, 53)),
    Case("LOOKUP of 20 records", request(Command.LOOKUP, target=TOPIC), (2, 53)),
    Case("ANNOUNCE with a stolen token", stolen_token, (2, 186)),
    Case("IMMUTABLE_GET of 1 KiB", request(Command.IMMUTABLE_GET, target=blake2b_256(VALUE)), (2, 53)),
    Case("unknown command", request(77, target=bytes(32)), (2, 53)),
    Case("PEER_HANDSHAKE that names it as a relay", relay_on, (1, 11)),
    Case("PEER_HOLEPUNCH that names it as a server", hole_on, (1, 11)),
    Case("PEER_HANDSHAKE to a crook who answers 20 times", large_answer, (1, 11)),
    Case(
        "PEER_HANDSHAKE to our server, straight",
        shake(Mode.FROM_CLIENT, Firewall.OPEN, VICTIM, None),
        (3, 300),
    ),
    Case(
        "PEER_HANDSHAKE to our server that names it as an open client",
        shake(Mode.FROM_RELAY, Firewall.OPEN, CROOK, VICTIM),
        (2, 200),
    ),
    Case(
        "PEER_HANDSHAKE to our server that names it as the first relay",
        shake(Mode.FROM_SECOND_RELAY, Firewall.UNKNOWN, CROOK, CROOK, VICTIM),
        (1, 250),
    ),
    Case("round of punching that names it once", probe_list(1), (2, 2), firewalled=True),
    Case("round of punching that names it 32 times", probe_list(32), (16, 16), firewalled=True),
    Case(
        "round of punching with a fast open",
        probe_list(1, remote_address=Address("40.0.0.1", 7000)),
        (3, 3),
        firewalled=True,
    ),
    Case("packet of an unknown stream", unknown_stream, (0, 0)),
    Case("packet of the crook's own stream", own_stream, (3, 300), firewalled=True),
    Case("100 punches", echo, (100, 100), firewalled=True),
)


def measure(case: Case) -> tuple[int, int, int]:
    """Bytes that the message took, and datagrams and bytes that the victim gets within a minute."""
    bench = Bench(firewalled=case.firewalled)
    size = case.send(bench)
    sent = [outgoing for outgoing in bench.run(MINUTE) if outgoing.to.host == VICTIM.host]
    return size, len(sent), sum(len(outgoing.data) for outgoing in sent)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_victim_gets(case: Case) -> None:
    size, count, total = measure(case)
    assert (count, total) <= case.most
    # But for the question for a proof, and punches of one byte, it never gets more than was sent.
    assert total <= size + PROBE_SIZE or total == count


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_document_tells_it(case: Case) -> None:
    size, count, total = measure(case)
    assert f"| {case.name} | {size} | {count} | {total} |" in DOCS.read_text()


def test_a_proof_lifts_it() -> None:
    bench = Bench()
    size = request(InternalCommand.FIND_NODE, internal=True, target=bytes(32))(bench)
    [ping] = [outgoing for outgoing in bench.take() if outgoing.to == VICTIM]
    pong = encode_response(Response(decode_request(ping.data).tid, OURS))
    bench.peer.receive_datagram(pong, VICTIM, bench.now, NodeSocket.SERVER)
    [answer] = [outgoing for outgoing in bench.take() if outgoing.to == VICTIM]
    assert len(answer.data) > 3 * size


def sent_to_a_named_address(says: bytes) -> int:
    """Bytes that a client of ours sends where its server claims to be reachable, while nobody answers there."""
    bench = Bench(firewalled=True)
    connection = bench.peer.connect(ELSEWHERE.public_key, bench.now, ConnectOptions(relay_addresses=(CROOK,)))
    [asked] = [outgoing for outgoing in bench.take() if outgoing.to == CROOK]
    question = decode_request(asked.data)
    responder = NoiseResponder(ELSEWHERE, bytes(32))
    responder.read_message_1(decode_handshake(question.value or b"").noise)
    noise, _ = responder.write_message_2(
        encode_noise_payload(replace(OFFER, firewall=Firewall.OPEN, addresses4=(VICTIM,)))
    )
    value = encode_handshake(Handshake(Mode.REPLY, noise, RELAY))
    answer = encode_response(Response(question.tid, OURS, value=value))
    bench.peer.receive_datagram(answer, CROOK, bench.now, asked.socket)
    assert connection.remote == VICTIM
    if says:
        connection.send(says)
    total = sum(len(outgoing.data) for outgoing in bench.run(MINUTE) if outgoing.to == VICTIM)
    assert connection.is_over
    return total


def test_what_a_client_sends_where_its_server_says_that_it_is() -> None:
    """A few packets while the application is silent; else a first flight, of which two packets are sent again."""
    silent = sent_to_a_named_address(b"")
    assert silent <= 1000
    much = sent_to_a_named_address(bytes(250_000))
    assert 10_000 < much <= 19_000
    said = " ".join(DOCS.read_text().split())
    assert f"as open: {silent} bytes in 13 s" in said
    assert f"{much:,} where the application has that much to say" in said


def test_a_flood_of_handshakes_is_cheap_for_the_nodes_that_are_asked() -> None:
    """Each takes a socket whose NAT is looked at, until the table is full; a client's host has its budget."""
    bench = Bench(firewalled=True)
    bench.peer.node._guard.verify(RELAY.host, bench.now)
    received, asked = 0, 0
    for number in range(2000):
        initiator = NoiseInitiator(CLIENT, SERVER.public_key, number.to_bytes(32, "big"))
        noise = initiator.write_message_1(encode_noise_payload(OFFER))
        client = Address(f"99.1.{number >> 8}.{number & 255}", 1)
        value = encode_handshake(Handshake(Mode.FROM_RELAY, noise, client))
        received += bench.hand(Request(5, OURS, Command.PEER_HANDSHAKE, target=TARGET, value=value), RELAY)
        asked += sum(len(outgoing.data) for outgoing in bench.take() if outgoing.to.host == "20.0.7.1")
    assert bench.server.handshakes == len(bench.peer.pool) == bench.peer.limits.handshakes
    asked += sum(len(outgoing.data) for outgoing in bench.run(30) if outgoing.to.host == "20.0.7.1")
    assert asked < received / 2
    assert bench.server.handshakes == len(bench.peer.pool) == len(bench.peer.connections) == 0
