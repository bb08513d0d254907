"""How far the clocks of several live sources are apart, estimated again and again from what they show in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from capture.arrays import I64
from capture.capture_file import CaptureFile
from capture.clock_curve import Curve
from capture.clocks import Offset, clock_offsets
from capture.drift import JITTER_NS
from capture.several.excerpt import excerpt
from capture.several.remaking import Remaking
from capture.sightings import TELLING_LENGTH
from capture.table import PacketTable

ASKED_ROWS: Final = 1 << 16
"""Rows that the clocks are estimated from, about."""
_ASK_AFTER: Final = 1.0
"""Seconds between two estimates of the clocks, unless there is a quarter more to ask."""
_ASKED_A_SECOND: Final = 50_000
"""For each so many rows there is another second between them."""
_AHEAD_NS: Final = 10_000_000_000
"""How long an estimate has to hold before it is asked for again."""
_SHARE: Final = 16
"""The part of its uncertainty by which an estimate may change without being another one."""


class LiveClocks:
    """By how much each clock is ahead of the first one's, as far as packets tell.

    Args:
        files: of the sources.
        given_ns: clocks that the user knows, by number of the file.
        now: seconds that only go on.
    """

    def __init__(self, files: Sequence[CaptureFile], given_ns: Mapping[int, int], now: float) -> None:
        self.curves = [Curve.constant(given_ns.get(number, 0)) for number in range(len(files))]
        """What is taken off the times of each file from now on."""
        self.offsets: dict[int, Offset] = {}
        """The estimates behind them, by number."""
        self.given_ns = dict(given_ns)
        """Clocks that the user knows, by number."""
        self.strayed = 0
        """How often clocks turned out otherwise than rows have it."""
        self._asked = now
        self._asked_rows = 0
        for number, ahead_ns in given_ns.items():
            files[number].clock_offset_ns, files[number].clock_given = ahead_ns, True

    def add(self) -> None:
        """There is one more source."""
        self.curves.append(Curve.constant(self.given_ns.get(len(self.curves), 0)))

    def give(self, number: int, ahead_ns: int | None) -> None:
        """Say what one is; None: it is to be estimated."""
        if ahead_ns is None:
            self.given_ns.pop(number, None)
        else:
            self.given_ns[number] = ahead_ns
        self.strayed += 1

    def adopt(self, remade: Remaking) -> None:
        """Take what was found when all rows were merged again."""
        self.offsets = remade.offsets
        for number, curve in remade.curves.items():
            self.curves[number] = curve

    def ask(self, table: PacketTable, came: int, now: float) -> None:
        """Estimate them again, where enough has come since the last time.

        Args:
            table: of all sources.
            came: rows that came from the beginning.
            now: seconds.
        """
        more, wait = came - self._asked_rows, _ASK_AFTER + len(table) / _ASKED_A_SECOND
        if not more or not len(table) or (more * 4 < len(table) and now - self._asked < wait):
            return
        self._asked_rows, self._asked = came, now
        part = excerpt(table, _telling(table))
        part.time_ns[:] += part.ahead_ns
        for number, ahead_ns in self.given_ns.items():
            part.time_ns[part.file == number] -= ahead_ns
        for number, offset in enumerate(clock_offsets(part)):
            if offset is not None and number not in self.given_ns:
                self._take(number, offset, table)

    def _take(self, number: int, offset: Offset, table: PacketTable) -> None:
        known, oldest, newest = self.offsets.get(number), int(table.time_ns[0]), int(table.time_ns[-1])
        ahead = offset.curve.once(newest)
        differs = offset.curve.farthest(self.curves[number], oldest + ahead, newest + ahead + _AHEAD_NS)
        if known is not None and known.both_ways and not offset.both_ways:
            return
        if known is not None and differs <= max(JITTER_NS, (offset.uncertainty_ns or 0) // _SHARE):
            return
        self.strayed += differs > JITTER_NS
        self.offsets[number], self.curves[number] = offset, offset.curve
        file = table.files[number]
        file.clock_uncertainty_ns, file.clock_drift = offset.uncertainty_ns, offset.curve.drift
        file.clock_offset_ns = offset.curve.once(oldest + ahead)


def _telling(table: PacketTable) -> I64:
    """Rows that may tell of clocks; of very many those with some of the contents, the same in all files."""
    rows = np.flatnonzero(table.wire_length >= TELLING_LENGTH)
    share = -(-rows.size // ASKED_ROWS)
    return rows if share < 2 else rows[table.content[rows] % share == 0]
