"""What a peer does for others through servers of its own: it is a blind relay, or a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from protocol.dht.contact import Outgoing
from protocol.messages import Address

if TYPE_CHECKING:
    from protocol.peer.listening import Server


class Host(Protocol):
    """Something that a peer does for others; it ends when its server is closed."""

    server: Server

    @property
    def counts(self) -> Mapping[str, int]:
        """What was done for others, by name."""

    @property
    def refusals(self) -> Mapping[str, int]:
        """What was not done for others, by reason."""

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> bool:
        """Take a packet of a stream that the peer does not know; whether it is one of these."""

    def poll_datagram(self) -> Outgoing | None:
        """The next packet to pass on."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""

    def close(self, now: float) -> None:
        """End all."""
