"""When requests are sent: at once, when the window has room, and again when no answer came.

A request is sent up to four times, each time waiting 1 s, or as long as `AdaptiveTimeout` says. Sends that find the
congestion window full wait for one of the next intervals of 0.75 s, those of attempts under way first (`waiting_line`).

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.dht.adaptive_timeout import AdaptiveTimeout
from protocol.dht.congestion import DRAIN_INTERVAL, CongestionWindow
from protocol.dht.contact import Contact, Failure, Outgoing
from protocol.dht.flight_table import FlightTable, InFlight
from protocol.dht.waiting_line import WaitingLine
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

TIMEOUT: Final = 1.0
"""Seconds to wait for a reply after each send."""
MOST_DRAINS: Final = 20
"""Intervals that a node makes up for when it is told the time late."""


@dataclass(slots=True)
class RequestCounts:
    """How many requests of this node came to which end."""

    total: int = 0
    responses: int = 0
    timeouts: int = 0
    retries: int = 0


class SendQueue:
    """The requests in flight and those that wait to be sent.

    Args:
        random: source of tids and jitter.
        now: seconds.
        post: takes datagrams to send.
        on_drain: called with each new interval of the window, every 0.75 s.
        on_timeout: called when a request has timed out for good, after the one who asked.
        max_window: sends in one interval.
        adaptive_timeout: wait as long as the round trips seen suggest, not always 1 s.
    """

    def __init__(
        self,
        random: Random,
        now: float,
        post: Callable[[Outgoing], None],
        *,
        on_drain: Callable[[], None],
        on_timeout: Callable[[Contact, float], None],
        max_window: int,
        adaptive_timeout: bool,
    ) -> None:
        self.flights = FlightTable(random)
        self.counts = RequestCounts()
        self._post = post
        self._on_drain = on_drain
        self._on_timeout = on_timeout
        self._congestion = CongestionWindow(max_window)
        self._adaptive = AdaptiveTimeout(random) if adaptive_timeout else None
        self._next_drain = now + DRAIN_INTERVAL
        self._waiting = WaitingLine()

    def begin(self, flight: InFlight, now: float, *, force: bool) -> None:
        """Send a new request, now or when there is room; `force` for now in any case."""
        self.flights.add(flight)
        self.counts.total += 1
        self._send(flight, now, force=force)

    def answered(self, flight: InFlight, rtt: float, now: float) -> None:
        """A request was answered: learn from it, and forget it."""
        if self._adaptive is not None and flight.sent <= 2:
            self._adaptive.measured(flight.to.address, rtt, now)
        self.counts.responses += 1
        self.finish(flight)

    def finish(self, flight: InFlight) -> None:
        """Forget a request."""
        self.flights.finish(flight)
        self._congestion.answered()

    def restart(self, now: float) -> None:
        """Begin anew with an empty window, after a time in which nothing was sent."""
        self._congestion.clear()
        self._waiting.clear()
        self._next_drain = now + DRAIN_INTERVAL

    def next_timeout(self) -> float:
        """When `handle_timeout` is due."""
        deadline = self.flights.next_deadline()
        return self._next_drain if deadline is None else min(self._next_drain, deadline)

    def handle_timeout(self, now: float) -> None:
        """Send again or give up what is due, and begin the next interval of the window."""
        while (flight := self.flights.pop_late(now)) is not None:
            self._late(flight, now)
        while self._next_drain <= now:
            self._next_drain = max(self._next_drain, now - DRAIN_INTERVAL * MOST_DRAINS) + DRAIN_INTERVAL
            self._drain(now)

    def _send(self, flight: InFlight, now: float, *, force: bool = False) -> None:
        if not force and self._congestion.is_full:
            self._waiting.add(flight)
        else:
            self._send_now(flight, now)

    def _send_now(self, flight: InFlight, now: float) -> None:
        if not flight.sent:
            flight.first_sent = now
        flight.sent += 1
        self._congestion.sent()
        self._post(Outgoing(flight.data, flight.to.address, flight.socket))
        self.flights.wake_at(flight, now + self._wait(flight.to.address, flight, now))

    def _wait(self, to: Address, flight: InFlight, now: float) -> float:
        if flight.timeout is not None:
            return flight.timeout
        return TIMEOUT if self._adaptive is None else self._adaptive.timeout(to, flight.sent, now)

    def _late(self, flight: InFlight, now: float) -> None:
        if flight.on_late is not None:
            flight.on_late(flight, now)
        if flight.done:
            return
        if flight.sent > flight.retries:
            self.counts.timeouts += 1
            self.finish(flight)
            flight.on_failure(Failure.TIMED_OUT, now)
            self._on_timeout(flight.to, now)
        else:
            self.counts.retries += 1
            self._send(flight, now)

    def _drain(self, now: float) -> None:
        self._on_drain()
        self._congestion.drain()
        while not self._congestion.is_full and (flight := self._waiting.take()) is not None:
            self._send_now(flight, now)
