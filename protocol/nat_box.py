"""A NAT as RFC 4787 describes them: mapping, filtering, port assignment, lifetime, hairpinning, bounded tables.

It has no sockets and no clock: its owner asks where a datagram goes and whether one is let in. The simulated network
and the embedded one use the same.

| behaviour | a mapping serves | a filter lets in |
|---|---|---|
| ENDPOINT_INDEPENDENT | all destinations | anybody |
| ADDRESS_DEPENDENT | one destination host | hosts that were sent to |
| ADDRESS_AND_PORT_DEPENDENT | one destination host and port | endpoints that were sent to |

What is often called consistent is endpoint-independent mapping, what is called random or symmetric is the last one.

Source: RFC 4787, sections 4 to 6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

FIRST_PORT: Final = 1024
PORTS: Final = 65536 - FIRST_PORT
STRAY_LIFETIME: Final = 30.0
"""Seconds for which a datagram that nobody asked for holds its port, as Linux netfilter remembers unanswered ones."""
_RANDOM_TRIES: Final = 64


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


class PortOrder(Enum):
    """Which port a new mapping gets, if not that of its inside address."""

    RANDOM = auto()
    SEQUENTIAL = auto()
    """The next free one after the last."""


class NatRefusal(StrEnum):
    """Why a datagram did not pass."""

    NO_MAPPING = "nothing is mapped to the port"
    FILTERED = "the filter does not know the sender"
    TABLE_FULL = "the table of mappings is full"
    NO_FREE_PORT = "no port is free"
    NO_HAIRPIN = "sent to the own public address, which this NAT does not turn back"


@dataclass(frozen=True, slots=True)
class NatKind:
    """One make of NAT."""

    mapping: Behaviour = Behaviour.ENDPOINT_INDEPENDENT
    filtering: Behaviour = Behaviour.ADDRESS_AND_PORT_DEPENDENT
    port_preservation: bool = False
    lifetime: float = 120.0
    """Seconds after the last outgoing datagram."""
    hairpin: bool = False
    port_order: PortOrder = PortOrder.RANDOM
    overloading: bool = False
    """Whether one port serves several mappings at once, as long as their destinations differ (RFC 4787, 4.2.2)."""
    inbound_refresh: bool = False
    """Whether what comes in keeps a mapping alive too."""
    keeps_strays: bool = False
    """Whether a datagram that is not let in occupies its port towards its sender, so that an answer, or a datagram sent
    there by chance, leaves from another port. Linux netfilter without a rule that drops such datagrams does."""
    max_mappings: int = 4096
    max_permits: int = 4096
    """Remote endpoints, or hosts, that one mapping lets in; the one sent to longest ago gives way."""


class Routed(NamedTuple):
    """Where a datagram from inside goes."""

    source: Address
    """The public address that it leaves from."""
    to: Address
    inside: bool
    """It was turned back: `to` is an inside address."""


@dataclass(slots=True)
class _Mapping:
    inside: Address
    port: int
    key: tuple[Address, Address | None]
    used: float
    permitted: dict[Address | None, float] = field(default_factory=dict)
    """When each part of a remote endpoint was last sent to, longest ago first."""


class NatBox:
    """The tables of one NAT with one public address."""

    def __init__(
        self,
        public_host: str,
        kind: NatKind,
        random: Random,
        *,
        take_port: Callable[[int], bool] = lambda _: True,
        give_back: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Begin with empty tables.

        Args:
            public_host: the address that others see.
            kind: how it behaves.
            random: for ports.
            take_port: told of a port before its first mapping; False when it can't be had, then another is tried.
            give_back: told of a port after its last mapping.
        """
        self.public_host = public_host
        self.kind = kind
        self.refused: Counter[NatRefusal] = Counter()
        """Datagrams that did not pass, by reason."""
        self._random = random
        self._take_port = take_port
        self._give_back = give_back
        self._forwarded: dict[int, Address] = {}
        self._by_key: dict[tuple[Address, Address | None], _Mapping] = {}
        """Mappings, the one used longest ago first."""
        self._by_port: dict[int, dict[Address | None, _Mapping]] = {}
        self._strays: dict[tuple[int, Address | None], float] = {}
        self._last_port = FIRST_PORT + random.randrange(PORTS) if kind.port_order is PortOrder.SEQUENTIAL else 0

    @property
    def mappings(self) -> int:
        """Mappings that have not run out, as far as they were looked at."""
        return len(self._by_key)

    @property
    def ports(self) -> int:
        """Public ports that are mapped or forwarded."""
        return len(self._by_port) + len(self._forwarded)

    def forward(self, port: int, inside: Address) -> bool:
        """Forward a public port, as its owner can configure; False if the port can't be had."""
        if port not in self._forwarded and port not in self._by_port and not self._take_port(port):
            return False
        self._forwarded[port] = inside
        return True

    def restart(self) -> None:
        """Forget all mappings, as after a power cut; forwarded ports stay."""
        for mapping in list(self._by_key.values()):
            self._forget(mapping)
        self._strays.clear()

    def send(self, source: Address, to: Address, now: float) -> Routed | NatRefusal:
        """A host inside sends a datagram outside: find or make its mapping.

        Returns:
            Its way, or why there is none.
        """
        hairpin = to.host == self.public_host
        if hairpin and not self.kind.hairpin:
            return self._refuse(NatRefusal.NO_HAIRPIN)
        outside = self._translate(source, to, now)
        if isinstance(outside, NatRefusal):
            return self._refuse(outside)
        if not hairpin:
            return Routed(outside, to, inside=False)
        inside = self.receive(outside, to.port, now)
        return inside if isinstance(inside, NatRefusal) else Routed(outside, inside, inside=True)

    def receive(self, source: Address, port: int, now: float) -> Address | NatRefusal:
        """A datagram arrives at a public port.

        Returns:
            The inside address that it is for, or why it is not let in.
        """
        forwarded = self._forwarded.get(port)
        if forwarded is not None:
            return forwarded
        mappings = [mapping for mapping in self._candidates(source, port) if self._lives(mapping, now)]
        part = self.kind.filtering.part(source)
        for mapping in mappings:
            permit = mapping.permitted.get(part)
            if permit is not None and not self._is_over(permit, now):
                if self.kind.inbound_refresh:
                    self._use(mapping, part, now)
                return mapping.inside
        if self.kind.keeps_strays and len(self._strays) < self.kind.max_mappings:
            self._strays[port, self.kind.mapping.part(source)] = now
        return self._refuse(NatRefusal.FILTERED if mappings else NatRefusal.NO_MAPPING)

    def sweep(self, now: float) -> None:
        """Forget the mappings that have run out, and give their ports back."""
        for mapping in [one for one in self._by_key.values() if self._is_over(one.used, now)]:
            self._forget(mapping)
        self._strays = {key: since for key, since in self._strays.items() if now - since <= STRAY_LIFETIME}

    def _refuse(self, reason: NatRefusal) -> NatRefusal:
        self.refused[reason] += 1
        return reason

    def _candidates(self, source: Address, port: int) -> Iterator[_Mapping]:
        """Mappings of a port: first the one made for this sender."""
        there = self._by_port.get(port, {})
        own = there.get(self.kind.mapping.part(source))
        if own is not None:
            yield own
        yield from [mapping for mapping in there.values() if mapping is not own]

    def _translate(self, source: Address, to: Address, now: float) -> Address | NatRefusal:
        for port, inside in self._forwarded.items():
            if inside == source:
                return Address(self.public_host, port)
        key = (source, self.kind.mapping.part(to))
        mapping = self._by_key.get(key)
        if mapping is None or not self._lives(mapping, now):
            made = self._make(key, now)
            if isinstance(made, NatRefusal):
                return made
            mapping = made
        self._use(mapping, self.kind.filtering.part(to), now)
        return Address(self.public_host, mapping.port)

    def _make(self, key: tuple[Address, Address | None], now: float) -> _Mapping | NatRefusal:
        if len(self._by_key) >= self.kind.max_mappings:
            self.sweep(now)
            if len(self._by_key) >= self.kind.max_mappings:
                return NatRefusal.TABLE_FULL
        source, part = key
        port = next((port for port in self._ports_to_try(source.port) if self._may_have(port, part, now)), None)
        if port is None:
            return NatRefusal.NO_FREE_PORT
        mapping = self._by_key[key] = _Mapping(source, port, key, now)
        self._by_port.setdefault(port, {})[part] = mapping
        self._last_port = port
        return mapping

    def _ports_to_try(self, wanted: int) -> Iterator[int]:
        if self.kind.port_preservation:
            yield wanted
        if self.kind.port_order is PortOrder.RANDOM:
            for _ in range(_RANDOM_TRIES):
                yield FIRST_PORT + self._random.randrange(PORTS)
            self._last_port = FIRST_PORT + self._random.randrange(PORTS)
        start = self._last_port
        for step in range(1, PORTS + 1):
            yield FIRST_PORT + (start - FIRST_PORT + step) % PORTS

    def _may_have(self, port: int, part: Address | None, now: float) -> bool:
        """Whether a port is free for a mapping to this part of a remote endpoint; then it is taken."""
        stray = self._strays.get((port, part))
        if port in self._forwarded or (stray is not None and now - stray <= STRAY_LIFETIME):
            return False
        there = self._by_port.get(port)
        if there is None:
            return self._take_port(port)
        return self.kind.overloading and part not in there

    def _use(self, mapping: _Mapping, permitted: Address | None, now: float) -> None:
        mapping.used = now
        self._by_key[mapping.key] = self._by_key.pop(mapping.key)
        mapping.permitted.pop(permitted, None)
        mapping.permitted[permitted] = now
        if len(mapping.permitted) > self.kind.max_permits:
            del mapping.permitted[next(islice(mapping.permitted, 1))]

    def _lives(self, mapping: _Mapping, now: float) -> bool:
        """Whether a mapping has not run out; if it has, it is forgotten."""
        if not self._is_over(mapping.used, now):
            return True
        self._forget(mapping)
        return False

    def _forget(self, mapping: _Mapping) -> None:
        del self._by_key[mapping.key]
        there = self._by_port[mapping.port]
        del there[mapping.key[1]]
        if not there:
            del self._by_port[mapping.port]
            if mapping.port not in self._forwarded:
                self._give_back(mapping.port)

    def _is_over(self, used: float, now: float) -> bool:
        return now - used > self.kind.lifetime
