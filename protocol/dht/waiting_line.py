"""Who is sent first when the window has room again.

A client that begins a hundred attempts at once has thousands of requests to send, and the window lets it send about
hundred a second. A server gives up on whom it does not hear from for 10 s after the handshake, so what an attempt has
begun goes on before others begin:

| kind | requests |
|---|---|
| urgent | handshakes and holepunches, and whatever else is sent from the socket of a punch: samples of its NAT |
| others | searches, pings, announcements, values |

Each kind in its order. While both wait, every fourth place is for the others, so that strangers who begin attempts with
a server of ours can't keep it from announcing itself. The reference has one line for all (npm dht-rpc 6.27.0,
lib/io.js).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from protocol.constants import Command
from protocol.dht.contact import NodeSocket

if TYPE_CHECKING:
    from protocol.dht.flight_table import InFlight

URGENT_IN_A_ROW: Final = 3
"""Places of urgent requests, while others wait, before one of these."""

_OF_ATTEMPTS: Final = frozenset({Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH})


class WaitingLine:
    """Requests that wait to be sent."""

    def __init__(self) -> None:
        self._urgent: deque[InFlight] = deque()
        self._others: deque[InFlight] = deque()
        self._in_a_row = 0

    def add(self, flight: InFlight) -> None:
        """Wait behind those of the same kind."""
        (self._urgent if _is_urgent(flight) else self._others).append(flight)

    def take(self) -> InFlight | None:
        """The next one that has not been given up meanwhile; None where nobody waits."""
        while self._urgent or self._others:
            turn = not self._others or self._in_a_row < URGENT_IN_A_ROW
            urgent = bool(self._urgent) and turn
            flight = (self._urgent if urgent else self._others).popleft()
            if not flight.done:
                self._in_a_row = self._in_a_row + 1 if urgent else 0
                return flight
        return None

    def clear(self) -> None:
        """Forget all."""
        self._urgent.clear()
        self._others.clear()


def _is_urgent(flight: InFlight) -> bool:
    # Internal commands have numbers of their own, some of which are the same.
    of_attempt = not flight.ask.internal and flight.ask.command in _OF_ATTEMPTS
    return of_attempt or flight.socket not in (NodeSocket.CLIENT, NodeSocket.SERVER)
