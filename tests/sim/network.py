"""A simulated network with its own clock: delay, jitter, loss and duplication, all from one seed.

Nothing here reads a real clock. Delays are drawn for each datagram, so datagrams overtake each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random

from protocol.messages import Address

Receive = Callable[[bytes, Address, Address], None]
"""Called with a datagram, its sender and its destination."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to datagrams between two public addresses."""

    delay: float = 0.02
    """Least seconds on the way."""
    jitter: float = 0.03
    """Most seconds beyond that."""
    loss: float = 0.0
    duplication: float = 0.0


class Network:
    """The public internet: what is sent to an attached address arrives there, later, once or twice or never."""

    def __init__(self, seed: int, weather: Weather = Weather()) -> None:
        self.random = Random(seed)
        self.now = 1000.0
        self.weather = weather
        self.sent = 0
        self.lost = 0
        self.unroutable = 0
        self._places: dict[str, Receive] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._story = blake2b(digest_size=16)

    @property
    def story(self) -> str:
        """A digest of everything sent so far: two runs with one seed have the same."""
        return self._story.hexdigest()

    def attach(self, host: str, receive: Receive) -> None:
        """Have what is sent to this public address received."""
        self._places[host] = receive

    def detach(self, host: str) -> None:
        """Take an address off the network."""
        self._places.pop(host, None)

    def send(self, data: bytes, source: Address, to: Address) -> None:
        """Put a datagram on its way."""
        self.sent += 1
        self._story.update(f"{self.now:.6f} {source} {to} ".encode() + data)
        copies = 2 if self.random.random() < self.weather.duplication else 1
        for _ in range(copies):
            if self.random.random() < self.weather.loss:
                self.lost += 1
                continue
            delay = self.weather.delay + self.random.random() * self.weather.jitter
            self.at(self.now + delay, lambda: self._arrive(data, source, to))

    def _arrive(self, data: bytes, source: Address, to: Address) -> None:
        receive = self._places.get(to.host)
        if receive is None:
            self.unroutable += 1
        else:
            receive(data, source, to)

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something at a time, which is not before now."""
        assert time >= self.now
        self._count += 1
        heappush(self._queue, (time, self._count, action))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until(lambda: False, seconds)
        assert not self._queue or self._queue[0][0] >= self.now

    def run_until(self, condition: Callable[[], bool], at_most: float) -> bool:
        """Let time pass until a condition holds; whether it did within so many seconds."""
        end = self.now + at_most
        while not condition():
            if not self._queue or self._queue[0][0] > end:
                self.now = end
                return condition()
            self.now, _, action = heappop(self._queue)
            action()
        return True
