"""Python's cycle collector, kept out of the way where many objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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

    For where a whole story was replaced: by itself the collector hardly ever walks objects that it has called old.
    """
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
