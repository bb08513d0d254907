"""By how much a clock is ahead of another one, as a function of time: constant, a line where it drifts, or a polyline.

Clocks of computers gain or lose some 1 to 100 microseconds a second on each other, more in virtual machines: in an hour
that is more than a packet takes around the world.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.arrays import I64


class Curve(NamedTuple):
    """Knots of a polyline, by the time of the clock that is ahead; beyond them the first and last pieces go on."""

    times_ns: tuple[int, ...]
    ahead_ns: tuple[int, ...]

    @classmethod
    def constant(cls, ahead_ns: int) -> Curve:
        """The same at all times."""
        return cls((0,), (ahead_ns,))

    @property
    def drift(self) -> float:
        """What the clock gains in a second, in seconds, on the whole."""
        if len(self.times_ns) < 2:
            return 0.0
        return (self.ahead_ns[-1] - self.ahead_ns[0]) / (self.times_ns[-1] - self.times_ns[0])

    def at(self, times_ns: I64) -> I64:
        """By how much the clock is ahead when it shows these times."""
        if len(self.times_ns) < 2:
            return np.full(times_ns.shape, self.ahead_ns[0], np.int64)
        # Differences from the first knot: as floating point numbers, times since the epoch would lose nanoseconds.
        first, base = self.times_ns[0], self.ahead_ns[0]
        knots = np.array([time - first for time in self.times_ns], np.float64)
        ahead = np.array([value - base for value in self.ahead_ns], np.float64)
        x = (times_ns - first).astype(np.float64)
        piece = np.clip(np.searchsorted(knots, x) - 1, 0, knots.size - 2)
        slope = np.diff(ahead) / np.diff(knots)
        found: I64 = np.rint(ahead[piece] + slope[piece] * (x - knots[piece])).astype(np.int64) + base
        return found

    def once(self, time_ns: int) -> int:
        """The same at one time."""
        return int(self.at(np.array([time_ns], np.int64))[0])

    def over(self, other: Curve) -> Curve:
        """A clock's curve against a third one, from its own against a second and that one's against the third.

        This one tells by how much b is ahead of a, by the time of a; the other by how much a is ahead of the third.
        """
        if len(self.times_ns) < 2 and len(other.times_ns) < 2:
            return Curve.constant(self.ahead_ns[0] + other.ahead_ns[0])
        times = _knots(self, other)
        ours = self.at(times)
        return _curve(times + ours, ours + other.at(times))

    def back(self) -> Curve:
        """By how much a is ahead of b, by the time of b, where this tells how far b is ahead of a, by that of a."""
        if len(self.times_ns) < 2:
            return Curve.constant(-self.ahead_ns[0])
        times = np.array(self.times_ns, np.int64)
        ours = self.at(times)
        return _curve(times + ours, -ours)

    def farthest(self, other: Curve, since_ns: int, until_ns: int) -> int:
        """The most by which the two differ within a time."""
        if len(self.times_ns) < 2 and len(other.times_ns) < 2:
            return abs(self.ahead_ns[0] - other.ahead_ns[0])
        times = _knots(self, other)
        inside = times[(times > since_ns) & (times < until_ns)]
        times = np.concatenate((np.array([since_ns, until_ns], np.int64), inside))
        return int(np.abs(self.at(times) - other.at(times)).max())


def _knots(*curves: Curve) -> I64:
    """The times of all knots that mean something, in order."""
    times: I64 = np.unique(np.array([t for one in curves if len(one.times_ns) > 1 for t in one.times_ns], np.int64))
    return times


def _curve(times: I64, ahead: I64) -> Curve:
    return Curve(tuple(times.tolist()), tuple(ahead.tolist()))
