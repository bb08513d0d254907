"""Whether two clocks drift apart, from datagrams that both captures show: by how much later b shows each, and when.

A datagram on its way from a to b shows offset + delay, one the other way offset - delay. A clock that drifts moves both
alike; a queue that fills on the way moves one of them. So only what both ways tell is believed, as far as they agree:
first a straight line, and then, where many datagrams say so, how the clock strays from it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.arrays import I64, Array
from capture.clock_curve import Curve

LEAST_DATAGRAMS: Final = 4
"""Fewest datagrams each way that prove a drift."""
MOST_DRIFT: Final = 5e-3
"""Seconds a second: what gains more is no clock that drifts."""
NEGLIGIBLE_NS: Final = 1_000_000
"""Smaller offsets that contradict no packet's direction are taken for noise, and drifts that add up to less."""
JITTER_NS: Final = 100_000
"""By how much the times of one clock's captures are uncertain."""
_FLOOR_NS: Final = 20_000.0
"""Noise that time stamps have at least."""
_SURE: Final = 6.0
"""Times the standard error that the slope of each way has to be."""
_BINS: Final = 48
"""Points that lines are laid through: medians of datagrams one after the other."""
_IN_A_PIECE: Final = 16
"""Datagrams each way that make a knot of the polyline."""
_MOST_PIECES: Final = 64


def drift_of(times: I64, difference: I64, way: I64) -> float:
    """What the clock of b gains on that of a in a second, in seconds; 0 where that is not proved.

    Args:
        times: when a saw each datagram, by its clock.
        difference: by how much later b shows it.
        way: from a to b (> 0), from b to a (< 0), or on one link (0).
    """
    if times.size < LEAST_DATAGRAMS:
        return 0.0
    x = (times - times[0]).astype(np.float64)
    y = (difference - difference[0]).astype(np.float64)
    slopes, weights = [], []
    forth, back = way > 0, way < 0
    for mine in (forth, back) if forth.any() and back.any() else (way == 0,):
        if int(mine.sum()) < LEAST_DATAGRAMS:
            return 0.0
        slope, error = _line(x[mine], y[mine])
        if abs(slope) < _SURE * error:
            return 0.0
        slopes.append(slope)
        weights.append(1 / error**2)
    low, high = min(slopes), max(slopes)
    if low * high <= 0 or min(abs(low), abs(high)) * 2 < max(abs(low), abs(high)):
        return 0.0  # one way got longer, the other did not
    drift = float(np.average(slopes, weights=weights))
    strays = abs(drift) * float(x.max() - x.min())
    least = NEGLIGIBLE_NS
    if forth.any() and back.any() and y[back].max() - y[forth].min() > JITTER_NS:
        least = JITTER_NS  # without it, packets would arrive before they were sent
    return drift if abs(drift) <= MOST_DRIFT and strays >= least else 0.0


def curve_of(times: I64, residual: I64, way: I64, ahead_ns: int, drift: float, at_ns: int) -> Curve:
    """The line of a clock, bent where the datagrams tell that the clock did not keep to it.

    Args:
        times: as for `drift_of`.
        residual: by how much later b shows each datagram, less what the line says.
        way: as for `drift_of`.
        ahead_ns: by how much b is ahead at `at_ns`, by the line.
        drift: what it gains in a second.
        at_ns: a time of a's clock.
    """
    order = np.argsort(times, kind="stable")
    times, residual, way = times[order], residual[order], way[order]
    knots, strays = _strays(times, residual, way)
    if not knots.size:
        knots, strays = np.array([times[0], times[-1]], np.int64), np.zeros(2)
        if not drift or knots[0] == knots[1]:
            return Curve.constant(ahead_ns)
    line = ahead_ns + np.rint(drift * (knots - at_ns).astype(np.float64) + strays).astype(np.int64)
    return Curve(tuple(knots.tolist()), tuple(line.tolist()))


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Slope of the line that most pairs of points agree on (Theil and Sen, far ones count for more), and its error."""
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    parts = np.array_split(np.arange(x.size), min(_BINS, x.size))
    u = np.array([np.median(x[part]) for part in parts])
    v = np.array([np.median(y[part]) for part in parts])
    i, j = np.triu_indices(u.size, 1)
    apart = u[j] - u[i]
    some = apart > 0
    if not some.any():
        return 0.0, np.inf
    slopes, weights = (v[j] - v[i])[some] / apart[some], apart[some]
    rising = np.argsort(slopes)
    total = np.cumsum(weights[rising])
    slope = float(slopes[rising][np.searchsorted(total, total[-1] / 2)])
    rest = y - slope * x
    noise = max(1.4826 * float(np.median(np.abs(rest - np.median(rest)))), _FLOOR_NS)
    spread = float(np.sqrt(((x - x.mean()) ** 2).sum()))
    return slope, noise / spread if spread else np.inf


def _strays(times: I64, residual: I64, way: I64) -> tuple[I64, Array]:
    """Knots, and by how much the clock is off its line there; none where it keeps to it as far as anybody can tell."""
    none = np.empty(0, np.int64), np.empty(0)
    groups = [mine for mine in (way > 0, way < 0) if mine.any()]
    if len(groups) < 2:
        groups = [way == 0]
    pieces = min(_MOST_PIECES, min(int(mine.sum()) for mine in groups) // _IN_A_PIECE)
    if pieces < 3:
        return none
    middles = [np.median(residual[mine]) for mine in groups]
    knots, strays = [], []
    for part in np.array_split(np.arange(times.size), pieces):
        moved = [
            float(np.median(residual[part][mine[part]])) - middle
            for mine, middle in zip(groups, middles, strict=True)
            if mine[part].any()
        ]
        if len(moved) < len(groups):
            continue
        # As far as both ways moved together it was the clock.
        together = min(moved, key=abs) if min(moved) * max(moved) > 0 else 0.0
        knots.append(int(np.median(times[part])))
        strays.append(together)
    if len(set(knots)) < max(len(knots), 3) or max(map(abs, strays)) < NEGLIGIBLE_NS:
        return none
    return np.array(knots, np.int64), np.array(strays)
