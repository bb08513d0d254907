"""Several live sources as one: each a file of its own in one table, in order of time, with clocks brought together.

| question | answer |
|---|---|
| when does a packet become a row of the table | when all other sources have shown later ones, or after `HOLD` |
| how far are the clocks apart | asked of the packets whenever there are a quarter more, and every few seconds |
| what is put right later | rows that came late, sightings nearer the sender, clocks found to be otherwise |
| how | `Retention` has the table merged again (`capture.several.remaking`), not too often, and once when all has come |

One source that ends or fails does not end the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from capture.capture_file import CaptureFile
from capture.errors import LiveError
from capture.growing.capture import EndedError, GrowingCapture
from capture.live import LiveSource
from capture.losses import LIVE
from capture.several.across import Across
from capture.several.live_clocks import LiveClocks
from capture.several.remaking import Remaking
from capture.several.staged import Staged
from capture.table import PacketTable

_REST: Final = 1.0
"""Seconds between two mergings at least."""
_ROWS_A_SECOND: Final = 5000
"""For each so many rows there is another second between them."""
_AT_ONCE: Final = 1e9
_QUIET: Final = 2.0
"""Seconds without a packet after which there is time."""
_NAP: Final = 0.02


class SeveralSources:
    """Several live sources; one like any (`capture.live.LiveSource`).

    Args:
        sources: each with one file and a table of its own; started or not.
        ahead: by how many seconds the clocks of some are known to be ahead of the first one's, by number.
        now: seconds that only go on.
    """

    def __init__(
        self,
        sources: Sequence[LiveSource],
        ahead: Mapping[int, float] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table = PacketTable()
        self.table.files += [source.file for source in sources]
        self._staged = [Staged(source, number, self.table) for number, source in enumerate(sources)]
        self._now = now
        given_ns = {number: round(seconds * 1e9) for number, seconds in (ahead or {}).items()}
        self._clocks = LiveClocks(self.table.files, given_ns, now())
        self._across = Across()
        self._remaking: Remaking | None = None
        self._late = 0
        """Rows that came behind others that are later."""
        self._mended = self._being_mended = 0
        """How much of all that was put right, and how much the merging that goes on puts right."""
        self._stopped = False
        self._whole = True
        """Whether nothing has come since all of it was merged."""
        self._ends: list[str] = []
        self._told = 0
        self._collected = self._merged = 0
        """Rows of all sources, and how many of them were there when they were last merged."""
        self._came = now()
        self._rested = now()
        self._set_curves()

    def add(self, source: LiveSource) -> None:
        """Take in one more, which began later than the others.

        Args:
            source: as for the class.
        """
        self.table.files.append(source.file)
        self._staged.append(Staged(source, len(self._staged), self.table))
        self._clocks.add()

    @property
    def file(self) -> CaptureFile:
        """What they have in common: names and losses. The files themselves are those of the table."""
        running = [one for one in self._staged if not one.ended]
        names = ", ".join(one.source.file.path for one in running or self._staged)
        ended = len(self._staged) - len(running)
        file = CaptureFile(f"{names} ({ended} ended)" if ended and running else names, "live", [])
        dropped = [one.dropped for one in self.table.files if one.dropped is not None]
        file.dropped = sum(dropped) if dropped else None
        file.packets = sum(one.packets for one in self.table.files)
        return file

    @property
    def error(self) -> LiveError | None:
        """Why the last of them ended; None while one of them goes on."""
        over = all(one.source.error is not None for one in self._staged)
        return self._worst if over and not any(one.held for one in self._staged) else None

    @property
    def _worst(self) -> LiveError | None:
        """The error that tells most of those that have ended."""
        errors = [one.source.error for one in self._staged if one.source.error is not None]
        bad = [error for error in errors if not isinstance(error, EndedError)]
        return next(iter(bad or errors), None)

    @property
    def way(self) -> str:
        """How many they are, for the status line: each has a way of its own."""
        return f"{len(self._staged)} sources"

    @property
    def promiscuous(self) -> bool | None:
        """Whether one of them takes frames for other hosts."""
        return any(one.source.promiscuous for one in self._staged)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Which of them have ended while others go on, one sentence each."""
        return tuple(self._ends) if self.error is None else ()

    @property
    def stopped(self) -> str:
        """What brings nothing until `start_again`, and why; empty where all go on, or have ended."""
        reasons = [one.source.stopped for one in self._staged if isinstance(one.source, GrowingCapture)]
        left = sum(not one.ended for one in self._staged) - sum(map(bool, reasons))
        said = "; ".join(filter(None, reasons))
        return f"{said}; {self._going_on(left)}" if said and left else said

    def start_again(self) -> None:
        """Have what brings nothing started again, where that is possible.

        Raises:
            CaptureError: one can't be started.
        """
        for one in self._staged:
            if isinstance(one.source, GrowingCapture) and one.source.stopped:
                one.source.start_again()

    def take_told(self) -> list[str]:
        """What became of single sources since the last call, one sentence each."""
        told = self._ends[self._told :]
        self._told = len(self._ends)
        return told

    def wait(self, timeout: float) -> bool:
        """Wait until something has arrived at one of them, at most `timeout` seconds; whether it has."""
        until = self._now() + timeout
        while True:
            running = [one for one in self._staged if not one.ended]
            for one in running:
                if one.source.wait(0):
                    return True
            left = until - self._now()
            if left <= 0 or not running:
                return False
            running[0].source.wait(min(left, _NAP))

    def collect(self) -> range:
        """Move what has arrived into the table, as far as it need not wait for others; the numbers of the new rows."""
        now = self._now()
        for one in self._staged:
            came = one.collect(now)
            if came:
                self._collected += came
                self._came = now
        ending = [one for one in self._staged if one.source.error is not None and not one.ended]
        for one in ending:
            one.ended = True
        for one in ending:
            self._tell_end(one)
        before = len(self.table)
        newest = [one.newest_ns for one in self._staged if not one.ended]
        seen = [newest_ns for newest_ns in newest if newest_ns is not None]
        until_ns = None if self._stopped or not newest else min(seen) if len(seen) == len(newest) else -1
        self._release([one.due(now, until_ns) for one in self._staged])
        if len(self.table) > before:
            self._whole = False
        self._clocks.ask(self.table, self._collected, now)
        self._set_curves()
        return range(before, len(self.table))

    def move(self, table: PacketTable) -> None:
        """Go on in another table; see `capture.retention`."""
        self.table = table
        remade, self._remaking = self._remaking, None
        if remade is not None and remade.new is table:
            self._clocks.adopt(remade)
            self._set_curves()
            self._mended = self._being_mended
            self._whole = self._stopped or self.error is not None
        self._across.forget()
        for one in self._staged:
            one.move(table)
        self._rested = self._now()

    def stop(self) -> None:
        """End all of them and collect what is left. May be called again."""
        if not self._stopped:
            for one in self._staged:
                one.source.stop()
            self._stopped = True
        self.collect()

    def __enter__(self) -> SeveralSources:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def to_be_remade(self) -> bool:
        """Whether the table is to be merged again from all its rows."""
        if self._stopped or self.error is not None:
            return not self._whole
        now, pause = self._now(), _REST + len(self.table) / _ROWS_A_SECOND
        if self._wrong > self._mended:
            return now - self._rested >= pause
        # What only later packets tell of earlier ones is found out when there is time for it.
        quiet = self._collected > self._merged and now - self._came >= _QUIET
        return quiet and now - self._rested >= 4 * pause

    @property
    def _wrong(self) -> int:
        """What was wrong in the table, counted from the beginning."""
        return self._late + self._clocks.strayed + self._across.misplaced

    def remake(self) -> Remaking:
        """Begin to merge it again; `move` to what comes of it ends that."""
        over = self._stopped or self.error is not None
        # What was let go can't show copies any more, and is not to be forgotten.
        all_there = over and all(
            int((self.table.file == number).sum()) == file.udp for number, file in enumerate(self.table.files)
        )
        self._merged, self._being_mended = self._collected, self._wrong
        # With all packets there, no earlier estimate knows better.
        before = {} if all_there else self._clocks.offsets
        self._remaking = Remaking(self.table, self._clocks.given_ns, before, afresh=all_there)
        return self._remaking

    def give(self, number: int, seconds: float | None) -> None:
        """Say by how much the clock of one is ahead of the first one's; None: it is to be estimated."""
        self._clocks.give(number, None if seconds is None else round(seconds * 1e9))
        self._whole, self._rested = False, self._now() - _AT_ONCE

    def _set_curves(self) -> None:
        for one, curve in zip(self._staged, self._clocks.curves, strict=True):
            one.curve = curve

    def _tell_end(self, one: Staged) -> None:
        """Say that one has ended; of the last one, `error` says it."""
        error, name = one.source.error, one.source.file.path
        left = sum(not other.ended for other in self._staged)
        well = isinstance(error, EndedError)
        said = f"{name} has ended" if well else str(error)
        if left:
            said += f"; {self._going_on(left)}"
        if one.source.file.format != LIVE:  # what is said of interfaces is a note of theirs already
            one.source.file.notes.append(said)
        if left or not (well or error is self._worst):
            self._ends.append(said)

    def _going_on(self, left: int) -> str:
        return f"{left} of {len(self._staged)} go on" if left > 1 else f"one of {len(self._staged)} goes on"

    def _release(self, counts: list[int]) -> None:
        """Move rows into the table, in order of time."""
        parts = [(one, count) for one, count in zip(self._staged, counts, strict=True) if count]
        if not parts:
            return
        table, before = self.table, len(self.table)
        columns = [one.columns(count) for one, count in parts]
        times = np.concatenate([part["time_ns"] for part in columns])
        order = np.argsort(times, kind="stable")
        if before and times[order[0]] < table.time_ns[before - 1]:
            self._late += int((times < table.time_ns[before - 1]).sum())
        joined = {name: np.concatenate([part[name] for part in columns])[order] for name in table.columns}
        joined["copy_of"][:] = -1
        table.append(**joined)
        place = np.empty(order.size, np.int64)
        place[order] = np.arange(before, before + order.size)
        start = 0
        for one, count in parts:
            one.released(count, place[start : start + count])
            start += count
        self._across.mark(table, before)
