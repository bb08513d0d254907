"""What machines of the node exchange: contacts, requests to send, requests that came in, replies, datagrams to send.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address
from typing import NamedTuple

from protocol.hashes import node_id
from protocol.messages import Address, Request


class NodeSocket(IntEnum):
    """The two sockets of a node; whatever else sends has sockets with higher numbers.

    A node sends from its client socket as long as it may be firewalled. What reaches the server socket then comes
    through a hole that nobody has made: the port is open to the world.
    """

    CLIENT = 0
    SERVER = 1


class Contact(NamedTuple):
    """A node and, where it has proved one, its id: the hash of its address."""

    address: Address
    id: bytes | None = None


class Outgoing(NamedTuple):
    """A datagram that a socket of the node is to send."""

    data: bytes
    to: Address
    socket: int
    ttl: int | None = None
    """None for the usual TTL."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request without its addressing: what is the same for every node that is asked."""

    command: int
    internal: bool = False
    target: bytes | None = None
    token: bytes | None = None
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that came in, decoded and, if it has a token, checked."""

    sender: Contact
    message: Request
    socket: int
    external: bool
    """It came to the socket that this node does not send from."""
    size: int
    """Bytes of the whole datagram payload."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response matched to its request."""

    sender: Contact
    to: Address
    """This node as the sender sees it."""
    rtt: float
    """Seconds from the first sending of the request."""
    socket: int
    external: bool
    """It came to the socket that this node does not send from."""
    ask: Ask
    token: bytes | None = None
    closer_nodes: tuple[Address, ...] = ()
    error: int = 0
    value: bytes | None = None


class Failure(StrEnum):
    """Why there is no reply."""

    TIMED_OUT = "timed out"
    CLOSED = "the node is closed"
    SUSPENDED = "the node is suspended"
    CANCELLED = "nobody waits for it any more"
    NO_SOCKET = "its socket could not be opened"
    NO_ROOM = "too many requests are in flight"


OnReply = Callable[[Reply, float], None]
"""Called with the reply and the time."""
OnFailure = Callable[[Failure, float], None]
"""Called with the failure and the time."""


@lru_cache(maxsize=8192)
def id_at(address: Address) -> bytes:
    """The id that the node at an IPv4 address has to have; the same few are asked for with every message."""
    return node_id(address)


@lru_cache(maxsize=4096)
def is_reachable(address: Address) -> bool:
    """Whether a datagram to this IPv4 address can be meant for one host: no broadcast, multicast, or missing port."""
    try:
        host = IPv4Address(address.host)
    except AddressValueError:
        return False
    return 0 < address.port < 65536 and not (host.is_multicast or host.is_unspecified or int(host) >> 28 == 15)


@lru_cache(maxsize=4096)
def may_be_named(named: Address, by: Address) -> bool:
    """Whether a node is believed when it names another one: it must not send us to networks that are not its own.

    A node on the internet that names a loopback or private address would have this node knock on doors at home.
    """
    if not is_reachable(named) or not is_reachable(by):
        return False
    host, namer = IPv4Address(named.host), IPv4Address(by.host)
    if host.is_loopback or host.is_link_local:
        return namer.is_loopback or namer.is_link_local
    return namer.is_private or not host.is_private
