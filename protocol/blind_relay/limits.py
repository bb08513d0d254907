"""How much of a stranger's traffic and memory is taken in; the reference has none of these bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MuxLimits:
    """What a peer may do on one secret stream."""

    max_frame: int = 1 << 18
    """Bytes of one frame, a batch included."""
    max_batch: int = 4096
    """Frames in one batch."""
    max_name: int = 255
    """Bytes of a protocol's name, and of the id that goes with it."""
    max_channels: int = 64
    """Channels that are open on our side at once, and how far the peer's ids may grow."""
    max_backlog: int = 1 << 18
    """Bytes of ours that may wait because the peer does not read."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """What a relay gives."""

    max_sessions: int = 1024
    max_waiting: int = 4096
    """Tokens that wait for their second half."""
    max_waiting_per_session: int = 64
    max_links: int = 1024
    """Pairs that are relayed at once."""
    max_links_per_session: int = 64
    waiting_lifetime: float = 60.0
    """Seconds that a token waits for its second half; hyperdht's peers give up after 15."""
    idle_timeout: float = 120.0
    """Seconds without a packet from either side after which a pair is over; no NAT has to hold a mapping longer."""
    link_lifetime: float | None = None
    """Seconds that a pair is relayed at most; None: as long as its sessions last."""
    max_link_bytes: int | None = 1 << 32
    """Bytes that are relayed for a pair, both directions together; None: any number."""
    held_packets: int = 16
    """First packets that are kept for a side which has not sent one yet, so that its address is unknown: what a stream
    sends before it is acknowledged."""
    max_queue: int = 4096
    """Packets that may wait for the owner to send them."""
    mux: MuxLimits = MuxLimits()
