"""What a sensor has made and the server has not yet acknowledged: kept, sent in order, and sent again when it must be.

It does no I/O and knows no time. Whoever has a connection takes parcels out to send them and tells of acknowledgements;
when a connection is over, all that is not acknowledged is to be sent again, the oldest first.

| state of a parcel | next |
|---|---|
| waiting | `take`: on its way |
| on its way | `acknowledged`: forgotten; `rewind`: waiting |
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

MOST_BYTES: Final = 64 << 20
"""Bytes from which on an outbox is full."""
WINDOW_BYTES: Final = 4 << 20
"""Bytes that may be on their way at once."""
WINDOW: Final = 512
"""Parcels that may be on their way at once."""


class Parcel(NamedTuple):
    """One record, encoded."""

    number: int
    """In the outbox, from 0 without a gap."""
    subject: str
    message_id: str
    data: bytes


class Outbox:
    """Parcels in the order in which they were put in.

    Args:
        most_bytes: from how many bytes on it is full. Nothing is refused then: whoever fills it has to wait.
        window_bytes: how many bytes may be on their way; one parcel may in any case.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, window_bytes: int = WINDOW_BYTES) -> None:
        self.bytes = 0
        """Of all parcels that are not acknowledged."""
        self.acknowledged_count = 0
        self.repeated = 0
        """Parcels that were taken out once more."""
        self._most = most_bytes
        self._window = window_bytes
        self._parcels: dict[int, Parcel] = {}
        self._waiting: deque[int] = deque()
        self._on_way: dict[int, None] = {}
        self._on_way_bytes = 0
        self._made = 0
        self._taken = 0
        """Parcels from this one on were never taken out."""

    def __len__(self) -> int:
        return len(self._parcels)

    @property
    def full(self) -> bool:
        """Whether whoever fills it has to wait."""
        return self.bytes >= self._most

    @property
    def on_way(self) -> int:
        """How many parcels were taken out and are not acknowledged."""
        return len(self._on_way)

    def put(self, subject: str, message_id: str, data: bytes) -> None:
        """Put in one more."""
        self._parcels[self._made] = Parcel(self._made, subject, message_id, data)
        self._waiting.append(self._made)
        self._made += 1
        self.bytes += len(data)

    def take(self) -> Parcel | None:
        """The next one to send; None while there is none, or enough is on its way."""
        if not self._waiting:
            return None
        parcel = self._parcels[self._waiting[0]]
        if self._on_way and (len(self._on_way) >= WINDOW or self._on_way_bytes + len(parcel.data) > self._window):
            return None
        self._waiting.popleft()
        self._on_way[parcel.number] = None
        self._on_way_bytes += len(parcel.data)
        if parcel.number < self._taken:
            self.repeated += 1
        else:
            self._taken = parcel.number + 1
        return parcel

    def acknowledged(self, number: int) -> None:
        """The server has stored it. It may be told twice, and of one that is to be sent again."""
        parcel = self._parcels.pop(number, None)
        if parcel is None:
            return
        self.acknowledged_count += 1
        self.bytes -= len(parcel.data)
        if number in self._on_way:
            del self._on_way[number]
            self._on_way_bytes -= len(parcel.data)
        else:
            self._waiting.remove(number)

    def rewind(self) -> None:
        """Nothing is on its way any more: what is not acknowledged waits again, in its order."""
        self._waiting.extendleft(sorted(self._on_way, reverse=True))
        self._on_way.clear()
        self._on_way_bytes = 0
