"""Paths through a blind relay, next to the search for a direct one.

Both sides connect to the relay as to any server, and ask it, with the token that the handshake told, for the stream
that stands for the other. The stream starts on that path; a direct path found later takes its place, and the relay is
let go once the peer's packets come on it.

| the offer names a relay | connects to | asks as |
|---|---|---|
| the server's answer | the server's relay | not the initiator |
| only the client's | the client's relay | the initiator |

Source: npm hyperdht 6.34.0 (lib/connect.js: relayConnection; lib/server.js: _relayConnection; lib/relay-connection.js).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from protocol.peer.answering import Answering
    from protocol.peer.connecting import Connecting
    from protocol.peer.peer import Peer

RELAY_WAIT: Final = 15.0
"""Seconds for a relay to bring the two sides together."""


class RelayPaths:
    """The relayed paths of a peer, and counts of them."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def begin_client(self, attempt: Connecting, now: float) -> None:
        """A client's handshake is answered: connect to a relay if either side named one."""

    def begin_server(self, handshake: Answering, now: float) -> None:
        """A server has answered a handshake in which either side named a relay."""
