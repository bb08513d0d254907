"""What the packet list says of each packet: decoded when it is on screen.

To find the attempt that a packet is part of may take working out attempts, which takes longer than a page may take to
paint. So a packet is first shown for what its own bytes say, and `settle` finds the rest in slices.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from app.draw.packet_summary import summarise
from app.draw.packets import Link, PacketFacts
from app.tui.session import Session
from capture.direction import direction_of
from capture.model import Flow, FlowMessage, Role, Sighting
from capture.table import Kind
from protocol.decode import decode_datagram
from protocol.errors import DecodeError
from protocol.messages import Address, HolepunchPayload, Request
from protocol.values import decode_holepunch_payload

if TYPE_CHECKING:
    from capture.table import PacketTable

KEPT: Final = 2048
"""Packets whose facts are kept: some pages, to scroll back and forth in."""
FLOWS_KEPT: Final = 256
WAITING: Final = 512
"""Packets whose attempt is looked for; those that were scrolled past longer ago are not."""


class Cast(NamedTuple):
    """Who is who in an attempt, and its messages by row."""

    flow: Flow
    roles: dict[Address, Role]
    hosts: dict[str, Role]
    messages: dict[int, FlowMessage]

    def role(self, address: Address) -> Role | None:
        """The part that an address plays; where only its host is known, the part of that."""
        return self.roles.get(address) or self.hosts.get(address.host)


class PacketReader:
    """Reads packets of a session for a list of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.generation = session.generation
        """Rows have other numbers once the session's is another one."""
        self._facts: OrderedDict[int, PacketFacts] = OrderedDict()
        self._waiting: dict[int, None] = {}
        """Rows whose attempt is still to be looked for, the latest asked for last."""
        self.asked = 0
        """Counts how often a packet was asked for that had to be read."""
        self._casts: OrderedDict[str, Cast] = OrderedDict()
        self.exchanges = session.exchanges
        self._told = False
        self._asked_of = 0
        """Packets of which none tells which way it passed."""

    @property
    def table(self) -> PacketTable:
        """The packets."""
        return self._session.table

    @property
    def grows(self) -> bool:
        """Whether packets come in."""
        return self._session.feed is not None

    def held(self) -> AbstractContextManager[None]:
        """Nothing grows meanwhile."""
        return self._session.held()

    @property
    def tells_directions(self) -> bool:
        """Whether it is known of any packet which way it passed."""
        if not self._told:
            direction = self.table.direction
            self._told = bool(direction[self._asked_of :].any())
            self._asked_of = len(direction)
        return self._told

    def primary(self, row: int) -> int:
        """The first sighting of the datagram that a row shows."""
        first = self.table.copy_of.item(row)
        return row if first < 0 else first

    def sightings(self, primary: int) -> list[int]:
        """Rows of every sighting of a datagram, by its first one, in order."""
        again = np.flatnonzero(self.table.copy_of == primary)
        return [primary, *again.tolist()]

    def forget(self) -> None:
        """More is known now: what was said of packets may have changed."""
        self._facts.clear()
        self._waiting.clear()

    @property
    def waiting(self) -> bool:
        """Whether there is something to `settle`."""
        return bool(self._waiting)

    def settle(self, seconds: float) -> bool:
        """Find the attempts of packets that were asked for, the latest first, for about some seconds.

        Returns:
            Whether more is known of any.
        """
        until = monotonic() + seconds
        found = False
        while self._waiting:
            row, _ = self._waiting.popitem()
            before = self._facts.get(row)
            with self._session.held():
                self._facts[row] = self._read(row, whole=True)
            found = found or self._facts[row] != before
            if monotonic() > until:
                break
        return found

    def sighting(self, row: int) -> Sighting:
        """A row as the rest of the screens name it."""
        table = self.table
        return Sighting(table.file.item(row), table.frame.item(row), row)

    def facts(self, row: int) -> PacketFacts:
        """What the list says of a row, as far as it is known at once."""
        known = self._facts.get(row)
        if known is None:
            with self._session.held():
                known = self._facts[row] = self._read(row, whole=False)
            self._waiting[row] = None
            self.asked += 1
            if len(self._facts) > KEPT:
                self._facts.popitem(last=False)
            if len(self._waiting) > WAITING:
                self._waiting.pop(next(iter(self._waiting)))
        return known

    def comment(self, row: int) -> str:
        """What the user says of a packet."""
        notes = self._session.notes
        return notes.on(self.sighting(row)) if notes else ""

    def time(self, row: int) -> float:
        """Epoch seconds."""
        return self._session.packet_time(self.sighting(row))

    def cast(self, row: int) -> Cast | None:
        """The attempt that a row is part of, and who is who in it."""
        with self._session.held():
            flow = self._session.story.flow_of(self.sighting(row))
            return None if flow is None else self._cast(flow)

    def request_of(self, row: int) -> Request | None:
        """The request that a response answers."""
        if self.table.kind.item(row) != Kind.RESPONSE:
            return None
        asked = self.exchanges.request_of(row)
        if asked is None:
            return None
        sighting = self.sighting(asked)
        message = decode_datagram(self._session.payload(sighting), self._session.wire_length(sighting))
        return message if isinstance(message, Request) else None

    def links(self, row: int) -> dict[int, Link]:
        """Rows that are tied to a row by request, answer or copy."""
        with self.held():
            primary = self.primary(row)
            found: dict[int, Link] = {}
            exchanged = self.exchanges.of(row)
            found.update(dict.fromkeys(exchanged.requests, Link.REQUEST))
            found.update(dict.fromkeys(exchanged.responses, Link.RESPONSE))
            found[primary] = Link.COPY
            found.pop(row, None)
            return found

    def _read(self, row: int, *, whole: bool) -> PacketFacts:
        session = self._session
        sighting = self.sighting(row)
        source, destination = session.endpoints(sighting)
        primary = self.primary(row)
        flow = session.story.flow_of(sighting) if whole else None
        cast = None if flow is None else self._cast(flow)
        message = None if cast is None else cast.messages.get(primary)
        opened, sealed = _opened(message)
        said = summarise(
            session.payload(sighting),
            session.wire_length(sighting),
            session.ttl(sighting),
            self.request_of(row),
            opened,
            sealed,
        )
        again = ""
        if primary != row:
            again = f"{Link.COPY.value}{self._number(primary)}"
        elif message is not None and message.retransmission:
            again = "↻ again"
        return PacketFacts(
            row,
            self._number(row),
            session.packet_time(sighting),
            source,
            destination,
            _role(cast, message, source, sender=True),
            _role(cast, message, destination, sender=False),
            said.protocol,
            said.text,
            said.tone,
            session.wire_length(sighting),
            "" if flow is None else flow.shown_id,
            said.trouble,
            again,
            direction_of(self.table.direction.item(row)),
        )

    def _number(self, row: int) -> str:
        table = self.table
        frame = table.frame.item(row)
        return str(frame) if len(table.files) < 2 else f"{table.file.item(row) + 1}:{frame}"

    def _cast(self, flow: Flow) -> Cast:
        known = self._casts.get(flow.id)
        if known is not None and known.flow is flow:
            self._casts.move_to_end(flow.id)
            return known
        roles: dict[Address, Role] = {}
        hosts: dict[str, Role] = {}
        for lane in flow.lanes:
            for address in (*lane.addresses, *lane.inside):
                roles.setdefault(address, lane.role)
                hosts.setdefault(address.host, lane.role)
        cast = Cast(flow, roles, hosts, {message.sighting.row: message for message in flow.messages})
        self._casts[flow.id] = cast
        self._casts.move_to_end(flow.id)
        if len(self._casts) > FLOWS_KEPT:
            self._casts.popitem(last=False)
        return cast


def _role(cast: Cast | None, message: FlowMessage | None, address: Address, *, sender: bool) -> Role | None:
    if message is not None:
        return message.from_role if sender else message.to_role
    return None if cast is None else cast.role(address)


def _opened(message: FlowMessage | None) -> tuple[HolepunchPayload | None, str]:
    """The holepunch payload of a message, or why it stays closed."""
    if message is None or message.payload is None or message.command != "PEER_HOLEPUNCH":
        return None, ""
    if message.payload.plaintext is None:
        return None, message.payload.reason or "no key opens it"
    try:
        return decode_holepunch_payload(message.payload.plaintext), ""
    except DecodeError as error:
        return None, f"opened, but malformed: {error}"
