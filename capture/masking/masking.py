"""A capture behind a mask: one place that knows what stands for everything in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from capture.envelopes import Kind
from capture.flow import FileSummary, Flow
from capture.flows.joining import Join
from capture.masking.attempts import AttemptMask, MaskedAttempt
from capture.masking.bodies import Bodies
from capture.masking.frames import masked_frame
from capture.masking.mask import Mask
from capture.masking.payloads import PayloadMask
from capture.masking.values import MaskedFlow, ValueMask
from capture.table import PacketTable
from protocol.constants import Command, InternalCommand

_HAS_ID: Final = 1
_ADDRESS: Final = np.dtype([("host", ">u4"), ("port", "<u2")])
_NODE_IDS: Final = 1 << 20
"""Nodes whose ids are looked for; a crawl of the whole network has fewer."""
_WITH_VALUES: Final = (
    Command.PEER_HANDSHAKE,
    Command.PEER_HOLEPUNCH,
    Command.FIND_PEER,
    Command.LOOKUP,
    Command.MUTABLE_GET,
)
"""Commands whose answers have a value with a layout."""


class Masking:
    """Masks the packets of a table and the flows that were read from it.

    Args:
        table: the packets; may grow.
        mask: what stands for what; several captures may share one.
        keep_ids: whether attempts keep their ids, by which the program knows them.
    """

    def __init__(self, table: PacketTable, mask: Mask, *, keep_ids: bool = False) -> None:
        self.table = table
        self.mask = mask
        self._keep_ids = keep_ids
        bodies = Bodies(mask)
        self._payloads = PayloadMask(mask, bodies)
        self._attempts = AttemptMask(mask, bodies, self._payloads)
        self._values = ValueMask(mask, self._payloads, bodies, self._attempts)
        self._flows: dict[str, MaskedFlow] = {}
        self._join = Join(table)
        self._asked: dict[int, tuple[bool, int]] = {}
        """What a response answers, by its primary row: internal or not, and command."""
        self._looked = 0

    def update(self) -> None:
        """Look at packets that came since: hosts to avoid, ids of nodes, what responses answer."""
        table, start, stop = self.table, self._looked, len(self.table)
        if start == stop:
            return
        self._looked = stop
        kind = table.kind[start:stop]
        ours = (kind == Kind.REQUEST) | (kind == Kind.RESPONSE)
        four = ~table.family6[start:stop]
        for hosts in (table.src[start:stop][four], table.dst[start:stop][four], table.to_host[start:stop][ours]):
            self.mask.avoid(np.unique(hosts).tolist())
        named = np.flatnonzero(ours & four & (table.flags[start:stop] & _HAS_ID != 0)) + start
        ends = np.unique(table.src[named].astype(np.int64) << 16 | table.sport[named])[:_NODE_IDS]
        addresses = np.empty(ends.size, _ADDRESS)
        addresses["host"], addresses["port"] = ends >> 16, ends & 0xFFFF
        self.mask.know_nodes(addresses.tobytes())
        asking = (kind == Kind.REQUEST) & ~table.asked_internally(slice(start, stop))
        asking &= np.isin(table.command[start:stop], _WITH_VALUES)
        answers, asked = self._join.feed(np.flatnonzero(asking) + start, start, stop)
        for answer, command in zip(answers.tolist(), table.command[asked].tolist(), strict=True):
            self._asked[answer] = (False, command)

    def flow(self, flow: Flow) -> Flow:
        """A flow behind the mask; the same one again as long as it does not grow."""
        found = self._flows.get(flow.id)
        if found is None or found.original is not flow:
            self.update()
            id_ = None if self._keep_ids else self.attempt(flow).id
            found = self._flows[flow.id] = MaskedFlow(flow, self._values, id_)
        return found

    def attempt(self, flow: Flow) -> MaskedAttempt:
        """What stands for id, hash and secrets of an attempt; its payloads open with that from now on."""
        self.update()
        for message in flow.messages:
            if message.kind == "response":
                self._asked[message.sighting.row] = _command(message.command)
        return self._attempts.made(flow)

    def value(self, value: Any) -> Any:
        """What stands for any value: every address, key and text in it masked, ids of attempts as they are."""
        self.update()
        return self._values.value(value)

    def file(self, number: int, file: FileSummary) -> FileSummary:
        """What is said of a file, without its name."""
        return replace(
            file,
            path=self.path(number, file.format),
            truncated=None if file.truncated is None else self.mask.text(file.truncated),
            notes=tuple(map(self.mask.text, file.notes)),
        )

    def path(self, number: int, format: str) -> str:
        """What stands for the name of a file, which may say whose it is."""
        return "live" if format == "live" else f"capture-{number + 1}.{format}"

    def payload(self, row: int) -> bytes:
        """What stands for the payload of a row."""
        self.update()
        table = self.table
        primary = int(table.copy_of[row])
        return self.stand_in(row if primary < 0 else primary, table.payload(row), int(table.wire_length[row]))

    def stand_in(self, primary: int, payload: bytes, wire_length: int) -> bytes:
        """What stands for a payload.

        Args:
            primary: row of the first sighting of the datagram.
            payload: as much of it as was captured.
            wire_length: its length when it was sent.
        """
        self.update()
        return self._payloads.payload(payload, wire_length, self._asked.get(primary))

    def datagram(self, payload: bytes, asked: tuple[bool, int] | None = None) -> bytes:
        """What stands for a payload that is in no row.

        Args:
            payload: all of it.
            asked: of a response, what it answers: internal or not, and command; None where that is not known.
        """
        self.update()
        return self._payloads.payload(payload, len(payload), asked)

    def frame(self, row: int) -> tuple[bytes, int]:
        """A frame that stands for that of a row, and its length on the wire."""
        return masked_frame(self.table, row, self.payload(row), self.mask)


def _command(name: str) -> tuple[bool, int]:
    if name in Command.__members__:
        return False, int(Command[name])
    return True, int(InternalCommand[name]) if name in InternalCommand.__members__ else -1
