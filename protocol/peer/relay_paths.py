"""Paths through a blind relay, next to the search for a direct one.

Both sides connect to the relay as to any server, and ask it, with the token that the handshake told, for the stream
that stands for the other. The stream starts on that path. A direct path found later takes its place; the relay is let
go once everything sent over it is acknowledged and a packet of the peer has come on the direct path.

| the handshake names a relay | connects to | the client asks as | the server asks as |
|---|---|---|---|
| the server's answer does | the server's relay | not the initiator | the initiator |
| only the client's offer does | the client's relay | the initiator | not the initiator |

Source: npm hyperdht 6.34.0 (lib/connect.js: relayConnection; lib/server.js: _relayConnection; lib/relay-connection.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.blind_relay.client import Paired, RelayClient, RelayOpened
from protocol.messages import Address
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionClosed
from protocol.stream.events import DataReceived, RemoteEnded
from protocol.stream.states import ACTIVE

if TYPE_CHECKING:
    from protocol.peer.agenda import Timer
    from protocol.peer.peer import Peer

RELAY_WAIT: Final = 15.0
"""Seconds for a relay to bring the two sides together."""

OnPaired = Callable[[int, Address, int, float], None]
"""Called with the socket, the relay's address, the stream id there, and the time."""


class RelayPath:
    """One relayed path of one connection, with its own connection to the relay.

    Args:
        peer: who connects.
        connection: what is to be relayed.
        relay: public key of the relay.
        token: 32 bytes that both sides know.
        is_initiator: whether this side chose the relay.
        on_paired: called when the other side is there.
        on_lost: called once when it will not be; not after `stop`.
        now: seconds.
    """

    def __init__(
        self,
        peer: Peer,
        connection: Connection,
        relay: bytes,
        token: bytes,
        *,
        is_initiator: bool,
        on_paired: OnPaired,
        on_lost: Callable[[float], None],
        now: float,
    ) -> None:
        self.is_over = False
        """Whether there is no use in waiting for it."""
        self.paired = False
        self._peer = peer
        self._connection = connection
        self._on_paired = on_paired
        self._on_lost = on_lost
        self._direct_from = 0
        self._link = peer.connect(relay, now)
        self._link.reader = self._read
        self._client = RelayClient(self._link.public_key)
        self._client.pair(is_initiator, token, connection.stream_id)
        self._timer: Timer | None = peer.agenda.call_at(now + RELAY_WAIT, self._lost)
        peer.relay_counts.attempts += 1
        peer.connections.touch(self._link, stir=True)

    @property
    def link(self) -> Connection:
        """Our connection to the relay."""
        return self._link

    def is_from(self, socket: int, addr: Address) -> bool:
        """Whether a packet that came there is one that the relay passed on."""
        return socket == self._link.socket and addr == self._link.remote

    def replaced(self) -> None:
        """A direct path is in use: let the relay go as soon as the peer uses it too."""
        self._direct_from = self._connection.raw.sender.outgoing.next_seq
        self._connection.on_packet = self._packet_came
        # Shows the peer the direct path, even if there is nothing else to say.
        self._connection.raw.send_message(b"")
        self._peer.connections.touch(self._connection)

    def stop(self, now: float) -> None:
        """Nobody needs it any more."""
        if not self.is_over:
            self._end(now)
            self._link.destroy(now)

    def _packet_came(self, socket: int, addr: Address, now: float) -> None:
        acknowledged = self._connection.raw.sender.outgoing.acked >= self._direct_from
        if acknowledged and not self.is_from(socket, addr) and not self.is_over:
            self._connection.on_packet = None
            self._end(now)
            if self._link.may_send:
                self._link.end()
            else:
                self._link.destroy(now)

    def _read(self, now: float) -> None:
        """Take out what the link and the relay say, and say what there is to be said."""
        while (event := self._link.poll_event()) is not None:
            if isinstance(event, DataReceived):
                self._client.receive(event.data)
            elif isinstance(event, RemoteEnded | ConnectionClosed):
                self._client.stream_closed()
                if isinstance(event, RemoteEnded) and self._link.raw.state in ACTIVE and self._link.may_send:
                    self._link.end()
        while (told := self._client.poll_event()) is not None:
            if self.is_over or isinstance(told, RelayOpened):
                continue
            if isinstance(told, Paired):
                self._pair(told.remote_id, now)
            else:
                self._lost(now)
        while self._link.may_send and (message := self._client.poll_message()) is not None:
            self._link.send(message)

    def _pair(self, remote_id: int, now: float) -> None:
        self._stop_timer()
        socket, remote = self._link.socket, self._link.remote
        if socket is None or remote is None:
            self._lost(now)
            return
        self.paired = True
        self._peer.relay_counts.successes += 1
        self._on_paired(socket, remote, remote_id, now)

    def _lost(self, now: float) -> None:
        if self.is_over:
            return
        self._end(now)
        self._link.destroy(now)
        self._on_lost(now)

    def _end(self, _now: float) -> None:
        self.is_over = True
        self._stop_timer()
        if not self.paired:
            self._peer.relay_counts.aborts += 1

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
