"""From a story that grows to the frames that a sensor publishes, behind a mask if that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from capture.capture_file import CaptureFile
from capture.flow import Flow
from capture.losses import losses_of
from capture.masking.mask import Mask
from capture.masking.story import MaskedStory
from capture.recording.writing import frames_to_record
from capture.sensors.readings import Readings, plain_value
from capture.sensors.records import (
    BATCH_BYTES,
    MOST_INTERFACES,
    SensorFrame,
    Source,
    SourceInterface,
)
from capture.sensors.selecting import Selection
from capture.story import Story
from capture.table import PacketTable
from protocol.constants import Command

if TYPE_CHECKING:
    from capture.flows.members import Member, Members

BATCH: Final = 512
"""Frames in one record."""
_NAME: Final = 64
"""Characters of the name of an interface that are told, and of its comment."""
_NOTE: Final = 256
"""Characters of a note."""
_NOTES: Final = 4
_BETWEEN_PEERS: Final = (Command.PEER_HANDSHAKE, Command.PEER_HOLEPUNCH)


class Reporter:
    """Finds what is to be published of a story.

    Args:
        story: grows elsewhere; may be let become another one.
        everything: whether messages that belong to no attempt are published too.
        phrase: what masks are made from; None: nothing is masked.
        ports: whether ports are masked too.
    """

    def __init__(
        self, story: Story, *, everything: bool = False, phrase: str | None = None, ports: bool = False
    ) -> None:
        self.unpublished = 0
        """Frames of interfaces beyond those that can be told."""
        self._story = story
        self._phrase = phrase
        self._ports = ports
        self._table = story.table
        self._selection = Selection(story.table, everything=everything)
        self._readings = Readings(story.table)
        self._behind = self._mask()

    def _mask(self) -> MaskedStory | None:
        if self._phrase is None:
            return None
        return MaskedStory(self._story, Mask(self._phrase, ports=self._ports, shared=True))

    @property
    def let_go(self) -> int:
        """Messages that were forgotten before they belonged to an attempt."""
        return self._selection.let_go

    @property
    def table(self) -> PacketTable:
        """The packets as they are published."""
        return self._table if self._behind is None else self._behind.table

    def shown(self, flow: Flow) -> Flow:
        """A flow as it is published."""
        return flow if self._behind is None else self._behind.masking.flow(flow)

    def text(self, text: str) -> str:
        """A text as it is published: behind a mask without names of files, too."""
        if self._behind is None:
            return text
        for number, file in enumerate(self._table.files):
            text = text.replace(file.path, self.name_of(number)) if file.path else text
        return self._behind.masking.mask.text(text)

    def sources(self) -> tuple[Source, ...]:
        """The sources as they are described now."""
        return tuple(self._source(number, file) for number, file in enumerate(self._table.files))

    def _source(self, number: int, file: CaptureFile) -> Source:
        text = self.text
        interfaces = tuple(
            SourceInterface(one.linktype, text(one.name)[:_NAME], one.snaplen, text(one.comment)[:_NAME])
            for one in file.interfaces[: self._most_interfaces]
        )
        losses = {"dropped": file.dropped or 0, "fragments": file.fragments}
        losses |= {loss[0]: loss[1] for loss in losses_of([file])}
        return Source(
            self.name_of(number)[:_NOTE],
            file.format,
            interfaces,
            file.packets,
            {cause: count for cause, count in losses.items() if count},
            None if file.truncated is None else text(file.truncated)[:_NOTE],
            tuple(text(note)[:_NOTE] for note in file.notes[-_NOTES:]),
        )

    def name_of(self, number: int) -> str:
        """The name of a source as it is published."""
        file = self._table.files[number]
        return file.path if self._behind is None else self._behind.masking.path(number, file.format)

    @property
    def _most_interfaces(self) -> int:
        """How many interfaces of a source can be told."""
        return MOST_INTERFACES // max(len(self._table.files), 1)

    def frames(
        self, flows: Iterable[Flow], concluded: Iterable[Flow] = (), *, last: bool = False
    ) -> Iterator[tuple[int, tuple[SensorFrame, ...]]]:
        """Batches of frames that were not published and now are to be, each of one source.

        Args:
            flows: attempts that have changed.
            concluded: attempts that are over, or were once before. Others wait until there is a handshake: a search
                may turn out to be that of a server for itself.
            last: whether nothing more will come.
        """
        if self._story.table is not self._table:
            self._table = self._story.table
            self._selection.move(self._table)
            self._readings = Readings(self._table)
            # A mask remembers what it met; one of the same phrase gives the same.
            self._behind = self._mask()
        self._readings.update()
        said: dict[int, list[tuple[str, Member]]] = {}
        rows: set[int] = set()
        streams: set[int] = set()
        over = {flow.id: flow for flow in concluded}
        for flow in ({flow.id: flow for flow in flows} | over).values():
            members = flow.members()
            if flow.id not in over and not self._has_begun(members):
                continue
            shown = self.shown(flow)
            for member in members.packets:
                rows.add(member.row)
                said.setdefault(member.row, []).append((shown.id, member))
            streams.update(stream.udx_id for stream in members.streams)
            if flow.key.proof is not None:
                rows.add(flow.key.proof.row)
        for flow in over.values():
            rows.update(one.sighting.row for one in flow.verdict.evidence)
        chosen = self._selection.fresh(rows, streams, last=last)
        yield from self._batches(chosen.tolist(), said)

    def _has_begun(self, members: Members) -> bool:
        """Whether a message between the peers is among them."""
        rows = np.fromiter((member.row for member in members.packets), np.int64)
        return bool(np.isin(self._table.command[rows], _BETWEEN_PEERS).any())

    def _batches(
        self, rows: list[int], said: dict[int, list[tuple[str, Member]]]
    ) -> Iterator[tuple[int, tuple[SensorFrame, ...]]]:
        waiting: dict[int, list[SensorFrame]] = {}
        sizes: dict[int, int] = {}
        table, most = self.table, self._most_interfaces
        for row in rows:
            source = self._table.file.item(row)
            recorded = frames_to_record(table, [row])
            last = len(recorded) - 1
            batch = waiting.setdefault(source, [])
            for index, one in enumerate(recorded):
                if one.interface >= most:
                    self.unpublished += 1
                    continue
                reading = self._reading(row, one.data, said.get(row, [])) if index == last else None
                batch.append(
                    SensorFrame(
                        one.number,
                        max(one.time_ns, 0),
                        one.interface,
                        max(one.wire_length, len(one.data)),
                        one.data,
                        one.direction,
                        reading,
                    )
                )
                sizes[source] = sizes.get(source, 0) + len(one.data)
            if sizes.get(source, 0) >= BATCH_BYTES or len(batch) >= BATCH:
                yield source, tuple(batch)
                waiting[source], sizes[source] = [], 0
        for source, batch in waiting.items():
            if batch:
                yield source, tuple(batch)

    def _reading(self, row: int, frame: bytes, said: list[tuple[str, Member]]) -> dict[str, Any]:
        table, readings = self._table, self._readings
        source, destination = table.source(row), table.destination(row)
        place: int | None = table.skip.item(row)
        if self._behind is None:
            payload = table.payload(row)
            if row in table.assembled:
                place = None
        else:
            mask = self._behind.masking.mask
            source, destination = mask.address(source), mask.address(destination)
            # A masked frame ends with its payload, also where the datagram came in pieces.
            place = len(frame) - table.length.item(row)
            payload = frame[place:]
        opened = next((member.said for _, member in said if member.said is not None), None)
        if opened is not None and self._behind is not None:
            opened = self._behind.masking.value(opened)
        reading = {
            "src": str(source),
            "dst": str(destination),
            "ttl": table.ttl.item(row),
            "direction": readings.direction(row),
            "payload_at": place,
            "payload_length": len(payload),
            "kind": readings.kind(row),
            **readings.message(row, payload),
            "attempts": list(dict.fromkeys(id_ for id_, _ in said)),
        }
        if opened is not None:
            reading["opened"] = plain_value(opened)
        return reading
