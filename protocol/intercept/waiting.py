"""What waits inside an interceptor without anybody having to decide: for a time, or for later datagrams to go first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from protocol.intercept.values import Direction, Fate, Passing, Replay
from protocol.messages import Address


@dataclass(frozen=True, slots=True)
class Way:
    """A datagram with what is to become of it."""

    passing: Passing
    data: bytes
    to: Address
    ttl: int | None
    rule: str | None = None
    copies: int = 0
    """How many more go right behind it."""
    replays: tuple[Replay, ...] = ()
    fate: Fate | None = None
    """What is told when it goes; None to tell by what was changed."""

    @property
    def plain(self) -> Way:
        """The same, once: without copies."""
        return replace(self, copies=0, replays=())


@dataclass(slots=True)
class _Behind:
    """A datagram that waits for later ones."""

    way: Way
    left: int
    group: str
    done: bool = False


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    way: Way = field(compare=False)
    behind: _Behind | None = field(default=None, compare=False)


class WaitingRoom:
    """Bounded: what finds no room makes what is due next go at once.

    Args:
        room: how many may wait.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._due: list[_Due] = []
        self._behind: list[_Behind] = []
        self._order = 0
        self._gone = 0
        """Entries of the heap that went before they were due."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._due) - self._gone

    def wait(self, way: Way, due: float) -> Way | None:
        """Let one wait for a time; what has to go in its place, where there is no room."""
        return self._add(_Due(due, self._next(), way))

    def wait_behind(self, way: Way, count: int, group: str, due: float) -> Way | None:
        """Let one wait for some later ones, but no longer than to a time; otherwise as `wait`."""
        behind = _Behind(way, max(count, 1), group)
        self._behind.append(behind)
        return self._add(_Due(due, self._next(), way, behind))

    def passed(self, passing: Passing, groups: frozenset[str]) -> list[Way]:
        """One went by: which of those that waited may go now."""
        ready = []
        for one in self._behind:
            if one.way.passing.number == passing.number or not _counts(one, passing, groups):
                continue
            one.left -= 1
            if one.left == 0:
                one.done = True
                self._gone += 1
                ready.append(one.way)
        if ready:
            self._behind = [one for one in self._behind if not one.done]
        return ready

    def due(self, now: float) -> Iterator[Way]:
        """Those whose time has come, the first first."""
        while (next_due := self.next_due()) is not None and next_due <= now:
            yield self._pop()

    def next_due(self) -> float | None:
        """When the next one is due."""
        while self._due and self._due[0].behind is not None and self._due[0].behind.done:
            heapq.heappop(self._due)
            self._gone -= 1
        return self._due[0].at if self._due else None

    def clear(self) -> list[Way]:
        """Take all out, the first due first."""
        left = []
        while self.next_due() is not None:
            left.append(self._pop())
        return left

    def _pop(self) -> Way:
        one = heapq.heappop(self._due)
        if one.behind is not None:
            self._behind.remove(one.behind)
        return one.way

    def _add(self, one: _Due) -> Way | None:
        heapq.heappush(self._due, one)
        if len(self) <= self._room:
            return None
        self.next_due()
        return self._pop()

    def _next(self) -> int:
        self._order += 1
        return self._order


def _counts(one: _Behind, passing: Passing, groups: frozenset[str]) -> bool:
    if one.group:
        return one.group in groups and passing.direction is one.way.passing.direction
    first = one.way.passing
    return (passing.direction, passing.remote) == (first.direction, first.remote)


def is_sent(way: Way) -> bool:
    """Whether it goes out to the network, rather than to the machine."""
    return way.passing.direction is Direction.SENT
