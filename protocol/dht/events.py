"""What a node tells its owner, unasked."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.dht.health import Health
from protocol.messages import Address


@dataclass(frozen=True, slots=True)
class NameWanted:
    """A bootstrap node has no address yet: look up its IPv4 address and give it to `Node.name_resolved`."""

    host: str


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The first search for the node's own place has ended."""

    nodes: int
    """Nodes in the routing table; 0 means that nobody answered."""


@dataclass(frozen=True, slots=True)
class PortFoundOpen:
    """Others reach the server socket; requests are sent from it from now on."""


@dataclass(frozen=True, slots=True)
class BecamePersistent:
    """The node takes part: it sends its id, stores records and relays."""

    id: bytes


@dataclass(frozen=True, slots=True)
class BecameEphemeral:
    """The node no longer sends an id: it woke from a sleep and may be on another network."""


@dataclass(frozen=True, slots=True)
class NatUpdated:
    """The network sees this node at another address than before."""

    host: str | None
    port: int
    """0 when it differs from node to node, or is not known."""


@dataclass(frozen=True, slots=True)
class NodeAdded:
    """A node entered the routing table."""

    address: Address


@dataclass(frozen=True, slots=True)
class NodeRemoved:
    """A node left the routing table."""

    address: Address


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """The network answers better or worse than before."""

    health: Health


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """This host has other addresses than before: an interface came or went."""

    addresses: tuple[Address, ...]
    """Those that others in its networks reach the server socket at."""


@dataclass(frozen=True, slots=True)
class SocketReleased:
    """Nothing is sent from a socket any more: close it."""

    socket: int


class OwnersEvent:
    """Base of what an owner of a node tells in the same way, through the same shell; see `protocol.peer.events`."""

    __slots__ = ()


Event = (
    NameWanted
    | Bootstrapped
    | PortFoundOpen
    | BecamePersistent
    | BecameEphemeral
    | NatUpdated
    | NodeAdded
    | NodeRemoved
    | HealthChanged
    | AddressesChanged
    | SocketReleased
    | OwnersEvent
)
