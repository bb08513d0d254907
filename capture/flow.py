"""An attempt, and the files it was seen in: as much of `capture.model` as it takes to list attempts.

What an attempt consists of has its classes there; they are made when somebody looks at one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture.candidate_list import Candidate
    from capture.course import Course
    from capture.flows.members import Members
    from capture.model import (
        FlowMessage,
        KeyEvidence,
        Lane,
        NatEvidence,
        Outcome,
        Path,
        Probes,
        Proxy,
        Round,
        Step,
        TokenState,
        Verdict,
    )
    from capture.token_life import TokenEvent
    from protocol.address import Address


class KeySource(StrEnum):
    """Where the key that opened an attempt came from."""

    CAPTURED = "captured"
    GIVEN = "given"
    KEYLOG = "keylog"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One datagram in one file. `frame` counts from 1, as Wireshark does; `file` indexes `Story.files`."""

    file: int
    frame: int
    row: int
    """Row of the packet table, for reading the bytes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One hole-punch attempt, from FIND_PEER to the first stream packets or the last thing heard of it."""

    id: str
    """16 hex digits: first 8 bytes of BLAKE2b-256(noise message 1)."""
    started: float
    duration: float
    target: bytes
    client: Address | None
    server: Address | None
    relays: tuple[Address, ...]
    key: KeyEvidence
    client_firewall: int | None
    server_firewall: int | None
    outcome: Outcome
    path: Path | None
    verdict: Verdict
    fast_open: bool
    rounds: tuple[Round, ...]
    server_token: TokenState
    client_token: TokenState
    client_probes: Probes
    server_probes: Probes
    lanes: tuple[Lane, ...]
    messages: tuple[FlowMessage, ...]
    steps: tuple[Step, ...]
    client_nat: NatEvidence | None = None
    server_nat: NatEvidence | None = None
    notes: tuple[str, ...] = field(default=())
    """Oddities worth saying: unparsable payloads, reused ids, clock jumps."""
    candidates: tuple[Candidate, ...] = ()
    """Addresses of the server that the client could try, then the client's that the server could."""
    token_events: tuple[TokenEvent, ...] = ()
    """Issues and echoes of both tokens, in the order of the rounds."""
    announced_relays: tuple[Address, ...] = ()
    """Relays that the server announced itself on, as far as the capture shows them."""
    course: Course | None = None
    """When its stages began and ended; None for an attempt that was drawn by hand."""

    proxies: tuple[Proxy, ...] = ()
    """Who punched in the place of the client, and of the server."""

    @property
    def shown_id(self) -> str:
        """What is shown as its id: another one where the program knows it by its own, behind a mask."""
        return self.id

    @property
    def worked_out(self) -> bool:
        """Whether what a list shows of it can be read in no time (`capture.flows.deferred`)."""
        return True

    @property
    def ended(self) -> float:
        """Epoch seconds of the last packet."""
        return self.started + self.duration

    def members(self) -> Members:
        """The packets that belong to it."""
        from capture.flows.members import members_of_flow

        return members_of_flow(self)

    def release(self) -> None:
        """Let go of what holds an object for each packet, if it can be worked out again (`capture.flows.deferred`)."""

    def lane(self, lane_id: str) -> Lane:
        """The lane with that id."""
        return next(lane for lane in self.lanes if lane.id == lane_id)


@dataclass(frozen=True, slots=True)
class FileSummary:
    """Counts of one capture file or live source."""

    path: str
    format: str
    packets: int
    dht_messages: int
    undecodable: int
    duplicates: int
    truncated: str | None = None
    """What was wrong with the file and at which byte, when it is damaged."""
    clock_offset: float = 0.0
    """By how many seconds this file's clock was ahead of the first one's at its first packet; taken off its times."""
    notes: tuple[str, ...] = ()
    clock_uncertainty: float | None = None
    """By how many seconds that may be wrong either way; None: not known."""
    clock_given: bool = False
    """Whether the user said it."""
    udx: int = 0
    """Datagrams with a UDX header."""
    punches: int = 0
    """Datagrams that punch: one zero byte."""
    dropped: int | None = None
    """Packets lost before they could be captured or read; None where nothing counts them."""
    clock_drift: float = 0.0
    """What its clock gains on the first one's in a second, in seconds."""
