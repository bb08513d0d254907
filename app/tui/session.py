"""What the main screen shows: a story, perhaps growing, and the filter on it. No widgets, no clock."""

from __future__ import annotations

import threading

from app.exit_status import CommandError
from app.tui.story_view import Feed, StoryView
from capture.errors import CaptureError
from capture.filter import Filter, parse_filter
from capture.model import FileSummary, Flow, Outcome, Sighting
from protocol.messages import Address


class Session:
    """A story and its attempts as they were at the last `refresh`.

    With a feed, `take_in` runs in a thread while the screens go on; single datagrams are then read under the lock.
    """

    files: tuple[FileSummary, ...]
    notes: tuple[str, ...]
    flows: tuple[Flow, ...]
    shown: tuple[Flow, ...]
    """Those that pass the filter."""

    def __init__(self, story: StoryView, feed: Feed | None = None, filter_text: str = "") -> None:
        self.story = story
        self.feed = feed
        self.paused = False
        self.trouble = ""
        """Why the feed has ended by itself."""
        self.filter: Filter = parse_filter(filter_text)
        self._lock = threading.Lock()
        self._arrived: set[str] = set()
        self._adopt()

    def take_in(self) -> None:
        """Poll the feed and let the story grow. Runs in a thread."""
        with self._lock:
            try:
                if self.feed is not None and not self.trouble:
                    self.feed.poll()
            except (CaptureError, CommandError) as error:
                self.trouble = str(error)
            self._arrived.update(self.story.update())

    def refresh(self) -> frozenset[str]:
        """Adopt what `take_in` brought, unless paused; ids of the attempts that changed since the last call."""
        if self.paused:
            return frozenset()
        with self._lock:
            changed = frozenset(self._arrived)
            self._arrived.clear()
            if changed:
                self._adopt()
            else:
                self.files = self.story.files
        return changed

    def set_filter(self, wanted: Filter) -> None:
        """Show only attempts that pass."""
        self.filter = wanted
        self.shown = wanted.select(self.flows) if wanted.text.strip() else self.flows

    def _adopt(self) -> None:
        self.files = self.story.files
        self.notes = self.story.notes
        self.flows = self.story.flows
        self.failed = sum(flow.outcome is Outcome.FAILED for flow in self.flows)
        self.set_filter(self.filter)

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
        with self._lock:
            return self.story.payload(sighting)

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
