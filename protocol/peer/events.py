"""What connections and servers tell.

A peer tells, through `Peer.poll_event`, what happens to its connections and servers. What a connection carries is taken
out of the connection itself (`Connection.poll_event`), so that data nobody takes stays in the receive window and the
other side stops sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from protocol.dht.events import OwnersEvent
from protocol.peer.failures import Closing
from protocol.stream.events import DataReceived, MessageReceived, RemoteEnded, SendBufferDrained

if TYPE_CHECKING:
    from protocol.peer.connection import Connection
    from protocol.peer.listening import Server


class Stage(Enum):
    """How far a connection has come. A connection need not pass all; it never goes back, except RELAYED to DIRECT."""

    FINDING = "looking for relays of the peer"
    HANDSHAKING = "asking relays for a handshake"
    PROBING = "first round: telling each other about NATs"
    PUNCHING = "last round: punching"
    WAITING = "waiting for the peer to send first"
    RELAYED = "a path through a blind relay"
    DIRECT = "a direct path"
    CLOSED = "over"


@dataclass(frozen=True, slots=True)
class StageChanged(OwnersEvent):
    """A connection attempt got further, or is over."""

    connection: Connection
    stage: Stage
    closing: Closing | None = None
    """Of CLOSED: why."""


@dataclass(frozen=True, slots=True)
class ConnectionAccepted(OwnersEvent):
    """A server has a path to a client."""

    server: Server
    connection: Connection


@dataclass(frozen=True, slots=True)
class ConnectionStirred(OwnersEvent):
    """`Connection.poll_event` has something, or may have."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class ServerListening(OwnersEvent):
    """A server has announced itself, for the first time or after a sleep."""

    server: Server
    relays: int
    """Relays that took the announcement; 0 means that nobody can find it."""


@dataclass(frozen=True, slots=True)
class ServerClosed(OwnersEvent):
    """A server is gone, its announcements are taken back as far as relays answered."""

    server: Server


PeerEvent = StageChanged | ConnectionAccepted | ConnectionStirred | ServerListening | ServerClosed
"""What a peer tells beyond the events of its node."""


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """The other side has shown that it has the keys of the handshake; comes before all data."""


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The last event of every connection, once."""

    closing: Closing


ConnectionEvent = ConnectionOpened | DataReceived | MessageReceived | RemoteEnded | SendBufferDrained | ConnectionClosed
"""What a connection tells."""
