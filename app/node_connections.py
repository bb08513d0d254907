"""A book of the connections of a running peer: how far each is, and of the last ones how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.node_status import ConnectionStatus
from app.terminal_text import safe_text
from protocol.dht.events import Event
from protocol.peer.connection import Connection
from protocol.peer.events import Stage, StageChanged
from protocol.peer.failures import Closing

KEPT: Final = 100
"""Connections in the book; those that are over go first."""
SAID: Final = 60
"""Characters of a message that are kept."""


@dataclass(slots=True)
class _Entry:
    began: float
    ended: float | None = None
    closing: Closing | None = None
    said: str = ""


class ConnectionBook:
    """Made from what the peer tells."""

    def __init__(self) -> None:
        self.since: dict[Connection, float] = {}
        """When each connection came to its present stage, in seconds of the loop's clock."""
        self._entries: dict[Connection, _Entry] = {}

    def take(self, event: Event, now: float) -> None:
        """Take in an event."""
        if not isinstance(event, StageChanged):
            return
        connection = event.connection
        entry = self._entries.setdefault(connection, _Entry(now))
        self.since[connection] = now
        if event.stage is Stage.CLOSED:
            entry.ended, entry.closing = now, event.closing
            self.since.pop(connection)
        self._forget()

    def heard(self, connection: Connection, message: bytes) -> None:
        """A message came."""
        entry = self._entries.get(connection)
        if entry is not None:
            entry.said = safe_text(message[:SAID].decode("utf-8", "replace"))

    def closing(self, public_key: bytes) -> Closing | None:
        """How the newest connection with a peer ended; None while it has not."""
        for connection, entry in reversed(self._entries.items()):
            if connection.remote_public_key == public_key:
                return entry.closing
        return None

    def status(self, now: float) -> tuple[ConnectionStatus, ...]:
        """All of them, the newest first."""
        return tuple(
            ConnectionStatus(
                connection.attempt,
                connection.initiator,
                connection.remote_public_key,
                connection.remote,
                connection.stage.value,
                (entry.ended if entry.ended is not None else now) - entry.began,
                connection.opened,
                "" if entry.closing is None else entry.closing.text,
                entry.closing is not None and entry.closing.error is not None,
                entry.said,
            )
            for connection, entry in reversed(self._entries.items())
        )

    def _forget(self) -> None:
        over = [connection for connection, entry in self._entries.items() if entry.ended is not None]
        for connection in over[: max(0, len(self._entries) - KEPT)]:
            del self._entries[connection]
