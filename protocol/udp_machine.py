"""What a shell runs, and what it tells of the datagrams that pass."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from protocol.dht.contact import Outgoing
from protocol.dht.events import Event
from protocol.messages import Address


class Machine(Protocol):
    """What a shell runs: the face of a node, and of a peer.

    After each call the shell takes out all datagrams and all events. `now` is in seconds of a clock that does not go
    back.
    """

    local_addresses: tuple[Address, ...]
    """The server socket's addresses in networks that the host is part of; the shell sets it before `start`."""

    def start(self, server_port: int, now: float) -> None:
        """Join the network; the server socket is bound to this port."""

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in what a socket received."""

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next datagram to send."""

    def poll_event(self) -> Event | None:
        """The next thing that happened."""

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        """Take in the IPv4 address of a name, the answer to `NameWanted`; None where it has none."""

    def socket_failed(self, socket: int, now: float) -> None:
        """A socket that something was to be sent from can't be bound."""

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:
        """An interface of the host came or went: its `local_addresses` are these now."""

    def suspend(self, now: float) -> None:
        """All sockets are about to close for a while."""

    def resume(self, server_port: int, now: float) -> None:
        """The first two sockets are open again."""

    def close(self, now: float) -> None:
        """End."""


class Tapped(NamedTuple):
    """A datagram that one of the sockets sent or received."""

    time_ns: int
    """Since 1970, by a clock that does not go back."""
    outgoing: bool
    local: Address
    remote: Address
    ttl: int | None
    """The TTL that it was sent with, or what was left of it on arrival; None where the system does not tell."""
    data: bytes
    socket: int
    """The machine's number for the socket."""
