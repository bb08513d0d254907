"""From messages of the stream to vantages: what is believed of a record, what is counted instead, and what is bounded.

Whoever may write to the stream may have written what comes here. A record counts for the sensor that its subject names,
so that a server that lets each sensor write to subjects of its own name keeps them apart. Records that came before are
left out, gaps in their count are losses, and there are at most `MOST_VANTAGES` places where packets come from.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from capture.sensors.decoding import RecordError, decode_record
from capture.sensors.records import (
    AttemptRecord,
    Head,
    PacketsRecord,
    Record,
    SecretsRecord,
    SensorRecord,
    kind_of,
    subject_of,
)
from capture.sensors.sequence import Sequence
from capture.sensors.stream_reader import Delivered
from capture.sensors.vantage import Vantage

MOST_VANTAGES: Final = 256
"""Sources that packets are taken of, of all runs of all sensors."""
MOST_RUNS: Final = 1024
"""Runs that are known; of those that sent no packets, the oldest is forgotten."""
MOST_HELD: Final = 16 << 20
"""Bytes of records that wait for their sensor to describe itself."""
MOST_DESCRIBED: Final = 32 << 20
"""Bytes of the newest descriptions of all runs."""
MOST_SECRETS: Final = 16 << 20
"""Bytes of key logs that are taken."""
MOST_TOLD: Final = 10_000
"""Attempts, the newest, of which it is known what sensors told."""
ODD_CLOCK_NS: Final = 60 * 10**9
"""By how much a sensor's clock may differ from the server's before that is said."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a sensor told of an attempt: its own view, from what it alone saw."""

    sensor: str
    id: str
    verdict: str
    outcome: str
    final: bool


@dataclass(slots=True)
class Counts:
    """What was not used."""

    refused: int = 0
    """Messages that are no records of whom they are said to be."""
    first_refused: str = ""
    """Which was the first, and why."""
    repeated: int = 0
    """Records that had come before."""
    crowded: int = 0
    """Records of sensors beyond the bound."""
    undescribed: int = 0
    """Frames of sensors that never described themselves."""
    secrets: int = 0
    """Records of key logs beyond the bound."""


class _Run:
    """One start of one sensor."""

    def __init__(self, nth: int, *, from_start: bool) -> None:
        self.nth = nth
        self.sequence = Sequence(0 if from_start else None)
        self.described: SensorRecord | None = None
        self.described_bytes = 0
        self.vantages: dict[int, Vantage] = {}
        self.held: list[tuple[PacketsRecord | SecretsRecord, int]] = []
        self.odd_clock_ns = 0


