"""Our nodes on simulated hosts, and what has to hold for them at every moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Concatenate, ParamSpec, TypeVar

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.events import Event, NameWanted
from protocol.dht.limits import Limits
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from tests.sim.nat import Nat
from tests.sim.network import Network

P = ParamSpec("P")
T = TypeVar("T")

SERVER_PORT = 49737
CLIENT_PORT = 50000
MOST_IN_FLIGHT = 2000


class SimHost:
    """A host with one node, on the public network or behind a NAT."""

    def __init__(
        self,
        network: Network,
        host: str,
        options: NodeOptions,
        *,
        nat: Nat | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        self.network = network
        self.host = host
        self.events: list[Event] = []
        self.names = names or {}
        self.running = True
        self.asleep = False
        self._ports = {SERVER_PORT: NodeSocket.SERVER, CLIENT_PORT: NodeSocket.CLIENT}
        self._send = network.send if nat is None else nat.send
        self._wake_at: float | None = None
        (network if nat is None else nat).attach(host, self._receive)
        self.node = Node(options, Random(network.random.getrandbits(64)), network.now)
        self.node.start(SERVER_PORT, network.now)
        self.pump()

    @property
    def address(self) -> Address:
        """Where the node's server socket is, as the host knows it."""
        return Address(self.host, SERVER_PORT)

    def run(
        self,
        operation: Callable[Concatenate[Node, float, Callable[[T, float], None], P], object],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Let the network run until an operation has its result, which has to come in time and once."""
        results: list[T] = []
        operation(self.node, self.network.now, lambda result, _: results.append(result), *args, **kwargs)
        self.pump()
        assert self.network.run_until(lambda: bool(results), 120), "the operation did not end"
        self.network.run(1)
        assert len(results) == 1
        return results[0]

    def stop(self) -> None:
        """Vanish from the network, without a word."""
        self.running = False

    def close(self) -> None:
        """Close the node."""
        self.node.close(self.network.now)
        self.pump()
        assert self.node.next_timeout() is None
        self.running = False

    def sleep(self) -> None:
        """The machine is suspended: no datagram and no timer reaches the node."""
        self.asleep = True

    def wake(self) -> None:
        """The machine goes on."""
        self.asleep = False
        self._timed_out()

    def _receive(self, data: bytes, source: Address, to: Address) -> None:
        socket = self._ports.get(to.port)
        if self.running and not self.asleep and socket is not None:
            self.node.receive_datagram(data, source, self.network.now, socket)
            self.pump()

    def _timed_out(self) -> None:
        if not self.running or self.asleep:
            return
        due = self.node.next_timeout()
        if due is not None and due <= self.network.now:
            self.node.handle_timeout(self.network.now)
        self.pump()

    def pump(self) -> None:
        """Send what the node wants sent, and plan its next timer: after every call of it."""
        now = self.network.now
        while (outgoing := self.node.poll_datagram(now)) is not None:
            port = SERVER_PORT if outgoing.socket == NodeSocket.SERVER else CLIENT_PORT
            assert 0 < len(outgoing.data) <= 1500
            self._send(outgoing.data, Address(self.host, port), outgoing.to)
        while (event := self.node.poll_event()) is not None:
            self.events.append(event)
            if isinstance(event, NameWanted):
                self.network.at(now + 0.1, lambda name=event.host: self._resolved(name))  # type: ignore[misc]
        due = self.node.next_timeout()
        assert due is None or due > now, "a timer that is due was not served"
        assert self.node.requests.in_flight <= MOST_IN_FLIGHT
        # One wake-up is planned at a time; a later deadline finds it early, does nothing, and plans the next.
        if due is not None and (self._wake_at is None or self._wake_at <= now or due < self._wake_at):
            self._wake_at = due
            self.network.at(due, self._timed_out)

    def _resolved(self, name: str) -> None:
        if self.running:
            self.node.name_resolved(name, self.names.get(name), self.network.now)
            self.pump()


def public_host(number: int) -> str:
    """The address of the public host with this number."""
    return f"20.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def start_network(network: Network, size: int, limits: Limits | None = None) -> list[SimHost]:
    """Persistent public nodes that know one first node, all started and bootstrapped."""
    options = NodeOptions(ephemeral=False, firewalled=False, limits=limits or Limits())
    first_address = Address(public_host(1), SERVER_PORT)
    first = SimHost(network, first_address.host, replace(options, public_address=first_address))
    hosts = [first]
    options = replace(options, bootstrap=(BootstrapNode(*first_address),))
    for number in range(2, size + 1):
        hosts.append(SimHost(network, public_host(number), options))
        assert network.run_until(lambda: hosts[-1].node.bootstrapped, 120)
    assert network.run_until(lambda: all(host.node.bootstrapped for host in hosts), 120)
    return hosts


def start_at_once(network: Network, size: int) -> list[SimHost]:
    """The same, but all start at the same moment."""
    options = NodeOptions(ephemeral=False, firewalled=False)
    first = SimHost(network, public_host(1), replace(options, public_address=Address(public_host(1), SERVER_PORT)))
    options = replace(options, bootstrap=(BootstrapNode(*first.address),))
    return [first, *(SimHost(network, public_host(number), options) for number in range(2, size + 1))]


def client_options(network: list[SimHost], *, ephemeral: bool | None = None) -> NodeOptions:
    """A node that does not know how it is reached, and bootstraps at the first node of a network."""
    return NodeOptions(bootstrap=(BootstrapNode(*network[0].address),), ephemeral=ephemeral)
