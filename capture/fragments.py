"""Putting fragmented IP datagrams together again, within bounds.

Pieces belong together by source, destination, identification and protocol, and by the place they were seen at, so that
several sightings of one fragmented datagram stay apart. A piece that says again what another said counts once; pieces
that contradict each other spoil the datagram, which is then never put together (RFC 5722 for IPv6; here for both).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

MAX_DATAGRAM: Final = 65535
MAX_PENDING: Final = 4096
"""Unfinished datagrams kept; beyond that the oldest is given up."""
MAX_PIECES: Final = 8192 + 1
"""A datagram of 65535 bytes in the smallest pieces."""
MAX_AGE_NS: Final = 60 * 10**9
"""Pieces further apart than this belong to different datagrams (RFC 8200, section 4.5), whatever their numbers."""

T = TypeVar("T")


class _Unfinished(Generic[T]):
    __slots__ = ("pieces", "seen", "size", "spoiled", "started_ns", "total")

    def __init__(self, started_ns: int) -> None:
        self.started_ns = started_ns
        self.pieces: dict[int, bytes] = {}
        self.seen: list[T] = []
        self.size = 0
        self.total: int | None = None
        self.spoiled = False

    def spoil(self) -> None:
        """Give up what contradicts itself, and let go of its bytes."""
        self.spoiled = True
        self.pieces.clear()
        self.seen.clear()


class Reassembler(Generic[T]):
    """Collects pieces; `T` is what the caller wants back with a finished datagram, one for each piece."""

    def __init__(self) -> None:
        self._unfinished: dict[Hashable, _Unfinished[T]] = {}
        self.given_up = 0

    @property
    def pending(self) -> int:
        """Datagrams of which something is missing."""
        return len(self._unfinished) + self.given_up

    def give_up(self, which: Callable[[Any], bool]) -> None:
        """Wait no longer for what is missing of some datagrams, by their keys."""
        gone = [key for key in self._unfinished if which(key)]
        self.given_up += len(gone)
        for key in gone:
            del self._unfinished[key]

    def retag(self, change: Callable[[T], T]) -> None:
        """Change what the caller has of them."""
        for item in self._unfinished.values():
            item.seen = [change(tag) for tag in item.seen]

    def add(
        self, key: Hashable, position: int, more: bool, body: bytes, time_ns: int, tag: T
    ) -> tuple[bytes, list[T]] | None:
        """Take in one piece.

        Args:
            key: what tells the datagrams apart.
            position: byte position of the piece in the datagram.
            more: whether pieces follow it.
            body: its bytes, all of them.
            time_ns: when it was seen.
            tag: handed back.

        Returns:
            The whole datagram and the tags of its pieces in the order they came, if this piece completes it.
        """
        item = self._unfinished.get(key)
        if item is not None and abs(time_ns - item.started_ns) > MAX_AGE_NS:
            del self._unfinished[key]
            self.given_up += 1
            item = None
        if item is None:
            if len(self._unfinished) >= MAX_PENDING:
                self._unfinished.pop(next(iter(self._unfinished)))
                self.given_up += 1
            item = self._unfinished[key] = _Unfinished(time_ns)
        if item.spoiled:
            return None
        known = item.pieces.get(position)
        end = position + len(body)
        contradicts = known is not None and known != body
        contradicts |= more and len(body) % 8 != 0
        contradicts |= end > MAX_DATAGRAM or max(len(item.pieces), len(item.seen)) >= MAX_PIECES
        contradicts |= item.total is not None and (end > item.total or (not more and end != item.total))
        if contradicts:
            item.spoil()
            return None
        item.seen.append(tag)
        if known is None:
            item.pieces[position] = body
            item.size += len(body)
        if not more:
            item.total = end
        if item.total is None or item.size < item.total:
            return None
        return self._finish(key, item)

    def _finish(self, key: Hashable, item: _Unfinished[T]) -> tuple[bytes, list[T]] | None:
        at = 0
        for position in sorted(item.pieces):
            if position != at:
                break
            at += len(item.pieces[position])
        if at != item.total or item.size != at:
            # As many bytes as due, yet not one piece after the other: they overlap.
            item.spoil()
            return None
        del self._unfinished[key]
        return b"".join(item.pieces[position] for position in sorted(item.pieces)), item.seen