class Receiver:
    """Takes messages of one stream.

    Args:
        stream: its name.
        from_start: whether they are read from the first that a sensor published.
    """

    def __init__(self, stream: str, *, from_start: bool = True) -> None:
        self.counts = Counts()
        self.vantages: list[Vantage] = []
        """In the order in which they turned up; only ever added to."""
        self.told: OrderedDict[tuple[str, str], Told] = OrderedDict()
        """What each sensor told last of each attempt, by name and id."""
        self._stream = stream
        self._from_start = from_start
        self._runs: OrderedDict[tuple[str, str], _Run] = OrderedDict()
        self._starts: dict[str, int] = {}
        self._held = self._secrets = self._described = 0

    @property
    def missing(self) -> int:
        """Records that sensors published and that never came."""
        return sum(run.sequence.missing for run in self._runs.values())

    @property
    def whole(self) -> bool:
        """Whether all packets came that sensors published."""
        counts = self.counts
        return self._from_start and not (self.missing or counts.refused or counts.crowded or counts.undescribed)

    def take(self, delivered: Delivered) -> None:
        """Take in a message."""
        if delivered.data is None:
            self._refuse(delivered, f"{delivered.size} bytes, too large for a record")
            return
        try:
            record = decode_record(delivered.data, readings=False)
        except RecordError as error:
            self._refuse(delivered, str(error))
            return
        head = record.head
        if delivered.subject != subject_of(self._stream, head.sensor, kind_of(record)):
            self._refuse(delivered, f"it says that it is of {head.sensor}, another than its subject does")
            return
        run = self._run(head)
        if run is None:
            self.counts.crowded += 1
            return
        if delivered.number:
            if not run.sequence.take(head.sequence):
                self.counts.repeated += 1
                return
            ahead_ns = head.time_ns - delivered.stored_ns
            run.odd_clock_ns = ahead_ns if abs(ahead_ns) > ODD_CLOCK_NS else 0
        self._take_record(run, record, len(delivered.data))

    def finish(self) -> None:
        """Nothing more will come: what waits for a description is lost."""
        for run in self._runs.values():
            for record, _ in run.held:
                self._lose(record)
            run.held.clear()
        self._held = 0

    def say(self) -> None:
        """Put what is known of losses into the files of the vantages."""
        for run in self._runs.values():
            others = []
            if run.sequence.missing:
                others.append(
                    f"{run.sequence.missing} of its records are missing: the stream does not have them (any more)"
                )
            if run.odd_clock_ns:
                ahead = "ahead of" if run.odd_clock_ns > 0 else "behind"
                seconds = abs(run.odd_clock_ns) // 10**9
                others.append(f"its clock is {seconds} s {ahead} the server's")
            for number, vantage in run.vantages.items():
                vantage.say(run.described, number, others)

    def remarks(self) -> list[str]:
        """What is to be said of the stream as a whole, one sentence each."""
        counts, found = self.counts, []
        if counts.refused:
            found.append(f"{counts.refused} messages are no records and left out; the first: {counts.first_refused}")
        if counts.repeated:
            found.append(f"{counts.repeated} records came again and are left out")
        if counts.crowded:
            found.append(
                f"{counts.crowded} records of more than {MOST_VANTAGES} places or {MOST_RUNS} sensors left out"
            )
        if counts.undescribed:
            found.append(f"{counts.undescribed} frames of sensors that did not say from where they are left out")
        if counts.secrets:
            found.append(f"{counts.secrets} records of keys are left out: more than {MOST_SECRETS >> 20} MiB of them")
        return found

    def _refuse(self, delivered: Delivered, reason: str) -> None:
        self.counts.refused += 1
        if not self.counts.first_refused:
            self.counts.first_refused = f"message {delivered.number} on {delivered.subject}: {reason}"

    def _run(self, head: Head) -> _Run | None:
        key = head.sensor, head.run
        run = self._runs.get(key)
        if run is not None:
            return run
        if len(self._runs) >= MOST_RUNS:
            idle = next((key for key, run in self._runs.items() if not (run.vantages or run.held)), None)
            if idle is None:
                return None
            self._described -= self._runs.pop(idle).described_bytes
        if len(self._starts) >= 2 * MOST_RUNS and head.sensor not in self._starts:
            known = {sensor for sensor, _ in self._runs}
            self._starts = {sensor: count for sensor, count in self._starts.items() if sensor in known}
        nth = self._starts.get(head.sensor, 0)
        run = self._runs[key] = _Run(nth + 1, from_start=self._from_start)
        self._starts[head.sensor] = nth + 1
        return run

    def _take_record(self, run: _Run, record: Record, size: int) -> None:
        match record:
            case SensorRecord():
                self._describe(run, record, size)
            case PacketsRecord() | SecretsRecord():
                if run.described is None or not self._place(run, record):
                    self._hold(run, record, size)
            case AttemptRecord():
                key = record.head.sensor, record.id
                self.told.pop(key, None)
                self.told[key] = Told(*key, record.verdict, record.outcome, record.final)
                if len(self.told) > MOST_TOLD:
                    self.told.popitem(last=False)

    def _describe(self, run: _Run, record: SensorRecord, size: int) -> None:
        # A description that is given before its turn may be newer than those that come later.
        if run.described is not None and run.described.head.sequence > record.head.sequence:
            return
        if self._described + size - run.described_bytes > MOST_DESCRIBED:
            self.counts.crowded += 1
            return
        self._described += size - run.described_bytes
        run.described, run.described_bytes = record, size
        for number, vantage in run.vantages.items():
            if number < len(record.sources):
                vantage.describe(record.sources[number])
        self._place_held(run)

    def _place_held(self, run: _Run) -> None:
        held, run.held = run.held, []
        for waiting, size in held:
            self._held -= size
            if not self._place(run, waiting):
                self._hold(run, waiting, size)

    def _hold(self, run: _Run, record: PacketsRecord | SecretsRecord, size: int) -> None:
        """Let a record wait for its sensor to describe itself."""
        if self._held + size > MOST_HELD:
            self._lose(record)
            return
        self._held += size
        run.held.append((record, size))

    def _lose(self, record: PacketsRecord | SecretsRecord) -> None:
        if isinstance(record, PacketsRecord):
            self.counts.undescribed += len(record.frames)
        else:
            self.counts.secrets += 1

    def _place(self, run: _Run, record: PacketsRecord | SecretsRecord) -> bool:
        """Give a record to the vantage that it is of; False: it is not described yet."""
        if isinstance(record, SecretsRecord):
            if not run.vantages:
                return False
            if self._secrets + len(record.keylog) > MOST_SECRETS:
                self.counts.secrets += 1
            else:
                self._secrets += len(record.keylog)
                next(iter(run.vantages.values())).file.secrets.append(record.keylog)
            return True
        described = run.described
        if described is None or record.source >= len(described.sources):
            return False
        source = described.sources[record.source]
        if any(frame.interface >= len(source.interfaces) for frame in record.frames):
            return False
        vantage = run.vantages.get(record.source)
        if vantage is None:
            if len(self.vantages) >= MOST_VANTAGES:
                self.counts.crowded += 1
                return True
            alone = len(described.sources) == 1
            vantage = run.vantages[record.source] = Vantage(record.head.sensor, run.nth, source, alone=alone)
            self.vantages.append(vantage)
        vantage.put(record.frames)
        if run.held:
            # Keys wait for a vantage.
            self._place_held(run)
        return True
