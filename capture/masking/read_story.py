"""What is masked of a story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from capture.flow import FileSummary, Flow, Sighting
from capture.table import PacketTable
from protocol.address import Address

if TYPE_CHECKING:
    from capture.flows.waiting import Haste


class ReadStory(Protocol):
    """What views and exports read of a story."""

    @property
    def table(self) -> PacketTable:
        """The packets; of a bounded live story another table at times."""
        ...

    @property
    def files(self) -> tuple[FileSummary, ...]:
        """Counts of each file or live source."""
        ...

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts, oldest first."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was seen and is part of no attempt."""
        ...

    @property
    def asides(self) -> tuple[str, ...]:
        """What was seen only in part."""
        ...

    @property
    def asides_behind_mask(self) -> tuple[str, ...]:
        """The same without names that no mask finds in a text."""
        ...

    @property
    def refused(self) -> tuple[tuple[Sighting, str, int, str, bool], ...]:
        """Messages whose value does not decode: packet, field, offset, reason, and whether it was cut."""
        ...

    @property
    def keylog_errors(self) -> tuple[str, ...]:
        """Malformed lines of key logs."""
        ...

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet."""
        ...

    def update(self, *, haste: Haste | None = None) -> tuple[str, ...]:
        """Take in what came since; ids of the attempts that changed, as far as haste lets them be worked out."""
        ...

    @property
    def waiting(self) -> int:
        """Attempts that changed and that updates in haste have not come to yet."""
        ...

    @property
    def listed(self) -> frozenset[str]:
        """Ids of attempts that were only listed so far: they are worked out when their turn comes."""
        ...

    @property
    def gone(self) -> frozenset[str]:
        """Ids of attempts that the last `update` found to be none, or part of others."""
        ...

    def flow_of(self, sighting: Sighting) -> Flow | None:
        """The attempt that a packet is part of."""
        ...

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows."""
        ...

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a packet."""
        ...

    def wire_length(self, sighting: Sighting) -> int:
        """Bytes of it when it was sent."""
        ...

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        ...

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        ...

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured."""
        ...
