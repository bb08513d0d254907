"""A peer that is a blind relay: a server whose clients are brought together in pairs, and whose packets it passes on.

The protocol is in `protocol.blind_relay`; here it gets the connections of a server and the packets of streams that the
peer does not know. `relay.counters` says what it did, `relay.sessions` who is there.

Source: npm blind-relay 1.6.1 (index.js), as used with hyperdht 6.34.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.blind_relay.events import SessionClosed
from protocol.blind_relay.limits import RelayLimits
from protocol.blind_relay.server import RelayServer
from protocol.blind_relay.session import RelaySession
from protocol.dht.contact import Outgoing
from protocol.keys import KeyPair
from protocol.messages import Address
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionClosed
from protocol.peer.listening import Server
from protocol.peer.options import ListenOptions
from protocol.peer.refusals import RelayRefusal
from protocol.stream.events import DataReceived, RemoteEnded

if TYPE_CHECKING:
    from protocol.peer.peer import Peer


class RelayHost:
    """One blind relay. Made by `host_relay`; closing its server ends it.

    Attributes:
        server: what clients connect to.
        relay: who is there, and what was done for them.
    """

    def __init__(self, peer: Peer, server: Server, limits: RelayLimits | None) -> None:
        self.server = server
        self.relay = RelayServer(peer.connections.new_stream_id, limits)
        self._connections: dict[RelaySession, Connection] = {}
        server.on_accepted = self._accept

    @property
    def counts(self) -> dict[str, int]:
        """What was done for others, by name."""
        counters = self.relay.counters
        return {
            "pairs of the blind relay": counters.pairings_matched,
            "bytes that the blind relay passed on": counters.bytes_relayed,
        }

    @property
    def refusals(self) -> dict[str, int]:
        """What was not done for others, by reason."""
        counters = self.relay.counters
        return {
            RelayRefusal.SESSIONS: counters.sessions_refused,
            RelayRefusal.PAIRINGS: counters.pairings_refused,
            RelayRefusal.EXPIRED: counters.pairings_expired,
            RelayRefusal.PACKETS: counters.packets_unsent,
        }

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> bool:
        """Pass a packet on, if it is of one of the pairs."""
        return self.relay.receive_datagram(data, addr, socket, now)

    def poll_datagram(self) -> Outgoing | None:
        """The next packet to pass on."""
        relayed = self.relay.poll_datagram()
        return None if relayed is None else Outgoing(relayed.data, relayed.to, relayed.socket)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return self.relay.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Give up pairs that are too old."""
        self.relay.handle_timeout(now)
        self._go_on(now)

    def close(self, now: float) -> None:
        """Close all sessions."""
        self.relay.destroy()
        self._go_on(now)

    def _accept(self, connection: Connection, now: float) -> None:
        remote = connection.remote
        session = None if remote is None else self.relay.accept(connection.remote_public_key, remote)
        if session is None:
            connection.destroy(now)
            return
        self._connections[session] = connection
        connection.reader = lambda now: self._read(session, connection, now)

    def _read(self, session: RelaySession, connection: Connection, now: float) -> None:
        while (event := connection.poll_event()) is not None:
            if isinstance(event, DataReceived):
                session.receive(event.data, now)
            elif isinstance(event, RemoteEnded | ConnectionClosed):
                session.stream_closed()
        if connection.remote is not None:
            session.address = connection.remote
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        """Send what sessions have to say, and end what is over."""
        for session in self.relay.take_ready():
            self._say(session)
        while (event := self.relay.poll_event()) is not None:
            if isinstance(event, SessionClosed):
                connection = self._connections.pop(event.session, None)
                if connection is not None and event.failure is None and connection.may_send:
                    connection.end()
                elif connection is not None:
                    connection.destroy(now)

    def _say(self, session: RelaySession) -> None:
        connection = self._connections.get(session)
        while connection is not None and connection.may_send and (message := session.poll_message()) is not None:
            connection.send(message)


def host_relay(peer: Peer, pair: KeyPair, now: float, limits: RelayLimits | None = None) -> RelayHost:
    """Have a peer be a blind relay under this key.

    Raises:
        LocalProtocolError: the peer is closed, or listens on this key already.
    """
    host = RelayHost(peer, peer.listen(pair, now, ListenOptions(share_local_address=False)), limits)
    peer.relay_hosts.append(host)
    peer.add_host(host)
    return host
