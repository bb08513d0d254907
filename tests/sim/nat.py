"""NATs as RFC 4787 describes them: mapping, filtering, port assignment, lifetime, hairpinning.

| behaviour | a mapping serves | a filter lets in |
|---|---|---|
| ENDPOINT_INDEPENDENT | all destinations | anybody |
| ADDRESS_DEPENDENT | one destination host | hosts that were sent to |
| ADDRESS_AND_PORT_DEPENDENT | one destination host and port | endpoints that were sent to |

What is often called consistent is endpoint-independent mapping, what is called random or symmetric is the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from protocol.messages import Address
from tests.sim.network import Network, Receive


class Behaviour(Enum):
    """How much of the remote endpoint matters."""

    ENDPOINT_INDEPENDENT = auto()
    ADDRESS_DEPENDENT = auto()
    ADDRESS_AND_PORT_DEPENDENT = auto()

    def part(self, remote: Address) -> Address | None:
        """The part of a remote endpoint that matters."""
        if self is Behaviour.ENDPOINT_INDEPENDENT:
            return None
        return Address(remote.host, 0) if self is Behaviour.ADDRESS_DEPENDENT else remote


@dataclass(frozen=True, slots=True)
class NatKind:
    """One make of NAT."""

    mapping: Behaviour = Behaviour.ENDPOINT_INDEPENDENT
    filtering: Behaviour = Behaviour.ADDRESS_AND_PORT_DEPENDENT
    port_preservation: bool = False
    lifetime: float = 120.0
    """Seconds after the last outgoing datagram."""
    hairpin: bool = False


@dataclass(slots=True)
class _Mapping:
    inside: Address
    port: int
    key: tuple[Address, Address | None]
    used: float
    permitted: dict[Address | None, float] = field(default_factory=dict)


class Nat:
    """A NAT with one public address and a local network behind it."""

    def __init__(self, network: Network, public_host: str, kind: NatKind) -> None:
        self.public_host = public_host
        self.kind = kind
        self.filtered = 0
        self._network = network
        self._inside: dict[str, Receive] = {}
        self._forwarded: dict[int, Address] = {}
        self._by_key: dict[tuple[Address, Address | None], _Mapping] = {}
        self._by_port: dict[int, _Mapping] = {}
        network.attach(public_host, self.receive)

    @property
    def mappings(self) -> int:
        """Mappings that have not run out, as far as they were looked at."""
        return len(self._by_port)

    def attach(self, host: str, receive: Receive) -> None:
        """Put a host behind this NAT."""
        self._inside[host] = receive

    def forward(self, port: int, inside: Address) -> None:
        """Forward a public port, as its owner can configure."""
        self._forwarded[port] = inside

    def restart(self) -> None:
        """Forget all mappings."""
        self._by_key.clear()
        self._by_port.clear()

    def send(self, data: bytes, source: Address, to: Address) -> None:
        """A host behind this NAT sends a datagram."""
        local = self._inside.get(to.host)
        if local is not None:
            self._network.at(self._network.now + 0.001, lambda: local(data, source, to))
            return
        outside = self._translate(source, to)
        if to.host != self.public_host:
            self._network.send(data, outside, to)
        elif self.kind.hairpin:
            self._network.at(self._network.now + 0.001, lambda: self.receive(data, outside, to))

    def receive(self, data: bytes, source: Address, to: Address) -> None:
        """A datagram arrives at the public address."""
        inside = self._forwarded.get(to.port)
        if inside is None:
            mapping = self._live(self._by_port.get(to.port))
            permit = None if mapping is None else mapping.permitted.get(self.kind.filtering.part(source))
            if mapping is None or permit is None or self._is_over(permit):
                self.filtered += 1
                return
            inside = mapping.inside
        deliver = self._inside.get(inside.host)
        if deliver is not None:
            deliver(data, source, inside)

    def _translate(self, source: Address, to: Address) -> Address:
        for port, inside in self._forwarded.items():
            if inside == source:
                return Address(self.public_host, port)
        key = (source, self.kind.mapping.part(to))
        mapping = self._live(self._by_key.get(key))
        if mapping is None:
            mapping = _Mapping(source, self._free_port(source.port), key, self._network.now)
            self._by_key[key] = self._by_port[mapping.port] = mapping
        mapping.used = self._network.now
        mapping.permitted[self.kind.filtering.part(to)] = self._network.now
        return Address(self.public_host, mapping.port)

    def _free_port(self, wanted: int) -> int:
        taken = self._by_port.keys() | self._forwarded.keys()
        if self.kind.port_preservation and wanted not in taken:
            return wanted
        while (port := self._network.random.randrange(1024, 65536)) in taken:
            pass
        return port

    def _live(self, mapping: _Mapping | None) -> _Mapping | None:
        """The mapping, unless it has run out; then it is forgotten."""
        if mapping is None or not self._is_over(mapping.used):
            return mapping
        self._by_key.pop(mapping.key, None)
        self._by_port.pop(mapping.port, None)
        return None

    def _is_over(self, used: float) -> bool:
        return self._network.now - used > self.kind.lifetime
