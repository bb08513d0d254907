"""Looking for what is wrong with the packets of a story, when somebody asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.tui.story_view import Feed, StoryView
    from capture.losses import Losses
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

    @property
    def losses(self) -> Losses | None:
        """What a live source has lost, by what is to blame; None of files, which say it themselves."""
        return None if self.feed is None else self.feed.losses

    @property
    def stopped(self) -> str:
        """Why nothing comes until what captures is started again; empty while something may."""
        reason: str = getattr(self.feed, "stopped", "")
        return reason

    @property
    def writing_troubles(self) -> tuple[str, ...]:
        """What is wrong with the files that are written meanwhile."""
        return () if self.feed is None else self.feed.troubles

    def look_for_problems(self) -> bool:
        """Look through some more packets for what is wrong with them; whether there are more."""
        with self._lock:
            return self.problems.look_some()

    def found_problems(self) -> list[Problem]:
        """What is wrong, as far as was looked."""
        with self._lock:
            return self.problems.found(self.story, self.remarks, self.losses)
