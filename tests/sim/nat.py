"""NATs on the simulated network: `protocol.nat_box` between a local network and a public address."""

from __future__ import annotations

from protocol.messages import Address
from protocol.nat_box import Behaviour, NatBox, NatKind, NatRefusal
from tests.sim.network import Network, Receive

__all__ = ["Behaviour", "Nat", "NatKind"]


class Nat:
    """A NAT with one public address and a local network behind it."""

    def __init__(self, network: Network, public_host: str, kind: NatKind) -> None:
        self.public_host = public_host
        self.kind = kind
        self.box = NatBox(public_host, kind, network.random)
        self._network = network
        self._inside: dict[str, Receive] = {}
        network.attach(public_host, self.receive)

    @property
    def mappings(self) -> int:
        """Mappings that have not run out, as far as they were looked at."""
        return self.box.mappings

    @property
    def filtered(self) -> int:
        """Datagrams from outside that were not let in."""
        return self.box.refused[NatRefusal.FILTERED] + self.box.refused[NatRefusal.NO_MAPPING]

    def attach(self, host: str, receive: Receive) -> None:
        """Put a host behind this NAT."""
        self._inside[host] = receive

    def forward(self, port: int, inside: Address) -> None:
        """Forward a public port, as its owner can configure."""
        assert self.box.forward(port, inside)

    def restart(self) -> None:
        """Forget all mappings."""
        self.box.restart()

    def send(self, data: bytes, source: Address, to: Address) -> None:
        """A host behind this NAT sends a datagram."""
        if to.host in self._inside:
            self._deliver_soon(data, source, to)
            return
        routed = self.box.send(source, to, self._network.now)
        if isinstance(routed, NatRefusal):
            return
        if routed.inside:
            self._deliver_soon(data, routed.source, routed.to)
        else:
            self._network.send(data, routed.source, routed.to)

    def receive(self, data: bytes, source: Address, to: Address) -> None:
        """A datagram arrives at the public address."""
        inside = self.box.receive(source, to.port, self._network.now)
        if not isinstance(inside, NatRefusal) and inside.host in self._inside:
            self._inside[inside.host](data, source, inside)

    def _deliver_soon(self, data: bytes, source: Address, to: Address) -> None:
        deliver = self._inside.get(to.host)
        if deliver is not None:
            self._network.at(self._network.now + 0.001, lambda: deliver(data, source, to))
