"""A server of our own, as the router sees it: it answers handshakes and holepunches that are meant for it.

An answer may take its time (a NAT that is still being looked at), so it is given to a callback, at most once. None is
given where the server does not want to answer at all.

Source: npm hyperdht 6.34.0 (lib/router.js, lib/server.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from protocol.dht.contact import Incoming
from protocol.messages import Handshake, Holepunch


class LocalReply(NamedTuple):
    """What a server answers with."""

    payload: bytes
    """The noise message, or the sealed holepunch payload."""
    socket: int | None = None
    """Where it is sent from, if not from where the request came to: clients take this for the server's address."""
    encode: Callable[[Handshake | Holepunch], bytes] | None = None
    """Makes the value of the usual one, for who wants to send another."""
    again: bool = False
    """Whether it is sent although there was an answer before."""


Answer = Callable[[LocalReply, float], None]
"""Called with a server's answer and the time; calls after the first do nothing, unless the reply says so."""


class HolepunchServer(Protocol):
    """Who answers rounds of holepunching: a server, or one that stands in for it."""

    def serve_holepunch(self, value: Holepunch, request: Incoming, now: float, answer: Answer) -> None:
        """A client that shook hands says how it wants to punch.

        Args:
            value: mode FROM_RELAY, with a `peer_address`.
            request: what it came in.
            now: seconds.
            answer: takes the sealed payload.
        """


class LocalServer(HolepunchServer, Protocol):
    """A server that listens on this node; see `Router.add_server`."""

    @property
    def record(self) -> bytes:
        """Its encoded peer record, for FIND_PEER and LOOKUP."""

    def serve_handshake(self, value: Handshake, request: Incoming, now: float, answer: Answer) -> None:
        """A client wants to connect.

        Args:
            value: mode FROM_CLIENT, FROM_RELAY or FROM_SECOND_RELAY; `peer_address` is the client behind a relay, None
                for one that asks directly.
            request: what it came in.
            now: seconds.
            answer: takes noise message 2.
        """
