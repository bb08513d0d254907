"""Looking for what is wrong with the packets of a story, when somebody asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.tui.story_view import Feed, StoryView
    from capture.problems import Problem, Problems
    from capture.retention import Retention


class ProblemsOfStory:
    """Looks bit by bit, while nothing grows."""

    story: StoryView
    feed: Feed | None
    remarks: tuple[str, ...]
    retention: Retention | None
    _lock: threading.RLock
    _problems: Problems | None = None

    @property
    def problems(self) -> Problems:
        """What was found so far; of another packet table, where old packets were let go."""
        if self._problems is None or self._problems.table is not self.story.table:
            from capture.problems import Problems

            self._problems = Problems(self.story.table)
        return self._problems

    def look_for_problems(self) -> bool:
        """Look through some more packets for what is wrong with them; whether there are more."""
        with self._lock:
            return self.problems.look_some()

    def found_problems(self) -> list[Problem]:
        """What is wrong, as far as was looked."""
        with self._lock:
            dropped = None if self.feed is None else self.feed.dropped
            let_go = 0 if self.retention is None else self.retention.let_go.packets
            return self.problems.found(self.story, self.remarks, dropped, let_go)
