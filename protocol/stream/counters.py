"""What a stream has done so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StreamCounters:
    """Packets of a stream; nothing that comes in is dropped without being counted here."""

    packets_sent: int = 0
    packets_received: int = 0
    duplicates: int = 0
    """Packets with data that had been received before."""
    unsound: int = 0
    """Datagrams that are no UDX packet of this stream, or acknowledge what was never sent."""
    unexpected: int = 0
    """Packets that the state has no use for: before `connect`, after the end, beyond the peer's END."""
    no_room: int = 0
    """Packets and messages that did not fit into the receive window or the queue of messages."""
    messages_unsent: int = 0
    """Messages given to `send_message` while its queue was full."""
