"""Our peers on simulated hosts, behind any NAT, and what has to hold for them at every moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from protocol.dht.contact import NodeSocket, Outgoing
from protocol.dht.events import Event, NameWanted, SocketReleased
from protocol.keys import KeyPair
from protocol.messages import Address
from protocol.peer.connection import Connection
from protocol.peer.events import (
    ConnectionAccepted,
    ConnectionClosed,
    ConnectionEvent,
    ConnectionOpened,
    ConnectionStirred,
    ServerListening,
    StageChanged,
)
from protocol.peer.listening import Server
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from protocol.peer.peer import Peer
from protocol.stream.events import DataReceived, RemoteEnded
from protocol.stream.states import ACTIVE
from tests.sim.hosts import SERVER_PORT, SimHost, client_options
from tests.sim.nat import Nat
from tests.sim.network import Network

CLIENT_PORT = 50000
FIRST_POOL_PORT = 10000
PATIENCE = 200.0


@dataclass
class Heard:
    """What one connection told."""

    events: list[ConnectionEvent] = field(default_factory=list)
    stages: list[StageChanged] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    echo: bool = False

    @property
    def opened(self) -> bool:
        return any(isinstance(event, ConnectionOpened) for event in self.events)

    @property
    def closed(self) -> ConnectionClosed | None:
        return next((event for event in self.events if isinstance(event, ConnectionClosed)), None)


class SimPeer:
    """A host with one peer, on the public network or behind a NAT."""

    def __init__(
        self, network: Network, host: str, options: PeerOptions, *, nat: Nat | None = None, echo: bool = False
    ) -> None:
        self.network = network
        self.host = host
        self.nat = nat
        self.echo = echo
        self.events: list[Event] = []
        self.heard: dict[Connection, Heard] = {}
        self.accepted: list[Connection] = []
        self.running = True
        self.low_ttl = 0
        self._sockets: dict[int, int] = {NodeSocket.SERVER: SERVER_PORT, NodeSocket.CLIENT: CLIENT_PORT}
        self._ports = {port: socket for socket, port in self._sockets.items()}
        self._next_port = FIRST_POOL_PORT
        self._wake_at: float | None = None
        (network if nat is None else nat).attach(host, self._receive)
        self.peer = Peer(options, Random(network.random.getrandbits(64)), network.now)
        self.peer.local_addresses = (Address(host, SERVER_PORT),)
        self.peer.start(SERVER_PORT, network.now)
        self.pump()

    @property
    def sockets(self) -> int:
        """Sockets that are open, the node's two among them."""
        return len(self._sockets)

    def bootstrap(self) -> None:
        """Let the network run until the first search has ended."""
        assert self.network.run_until(lambda: self.peer.bootstrapped, PATIENCE)
        # Samples of the own address come with the pings that follow.
        self.network.run(1)

    def listen(self, pair: KeyPair, options: ListenOptions | None = None) -> Server:
        """Listen, and let the network run until that is announced."""
        server = self.peer.listen(pair, self.network.now, options)
        self.pump()
        told = lambda: any(isinstance(event, ServerListening) for event in self.events)  # noqa: E731
        assert self.network.run_until(told, PATIENCE)
        return server

    def connect(self, public_key: bytes, options: ConnectOptions | None = None) -> tuple[Connection, Heard]:
        """Begin to connect."""
        connection = self.peer.connect(public_key, self.network.now, options)
        heard = self.heard[connection] = self.heard.get(connection) or Heard()
        self._take(connection, heard)
        self.pump()
        return connection, heard

    def act(self, deed: Callable[[Peer, float], object]) -> None:
        """Call the peer."""
        deed(self.peer, self.network.now)
        self.pump()

    def close(self) -> None:
        """Close the peer; nothing of it may be left."""
        self.act(lambda peer, now: peer.close(now))
        assert self.peer.next_timeout() is None
        assert self.sockets == 2
        self.running = False

    def _receive(self, data: bytes, source: Address, to: Address) -> None:
        socket = self._ports.get(to.port)
        if self.running and socket is not None:
            self.peer.receive_datagram(data, source, self.network.now, socket)
            self.pump()

    def _timed_out(self) -> None:
        if not self.running:
            return
        due = self.peer.next_timeout()
        if due is not None and due <= self.network.now:
            self.peer.handle_timeout(self.network.now)
        self.pump()

    def pump(self) -> None:
        """Send, listen to what is told, and plan the next timer: after every call of the peer."""
        now = self.network.now
        while True:
            quiet = True
            while (outgoing := self.peer.poll_datagram(now)) is not None:
                self._send(outgoing)
                quiet = False
            while (event := self.peer.poll_event()) is not None:
                self._hear(event)
                quiet = False
            if quiet:
                break
        due = self.peer.next_timeout()
        assert len(self.peer.pool) <= 600
        if due is not None and (self._wake_at is None or self._wake_at <= now or due < self._wake_at):
            # A stream paces its packets by less than a float of this size tells apart.
            self._wake_at = max(due, now + 1e-6)
            self.network.at(self._wake_at, self._timed_out)

    def _send(self, outgoing: Outgoing) -> None:
        port = self._sockets.get(outgoing.socket)
        if port is None:
            port = self._sockets[outgoing.socket] = self._next_port
            self._ports[port] = outgoing.socket
            self._next_port += 1
        assert 0 < len(outgoing.data) <= 1500
        source = Address(self.host, port)
        if outgoing.ttl is not None:
            # It opens the own NAT and dies on the way.
            self.low_ttl += 1
            if self.nat is not None:
                self.nat.box.send(source, outgoing.to, self.network.now)
        elif self.nat is not None:
            self.nat.send(outgoing.data, source, outgoing.to)
        else:
            self.network.send(outgoing.data, source, outgoing.to)

    def _hear(self, event: Event) -> None:
        assert not isinstance(event, NameWanted)
        self.events.append(event)
        if isinstance(event, SocketReleased):
            port = self._sockets.pop(event.socket, None)
            if port is not None:
                del self._ports[port]
        elif isinstance(event, StageChanged):
            self.heard.setdefault(event.connection, Heard()).stages.append(event)
        elif isinstance(event, ConnectionAccepted):
            self.accepted.append(event.connection)
            self.heard.setdefault(event.connection, Heard()).echo = self.echo
        elif isinstance(event, ConnectionStirred):
            self._take(event.connection, self.heard.setdefault(event.connection, Heard()))

    def _take(self, connection: Connection, heard: Heard) -> None:
        while (event := connection.poll_event()) is not None:
            assert heard.closed is None, "something after the final event"
            heard.events.append(event)
            if isinstance(event, DataReceived):
                heard.data += event.data
                if heard.echo and connection.may_send:
                    connection.send(event.data)
            elif isinstance(event, RemoteEnded) and heard.echo and connection.raw.state in ACTIVE:
                connection.end()


def peer_options(network: list[SimHost], **more: object) -> PeerOptions:
    """A peer that does not know how it is reached, and bootstraps at the first node of a network."""
    return replace(PeerOptions(node=client_options(network)), **more)  # type: ignore[arg-type]
