"""What the screens need of a story, and of a live source that makes it grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from capture.model import FileSummary, Flow, Sighting
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.table import PacketTable


class StoryView(Protocol):
    """The part of `capture.story.Story` that screens read."""

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
    def table(self) -> PacketTable:
        """The packets that the attempts were read from."""
        ...

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
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

    def update(self) -> tuple[str, ...]:
        """Take in what came since; ids of the attempts that changed."""
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

    def poll(self) -> None:
        """Append what has arrived to the story's packet table."""
        ...
