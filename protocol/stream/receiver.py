"""The receiving half of a stream: packets in, events out, and when an ack is due.

Every DATA or END packet makes an ack due, also one that came before or has no room: its sender waits for it. One ack
answers all packets that came since the last. When the owner has read enough to open a window that was nearly shut, an
ack says so.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from protocol.stream.counters import StreamCounters
from protocol.stream.events import DataReceived, MessageReceived, StreamEvent
from protocol.stream.incoming import Arrival, Incoming
from protocol.stream.packet import SACK, sack_field

MAX_MESSAGES: Final = 64
"""Unordered messages that wait for the owner at most."""


class Receiver:
    """Everything that the peer's direction of a stream needs.

    Attributes:
        incoming: order and window.
        events: what the owner has not taken yet, of the whole stream, in order.
        ack_due: the peer waits for an ack.
    """

    __slots__ = ("_counters", "_told_window", "_unread_messages", "ack_due", "events", "incoming")

    def __init__(self, ack: int, window: int, counters: StreamCounters) -> None:
        self.incoming = Incoming(ack, window)
        self.events: deque[StreamEvent] = deque()
        self.ack_due = False
        self._counters = counters
        self._told_window = window
        self._unread_messages = 0

    def receive_data(self, seq: int, data: bytes, end: bool) -> None:
        """Take in a DATA or END packet."""
        self.ack_due = True
        arrival = self.incoming.receive(seq, data, end)
        if arrival is Arrival.IN_ORDER:
            self.events.extend([DataReceived(piece) for piece in self.incoming.deliver()])
        elif arrival is Arrival.DUPLICATE:
            self._counters.duplicates += 1
        elif arrival is Arrival.NO_ROOM:
            self._counters.no_room += 1
        elif arrival is Arrival.AFTER_END:
            self._counters.unexpected += 1

    def receive_message(self, data: bytes) -> None:
        """Take in a MESSAGE packet."""
        if self._unread_messages < MAX_MESSAGES:
            self._unread_messages += 1
            self.events.append(MessageReceived(data))
        else:
            self._counters.no_room += 1

    def next_event(self) -> StreamEvent | None:
        """The next event for the owner; taking data makes room."""
        if not self.events:
            return None
        event = self.events.popleft()
        if isinstance(event, DataReceived):
            incoming = self.incoming
            incoming.unread -= len(event.data)
            if self._told_window < incoming.limit // 4 and incoming.window >= incoming.limit // 2:
                self.ack_due = True
        elif isinstance(event, MessageReceived):
            self._unread_messages -= 1
        return event

    def window(self) -> int:
        """The window that a packet which goes out now tells the peer."""
        self._told_window = self.incoming.window
        return self._told_window

    def ack_content(self) -> tuple[int, bytes]:
        """Flags and content of an ack."""
        ranges = self.incoming.ranges()
        return (SACK, sack_field(ranges)) if ranges else (0, b"")
