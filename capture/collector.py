"""Python's cycle collector, kept out of the way where many objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ROUNDS: Final = 2
"""Collections of survivors, some 7000 objects each, after which what has grown old is set aside; see `Elders`."""
_MORE: Final = 100_000
"""Objects that may be set aside beyond half as many as the last walk through everything left."""
_WEIGHED: Final = 64
"""Settings aside between two looks at how many objects there are: to count them takes a millisecond for 200000."""
_CROWD: Final = 500
"""New objects of one step of growth that are set aside at once, after one look at them: a busy source makes as many
with each, and would have them walked three times."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector out while many objects are made at once, all of which stay: it would find nothing.

    That is so while attempts are joined, and while modules are imported: of the time that numpy takes to start, the
    collector takes an eighth.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def collect_all() -> None:
    """Walk every object and free what nobody can reach: half a second for a story of 200000 packets.

    For where a whole story was replaced: by itself the collector hardly ever walks objects that it has called old, and
    never those that were set aside.
    """
    gc.unfreeze()
    gc.collect()


def call_old() -> None:
    """Put every object into the collector's oldest generation, without walking them.

    Else it walks all that a capture was made into as young objects, and again as survivors: a tenth of the time of a
    large one. Freezing and unfreezing only moves lists; what is let go later, a full collection finds. This is for the
    first batch alone: done all the time, it would put off full collections for ever.
    """
    gc.freeze()
    gc.unfreeze()


def set_aside() -> None:
    """Keep every object that there is from the collector for good.

    For what a screen shows of files: none of it is let go before the end, and one full collection of a hundred thousand
    attempts would stop the screen for seconds.
    """
    gc.freeze()


class Elders:
    """Keeps what a live source has been made into from the collector, which else walks all of it every few seconds.

    A full collection of the story of 150,000 packets stops the screen for an eighth of a second on an idle machine.
    What is old here mostly stays: so what has just grown old is collected alone and then set aside. Cycles that were
    alive at that moment and are let go later are found by a walk through everything. That comes whenever half as much
    again has been set aside as the last one left, and an object for each packet that is kept since: so a story that
    grows is seldom walked, and one that is kept within a bound never holds on to more than half of itself.
    """

    def __init__(self) -> None:
        self._times = 0
        self._walk_at = _MORE
        self._rows = 0

    def look(self, rows: int = 0) -> None:
        """To be called after each step of growth; mostly does nothing.

        Args:
            rows: packets that are kept.
        """
        if gc.get_count()[0] >= _CROWD:
            gc.collect(1)
        elif gc.get_count()[2] >= _ROUNDS:
            gc.collect()
        else:
            return
        gc.freeze()
        self._weigh(rows)

    def _weigh(self, rows: int) -> None:
        """Walk through everything where too much was set aside since the last time."""
        self._times += 1
        if self._times % _WEIGHED == 0 and gc.get_freeze_count() > self._walk_at + max(0, rows - self._rows):
            collect_all()
            self._rows = rows
            gc.freeze()
            self._walk_at = gc.get_freeze_count() * 3 // 2 + _MORE
