"""A peer of ours in a simulated network, as its inspector would show it at some moment: the same with every run."""

from __future__ import annotations

from dataclasses import dataclass

from app.node_connections import ConnectionBook
from app.node_status import NodeStatus
from app.node_view import Sockets, status_of
from capture.story import Story
from capture.tap import Tap
from protocol.constants import DEFAULT_TTL
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import Outgoing
from protocol.dht.events import Event
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.noise_handshake import KeyLine
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.steps import Gate, pass_at_once
from tests.sim.hosts import SERVER_PORT, SimHost, start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network
from tests.sim.peers import CLIENT_PORT, PATIENCE, SimPeer, peer_options

SEED = 5
EPOCH_NS = 1_767_225_600 * 10**9
"""The first moment of 2026, where simulated time begins."""
PAIR = key_pair(b"s" * 32)
INDEPENDENT, _, BY_ENDPOINT = Behaviour
CONSISTENT = NatKind(INDEPENDENT, BY_ENDPOINT)
RANDOM = NatKind(BY_ENDPOINT, BY_ENDPOINT)


class TappedPeer(SimPeer):
    """A peer whose datagrams and events are taken down."""

    def __init__(
        self, network: Network, host: str, nodes: list[SimHost], nat: Nat, *, gate: Gate = pass_at_once
    ) -> None:
        self.tap = Tap("node")
        self.book = ConnectionBook()
        self._network = network
        super().__init__(network, host, peer_options(nodes, on_key=self._took_key, gate=gate), nat=nat)

    @property
    def now(self) -> float:
        """The network's time."""
        return self._network.now

    def _send(self, outgoing: Outgoing) -> None:
        super()._send(outgoing)
        local = Address(self.host, self._sockets[outgoing.socket])
        ttl = DEFAULT_TTL if outgoing.ttl is None else outgoing.ttl
        self._take_down(True, local, outgoing.to, ttl, outgoing.data, outgoing.socket)

    def _receive(self, data: bytes, source: Address, to: Address) -> None:
        socket = self._ports.get(to.port)
        if socket is not None:
            self._take_down(False, to, source, None, data, socket)
        super()._receive(data, source, to)

    def _hear(self, event: Event) -> None:
        self.book.take(event, self._network.now)
        super()._hear(event)

    def _took_key(self, line: KeyLine) -> None:
        self.tap.add_secrets(line.text + "\n")

    def _take_down(
        self, outgoing: bool, local: Address, remote: Address, ttl: int | None, data: bytes, socket: int
    ) -> None:
        time_ns = EPOCH_NS + round(self._network.now * 1e9)
        self.tap.take((time_ns, outgoing, local, remote, ttl, data, socket))


@dataclass(frozen=True)
class Moment:
    """A node's packets and its state."""

    story: Story
    status: NodeStatus
    connection: Connection


def punching(seconds: float, client_kind: NatKind = CONSISTENT, server_kind: NatKind = RANDOM) -> Moment:
    """A client some time after it has begun to punch, or when its attempt is decided, if that is earlier."""
    network = Network(SEED)
    nodes = start_network(network, 12)
    server = SimPeer(network, "192.168.1.2", peer_options(nodes), nat=Nat(network, "30.0.0.1", server_kind), echo=True)
    client = TappedPeer(network, "192.168.2.2", nodes, Nat(network, "30.0.0.2", client_kind))
    for peer in (server, client):
        peer.bootstrap()
    server.listen(PAIR)
    connection, heard = client.connect(PAIR.public_key)
    assert network.run_until(lambda: connection.stage in (Stage.PUNCHING, Stage.DIRECT, Stage.CLOSED), PATIENCE)
    network.run_until(lambda: heard.opened or heard.closed is not None, seconds)
    client.tap.stop()
    sockets = Sockets(Address(client.host, SERVER_PORT), Address(client.host, CLIENT_PORT), client.sockets, 0)
    first = BootstrapNode(*nodes[0].address)
    status = status_of(client.peer, client.book, sockets, (first,), network.now, network.now)
    return Moment(Story(client.tap.table), status, connection)
