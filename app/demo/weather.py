"""What happens to a datagram between two public addresses of the embedded network: loss, delay, hops, outages.

The weather is made where a datagram arrives, so that a capture on the loopback interface holds everything that was
sent, as a capture at its sender would.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Dropped(StrEnum):
    """Why a datagram did not arrive."""

    LOST = "lost on the way"
    TTL_RAN_OUT = "its TTL ran out on the way"
    OUTAGE = "a host on its way is down"
    BLOCKED = "the path between the two hosts is blocked"
    NO_ROUTE = "private address outside of its own network"
    NO_SOCKET = "no socket is bound there"
    NOT_SENT = "the system did not take it"
    TOO_MANY_SOCKETS = "the process has no more sockets for NAT mappings"
    QUEUE_FULL = "too many datagrams are on their way"


@dataclass(frozen=True, slots=True)
class Weather:
    """What every path is like."""

    delay: float = 0.008
    """Least seconds on the way."""
    jitter: float = 0.006
    """Most seconds beyond that."""
    loss: float = 0.0
    """Probability that a datagram is lost."""
    hops: int = 8
    """Routers between two public addresses: a TTL of 5 ends on the way, one of 64 does not."""


FAIR: Final = Weather()


class Sky:
    """Decides over each datagram; counts what does not arrive."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self.weather = weather
        self.dropped: Counter[Dropped] = Counter()
        """Datagrams that did not arrive, by reason."""
        self._random = random
        self._down: set[str] = set()
        self._blocked: set[frozenset[str]] = set()

    def take_down(self, host: str) -> None:
        """Cut a public address off, as a power cut does."""
        self._down.add(host)

    def bring_up(self, host: str) -> None:
        """End its outage."""
        self._down.discard(host)

    def block(self, host: str, other: str) -> None:
        """Let nothing through between two public addresses, in either direction."""
        self._blocked.add(frozenset((host, other)))

    def unblock(self, host: str, other: str) -> None:
        """Let it through again."""
        self._blocked.discard(frozenset((host, other)))

    def is_down(self, host: str) -> bool:
        """Whether a public address is cut off; it then sends nothing either."""
        return host in self._down

    def judge(self, source: str, to: str, ttl: int | None) -> float | Dropped:
        """What becomes of one datagram.

        Args:
            source: the public host that sent it.
            to: the public host that it is for.
            ttl: as it was sent; None where the system does not tell.

        Returns:
            Seconds that it is on its way, or why it does not arrive; then it was counted.
        """
        reason = self._obstacle(source, to, ttl)
        if reason is not None:
            self.dropped[reason] += 1
            return reason
        return self.weather.delay + self._random.random() * self.weather.jitter

    def _obstacle(self, source: str, to: str, ttl: int | None) -> Dropped | None:
        if source in self._down or to in self._down:
            return Dropped.OUTAGE
        if frozenset((source, to)) in self._blocked:
            return Dropped.BLOCKED
        if ttl is not None and ttl <= self.weather.hops:
            return Dropped.TTL_RAN_OUT
        return Dropped.LOST if self._random.random() < self.weather.loss else None
