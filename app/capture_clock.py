"""What time it is in a live story, on the clock that stamped its packets.

That clock may be another host's, or stopped long ago: a capture that is read through a pipe comes with the times of its
making. So it is asked only what time the newest packet has; from there on it is this process's own steady clock that
counts, which no setting of the time moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture.clock_jumps import Jump
    from capture.story import Story


class CaptureClock:
    """The clock of a story that grows."""

    def __init__(self, story: Story, steady: Callable[[], float] = time.monotonic) -> None:
        """Begin with the packets that are there.

        Args:
            story: grows elsewhere.
            steady: seconds that only ever go on.
        """
        self._story = story
        self._steady = steady
        self._newest_ns = 0
        self._since = steady()

    def now(self) -> float:
        """Epoch seconds: the newest packet's, and what has passed since it came; 0 and that before the first."""
        times_ns = self._story.table.time_ns
        if len(times_ns) and (newest_ns := int(times_ns[-1])) != self._newest_ns:
            self._newest_ns = newest_ns
            self._since = self._steady()
        return self._newest_ns / 1e9 + self._steady() - self._since

    @property
    def jumps(self) -> Sequence[Jump]:
        """Those of the clock that stamped the newest packet."""
        table = self._story.table
        return table.files[table.file.item(-1)].jumps if len(table) else ()
