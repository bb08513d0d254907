"""A relay and a client of ours that somebody has a hand in, in a simulated network: the same with every run.

Both have to be made in a running event loop, which the interceptor and the desk report to; time is the network's.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Final

from app.hand.desk import DeskControl
from app.hand.interception import LiveInterception
from app.node_status import NodeStatus
from app.node_view import Sockets, status_of
from capture.story import Story
from capture.tap import Tap
from protocol.constants import DEFAULT_TTL
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.editing.fields import with_field
from protocol.messages import Address
from protocol.peer.desk import Desk
from protocol.peer.options import ConnectOptions
from protocol.peer.steps import Act
from protocol.udp_machine import Tapped
from tests.app.simulated_node import CONSISTENT, EPOCH_NS, PAIR, RANDOM, SEED, TappedPeer
from tests.sim.hosts import CLIENT_PORT, SERVER_PORT, public_host, start_network
from tests.sim.nat import Nat
from tests.sim.network import Network
from tests.sim.peers import PATIENCE, SimPeer, peer_options

NODES: Final = 4
"""Of others."""
HELD: Final = "command == PEER_HOLEPUNCH"


class Relay:
    """A persistent node of ours on the public network, with an interceptor around it: the face of a shell."""

    def __init__(self, network: Network, host: str, bootstrap: Address, expression: str) -> None:
        self.network = network
        self.host = host
        self.tap = Tap("node")
        self.interception = LiveInterception(self.tap, expression=expression, clock=lambda: network.now)
        options = NodeOptions(bootstrap=(BootstrapNode(*bootstrap),), ephemeral=False, firewalled=False)
        self.node = Node(options, Random(network.random.getrandbits(64)), network.now)
        self.machine = self.interception.around(self.node)
        self.interception.attach(self)
        self._sockets = {NodeSocket.SERVER: SERVER_PORT, NodeSocket.CLIENT: CLIENT_PORT}
        self._wake_at: float | None = None
        network.attach(host, self._receive)
        self.machine.start(SERVER_PORT, network.now)
        self.drive()

    def drive(self) -> None:
        """Send what is to be sent, and plan the next timer."""
        now = self.network.now
        while (outgoing := self.machine.poll_datagram(now)) is not None:
            local = Address(self.host, self._sockets[NodeSocket(outgoing.socket)])
            ttl = DEFAULT_TTL if outgoing.ttl is None else outgoing.ttl
            self._take_down(True, local, outgoing.to, ttl, outgoing.data, outgoing.socket)
            self.network.send(outgoing.data, local, outgoing.to)
        while self.machine.poll_event() is not None:
            pass
        due = self.machine.next_timeout()
        if due is not None and (self._wake_at is None or self._wake_at <= now or due < self._wake_at):
            self._wake_at = max(due, now)
            self.network.at(self._wake_at, self._timed_out)

    def until_held(self, count: int) -> None:
        """Let the network run until so many messages are held."""
        assert self.network.run_until(lambda: len(self.held) >= count, PATIENCE), len(self.held)

    @property
    def held(self) -> tuple[int, ...]:
        """The numbers of those that are held."""
        interceptor = self.interception.interceptor
        assert interceptor is not None
        return tuple(one.number for one in interceptor.held)

    def forward(self, number: int) -> None:
        """Let one go on, now."""
        interceptor = self.interception.interceptor
        assert interceptor is not None
        interceptor.forward(number, self.network.now)
        self.drive()

    async def edit(self, number: int, field: str, text: str) -> None:
        """Change a field of one, with the seed's random bytes in the new seal."""
        one = next(held for held in self.interception.held() if held.number == number)
        opener = replace(one.opener, random=Random(SEED).randbytes)
        await self.interception.edit(number, with_field(one.draft, field, text, opener))

    def _receive(self, data: bytes, source: Address, to: Address) -> None:
        socket = next(socket for socket, port in self._sockets.items() if port == to.port)
        self._take_down(False, to, source, None, data, socket)
        self.machine.receive_datagram(data, source, self.network.now, socket)
        self.drive()

    def _timed_out(self) -> None:
        due = self.machine.next_timeout()
        if due is not None and due <= self.network.now:
            self.machine.handle_timeout(self.network.now)
        self.drive()

    def _take_down(
        self, outgoing: bool, local: Address, remote: Address, ttl: int | None, data: bytes, socket: int
    ) -> None:
        time_ns = EPOCH_NS + round(self.network.now * 1e9)
        self.interception.take(Tapped(time_ns, outgoing, local, remote, ttl, data, socket))


async def relaying() -> Relay:
    """A relay that holds rounds of two clients: an answer that was edited, a round, and one that came again."""
    network = Network(SEED)
    nodes = start_network(network, NODES)
    relay = Relay(network, public_host(NODES + 1), nodes[0].address, HELD)
    assert network.run_until(lambda: relay.node.bootstrapped, PATIENCE)
    server = SimPeer(network, "192.168.1.2", peer_options(nodes), nat=Nat(network, "30.0.0.1", RANDOM))
    server.bootstrap()
    server.listen(PAIR)
    first, second = (
        SimPeer(network, "192.168.2.2", peer_options(nodes), nat=Nat(network, f"30.0.0.{number}", CONSISTENT))
        for number in (2, 3)
    )
    for client in (first, second):
        client.bootstrap()
    over_ours = ConnectOptions(relay_addresses=(Address(relay.host, SERVER_PORT),))
    first.connect(PAIR.public_key, over_ours)
    for _ in range(2):  # the round goes on to the relay, and from there to the server
        relay.until_held(1)
        relay.forward(relay.held[0])
    relay.until_held(1)
    await asyncio.sleep(0)
    await relay.edit(relay.held[0], "firewall", "CONSISTENT")
    second.connect(PAIR.public_key, over_ours)
    relay.until_held(3)
    network.run(0.6)
    await asyncio.sleep(0)
    relay.tap.stop()
    return relay


class ByHand:
    """A client whose steps wait on a desk, when its punch round does."""

    def __init__(self) -> None:
        network = Network(SEED)
        nodes = start_network(network, 12)
        server = SimPeer(network, "192.168.1.2", peer_options(nodes), nat=Nat(network, "30.0.0.1", RANDOM))
        desk = Desk()
        self.control = DeskControl(desk, "client")
        self.client = TappedPeer(network, "192.168.2.2", nodes, Nat(network, "30.0.0.2", CONSISTENT), gate=desk)
        for peer in (server, self.client):
            peer.bootstrap()
        server.listen(PAIR)
        self.control.bind(self.client)  # type: ignore[arg-type]  # all of a shell that a desk needs
        self.client.connect(PAIR.public_key)
        while True:
            assert network.run_until(lambda: bool(desk.held), PATIENCE)
            held = desk.held[0]
            if held.came.act is Act.PUNCH:
                break
            network.run(0.4)
            self.client.act(lambda _, now: desk.let_all_go(now))
        desk.edit(held.number, with_field(held.step, "firewall", "RANDOM"))
        network.run(2.4)
        self.control.look()
        self.client.tap.stop()
        sockets = Sockets(
            Address(self.client.host, SERVER_PORT), Address(self.client.host, CLIENT_PORT), self.client.sockets, 0
        )
        first = BootstrapNode(*nodes[0].address)
        now = network.now
        self.status: NodeStatus = status_of(self.client.peer, self.client.book, sockets, (first,), now, now)
        self.story = Story(self.client.tap.table)
