"""A demo that is looked at: the way of its packets into a story, and what became of the attempts that were staged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from app.demo.demo_thread import DemoThread
from app.demo.director import Attempt
from app.demo.judging import Judge, Judged
from app.demo_status import DemoStatus, Staged
from app.live_feed import LiveFeed
from capture.notes import Notes
from capture.retention import Retention
from capture.story import Story

if TYPE_CHECKING:
    from app.intercept_status import Interception
    from capture.losses import Losses

LATEST: Final = 100
"""Attempts that are listed with their verdicts."""


class WatchedDemo:
    """Feeds a story with the packets of a demo, and judges its attempts by that story.

    `poll` is called by whoever lets the story grow, before it grows; `status` by whoever shows it, in any thread.

    Args:
        thread: the demo.
        story: the story of its packets.
        feed: their way into it.
        attempts: brings attempts as they end for their applications.
    """

    def __init__(self, thread: DemoThread, story: Story, feed: LiveFeed, attempts: SimpleQueue[Attempt]) -> None:
        self._thread = thread
        self._story = story
        self._feed = feed
        self._attempts = attempts
        self._judge = Judge()
        self._judged = self._agreed = 0
        self._latest: deque[Staged] = deque(maxlen=LATEST)
        self._shown: tuple[Staged, ...] = ()

    @property
    def interception(self) -> Interception | None:
        """What holds messages on their way through its relays."""
        return self._thread.demo.interception

    @property
    def name(self) -> str:
        """What is listened on."""
        return self._feed.name

    @property
    def dropped(self) -> int:
        """Packets that were lost before they could be read."""
        return self._feed.dropped

    @property
    def losses(self) -> Losses:
        """What is not there, by what is to blame."""
        return self._feed.losses

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the files that are written now."""
        return self._feed.troubles

    @property
    def retention(self) -> Retention | None:
        """What keeps its packets within a bound."""
        return self._feed.retention

    @property
    def take_notes(self) -> Callable[[Notes, Mapping[str, str]], None]:
        """Puts what the user says into the recording, if one is written."""
        return self._feed.take_notes

    def poll(self) -> None:
        """Judge what has settled, and take in what has arrived.

        Raises:
            LiveError: capturing has ended by itself.
        """
        while not self._attempts.empty():
            self._judge.add(self._attempts.get())
        for judged in self._judge.ripe(self._story.flows, self._thread.time_ns()):
            self._judged += 1
            self._agreed += judged.agrees
            self._latest.appendleft(_staged(judged))
            self._shown = tuple(self._latest)
        self._feed.poll()

    def status(self) -> DemoStatus | None:
        """How it is now; None before the network has told anything."""
        network = self._thread.network_status
        if network is None:
            return None
        return DemoStatus(network, self._judged, self._agreed, self._judge.waiting, self._shown)


def _staged(judged: Judged) -> Staged:
    attempt = judged.attempt
    flow_id = "" if judged.flow is None else judged.flow.id
    return Staged(attempt.scene.title, attempt.again, tuple(sorted(attempt.wanted)), judged.verdict, flow_id)
