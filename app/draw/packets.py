"""The packet list: which columns fit a width, and the line of one packet."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.draw import terms
from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, safe_text
from app.wording import clock
from capture.direction import Direction
from capture.model import Role
from protocol.messages import Address


class PacketTime(Enum):
    """What the time column counts from."""

    START = "since the first packet"
    CLOCK = "time of day"
    DELTA = "since the packet above"
    MARK = "since the marked packet"


class Link(Enum):
    """How a packet is tied to the selected one."""

    REQUEST = "→"
    RESPONSE = "←"
    COPY = "="
    ATTEMPT = "│"


LINK_MEANING: Final = {
    Link.REQUEST: "in the packet list: the request that the selected packet answers, or sends again",
    Link.RESPONSE: "in the packet list: an answer to the selected packet",
    Link.COPY: "in the packet list: the selected datagram, seen elsewhere",
    Link.ATTEMPT: "in the packet list: of the same attempt as the selected packet",
}

DIRECTION_SIGNS: Final = {Direction.IN: "↓", Direction.OUT: "↑", Direction.PASSING: "↷"}
DIRECTION_WORDS: Final = {Direction.IN: "in", Direction.OUT: "out", Direction.PASSING: "by"}
"""What the column of directions says where there is room."""
DIRECTION_SAYS: Final = {Direction.IN: "in", Direction.OUT: "out", Direction.PASSING: "passing by, to another host"}

ROLE_LETTER: Final = {
    Role.CLIENT: "C",
    Role.CLIENT_RELAY: "R",
    Role.SERVER_RELAY: "R",
    Role.RELAY: "R",
    Role.SERVER: "S",
    Role.BLIND_RELAY: "B",
    Role.PROXY: "P",
    Role.NODE: "N",
}
"""What stands before an address where there is no room for the role."""
ROLE_LETTERS: Final = "C client, R relay, S server, B blind relay, P proxy, N other node"


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """What the list says of one packet; texts are already safe."""

    row: int
    number: str
    """Of its frame, with that of its file before it where there are several."""
    time: float
    """Epoch seconds."""
    source: Address
    destination: Address
    source_role: Role | None
    destination_role: Role | None
    protocol: str
    summary: str
    tone: Tone
    length: int
    """UDP payload bytes on the wire."""
    attempt: str = ""
    """Id of the attempt that it is part of."""
    trouble: str = ""
    """Why it does not decode, or how much of it was kept."""
    again: str = ""
    """``=`` and the packet of which it is a copy, or that it is a retransmission."""
    direction: Direction | None = None
    """Which way it passed where it was captured, if that is known."""


@dataclass(frozen=True, slots=True)
class PacketColumns:
    """Widths of the columns at one width of the list; 0 leaves one out."""

    number: int
    time: int
    address: int
    role: int
    """Cells of an address column that the role may take; 1 for its letter."""
    protocol: int
    length: int
    attempt: int
    summary: int
    direction: int = 0
    """1 for a sign, 3 for a word."""

    def heading(self) -> Line:
        """Titles of the columns."""
        titles = [
            cell("   ", 3),
            cell("packet", self.number, Tone.DIM, right=True),
            cell(" time", 1 + self.time, Tone.DIM),
            cell(" source", 1 + self.address, Tone.DIM),
            cell(" destination", 1 + self.address, Tone.DIM),
        ]
        for title, width in (
            ("dir" if self.direction > 1 else "", self.direction),
            ("kind", self.protocol),
            ("bytes", self.length),
            ("attempt" if self.attempt > 6 else "id", self.attempt),
        ):
            if width:
                titles.append(cell(f" {title}", 1 + width, Tone.DIM))
        return (*titles, cell(" what it says", 1 + self.summary, Tone.DIM))

    def line(self, facts: PacketFacts, time: str, link: Link | None = None, comment: str = "") -> Line:
        """One packet. The first two cells are left to the view, for cursor and mark.

        Args:
            facts: the packet.
            time: its time, as the view counts it.
            link: how it is tied to the selected packet.
            comment: what the user says of it.
        """
        spans = [
            Span("  "),
            Span(" " if link is None else link.value, Tone.KEY if link is not Link.ATTEMPT else Tone.RULE),
            cell(facts.number, self.number, right=True),
            Span(" "),
            cell(time, self.time, Tone.DIM, right=True),
            Span(" "),
            *self._end(facts.source, facts.source_role),
            Span(" "),
            *self._end(facts.destination, facts.destination_role),
        ]
        if self.direction:
            words = DIRECTION_WORDS if self.direction > 1 else DIRECTION_SIGNS
            said = "" if facts.direction is None else words[facts.direction]
            spans += [Span(" "), cell(said, self.direction, Tone.DIM)]
        if self.protocol:
            spans += [Span(" "), cell(facts.protocol, self.protocol, facts.tone)]
        if self.length:
            spans += [Span(" "), cell(str(facts.length), self.length, right=True)]
        if self.attempt:
            spans += [Span(" "), cell(facts.attempt[: self.attempt] or "–", self.attempt, Tone.DIM)]
        spans.append(Span(" "))
        if comment:
            spans += [Span(f"; {safe_text(comment)}", Tone.KEY), Span("  ")]
        if facts.trouble:
            spans += [Span(f"! {facts.trouble}", Tone.WARN), Span("  ")]
        if facts.again:
            spans += [Span(facts.again, Tone.DIM), Span("  ")]
        if facts.summary:
            plain = facts.protocol not in ("request", "response") or bool(facts.again)
            spans.append(Span(facts.summary, Tone.DIM if plain and facts.again else facts.tone))
        return tuple(spans)

    def _end(self, address: Address, role: Role | None) -> tuple[Span, Span]:
        tone = Tone.PLAIN if role is None else terms.ROLE_TONE[role]
        if self.role == 1:
            letter = " " if role is None else ROLE_LETTER[role]
            return cell(letter, 2, tone), cell(_short(address, self.address - 2), self.address - 2, tone)
        name = "" if role is None else str(role)
        return cell(name, self.role, tone), cell(terms.address(address), self.address - self.role, tone)


def packet_columns(width: int, *, numbers: int, directions: bool = False) -> PacketColumns:
    """Choose columns for `width` cells.

    Args:
        width: cells of a line.
        numbers: digits of the largest packet number.
        directions: whether it is known of any packet which way it passed.
    """
    number = max(6, numbers)
    if width < 100:
        columns = PacketColumns(number, 9, 17, 1, 0, 0, 0, 0)
    elif width < 118:
        columns = PacketColumns(number, 12, 23, 1, 0, 0, 4, 0)
    elif width < 150:
        columns = PacketColumns(number, 12, 23, 1, 8, 5, 4, 0)
    else:
        columns = PacketColumns(number, 12, 35, 13, 8, 5, 8, 0)
    direction = (3 if width >= 118 else 1) if directions else 0
    shown = [columns.number, columns.time, columns.address, columns.address]
    shown += [one for one in (direction, columns.protocol, columns.length, columns.attempt) if one]
    rest = width - 3 - sum(shown) - len(shown)
    return PacketColumns(
        number,
        columns.time,
        columns.address,
        columns.role,
        columns.protocol,
        columns.length,
        columns.attempt,
        max(0, rest),
        direction,
    )


def time_text(time: float, since: float | None, width: int, zone: datetime.tzinfo | None) -> str:
    """A time for its column.

    Args:
        time: epoch seconds.
        since: epoch seconds that it is counted from; None gives the time of day.
        width: cells of the column.
        zone: time zone of the time of day; None is the machine's own.
    """
    if since is None:
        return clock(time, zone)[: 8 if width < 12 else None]
    apart = time - since
    digits = 6 if width >= 12 and abs(apart) < 10_000 else 3
    return f"{apart:.{digits}f}"


def _short(address: Address, width: int) -> str:
    """The whole address where it fits, else the host alone."""
    whole = terms.address(address)
    return whole if cell_width(whole) <= width else terms.host(address)
