"""What a sensor tells: its records, made from a story that grows."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.capture_clock import CaptureClock
from app.conclusions import Conclusions
from app.export_pcapng import attempt_secrets
from app.report_json import flow_document
from capture.keylog import format_secrets
from capture.model import Flow
from capture.sensors.records import (
    AttemptRecord,
    Head,
    PacketsRecord,
    Record,
    SecretsRecord,
    SensorRecord,
    State,
    encode_record,
)

if TYPE_CHECKING:
    from capture.sensors.reporter import Reporter
    from capture.story import Story

EVERY: Final = 60.0
"""Seconds between two records of the sensor itself."""
_BULKY: Final = ("messages", "bursts", "nat", "stages", "missing", "candidates", "token_events", "rounds", "lanes")
"""What is left out of an attempt, one after the other, until its record is small enough."""
_SECRETS: Final = 4096
"""Secrets that are known to have been published; others would be once more."""

Put = Callable[[Record, bytes], None]
"""Takes a record, and the same encoded."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """Who a sensor is, and what it publishes."""

    token: str
    """In subjects."""
    name: str
    software: str
    redacted: bool = False
    everything: bool = False
    with_secrets: bool = False


class Teller:
    """Makes the records of one run.

    Args:
        sensor: who it is.
        story: grows elsewhere.
        reporter: finds what is to be published of the story.
        put: gets the records, in their order.
        steady: seconds that only ever go on.
        clock_ns: epoch nanoseconds.
    """

    def __init__(
        self,
        sensor: Sensor,
        story: Story,
        reporter: Reporter,
        put: Put,
        steady: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.run = secrets.token_hex(8)
        self.told = 0
        """Records so far: the sequence of the next one."""
        self._sensor = sensor
        self._story = story
        self._reporter = reporter
        self._put = put
        self._steady = steady
        self._clock_ns = clock_ns
        self._conclusions = Conclusions()
        self._clock = CaptureClock(story, steady)
        self._described: tuple[int, ...] = ()
        self._table = story.table
        self._said_at = 0.0
        self._left_out = 0
        self._secrets: dict[bytes, None] = {}

    def begin(self) -> None:
        """Say that the sensor is there."""
        self._say(State.STARTED)

    def wants(self, flow: Flow) -> bool:
        """Whether an attempt was not told as it is now, and may not be forgotten."""
        return not self._conclusions.told(flow)

    def step(self, changed: Iterable[str]) -> None:
        """Tell what has come.

        Args:
            changed: ids of the attempts that have changed since the last step.
        """
        over = self._conclusions.fresh(self._story.flows, self._clock.now(), self._clock.jumps)
        self._tell(changed, over, final=False)
        self.keep_alive()

    def keep_alive(self) -> None:
        """Say how the sensor is, if it is time."""
        if self._steady() - self._said_at >= EVERY:
            self._say(State.RUNNING)

    def end(self, changed: Iterable[str], reason: str) -> None:
        """Tell all that is left, and that nothing more will come."""
        self._tell(changed, self._conclusions.rest(self._story.flows), final=True)
        self._say(State.ENDED, reason)

    def _tell(self, changed: Iterable[str], concluded: list[Flow], *, final: bool) -> None:
        ids = set(changed)
        # A table made anew may say of any packet that it belongs to another attempt.
        anew = final or self._story.table is not self._table
        self._table = self._story.table
        flows = [flow for flow in self._story.flows if anew or flow.id in ids] if anew or ids else []
        over = [*concluded, *(flow for flow in flows if self._conclusions.told(flow))]
        for source, frames in self._reporter.frames(flows, over, last=final):
            if self._interfaces() != self._described:
                self._say(State.RUNNING)
            self._give(PacketsRecord(self._head(), source, frames))
        for flow in concluded:
            self._tell_attempt(flow, final)

    def _tell_attempt(self, flow: Flow, final: bool) -> None:
        shown = self._reporter.shown(flow)
        document = flow_document(shown, self._reporter.name_of, secrets=self._sensor.with_secrets)
        if not self._sensor.with_secrets:
            # The secret follows from it.
            document["key"] = document["key"] | {"handshake_hash": None}
        verdict, outcome = str(shown.verdict.code), str(shown.outcome)
        left_out: list[str] = []
        while True:
            record = AttemptRecord(self._head(), shown.id, verdict, outcome, final, document)
            try:
                encoded = encode_record(record)
                break
            except ValueError:
                if len(left_out) == len(_BULKY):
                    raise
                left_out.append(_BULKY[len(left_out)])
                document = {name: value for name, value in document.items() if name not in left_out}
                document["left_out"] = list(left_out)
        self._left_out += bool(left_out)
        self._send(record, encoded)
        if self._sensor.with_secrets:
            lines = [one for one in attempt_secrets(flow) if one.value not in self._secrets]
            if lines:
                self._secrets.update(dict.fromkeys(one.value for one in lines))
                for value in tuple(self._secrets)[:-_SECRETS]:
                    del self._secrets[value]
                self._give(SecretsRecord(self._head(), format_secrets(lines).encode("ascii")))
        flow.release()

    def _interfaces(self) -> tuple[int, ...]:
        return tuple(len(file.interfaces) for file in self._story.table.files)

    def _say(self, state: State, reason: str = "") -> None:
        self._described = self._interfaces()
        self._said_at = self._steady()
        sensor, reporter = self._sensor, self._reporter
        losses = {
            "let_go": reporter.let_go,
            "too_large": self._left_out,
            "unpublished": reporter.unpublished,
        }
        self._give(
            SensorRecord(
                self._head(),
                state,
                sensor.name,
                sensor.software,
                reporter.sources(),
                sensor.redacted,
                sensor.everything,
                sensor.with_secrets,
                {cause: count for cause, count in losses.items() if count},
                reporter.text(reason),
            )
        )

    def _head(self) -> Head:
        return Head(self._sensor.token, self.run, self.told, self._clock_ns())

    def _give(self, record: Record) -> None:
        self._send(record, encode_record(record))

    def _send(self, record: Record, encoded: bytes) -> None:
        self.told += 1
        self._put(record, encoded)
