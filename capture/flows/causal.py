"""Order of steps whose times come from several clocks: no leg before the one that made it be sent.

A client hands over before its proxy asks, a server when it was asked and before its proxy answers.

Corrected clocks agree to within some uncertainty, so two vantages may still time an answer before its question. Times
stay as they were measured; only the order follows what caused what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capture.flows.attempt import Exchange
from capture.flows.legs import FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, REPLY
from capture.model import Step

_LEGS = (FROM_CLIENT, FROM_RELAY, FROM_SECOND_RELAY, FROM_SERVER, REPLY)
_LAST = 1 << 62
"""After every row: what was never seen comes after what was."""


def in_causal_order(
    steps: Iterable[Step], exchanges: Iterable[Exchange], handed: Iterable[tuple[Mapping[int, Exchange], int]] = ()
) -> tuple[Step, ...]:
    """The steps by time; those of an exchange in the order of its legs where their times contradict it.

    Args:
        steps: in any order.
        exchanges: that legs among them are of.
        handed: hand-offs by row, with the exchange that each belongs to, and the mode that comes next.
    """
    not_before: dict[int, tuple[float, int]] = {}
    for exchange in exchanges:
        latest = 0.0
        for rank, mode in enumerate(_LEGS):
            legs = [leg for leg in exchange.legs if leg.mode == mode]
            if not legs:
                continue
            for leg in legs:
                not_before[leg.row] = latest, rank
            latest = max(latest, min(leg.time_ns for leg in legs) / 1e9)

    bounds: dict[int, tuple[float, float, int]] = {}
    for rows, after in handed:
        for row, exchange in rows.items():
            rank = _LEGS.index(after)
            before = [leg.time_ns / 1e9 for leg in exchange.legs if leg.mode in _LEGS[:rank]]
            then = [leg.time_ns / 1e9 for leg in exchange.legs if leg.mode in _LEGS[rank:]]
            bounds[row] = max(before, default=0.0), min(then, default=_LAST), rank - 1

    def place(step: Step) -> tuple[float, int, int]:
        if step.sighting is None:
            return step.time, 0, _LAST
        row = step.sighting.row
        if row in bounds:
            low, high, rank = bounds[row]
            return max(low, min(step.time, high)), rank, row
        earliest, rank = not_before.get(row, (0.0, 0))
        return (step.time, 0, row) if earliest < step.time else (earliest, rank, row)

    return tuple(sorted(steps, key=place))
