"""A simulated link between two streams: its own clock, seeded chance, and a rate if wanted."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from protocol.messages import Address
from protocol.stream.events import DataReceived, MessageReceived, RemoteEnded, StreamClosed, StreamEvent
from protocol.stream.udx import UdxStream

LEFT = Address("192.0.2.1", 1001)
RIGHT = Address("198.51.100.2", 2002)


@dataclass(frozen=True)
class Conditions:
    """How a link treats datagrams; chances from 0 to 1, times in seconds."""

    delay: float = 0.02
    jitter: float = 0.0
    """Up to this much more for each datagram by itself, which reorders them."""
    loss: float = 0.0
    duplication: float = 0.0
    rate: float = 0.0
    """Bytes per second of a bottleneck; 0 for none."""
    queue: int = 64 * 1024
    """Bytes that wait for the bottleneck before it drops."""


class End:
    """One side of a conversation, and what it saw."""

    def __init__(self, stream: UdxStream, addr: Address) -> None:
        self.stream = stream
        self.addr = addr
        self.received = bytearray()
        self.messages: list[bytes] = []
        self.events: list[StreamEvent] = []
        """Everything but data."""
        self.to_send = memoryview(b"")
        self.end_after = False
        self.reading = True

    def feed(self) -> None:
        """Give the stream as much of what is to be sent as it takes, then its end."""
        while self.to_send and not self.stream.sender.full:
            self.stream.send(bytes(self.to_send[:10_000]))
            self.to_send = self.to_send[10_000:]
        if self.end_after and not self.to_send:
            self.end_after = False
            self.stream.end()

    def take(self) -> None:
        while self.reading and (event := self.stream.poll_event()) is not None:
            if isinstance(event, DataReceived):
                assert event.data
                self.received += event.data
            else:
                if isinstance(event, MessageReceived):
                    self.messages.append(event.data)
                self.events.append(event)

    @property
    def closed(self) -> StreamClosed | None:
        closed = [event for event in self.events if isinstance(event, StreamClosed)]
        assert len(closed) <= 1, "one final event"
        assert not closed or self.events[-1] is closed[0], "nothing follows it"
        return closed[0] if closed else None

    @property
    def saw_end(self) -> bool:
        return RemoteEnded() in self.events


@dataclass
class Counted:
    sent: int = 0
    lost: int = 0
    bytes: int = 0


@dataclass
class Link:
    """Two ends and the datagrams between them."""

    left: End
    right: End
    conditions: Conditions
    rng: random.Random
    now: float = 100.0
    dead: bool = False
    """Drops everything."""
    drop: Callable[[End, bytes], bool] = lambda _, __: False
    """Whether to drop what this end sends, besides chance."""
    trace: list[tuple[float, End, bytes]] = field(default_factory=list)
    _flying: list[tuple[float, int, End, bytes, Address]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _busy_until: dict[int, float] = field(default_factory=dict)

    def other(self, end: End) -> End:
        return self.right if end is self.left else self.left

    def flush(self, end: End) -> None:
        """Send what `end` has to send."""
        while (out := end.stream.poll_datagram(self.now)) is not None:
            datagram, _ = out
            assert len(datagram) <= 1172, "the path carries no more"
            self.trace.append((self.now, end, datagram))
            self.carry(end, datagram)

    def carry(self, end: End, datagram: bytes) -> None:
        c = self.conditions
        if self.dead or self.rng.random() < c.loss or self.drop(end, datagram):
            return
        at = self.now
        if c.rate:
            key = id(end)
            start = max(self.now, self._busy_until.get(key, 0.0))
            if (start - self.now) * c.rate > c.queue:
                return
            at = self._busy_until[key] = start + len(datagram) / c.rate
        copies = 2 if self.rng.random() < c.duplication else 1
        for _ in range(copies):
            due = at + c.delay + self.rng.random() * c.jitter
            heapq.heappush(self._flying, (due, next(self._order), self.other(end), datagram, end.addr))

    def lose_all_in_flight(self) -> None:
        self._flying.clear()

    def settle(self) -> None:
        for end in (self.left, self.right):
            end.take()
            end.feed()
            self.flush(end)
            end.take()

    def next_at(self) -> float | None:
        """When something happens next."""
        times = [self._flying[0][0]] if self._flying else []
        for end in (self.left, self.right):
            at = end.stream.next_timeout()
            if at is not None:
                times.append(at)
        return min(times) if times else None

    def step(self) -> bool:
        """Go to the next thing that happens; False when nothing will."""
        self.settle()
        at = self.next_at()
        if at is None:
            return False
        assert at > self.now - 1e-9 or at <= self.now, at
        self.now = max(self.now, at)
        while self._flying and self._flying[0][0] <= self.now:
            _, _, end, datagram, source = heapq.heappop(self._flying)
            end.stream.receive_datagram(datagram, source, self.now)
        for end in (self.left, self.right):
            due = end.stream.next_timeout()
            if due is not None and due <= self.now:
                end.stream.handle_timeout(self.now)
        self.settle()
        return True

    def run_to(self, when: float) -> None:
        """Go on to a given time, and stand there also if nothing happens then."""
        self.run(lambda: (at := self.next_at()) is None or at > when)
        self.now = max(self.now, when)
        self.settle()

    def run(self, until: Callable[[], bool] = lambda: False, limit: float = 600.0) -> None:
        """Go on until `until`, or until nothing happens any more; never past `limit` seconds of link time."""
        start = self.now
        self.settle()
        steps = 0
        while not until() and self.step():
            steps += 1
            assert self.now - start <= limit, f"{limit} s went by: {self.left.stream.state} {self.right.stream.state}"
            assert steps < 2_000_000, "busy"


def linked(
    conditions: Conditions | None = None,
    seed: int = 1,
    *,
    seq: int = 0,
    window: int = 4 * 1024 * 1024,
    keepalive: float | None = None,
) -> Link:
    """Two connected streams and a link."""
    left = UdxStream(11, seq=seq, ack=seq, receive_window=window, keepalive=keepalive)
    right = UdxStream(22, seq=seq, ack=seq, receive_window=window, keepalive=keepalive)
    link = Link(End(left, LEFT), End(right, RIGHT), conditions or Conditions(), random.Random(seed))
    left.connect(22, RIGHT, link.now)
    right.connect(11, LEFT, link.now)
    return link
