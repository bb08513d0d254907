"""The table of requests without a reply: transaction ids and timers.

Tids count up from a random start, as the reference's do; one that is still in use is passed over.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from protocol.dht.contact import Ask, Contact, OnFailure, OnReply

if TYPE_CHECKING:
    from random import Random

RETRIES: Final = 3
"""Sends after the first."""

_TIDS: Final = 1 << 16


class InFlight:
    """A request without a reply yet. `retries`, `timeout` and `on_late` may be changed until it is sent."""

    __slots__ = (
        "ask",
        "data",
        "deadline",
        "done",
        "first_sent",
        "on_failure",
        "on_late",
        "on_reply",
        "retries",
        "sent",
        "socket",
        "tid",
        "timeout",
        "to",
    )

    def __init__(
        self, ask: Ask, to: Contact, tid: int, socket: int, data: bytes, on_reply: OnReply, on_failure: OnFailure
    ) -> None:
        self.ask = ask
        self.to = to
        self.tid = tid
        self.socket = socket
        self.data = data
        self.on_reply = on_reply
        self.on_failure = on_failure
        self.on_late: Callable[[InFlight, float], None] | None = None
        self.retries = RETRIES
        self.timeout: float | None = None
        self.sent = 0
        self.first_sent = 0.0
        self.deadline: float | None = None
        self.done = False


class FlightTable:
    """Requests in flight by tid, and when each is late."""

    def __init__(self, random: Random) -> None:
        self._next_tid = random.randrange(_TIDS)
        self._by_tid: dict[int, InFlight] = {}
        self._timers: list[tuple[float, int, InFlight]] = []
        self._timer_count = 0

    def __len__(self) -> int:
        """Requests in flight."""
        return len(self._by_tid)

    def __iter__(self) -> Iterator[InFlight]:
        """Requests in flight, as they are now."""
        return iter(tuple(self._by_tid.values()))

    def get(self, tid: int) -> InFlight | None:
        """The request with this tid."""
        return self._by_tid.get(tid)

    def free_tid(self) -> int | None:
        """The next tid that is not in use; None when all are."""
        for _ in range(_TIDS if len(self._by_tid) < _TIDS else 0):
            tid = self._next_tid
            self._next_tid = (tid + 1) % _TIDS
            if tid not in self._by_tid:
                return tid
        return None

    def add(self, flight: InFlight) -> None:
        """Take in a request whose tid is free."""
        self._by_tid[flight.tid] = flight

    def finish(self, flight: InFlight) -> None:
        """Take a request out: it is answered or given up."""
        flight.done = True
        flight.deadline = None
        self._by_tid.pop(flight.tid, None)

    def wake_at(self, flight: InFlight, deadline: float) -> None:
        """Have `pop_late` return the request at that time, and not at one that was set before."""
        flight.deadline = deadline
        self._timer_count += 1
        heappush(self._timers, (deadline, self._timer_count, flight))

    def next_deadline(self) -> float | None:
        """When the next request is late."""
        while self._timers and self._timers[0][2].deadline != self._timers[0][0]:
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def pop_late(self, now: float) -> InFlight | None:
        """One request that is late; it is not again before the next `wake_at`."""
        due = self.next_deadline()
        if due is None or due > now:
            return None
        flight = heappop(self._timers)[2]
        flight.deadline = None
        return flight
