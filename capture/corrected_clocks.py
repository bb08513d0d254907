"""The times of several captures, told by one clock: that of the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from capture.clock_curve import Curve
from capture.clocks import Offset, clock_offsets
from capture.table import PacketTable

ALONE: Final = "shares no packets with the files before it: its clock is taken as it is"
ONE_WAY: Final = "shares packets with other files in one direction only: clock offset uncertain"


def correct_clocks(
    table: PacketTable, given_ns: Mapping[int, int], before: Mapping[int, Offset] | None = None
) -> dict[int, Offset]:
    """Estimate how far the clocks are apart, and take it off the times of all rows.

    Args:
        table: its times are those of the files' own clocks.
        given_ns: as for `merge_vantages`.
        before: of sources that go on, estimates to keep where the table no longer tells as well. Nothing is noted of
            these: the next packets may tell more.

    Returns:
        What was estimated, by file.
    """
    for number, ahead_ns in given_ns.items():
        _take_off(table, number, Curve.constant(ahead_ns))
    found: dict[int, Offset] = {}
    for number, estimate in enumerate(clock_offsets(table)):
        file = table.files[number]
        file.clock_given = number in given_ns
        file.clock_uncertainty_ns = None
        if file.clock_given:
            continue
        known = None if before is None else before.get(number)
        offset = known if estimate is None or (known is not None and known.both_ways > estimate.both_ways) else estimate
        if before is None and (offset is None or not offset.both_ways):
            file.notes.append(ALONE if offset is None else ONE_WAY)
        if offset is None:
            continue
        found[number] = offset
        file.clock_uncertainty_ns = offset.uncertainty_ns
        _take_off(table, number, offset.curve)
    return found


def _take_off(table: PacketTable, number: int, curve: Curve) -> None:
    """Correct the times of a file, and note by how much."""
    file = table.files[number]
    rows = np.flatnonzero(table.file == number)
    file.clock_drift = curve.drift
    if rows.size:
        ahead = curve.at(table.time_ns[rows])
        file.clock_offset_ns = ahead.item(0)
        if ahead.any():
            table.time_ns[rows] -= ahead
            table.ahead_ns[rows] = ahead
