"""A story behind a mask: what reads a story reads this one, and sees nobody's address or key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from capture.arrays import I32, I64, Array
from capture.capture_file import CaptureFile
from capture.envelopes import Kind
from capture.flow import FileSummary, Flow, Sighting
from capture.keylog import Secret
from capture.masking.mask import Mask
from capture.masking.masking import Masking
from capture.masking.read_story import ReadStory
from capture.notes import Notes
from capture.table import PacketTable
from protocol.address import Address
from protocol.envelope import decode_request
from protocol.errors import DecodeError

if TYPE_CHECKING:
    from capture.flows.waiting import Haste

_COUNTS: Final = (
    "clock_drift",
    "clock_offset_ns",
    "dht_messages",
    "dropped",
    "duplicates",
    "fragments",
    "fragments_pending",
    "malformed",
    "not_udp",
    "packets",
    "udp",
    "undecodable",
)

_ENDS: Final = ("src", "dst", "to_host", "sport", "dport", "to_port")
"""Columns of hosts and ports."""


class MaskedStory:
    """A story with all that says who or where masked; it grows as the story behind it does.

    Args:
        story: what is masked.
        mask: what stands for what; None makes one that nobody can repeat.
        keep_ids: whether attempts keep their ids, as on a screen, where the program knows them by these.
    """

    def __init__(self, story: ReadStory, mask: Mask | None = None, *, keep_ids: bool = False) -> None:
        self.original = story
        self._mask = mask or Mask()
        self._keep_ids = keep_ids
        self._behind: tuple[Masking, MaskedTable] | None = None

    @property
    def masking(self) -> Masking:
        """What stands for what in the packets that the story has now: a bounded one gets another table at times."""
        return self._both()[0]

    @property
    def table(self) -> PacketTable:
        """The packets behind the mask."""
        return self._both()[1]

    def _both(self) -> tuple[Masking, MaskedTable]:
        table = self.original.table
        if self._behind is None or self._behind[0].table is not table:
            masking = Masking(table, self._mask, keep_ids=self._keep_ids)
            self._behind = masking, MaskedTable(table, masking)
        return self._behind

    def prepare(self) -> None:
        """Work out what stands for all hosts, ports and ids of nodes; else whoever asks first for one waits for it.

        It may run in a thread, as long as nothing grows and nobody else asks.
        """
        masking, table = self._both()
        masking.update()
        for name in _ENDS:
            table.stored(name)

    @property
    def files(self) -> tuple[FileSummary, ...]:
        """Counts of each file, under names that say nothing."""
        return tuple(self.masking.file(number, file) for number, file in enumerate(self.original.files))

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts behind the mask, oldest first."""
        return tuple(map(self.masking.flow, self.original.flows))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was seen and is part of no attempt."""
        return tuple(map(self.masking.mask.text, self.original.notes))

    @property
    def asides(self) -> tuple[str, ...]:
        """What was seen beside the attempts."""
        return tuple(map(self.masking.mask.text, self.original.asides_behind_mask))

    @property
    def asides_behind_mask(self) -> tuple[str, ...]:
        """The same: it is behind one."""
        return self.asides

    @property
    def refused(self) -> tuple[tuple[Sighting, str, int, str, bool], ...]:
        """Messages that were refused, and why."""
        text = self.masking.mask.text
        return tuple((at, text(name), offset, text(why), cut) for at, name, offset, why, cut in self.original.refused)

    @property
    def keylog_errors(self) -> tuple[str, ...]:
        """Malformed lines of key logs."""
        return tuple(map(self.masking.mask.text, self.original.keylog_errors))

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet."""
        return self.original.last_time

    def update(self, *, haste: Haste | None = None) -> tuple[str, ...]:
        """Let the story grow."""
        return self.original.update(haste=haste)

    @property
    def waiting(self) -> int:
        """Attempts that changed and that updates in haste have not come to yet."""
        return self.original.waiting

    @property
    def listed(self) -> frozenset[str]:
        """Ids of attempts that the last `update` only listed."""
        return self.original.listed

    @property
    def gone(self) -> frozenset[str]:
        """Ids of attempts that are no more."""
        return self.original.gone

    def flow_of(self, sighting: Sighting) -> Flow | None:
        """The attempt that a datagram is part of, behind the mask."""
        found = self.original.flow_of(sighting)
        return None if found is None else self.masking.flow(found)

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows."""
        return self.original.sightings(sighting)

    def payload(self, sighting: Sighting) -> bytes:
        """What stands for a payload."""
        flow = self.original.flow_of(sighting)
        if flow is not None:
            self.masking.attempt(flow)
        payload, length = self.original.payload(sighting), self.original.wire_length(sighting)
        first = self.original.sightings(sighting)
        return self.masking.stand_in(first[0].row if first else sighting.row, payload, length)

    def wire_length(self, sighting: Sighting) -> int:
        """Bytes of it when it was sent."""
        return self.original.wire_length(sighting)

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        return self.original.packet_time(sighting)

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination behind the mask."""
        self.masking.update()
        source, destination = self.original.endpoints(sighting)
        return self.masking.mask.address(source), self.masking.mask.address(destination)

    def make_all(self) -> list[Secret]:
        """Make every attempt anew, before packets of all of them are written; the key log lines that open them."""
        lines: list[Secret] = []
        for flow in self.original.flows:
            lines += self.masking.attempt(flow).secrets
            flow.release()
        return lines

    def notes_behind(self, notes: Notes) -> Notes:
        """Notes on the story as they read behind the mask: texts masked, attempts by their ids there."""
        flows = self.original.flows if notes.attempts or notes.attempt_comments else ()
        ids = {flow.id: self.masking.flow(flow).id for flow in flows}
        text = self.masking.mask.text
        return Notes(
            frozenset(ids[id_] for id_ in notes.attempts if id_ in ids),
            notes.packets,
            {ids[id_]: text(said) for id_, said in notes.attempt_comments.items() if id_ in ids},
            {packet: text(said) for packet, said in notes.packet_comments.items()},
        )

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured."""
        return self.original.ttl(sighting)


class MaskedTable(PacketTable):
    """A packet table as it looks behind the mask. Nothing can be added to it: what it shows grows by itself."""

    def __init__(self, original: PacketTable, masking: Masking) -> None:
        self._original = original
        self._masking = masking
        self._shown: tuple[int, dict[str, Array]] = (-1, {})
        self._files: list[CaptureFile] = []
        self._six: list[bytes] = []

    def __len__(self) -> int:
        return len(self._original)

    @property
    def unmasked(self) -> PacketTable:
        """What is behind the mask."""
        return self._original

    @property
    def trimmed(self) -> dict[str, Array]:  # type: ignore[override]
        """The columns that were asked for since the table last grew."""
        if self._shown[0] != len(self._original):
            self._shown = (len(self._original), {})
        return self._shown[1]

    @property
    def files(self) -> list[CaptureFile]:  # type: ignore[override]
        """The files, under names that say nothing."""
        known, now = ([len(file.interfaces) for file in files] for files in (self._files, self._original.files))
        if known != now:
            self._files = [self._masked_file(number, file) for number, file in enumerate(self._original.files)]
        return self._files

    @property
    def hosts6(self) -> list[bytes]:  # type: ignore[override]
        """IPv6 hosts behind the mask."""
        while len(self._six) < len(self._original.hosts6):
            self._six.append(self._masking.mask.host6(self._original.hosts6[len(self._six)]))
        return self._six

    @property
    def segments(self) -> list[object]:  # type: ignore[override]
        """None: bytes are to be had by row only."""
        return []

    @property
    def assembled(self) -> dict[int, bytes]:  # type: ignore[override]
        """None: every datagram is whole in its frame."""
        return {}

    @property
    def pieces(self) -> dict[int, list[object]]:  # type: ignore[override]
        """None."""
        return {}

    def stored(self, name: str) -> Array:
        """The rows of one column behind the mask."""
        self._masking.update()
        found = self.trimmed[name] = self._masked(name, self._original.stored(name))
        return found

    def check_size(self) -> None:
        """Make sure that no mapped file was shortened."""
        self._original.check_size()

    def payload(self, row: int) -> bytes:
        """What stands for the payload of a row."""
        return self._masking.payload(row)

    def payloads(self, rows: Sequence[int] | I64 | I32) -> list[bytes]:
        """What stands for the payloads of many rows."""
        return [self._masking.payload(int(row)) for row in rows]

    def frame_bytes(self, row: int) -> bytes:
        """A frame that stands for that of a row."""
        return self._masking.frame(row)[0]

    def whole_frame(self, row: int) -> tuple[bytes, int]:
        """A frame that stands for that of a row, and its length on the wire."""
        return self._masking.frame(row)

    def _masked_file(self, number: int, file: CaptureFile) -> CaptureFile:
        text = self._masking.mask.text
        interfaces = [one._replace(name=text(one.name), comment=text(one.comment)) for one in file.interfaces]
        masked = CaptureFile(self._masking.path(number, file.format), file.format, interfaces)
        for name in _COUNTS:
            setattr(masked, name, getattr(file, name))
        masked.notes = [text(note) for note in file.notes]
        masked.truncated = None if file.truncated is None else text(file.truncated)
        return masked

    def _masked(self, name: str, column: Array) -> Array:
        mask, original = self._masking.mask, self._original
        match name:
            case "src" | "dst":
                return _mapped(column, ~original.family6, mask.host4)
            case "to_host":
                return _mapped(column, (original.kind == Kind.REQUEST) | (original.kind == Kind.RESPONSE), mask.host4)
            case "sport" | "dport" | "to_port":
                everywhere = np.ones(column.size, np.bool_)
                return _mapped(column, everywhere, mask.port)
            case "target8":
                return self._targets(column)
            case _:
                return column

    def _targets(self, column: Array) -> Array:
        values, rows, places = np.unique(column, return_index=True, return_inverse=True)
        masked = [0 if value == 0 else self._target_at(row) for value, row in zip(values, rows.tolist(), strict=True)]
        return np.array(masked, column.dtype)[places]

    def _target_at(self, row: int) -> int:
        try:
            target = decode_request(self._original.payload(row), cut=True).target
        except DecodeError:
            target = None
        return 0 if target is None else int.from_bytes(self._masking.mask.target(target)[:8], "big")


def _mapped(column: Array, where: Array, stand_in: object) -> Array:
    assert callable(stand_in)
    out = column.copy()
    values, places = np.unique(column[where], return_inverse=True)
    out[where] = np.array([stand_in(value) for value in values.tolist()], column.dtype)[places]
    return out
