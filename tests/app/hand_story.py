"""A story of attempts drawn by hand: it answers what views ask of a `capture.story.Story`."""

from __future__ import annotations

from dataclasses import dataclass, field

from capture.flows.waiting import Haste
from capture.model import FileSummary, Flow, Sighting
from capture.table import PacketTable
from protocol.messages import Address
from tests.app.hand_pencil import Pencil


@dataclass(frozen=True)
class HandStory:
    """Stands where views expect a `capture.story.Story`: the same questions, answered from the drawings."""

    files: tuple[FileSummary, ...]
    flows: tuple[Flow, ...]
    pencils: tuple[Pencil, ...]
    notes: tuple[str, ...] = ()
    table: PacketTable = field(default_factory=PacketTable)
    """Empty: nothing was captured."""
    refused: tuple[tuple[Sighting, str, int, str, bool], ...] = ()
    keylog_errors: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    asides_behind_mask: tuple[str, ...] = ()

    def flow(self, flow_id: str) -> Flow:
        for one in self.flows:
            if one.id == flow_id:
                return one
        raise KeyError(flow_id)

    def find(self, prefix: str) -> list[Flow]:
        return [one for one in self.flows if one.id.startswith(prefix)]

    def flow_of(self, sighting: Sighting) -> Flow | None:
        return next((one for one in self.flows if any(sighting == step.sighting for step in one.steps)), None)

    def payload(self, sighting: Sighting) -> bytes:
        return self._pencil(sighting).payloads[sighting]

    def wire_length(self, sighting: Sighting) -> int:
        return len(self.payload(sighting))

    def packet_time(self, sighting: Sighting) -> float:
        return self._pencil(sighting).times[sighting]

    @property
    def last_time(self) -> float | None:
        return None

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        return (sighting,)

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        src, dst, _ = self._pencil(sighting).ends[sighting]
        return src, dst

    def ttl(self, sighting: Sighting) -> int:
        return self._pencil(sighting).ends[sighting][2]

    @property
    def gone(self) -> frozenset[str]:
        return frozenset()

    waiting = 0
    listed: frozenset[str] = frozenset()

    def update(self, *, haste: Haste | None = None) -> tuple[str, ...]:
        return ()

    def add_keys(self, keys: object) -> tuple[str, ...]:
        return ()

    def _pencil(self, sighting: Sighting) -> Pencil:
        return next(pencil for pencil in self.pencils if sighting in pencil.payloads)
