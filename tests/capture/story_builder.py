"""Made-up connection attempts, told leg by leg.

Everything goes through the real encoders and seals, and comes back through the real readers: `Wire.story` writes a pcap
in memory and reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.constants import DEFAULT_TTL, Command, ErrorCode, Firewall, Mode, UdxFlag
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id, target_of
from protocol.keys import KeyPair
from protocol.messages import (
    Address,
    Handshake,
    Holepunch,
    HolepunchInfo,
    HolepunchPayload,
    NoisePayload,
    PeerRecord,
    RelayInfo,
    Request,
    Response,
    UdxHeader,
    UdxInfo,
)
from protocol.peer_values import encode_handshake, encode_holepunch, encode_peer_record
from protocol.sealed_values import encode_holepunch_payload
from protocol.secretbox import NONCE_SIZE, seal_payload
from protocol.udx import encode_udx
from tests.capture.noise_ik import Transcript, keys_of, shake_hands
from tests.capture.wire_builder import NODE, Wire

CLIENT, CLIENT_PUNCH = Address("81.2.3.4", 40001), Address("81.2.3.4", 50001)
SERVER, SERVER_PUNCH = Address("92.5.6.7", 40002), Address("92.5.6.7", 50002)
RELAY, OTHER_RELAY, FAR_RELAY = Address("45.1.1.1", 49737), Address("45.2.2.2", 49737), Address("45.3.3.3", 49737)

SERVER_TOKEN, CLIENT_TOKEN = bytes(range(32)), bytes(range(32, 64))
ALL = "1234"
"""The four legs: FROM_CLIENT, FROM_RELAY, FROM_SERVER, REPLY."""

RANDOM, CONSISTENT, UNKNOWN, OPEN = Firewall.RANDOM, Firewall.CONSISTENT, Firewall.UNKNOWN, Firewall.OPEN


def says(
    firewall: int = CONSISTENT,
    *,
    error: int = ErrorCode.NONE,
    round: int = 0,
    punching: bool = False,
    addresses: tuple[Address, ...] | None = None,
    token: bytes | None = None,
    echo: bytes | None = None,
) -> HolepunchPayload:
    return HolepunchPayload(error, firewall, round, False, punching, addresses, None, token, echo)


def hello(firewall: int = UNKNOWN, relays: tuple[Address, ...] = (), error: int = 0, version: int = 1) -> NoisePayload:
    offer = HolepunchInfo(7, tuple(RelayInfo(relay, SERVER) for relay in relays)) if relays else None
    return NoisePayload(version, error, firewall, offer, (), (), UdxInfo(1, True, 77, 0), 1)


@dataclass
class Call:
    """One attempt of a client to reach a server, told leg by leg."""

    wire: Wire
    name: str = "first"
    client: Address = CLIENT
    punch_socket: Address = CLIENT_PUNCH
    server: Address = SERVER
    server_puncher: Address = SERVER_PUNCH
    identity: KeyPair = field(default_factory=lambda: keys_of("the client"))
    key: KeyPair = field(default_factory=lambda: keys_of("the server"))
    asks: NoisePayload = field(default_factory=hello)
    offers: NoisePayload = field(default_factory=lambda: hello(relays=(RELAY,)))
    nonces: int = 0

    def __post_init__(self) -> None:
        self.noise: Transcript = shake_hands(self.identity, self.key, self.name, self.asks, self.offers)
        self.target = target_of(self.key.public_key)
        self.streams = int.from_bytes(self.noise.noise1[:4]), int.from_bytes(self.noise.noise2[:4])
        """UDX stream ids at the server and at the client."""

    def seal(self, payload: HolepunchPayload) -> bytes:
        """A payload sealed anew, as every send of an answer is."""
        self.nonces += 1
        nonce = f"{self.name} {self.nonces}".encode().ljust(NONCE_SIZE, b".")[:NONCE_SIZE]
        return seal_payload(self.noise.secret, encode_holepunch_payload(payload), nonce)

    def find(self, node: Address = NODE, *, record: bool = True) -> None:
        tid = self.wire.next_tid()
        asked = Request(tid, node, Command.FIND_PEER, target=self.target)
        value = encode_peer_record(PeerRecord(self.key.public_key, (RELAY,))) if record else None
        self.wire.send(self.client, node, encode_request(asked))
        self.wire.send(node, self.client, encode_response(Response(tid, self.client, node_id(node), value=value)))

    def handshake(
        self, relay: Address = RELAY, legs: str = ALL, tid: int | None = None, second: Address | None = None
    ) -> int:
        """The handshake over one relay, which passes it to `second` where that is given; returns its tid."""
        tid = self.wire.next_tid() if tid is None else tid
        first, answer = self.noise.noise1, self.noise.noise2
        if "1" in legs:
            self._ask(Command.PEER_HANDSHAKE, tid, self.client, relay, Handshake(Mode.FROM_CLIENT, first))
        if "2" in legs:
            passed = Handshake(Mode.FROM_RELAY, first, self.client)
            self._ask(Command.PEER_HANDSHAKE, tid, relay, second or self.server, passed)
        if second is not None:
            passed = Handshake(Mode.FROM_SECOND_RELAY, first, self.client, relay)
            self._ask(Command.PEER_HANDSHAKE, tid, second, self.server, passed)
        if "3" in legs:
            value = Handshake(Mode.FROM_SERVER, answer, self.client, None)
            self._ask(Command.PEER_HANDSHAKE, tid, self.server_puncher, relay, value)
        if "4" in legs:
            self.reply_handshake(tid, relay)
        return tid

    def reply_handshake(self, tid: int, relay: Address = RELAY, to: Address | None = None) -> None:
        """The last leg of a handshake; `to` is the client as the relay sees it."""
        value = encode_handshake(Handshake(Mode.REPLY, self.noise.noise2, self.server_puncher))
        self._answer(tid, relay, value, self.client, to)

    def direct_handshake(self) -> None:
        """The client asks the server itself, no relay between."""
        tid = self.wire.next_tid()
        first = Handshake(Mode.FROM_CLIENT, self.noise.noise1)
        self._ask(Command.PEER_HANDSHAKE, tid, self.client, self.server, first)
        self._answer(tid, self.server, encode_handshake(Handshake(Mode.REPLY, self.noise.noise2)), self.client)

    def no_route(self, relay: Address = RELAY) -> None:
        """A relay that knows no way to the server."""
        tid = self.handshake(relay, legs="1")
        self._answer(tid, relay, None, self.client)

    def round(
        self,
        asks: HolepunchPayload | bytes,
        answers: HolepunchPayload | bytes | None,
        *,
        relay: Address = RELAY,
        legs: str = ALL,
        tid: int | None = None,
        socket: Address | None = None,
        named: Address | None = None,
        mode: int = Mode.REPLY,
    ) -> int:
        """One PEER_HOLEPUNCH round; bytes are sent as they are. `named` is the client as this relay names it."""
        tid = self.wire.next_tid() if tid is None else tid
        socket = socket or self.punch_socket
        client = named or socket
        body = asks if isinstance(asks, bytes) else self.seal(asks)
        if "1" in legs:
            up = Holepunch(Mode.FROM_CLIENT, 7, body, self.server_puncher)
            self._ask(Command.PEER_HOLEPUNCH, tid, socket, relay, up)
        if "2" in legs:
            passed = Holepunch(Mode.FROM_RELAY, 7, body, client)
            self._ask(Command.PEER_HOLEPUNCH, tid, relay, self.server_puncher, passed)
        if answers is None:
            return tid
        body = answers if isinstance(answers, bytes) else self.seal(answers)
        if "3" in legs:
            down = Holepunch(Mode.FROM_SERVER, 0, body, client)
            self._ask(Command.PEER_HOLEPUNCH, tid, self.server_puncher, relay, down)
        if "4" in legs:
            self._answer(tid, relay, encode_holepunch(Holepunch(mode, 0, body, self.server_puncher)), socket)
        return tid

    def probe(self, client: int = CONSISTENT, server: int = CONSISTENT, *, token: bool = True) -> None:
        """A good probe round."""
        issued = SERVER_TOKEN if token else None
        self.round(
            says(client, addresses=(self.punch_socket,)),
            says(server, addresses=(self.server_puncher,), token=issued),
        )

    def agree(self, client: int = CONSISTENT, server: int = CONSISTENT, *, round: int = 1) -> None:
        """A good punch round: tokens echoed both ways."""
        self.round(
            says(
                client,
                round=round,
                punching=True,
                addresses=(self.punch_socket,),
                token=CLIENT_TOKEN,
                echo=SERVER_TOKEN,
            ),
            says(
                server,
                round=round,
                punching=True,
                addresses=(self.server_puncher,),
                token=SERVER_TOKEN,
                echo=CLIENT_TOKEN,
            ),
        )

    def punch(self, *, by_client: bool = True, low: bool = False, times: int = 1, gap: float = 1.0) -> None:
        src, dst = self.punch_socket, self.server_puncher
        if not by_client:
            src, dst = dst, src
        for number in range(times):
            if number:
                self.wire.wait(gap)
            self.wire.send(src, dst, b"\0", 5 if low else DEFAULT_TTL)

    def stream(self, *, answered: bool = True, client: Address | None = None, server: Address | None = None) -> None:
        """The first packets of the UDX stream, between the punched sockets unless others are given."""
        here, there = client or self.punch_socket, server or self.server_puncher
        self.wire.send(here, there, udx(self.streams[0]))
        if answered:
            self.wire.send(there, here, udx(self.streams[1]))
            self.wire.send(here, there, udx(self.streams[0]))

    def connect(self) -> None:
        """A usual attempt, from the search to the stream."""
        self.find()
        self.handshake()
        self.probe()
        self.agree()
        self.punch()
        self.punch(by_client=False)
        self.stream()

    def _ask(self, command: int, tid: int, src: Address, dst: Address, value: Handshake | Holepunch) -> None:
        body = encode_handshake(value) if isinstance(value, Handshake) else encode_holepunch(value)
        own_id = node_id(src) if value.mode in (Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY) else None
        self.wire.send(src, dst, encode_request(Request(tid, dst, command, id=own_id, target=self.target, value=body)))

    def _answer(self, tid: int, src: Address, value: bytes | None, dst: Address, to: Address | None = None) -> None:
        self.wire.send(src, dst, encode_response(Response(tid, to or dst, node_id(src), value=value)))


def udx(stream: int, flags: int = UdxFlag.HEARTBEAT) -> bytes:
    return encode_udx(UdxHeader(flags, 0, stream, 65536, 0, 0))


def called() -> tuple[Wire, Call]:
    """A wire and a call on it that has found its server and shaken hands."""
    wire = Wire()
    call = Call(wire)
    call.find()
    call.handshake()
    return wire, call
