"""What a connection needs of the peer that owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from protocol.peer.connection import Connection
    from protocol.peer.refusals import StreamRefusal


class ConnectionOwner(Protocol):
    """The owner of connections."""

    @property
    def early_packets(self) -> int:
        """Packets that are kept for a stream without a path."""

    @property
    def keepalive(self) -> float | None:
        """Seconds without a message after which an empty one is sent."""

    def random_bytes(self, size: int) -> bytes:
        """Unpredictable bytes."""

    def touch(self, connection: Connection, *, stir: bool = False) -> None:
        """The connection may have something to send, or another deadline; `stir`: or something to tell."""

    def refuse(self, reason: StreamRefusal) -> None:
        """A packet was not taken, or not sent."""

    def stage_changed(self, connection: Connection) -> None:
        """The connection has got further."""
