"""Requests that belong together and are given up together, as those of one connection attempt.

Source: npm dht-rpc 6.27.0 (lib/session.js).
"""

from __future__ import annotations

from typing import Final

from protocol.constants import InternalCommand
from protocol.dht.contact import Ask, Contact, Failure, OnFailure, OnReply, Reply
from protocol.dht.flight_table import RETRIES, InFlight
from protocol.dht.requests import Requests
from protocol.messages import Address

PING: Final = Ask(InternalCommand.PING, internal=True)


class Session:
    """Sends requests and remembers those without a reply."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._flights: set[InFlight] = set()

    def __len__(self) -> int:
        """Requests without a reply yet."""
        return len(self._flights)

    def request(
        self,
        ask: Ask,
        to: Contact,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = RETRIES,
        socket: int | None = None,
    ) -> InFlight | None:
        """Send a request; see `Requests.request`. One of a session that is over is sent all the same."""
        flight: InFlight | None = None

        def replied(reply: Reply, now: float) -> None:
            self._forget(flight)
            on_reply(reply, now)

        def failed(failure: Failure, now: float) -> None:
            self._forget(flight)
            on_failure(failure, now)

        flight = self._requests.request(ask, to, now, replied, failed, retries=retries, socket=socket)
        if flight is not None:
            self._flights.add(flight)
        return flight

    def ping(
        self,
        to: Address,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = RETRIES,
        socket: int | None = None,
    ) -> None:
        """Ping a node."""
        self.request(PING, Contact(to), now, on_reply, on_failure, retries=retries, socket=socket)

    def destroy(self, now: float) -> None:
        """Fail all that has no reply yet."""
        while self._flights:
            self._requests.fail(self._flights.pop(), Failure.CANCELLED, now)

    def _forget(self, flight: InFlight | None) -> None:
        if flight is not None:
            self._flights.discard(flight)
