"""What the main screen shows: a story, perhaps growing, and the filter on it. No widgets, no clock.

Attempts are worked out when their fields are first read (`capture.flows.deferred`), with what the story holds. So
whoever reads them must not do so while the story takes in packets:

- files: nothing grows; the screens read as they go, and what needs every attempt (counts, filters) goes in slices
  between which the event loop runs;
- live: `take_in` runs in a thread and works out what a list shows of every attempt that changed before it hands them
  on; the rest, which costs most, of `looked_at` alone, and of others when they are looked at (`work_out`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from app.exit_status import CommandError
from app.tui.story_view import Feed, StoryView
from capture.errors import CaptureError
from capture.filter import Filter, parse_filter
from capture.model import FileSummary, Flow, Outcome, Sighting
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.table import PacketTable

SLICE = 16
"""Attempts that are worked out between two turns of the event loop: some milliseconds."""
SLICES = 32
"""Slices after which the counts on screen are brought up to date."""


class _Grown(NamedTuple):
    """The attempts after a look at a live source, and which of them pass `filter`."""

    flows: tuple[Flow, ...]
    shown: tuple[Flow, ...]
    filter: Filter


class Session:
    """A story and its attempts as they were at the last `refresh`."""

    def __init__(
        self, story: StoryView, feed: Feed | None = None, filter_text: str = "", remarks: tuple[str, ...] = ()
    ) -> None:
        self.story = story
        self.remarks = remarks
        """What is to be said of the keys that were given."""
        self.feed = feed
        self.paused = False
        self.trouble = ""
        """Why the feed has ended by itself."""
        self.filter: Filter = parse_filter(filter_text)
        self.failed = 0
        """Attempts known to have failed."""
        self.looked_at = ""
        """Id of the attempt that is shown whole."""
        self.latest: float | None = None
        """Time of the newest packet of a live source."""
        self.spent = 0.0
        """Seconds of processor time that `take_in` has taken."""
        self._lock = threading.RLock()
        self._outcomes: dict[str, Outcome] = {}
        self._arrived: set[str] = {flow.id for flow in story.flows} if feed is not None else set()
        self._grown: _Grown | None = None
        self.files: tuple[FileSummary, ...] = story.files
        self.notes: tuple[str, ...] = story.notes
        self.flows: tuple[Flow, ...] = story.flows if feed is None else ()
        self.shown: tuple[Flow, ...] = _passing(self.filter, self.flows)
        """Those that pass the filter."""

    @property
    def counted(self) -> bool:
        """Whether the outcome of every attempt is known."""
        return len(self._outcomes) >= len(self.flows)

    def take_in(self) -> None:
        """Poll the feed, let the story grow and work out what changed. Runs in a thread."""
        began = time.thread_time()
        with self._lock:
            self._take_in()
        self.spent += time.thread_time() - began

    def _take_in(self) -> None:
        try:
            if self.feed is not None and not self.trouble:
                self.feed.poll()
        except (CaptureError, CommandError) as error:
            self.trouble = str(error)
        changed = {*self.story.update(), *(() if self.flows or self._grown else self._arrived)}
        if not changed:
            return
        if len(self.table):
            self.latest = int(self.table.time_ns[-1]) / 1e9
        self._arrived |= changed
        flows = self.story.flows
        self._forget_all_but({flow.id for flow in flows})
        for flow in flows:
            if flow.id in changed:
                self._note(flow)
                _list(flow)
                if flow.id == self.looked_at:
                    _draw(flow)
        self._grown = _Grown(flows, _passing(self.filter, flows), self.filter)

    def refresh(self) -> frozenset[str]:
        """Adopt what `take_in` brought, unless paused; ids of the attempts that changed since the last call."""
        if self.paused:
            return frozenset()
        with self._lock:
            self.files, self.notes = self.story.files, self.story.notes
            grown, self._grown = self._grown, None
            if grown is None:
                return frozenset()
            changed = frozenset(self._arrived)
            self._arrived.clear()
            self.flows = grown.flows
            self.shown = grown.shown if grown.filter is self.filter else _passing(self.filter, grown.flows)
        return changed

    async def count_some(self) -> None:
        """Find out how some more attempts ended, in slices; enough calls make `counted` true."""
        unknown = islice((flow for flow in self.flows if flow.id not in self._outcomes), SLICES * SLICE)
        for number, flow in enumerate(unknown, 1):
            self._note(flow)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def apply(self, wanted: Filter) -> None:
        """Show only attempts that pass, once all have been looked at."""
        flows = self.flows
        passing: list[Flow] = []
        for number, flow in enumerate(flows, 1):
            if wanted.matches(flow):
                passing.append(flow)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        self.filter = wanted
        self.shown = tuple(passing) if self.flows is flows else _passing(wanted, self.flows)

    def work_out(self, flow: Flow) -> None:
        """Work out all of an attempt that is about to be shown, and keep it so while it grows."""
        self.looked_at = flow.id
        if self.feed is not None:
            with self._lock:
                _draw(flow)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing grows meanwhile."""
        with self._lock:
            yield

    @property
    def table(self) -> PacketTable:
        """The packets; to be read while the session is `held`."""
        return self.story.table

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

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        with self._lock:
            return self.story.endpoints(sighting)

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured."""
        with self._lock:
            return self.story.ttl(sighting)

    def _forget_all_but(self, ids: set[str]) -> None:
        """A search that has become an attempt goes on under another id."""
        for gone in self._outcomes.keys() - ids:
            self.failed -= self._outcomes.pop(gone) is Outcome.FAILED

    def _note(self, flow: Flow) -> None:
        """Keep count of how attempts ended; an attempt that goes on may change."""
        self.failed -= self._outcomes.get(flow.id) is Outcome.FAILED
        self._outcomes[flow.id] = flow.outcome
        self.failed += flow.outcome is Outcome.FAILED


def _passing(wanted: Filter, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    return wanted.select(flows) if wanted.text.strip() else flows


def _list(flow: Flow) -> None:
    """Read a field of each stage that a list shows, which works out the stage."""
    _ = flow.outcome, flow.client_nat


def _draw(flow: Flow) -> None:
    """Work out the stages that a list does without."""
    _ = flow.outcome, flow.client_nat, flow.steps
