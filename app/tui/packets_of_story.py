"""Asking about single packets of a story that may grow in another thread meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capture.model import Sighting
from protocol.messages import Address

if TYPE_CHECKING:
    from app.tui.story_view import StoryView
    from capture.exchanges import Exchanges
    from capture.filter import Filter
    from capture.model import Flow
    from capture.table import PacketTable


class PacketsOfStory:
    """Answers while nothing grows."""

    story: StoryView
    _lock: threading.RLock
    _exchanges: tuple[PacketTable, Exchanges] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing grows meanwhile."""
        with self._lock:
            yield

    @property
    def table(self) -> PacketTable:
        """The packets; to be read while the session is `held`."""
        return self.story.table

    @property
    def exchanges(self) -> Exchanges:
        """What answers what in that table; to be asked while the session is `held`."""
        from capture.exchanges import Exchanges

        table = self.table
        if self._exchanges is None or self._exchanges[0] is not table:
            self._exchanges = table, Exchanges(table)
        return self._exchanges[1]

    def index(self) -> None:
        """Index what the first verdict and the first message on screen are looked up in; for files, in a thread."""
        table, flows = self.table, self.story.flows
        if len(table):
            self.exchanges.of(0)
        if flows:
            _ = flows[0].client_nat

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
        with self._lock:
            return self.story.payload(sighting)

    def wire_length(self, sighting: Sighting) -> int:
        """Bytes of that payload when it was sent."""
        with self._lock:
            return self.story.wire_length(sighting)

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        with self._lock:
            return self.story.packet_time(sighting)

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet; None while there is none."""
        with self._lock:
            return self.story.last_time

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows, in all files, nearest its sender first."""
        with self._lock:
            return self.story.sightings(sighting)

    def asked(self, answer: Sighting) -> Sighting | None:
        """The request that a response answers, as it was seen nearest its sender; None if it was not seen."""
        with self._lock:
            table = self.table
            row = self.exchanges.request_of(answer.row) if answer.row < len(table) else None
            if row is None:
                return None
            return Sighting(table.file.item(row), table.frame.item(row), row)

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        with self._lock:
            return self.story.endpoints(sighting)

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured."""
        with self._lock:
            return self.story.ttl(sighting)


async def look_through(wanted: Filter, *, attempts: bool = True) -> None:
    """Work out between keys what a filter takes long for; of files, as their packets do not grow.

    Args:
        wanted: the filter.
        attempts: whether attempts are to be asked, not packets.
    """
    if wanted.asks_packets if attempts else not wanted.settled:
        await asyncio.to_thread(wanted.prepare_table)
        for _ in wanted.preparing():
            await asyncio.sleep(0)
    for _ in wanted.masking(attempts=attempts):
        await asyncio.sleep(0)


async def passing_in_slices(wanted: Filter, flows: Sequence[Flow], size: int) -> list[Flow]:
    """The attempts of files that pass a filter, so many of them asked between two keys."""
    await look_through(wanted)
    passing: list[Flow] = []
    for number, flow in enumerate(flows, 1):
        if wanted.matches(flow):
            passing.append(flow)
        if number % size == 0:
            await asyncio.sleep(0)
    return passing
