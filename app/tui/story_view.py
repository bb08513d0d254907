"""What the screens need of a story, and of a live source that makes it grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from app.reading import Reported
from capture.model import Flow, Sighting
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.flows.waiting import Haste
    from capture.losses import Losses
    from capture.table import PacketTable


class StoryView(Reported, Protocol):
    """The part of `capture.story.Story` that screens read: what a report needs of it, and the packets."""

    @property
    def table(self) -> PacketTable:
        """The packets that the attempts were read from."""
        ...

    @property
    def refused(self) -> tuple[tuple[Sighting, str, int, str, bool], ...]:
        """Messages whose value does not decode: packet, field, offset, reason, and whether the capture cut it."""
        ...

    @property
    def keylog_errors(self) -> tuple[str, ...]:
        """Malformed lines of key logs."""
        ...

    @property
    def asides(self) -> tuple[str, ...]:
        """What was seen only in part, so that no attempt could be made of it."""
        ...

    @property
    def asides_behind_mask(self) -> tuple[str, ...]:
        """The same without names that no mask finds in a text."""
        ...

    def flow_of(self, sighting: Sighting) -> Flow | None:
        """The attempt that a datagram is part of; None for one of no attempt."""
        ...

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
        ...

    def wire_length(self, sighting: Sighting) -> int:
        """Bytes of that payload when it was sent; more than `payload` gives where the capture cut it."""
        ...

    def packet_time(self, sighting: Sighting) -> float:
        """Epoch seconds."""
        ...

    @property
    def last_time(self) -> float | None:
        """Epoch seconds of the last packet; None while there is none."""
        ...

    def sightings(self, sighting: Sighting) -> tuple[Sighting, ...]:
        """Every sighting of the datagram that one shows, in all files, nearest its sender first."""
        ...

    def endpoints(self, sighting: Sighting) -> tuple[Address, Address]:
        """Source and destination."""
        ...

    def ttl(self, sighting: Sighting) -> int:
        """Time to live as captured."""
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


class Feed(Protocol):
    """A live source. `poll` is called about ten times a second, in a thread, and must return soon."""

    @property
    def name(self) -> str:
        """What is listened on."""
        ...

    @property
    def dropped(self) -> int:
        """Packets that were lost before they could be read."""
        ...

    @property
    def losses(self) -> Losses:
        """Everything that is not there, by what is to blame."""
        ...

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the files that are written now, one sentence each."""
        ...

    def poll(self) -> None:
        """Append what has arrived to the story's packet table."""
        ...
