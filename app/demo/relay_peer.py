"""A peer that also is a blind relay: whoever connects to it may ask for the stream of another."""

from __future__ import annotations

from functools import partial
from random import Random

from protocol.blind_relay.server import RelayServer
from protocol.blind_relay.session import RelaySession
from protocol.dht.contact import Outgoing
from protocol.messages import Address
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionClosed, ConnectionOpened
from protocol.peer.options import PeerOptions
from protocol.peer.peer import Peer
from protocol.stream.events import DataReceived, RemoteEnded


class RelayPeer(Peer):
    """Listens like any peer; `serve` makes an accepted connection one of a client of the relay."""

    def __init__(self, options: PeerOptions, random: Random, now: float) -> None:
        super().__init__(options, random, now)
        self.relay = RelayServer(self._new_stream_id)
        self._sessions: dict[Connection, RelaySession] = {}
        self._clients: dict[RelaySession, Connection] = {}

    def serve(self, connection: Connection) -> None:
        """Let the client behind a connection use the relay."""
        connection.reader = partial(self._read, connection)

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in what a socket received; packets of relayed streams go on to the other side."""
        if not (self.pool.is_udx(data) and self.relay.receive_datagram(data, addr, socket, now)):
            super().receive_datagram(data, addr, now, socket)

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next datagram to send."""
        relayed = self.relay.poll_datagram()
        return super().poll_datagram(now) if relayed is None else Outgoing(*relayed)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due; None on a closed peer."""
        due = super().next_timeout()
        at = self.relay.next_timeout()
        return due if due is None or at is None else min(due, at)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        self.relay.handle_timeout(now)
        self._flush()
        super().handle_timeout(now)

    def _new_stream_id(self) -> int:
        return self.random.getrandbits(32)

    def _read(self, connection: Connection, now: float) -> None:
        while (event := connection.poll_event()) is not None:
            session = self._sessions.get(connection)
            if isinstance(event, ConnectionOpened) and connection.remote is not None:
                accepted = self.relay.accept(connection.remote_public_key, connection.remote)
                if accepted is None:
                    connection.destroy(now)
                else:
                    self._sessions[connection], self._clients[accepted] = accepted, connection
            elif isinstance(event, DataReceived) and session is not None:
                session.receive(event.data, now)
            elif isinstance(event, RemoteEnded | ConnectionClosed):
                self._leave(connection)
        self._flush()

    def _leave(self, connection: Connection) -> None:
        session = self._sessions.pop(connection, None)
        if session is not None:
            session.stream_closed()
            del self._clients[session]
        if connection.may_send:
            connection.end()

    def _flush(self) -> None:
        """Send what sessions have to say: what one client asks may answer another."""
        for session in self.relay.take_ready():
            client = self._clients.get(session)
            while client is not None and client.may_send and (message := session.poll_message()) is not None:
                client.send(message)
        while self.relay.poll_event() is not None:
            pass  # told for operators of relays
