"""What a node of ours did to packets of a story, asked by ladders and by the message pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from app.draw.touched import TouchRow, packet_of, touch_rows, touch_sign
from capture.masking.story import MaskedStory

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile
    from capture.model import Flow, Sighting
    from capture.table import PacketTable
    from capture.touches import Touch


class Told(Protocol):
    """As much of a story as is needed."""

    @property
    def table(self) -> PacketTable:
        """The packets."""
        ...

    def payload(self, sighting: Sighting) -> bytes:
        """UDP payload of a datagram."""
        ...


class TouchedPackets:
    """Knows the touches of a story's packets.

    Args:
        story: gives the story; it may be another one later, as while addresses are hidden.
    """

    def __init__(self, story: Callable[[], Told]) -> None:
        self._story = story

    @property
    def count(self) -> int:
        """How many touches there are."""
        return sum(len(file.touches) for file in self._files if file.touches is not None)

    def rows(self, flow: Flow, sighting: Sighting) -> list[TouchRow]:
        """What was done to a packet, in words."""
        touches = self._touches(sighting)
        if not touches:
            return []
        story = self._story()
        packet = packet_of(flow, sighting, story.payload(sighting))
        return touch_rows(touches, packet, masked=isinstance(story, MaskedStory))

    def sign(self, sighting: Sighting) -> str:
        """One cell: what was done to it, or a blank."""
        return touch_sign(self._touches(sighting))

    def _touches(self, sighting: Sighting) -> tuple[Touch, ...]:
        files = self._files
        touches = files[sighting.file].touches if sighting.file < len(files) else None
        return () if touches is None else touches.of_frame(sighting.frame)

    @property
    def _files(self) -> list[CaptureFile]:
        """The sources themselves: behind the mask the same packets were touched."""
        story = self._story()
        return story.original.table.files if isinstance(story, MaskedStory) else story.table.files
