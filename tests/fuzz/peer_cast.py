"""A whole peer of ours among strangers that are bytes of a script: who they are, and what passes between them.

Three kinds of hosts talk to the peer. *Helpers* are nodes that answer what they are asked, *crooks* say anything and
read everything that is sent to them, and *victims* never said anything: whatever comes in their name was written by
others, and what is sent to them is seen by nobody.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random

from protocol.constants import PUNCH, UDX_MAGIC, InternalCommand
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import Outgoing
from protocol.dht.events import SocketReleased
from protocol.dht.limits import Limits
from protocol.dht.options import NodeOptions
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.keys import key_pair
from protocol.messages import Address, Request, Response
from protocol.noise_handshake import HandshakeResult
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionAccepted, ConnectionStirred
from protocol.peer.listening import Server
from protocol.peer.options import ConnectOptions, ListenOptions, PeerLimits, PeerOptions
from protocol.peer.peer import Peer
from protocol.peer.relay_host import host_relay
from protocol.punch.pool import FIRST

HELPERS = tuple(Address(f"20.0.0.{number}", 49737) for number in range(1, 5))
CROOKS = tuple(Address(f"66.0.0.{number}", 6000 + number) for number in range(1, 4))
VICTIMS = tuple(Address(f"99.0.0.{number}", 53) for number in range(1, 4))
EVERYBODY = (*HELPERS, *CROOKS, *VICTIMS)
OURS = Address("40.0.0.1", 49737)
SERVER, RELAY, THEIRS, CLIENT = (key_pair(letter * 32) for letter in (b"s", b"r", b"t", b"c"))

SMALL_NODE = Limits(
    hosts=64, delayed_pings=16, records=32, records_per_target=8, routes=16, values=16, value_bytes=4096, forwards=16
)
SMALL_PEER = PeerLimits(handshakes=6, handshake_rate=2.0, handshake_burst=12.0, relay_dials=2, hosts=16)
ROLES = ("node", "server", "open server", "client", "blind relay", "client over a blind relay")
MOST_AT_ONCE = 4000
"""Datagrams that one call makes a peer send at most: 256 birthday sockets, and a window of every stream."""


@dataclass
class Account:
    """What passed between the peer and one host; bytes, unless it says otherwise."""

    received: int = 0
    """In its name."""
    named: int = 0
    """Of messages of others that name it."""
    rounds: int = 0
    """Messages of others that name it."""
    replies: int = 0
    relayed: int = 0
    streams: int = 0
    proofs: int = 0
    """PINGs that ask for a proof."""
    punches: int = 0


@dataclass
class Attempt:
    """A handshake of a crook with our server."""

    id: int
    result: HandshakeResult
    stream_id: int
    noise: bytes = b""
    client: Address = CROOKS[0]
    token: bytes | None = None


@dataclass
class Stage:
    """One peer in one role, its time, its accounts, and what strangers know."""

    role: str
    now: float = 1000.0
    accounts: dict[str, Account] = field(default_factory=dict)
    asked: deque[tuple[Outgoing, Request]] = field(default_factory=lambda: deque(maxlen=24))
    """Requests of the peer that somebody may answer."""
    seen: deque[Outgoing] = field(default_factory=lambda: deque(maxlen=24))
    """Whatever else it sent to those who read it."""
    attempts: list[Attempt] = field(default_factory=list)
    tokens: dict[str, bytes] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    connects: int = 0
    released: Counter[int] = field(default_factory=Counter)
    sent: int = 0

    def __post_init__(self) -> None:
        known = self.role in ("open server", "blind relay", "node")
        options = NodeOptions(
            bootstrap=() if known else tuple(BootstrapNode(*helper) for helper in HELPERS[:2]),
            nodes=() if known else HELPERS,
            ephemeral=None if self.role != "node" else False,
            firewalled=not known,
            public_address=OURS if known else None,
            limits=SMALL_NODE,
            epoch=1_700_000_000.0,
        )
        self.peer = Peer(PeerOptions(node=options, key_pair=CLIENT, limits=SMALL_PEER), Random(7), self.now)
        self.peer.local_addresses = (Address("192.168.1.2", OURS.port),)
        self.peer.start(OURS.port, self.now)
        self.server: Server | None = None
        if self.role in ("server", "open server"):
            self.server = self.peer.listen(SERVER, self.now, ListenOptions())
        elif self.role == "blind relay":
            self.server = host_relay(self.peer, SERVER, self.now).server
        elif self.role.startswith("client"):
            self.connect()
        self.drain()

    def account(self, host: str) -> Account:
        return self.accounts.setdefault(host, Account())

    def connect(self) -> None:
        """The application connects to a server that is a crook."""
        through = (RELAY.public_key,) if self.role.endswith("blind relay") else ()
        options = ConnectOptions(relay_addresses=CROOKS[:1], relay_through=through)
        self.connects += 1
        self.connections.append(self.peer.connect(THEIRS.public_key, self.now, options))

    def receive(self, data: bytes, source: Address, socket: int) -> None:
        """Hand in a datagram in the name of a host."""
        self.account(source.host).received += len(data)
        for host in named_in(data):
            if host != source.host:
                self.account(host).named += len(data)
                self.account(host).rounds += 1
        self.peer.receive_datagram(data, source, self.now, socket)
        self.drain()

    def advance(self, seconds: float) -> None:
        """Let time pass, serving the timers."""
        end = self.now + seconds
        for _ in range(20_000):
            due = self.peer.next_timeout()
            if due is None or due > end:
                break
            self.now = max(due, self.now + 1e-6)
            self.peer.handle_timeout(self.now)
            self.drain()
        else:
            raise AssertionError("timers that never end")
        self.now = max(self.now, end)

    def drain(self) -> None:
        """Take out what is to be sent and told."""
        for _ in range(MOST_AT_ONCE):
            quiet = True
            while (outgoing := self.peer.poll_datagram(self.now)) is not None:
                self.book(outgoing)
                quiet = False
            while (event := self.peer.poll_event()) is not None:
                quiet = False
                if isinstance(event, SocketReleased):
                    self.released[event.socket] += 1
                elif isinstance(event, ConnectionAccepted):
                    self.connections.append(event.connection)
                elif isinstance(event, ConnectionStirred):
                    while event.connection.poll_event() is not None:
                        pass
            if quiet:
                return
        raise AssertionError("a peer that never stops talking")

    def book(self, outgoing: Outgoing) -> None:
        """Note a datagram that was sent, and let those read it who are there."""
        self.sent += 1
        assert 0 < len(outgoing.data) <= 1500
        assert outgoing.socket < FIRST + self.peer.pool.acquired
        to, data, account = outgoing.to, outgoing.data, self.account(outgoing.to.host)
        request: Request | None = None
        if data == PUNCH:
            account.punches += 1
        elif data[0] == UDX_MAGIC:
            account.streams += len(data)
        elif data[0] == 3:
            request = decode_request(data)
            if request.internal and request.command == InternalCommand.PING and request.id is None:
                account.proofs += 1
            else:
                account.relayed += len(data)
        else:
            account.replies += len(data)
        if to in VICTIMS or to.host in {victim.host for victim in VICTIMS}:
            return
        if request is not None:
            self.asked.append((outgoing, request))
            return
        self.seen.append(outgoing)
        response = response_in(data)
        if response is not None and response.token is not None:
            self.tokens[to.host] = response.token


def response_in(data: bytes) -> Response | None:
    """The response that these bytes are."""
    try:
        return decode_response(data)
    except DecodeError:
        return None


def named_in(data: bytes) -> set[str]:
    """Hosts that a datagram mentions as those it wants something sent to."""
    return {victim.host for victim in VICTIMS if packed(victim.host) in data}


def packed(host: str) -> bytes:
    """An address as it is on the wire."""
    return bytes(int(part) for part in host.split("."))
