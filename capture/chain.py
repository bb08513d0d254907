"""Finding where every record of a capture file starts.

Records form a chain: each one's length says where the next begins. Following it packet by packet in Python is the
slowest part of reading a file, so a large file is cut into slices, a plausible record start is looked for at each cut,
and all chains are followed side by side in numpy. A guess at a cut may be wrong; the chain that starts at the proven
beginning of the file is not. So a slice counts only if the chain before it lands exactly on its start: then its start
is proven too. Where one does not, the rest of the stretch is walked record by record.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np

from capture.arrays import I64, Bools, distinct

SLICE_BYTES: Final = 1 << 14
SHORTEST_SLICE: Final = 1 << 12
"""In a small file slices are shorter: a step over many chains costs hardly more than one over a few."""
LANES: Final = 512
MIN_LANES: Final = 16


class Records(Protocol):
    """How one file format chains its records."""

    def following(self, at: I64) -> I64:
        """Where the next record would start, for each offset; always further on, whatever the bytes there are."""

    def sound(self, at: I64, size: I64) -> Bools:
        """Whether a whole and believable record is at each offset, if its header says it has this size."""

    def plausible(self, at: I64) -> I64:
        """For each offset the first at or soon after it where a record seems to start, or -1."""

    def walk(self, start: int, end: int) -> tuple[list[int], int]:
        """Follow the chain one by one from `start` while records start before `end`: starts, and where it stopped."""


class Stretch(NamedTuple):
    """Part of a chain: the offsets of its records, and where the next one starts (or the chain is broken)."""

    at: I64
    next: int


def follow(records: Records, start: int, end: int) -> Stretch:
    """Offsets of all records that start in [start, end), given that one starts at `start`.

    It ends early at a record that is not sound.
    """
    found: list[I64] = []
    if (end - start) // SLICE_BYTES >= MIN_LANES:
        stretch = _side_by_side(records, start, end)
        if stretch.next >= end:
            return stretch
        found.append(stretch.at)
        start = stretch.next
    starts, stopped = records.walk(start, end)
    found.append(np.array(starts, np.int64))
    return Stretch(np.concatenate(found), stopped)


def _side_by_side(records: Records, start: int, end: int) -> Stretch:
    size = min(max((end - start) // LANES, SHORTEST_SLICE), SLICE_BYTES)
    cuts = np.arange(start + size, end - size // 2, size, dtype=np.int64)
    guesses = records.plausible(cuts)
    guesses = distinct(guesses[(guesses > start) & (guesses < end)])
    if guesses.size < MIN_LANES - 1:
        return Stretch(np.empty(0, np.int64), start)
    position = np.concatenate((np.array([start], np.int64), guesses))
    bound = np.concatenate((guesses, np.array([end], np.int64)))
    steps = [position]
    # Lanes that are through go on over the next slice: cheaper than stopping them, and cut off below.
    while bool((position < bound).any()):
        position = records.following(position)
        steps.append(position)
    table = np.stack(steps, axis=1)
    inside = table < bound[:, None]
    counts = inside.sum(axis=1)
    landing = table[np.arange(bound.size), counts]
    # Lane i is proven if every lane before it landed exactly on its successor's start.
    missed = landing[:-1] != bound[:-1]
    proven = int(missed.argmax()) if missed.any() else bound.size - 1
    at = table[: proven + 1][inside[: proven + 1]]
    after = int(landing[proven])
    sound = records.sound(at, np.diff(at, append=after))
    if not sound.all():
        first = int(sound.argmin())
        return Stretch(at[:first], int(at[first]))
    return Stretch(at, after)
