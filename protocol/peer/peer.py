"""A peer: a node of the DHT that listens and connects. It owns all sockets, streams, servers and connections.

Like the node it has no clock and no sockets. Its owner calls `receive_datagram`, `handle_timeout` when `next_timeout`
is reached, and the acts below; after each it sends what `poll_datagram` returns and looks at what `poll_event` returns,
until both return None. `protocol.udp_shell` does that on real sockets.

| act | ends with |
|---|---|
| `connect` | `ConnectionOpened`, or `ConnectionClosed` with its cause |
| `listen` | `ServerListening`, then `ConnectionAccepted` for each client |
| `suspend`, `resume` | all connections closed; servers announced again |
| `close` | everything closed |

Source: npm hyperdht 6.34.0 (index.js, lib/raw-stream-set.js).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeVar

from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Outgoing
from protocol.dht.events import Event
from protocol.dht.node import Node
from protocol.keys import KeyPair, key_pair
from protocol.messages import Address
from protocol.noise_handshake import HandshakeResult, KeyLine
from protocol.peer.agenda import Agenda
from protocol.peer.connecting import Connecting
from protocol.peer.connection import Connection
from protocol.peer.connections import Connections
from protocol.peer.events import ConnectionStirred, PeerEvent
from protocol.peer.failures import Cause, Closing, ErrorName
from protocol.peer.listening import Server
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.peer.punch_steps import echoing_at, sampling_at
from protocol.peer.steps import Attempt
from protocol.punch.budget import PunchBudget
from protocol.punch.nat_analysis import ask_at_once
from protocol.punch.pool import SocketPool
from protocol.punch.puncher import OnAbort, OnConnect, Puncher, echo_at_once
from protocol.punch.secure_payload import SecurePayload
from protocol.stream.states import LocalProtocolError

if TYPE_CHECKING:
    from random import Random

    from protocol.peer.hosting import Host
    from protocol.peer.relay_host import RelayHost

T = TypeVar("T")


@dataclass(slots=True)
class RelayCounts:
    """Paths through blind relays that this peer tried."""

    attempts: int = 0
    successes: int = 0
    aborts: int = 0


class Peer:
    """One peer.

    Args:
        options: what kind of node, its keys, and what holds for all connections.
        random: source of ids, keys, nonces and the order of things; it must be unpredictable on a real network.
        now: seconds.

    Attributes:
        node: the node of the DHT.
        servers: those that listen.
        connections: all of them, as long as packets for them need an answer.
        pool: the sockets besides the node's two.
        punches: who may punch at random, and counts of punches.
        relay_counts: how paths through blind relays went.
    """

    def __init__(self, options: PeerOptions, random: Random, now: float) -> None:
        self.options = options
        self.limits = options.limits
        self.gate = options.gate
        self.random = random
        self.key_pair: KeyPair = options.key_pair or key_pair(random.randbytes(32))
        self.node = Node(options.node, random, now)
        self.agenda = Agenda()
        self.servers: list[Server] = []
        self.relay_counts = RelayCounts()
        self.relay_hosts: list[RelayHost] = []
        """Blind relays that this peer is; see `relay_host.host_relay`."""
        self.hosts: list[Host] = []
        """All that it does for others through servers of its own: blind relays, proxies."""
        self._events: deque[Event] = deque()
        self.pool = SocketPool(self.node, self._events.append)
        self.punches = PunchBudget(interval=options.random_punch_interval)
        self.connections = Connections(
            random,
            self.agenda,
            self.pool,
            self.emit,
            early_packets=self.limits.early_packets,
            keepalive=options.keepalive,
        )
        self._relays: AgedCache[bytes, tuple[Address, ...]] = AgedCache(self.limits.relay_caches, inf)
        self._suspended = False
        self._closed = False

    # What applications do.

    def connect(self, public_key: bytes, now: float, options: ConnectOptions | None = None) -> Connection:
        """Connect to the server with this key; the connection tells how it goes."""
        options = options or ConnectOptions()
        pair = options.key_pair or self.key_pair
        connection = self.connections.new(initiator=True, public_key=pair.public_key, remote_public_key=public_key)
        if self._closed:
            connection.close(Closing(ErrorName.NODE_DESTROYED, Cause.NODE_CLOSED), now)
        elif self._suspended:
            connection.close(Closing(ErrorName.SUSPENDED, Cause.SUSPENDED), now)
        else:
            Connecting(self, connection, pair, options).start(now)
        return connection

    def listen(self, pair: KeyPair | None, now: float, options: ListenOptions | None = None) -> Server:
        """Listen on a key pair, the peer's own if None.

        Raises:
            LocalProtocolError: the peer is closed, or listens on this key already (reference: KEYPAIR_ALREADY_USED).
        """
        pair = pair or self.key_pair
        if self._closed:
            raise LocalProtocolError("listen on a closed peer")
        if any(server.public_key == pair.public_key for server in self.servers):
            raise LocalProtocolError("KEYPAIR_ALREADY_USED: the peer listens on this key already")
        server = Server(self, pair, options or ListenOptions())
        self.servers.append(server)
        server.start(now)
        return server

    # What a shell calls.

    @property
    def local_addresses(self) -> tuple[Address, ...]:
        """The server socket's addresses in networks that the host is part of."""
        return self.node.local_addresses

    @local_addresses.setter
    def local_addresses(self, addresses: tuple[Address, ...]) -> None:
        self.node.local_addresses = addresses

    @property
    def bootstrapped(self) -> bool:
        """Whether the node's first search for its own place has ended."""
        return self.node.bootstrapped

    def start(self, server_port: int, now: float) -> None:
        """Join the network; the server socket is bound to this port."""
        self.node.start(server_port, now)

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in what a socket received: a punch, a packet of a stream, or a message for the node."""
        if self._closed or self._suspended or self.pool.receive_punch(data, addr, now, socket):
            return
        if self.pool.is_udx(data):
            self.connections.receive(data, addr, now, socket)
        else:
            self.node.receive_datagram(data, addr, now, socket)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None on a closed peer."""
        if self._closed:
            return None
        due = (
            self.node.next_timeout(),
            self.agenda.next_timeout(),
            self.pool.next_timeout(),
            *(server.announcer.next_timeout() for server in self.servers),
            *(host.next_timeout() for host in self.hosts),
        )
        return min((at for at in due if at is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        if self._closed:
            return
        self.node.handle_timeout(now)
        self.agenda.handle_timeout(now)
        self.pool.handle_timeout(now)
        for server in tuple(self.servers):
            server.announcer.handle_timeout(now)
        for host in self.hosts:
            host.handle_timeout(now)

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next datagram to send."""
        outgoing = self.node.poll_datagram(now)
        if outgoing is not None:
            return outgoing
        outgoing = self.connections.poll_datagram(now)
        if outgoing is not None:
            return outgoing
        for host in self.hosts:
            outgoing = host.poll_datagram()
            if outgoing is not None:
                return outgoing
        # A connection that was settled may have had the node say something.
        return self.node.poll_datagram(now)

    def poll_event(self) -> Event | None:
        """The next thing that happened."""
        event = self.node.poll_event()
        if event is not None:
            return event
        if self._events:
            return self._events.popleft()
        connection = self.connections.next_stirred()
        return None if connection is None else ConnectionStirred(connection)

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        """Take in the IPv4 address of a name, the answer to `NameWanted`; None where it has none."""
        self.node.name_resolved(host, address, now)

    def socket_failed(self, socket: int, now: float) -> None:
        """A socket can't be bound."""
        self.pool.socket_failed(socket, now)
        self.node.socket_failed(socket, now)

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:
        """An interface of the host came or went: relays may see us elsewhere now, so announce again."""
        if self._closed:
            return
        self.node.addresses_changed(addresses, now)
        for server in self.servers:
            server.announcer.refresh(now)

    def take_back(self, now: float, on_done: Callable[[float], None]) -> None:
        """Before `suspend`: have all servers take their announcements back; `on_done` is called once all have."""
        left = len(self.servers) + 1

        def done(now: float) -> None:
            nonlocal left
            left -= 1
            if not left:
                on_done(now)

        for server in tuple(self.servers):
            server.suspend(now, done)
        done(now)

    def suspend(self, now: float) -> None:
        """All sockets are about to close: every connection is over."""
        if self._suspended or self._closed:
            return
        for server in self.servers:
            server.suspend(now, lambda _: None)
        self.connections.may_linger = False
        self.connections.close(Closing(ErrorName.SUSPENDED, Cause.SUSPENDED), now)
        self._suspended = True
        self.node.suspend(now)
        self.pool.close(now)

    def resume(self, server_port: int, now: float) -> None:
        """The first two sockets are open again."""
        if not self._suspended or self._closed:
            return
        self._suspended = False
        self.connections.may_linger = True
        self.node.resume(server_port, now)
        for server in self.servers:
            server.resume(now)

    def close(self, now: float) -> None:
        """End at once: connections are destroyed, servers stay announced until their records run out.

        Close the servers first, and wait for `ServerClosed`, to have the announcements taken back.
        """
        if self._closed:
            return
        for server in tuple(self.servers):
            server.close(now)
        self.connections.may_linger = False
        self.connections.close(Closing(ErrorName.NODE_DESTROYED, Cause.NODE_CLOSED), now)
        self.node.close(now)
        self._closed = True
        self.pool.close(now)
        self.agenda.clear()

    # What the machines of client and server need.

    @property
    def open_address(self) -> Address | None:
        """This peer's public address, if its server socket is known to be reachable there."""
        reachability = self.node.reachability
        address = reachability.nat.address
        if address is None or reachability.firewalled or address.port != reachability.server_port:
            return None
        return address

    def random_bytes(self, size: int) -> bytes:
        """Unpredictable bytes."""
        return self.random.randbytes(size)

    def choose(self, among: tuple[T, ...]) -> T | None:
        """One of several, None of none."""
        return self.random.choice(among) if among else None

    def log_keys(self, lines: Iterable[KeyLine]) -> None:
        """Hand lines to the key log."""
        for line in lines:
            self.options.on_key(line)

    def emit(self, event: PeerEvent) -> None:
        """Tell something."""
        self._events.append(event)

    def make_puncher(
        self,
        *,
        initiator: bool,
        remote_firewall: int,
        on_connect: OnConnect,
        on_abort: OnAbort,
        now: float,
        by_samples: bool = False,
        connection: Attempt | None = None,
    ) -> Puncher:
        """A puncher on a socket of its own; where it is said whose it is, the gate gets the pings for its NAT."""
        return Puncher(
            self,
            self.random,
            now,
            initiator=initiator,
            remote_firewall=remote_firewall,
            on_connect=on_connect,
            on_abort=on_abort,
            by_samples=by_samples,
            sampling=ask_at_once if connection is None else sampling_at(self.gate, connection),
            echoing=echo_at_once if connection is None else echoing_at(self.gate, connection),
        )

    def follow(self, puncher: Puncher) -> None:
        """Serve the timers of a puncher that has begun to punch."""
        due = puncher.next_timeout()
        if due is not None:
            self.agenda.call_at(due, lambda now: self._punch_on(puncher, now))

    def secure_payload(self, result: HandshakeResult) -> SecurePayload:
        """What seals the rounds of an attempt."""
        secure = SecurePayload(result.holepunch_secret, self.random)
        label = "CLIENT_TOKEN_SECRET" if result.initiator else "SERVER_TOKEN_SECRET"
        self.options.on_key(KeyLine(label, result.key_lines[0].attempt, secure.token_key))
        return secure

    def remember_relays(self, public_key: bytes, relays: tuple[Address, ...], now: float) -> None:
        """Where a server was reached, for the next time."""
        if relays:
            self._relays.set(public_key, relays[: self.limits.remote_addresses], now)

    def remembered_relays(self, public_key: bytes, now: float) -> tuple[Address, ...]:
        """Where a server was reached."""
        return self._relays.get(public_key, now) or ()

    def forget_server(self, server: Server, now: float) -> None:
        """A server is gone."""
        if server in self.servers:
            self.servers.remove(server)
        for host in tuple(self.hosts):
            if host.server is server:
                host.close(now)
                self.hosts.remove(host)
                self.relay_hosts = [relay for relay in self.relay_hosts if relay is not host]
                self.connections.others.remove(host.receive_datagram)

    def add_host(self, host: Host) -> None:
        """Serve the timers and packets of something that is done for others."""
        self.hosts.append(host)
        self.connections.others.append(host.receive_datagram)

    def _punch_on(self, puncher: Puncher, now: float) -> None:
        puncher.handle_timeout(now)
        self.follow(puncher)
