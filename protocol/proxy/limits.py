"""Who may have a proxy punch, and how much of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Admits = Callable[[bytes], bool]
"""Called with the public key of a peer that connects to the proxy."""


class ProxyRefusal(StrEnum):
    """Why a proxy did not do what a datagram asked for."""

    UNKNOWN_LINK = "proxy request of a connection that is not known"
    NOT_SEALED = "proxy request that its connection did not seal"
    REPEATED = "proxy request that was said before"
    MALFORMED = "proxy request that is malformed"
    TOO_MANY = "hand-off that the proxy did not take: too many"
    UNKNOWN_HANDOFF = "proxy request for a hand-off that is not known, or over"
    TAKEN = "hand-off that the proxy did not take: its streams or its attempt have one already"
    STRANGERS = "stream packet that the proxy did not pass on: from elsewhere, too early, or too many"


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """What a proxy gives. Numbers are of one proxy."""

    handoffs: int = 256
    handoffs_per_peer: int = 32
    lease: float = 30.0
    """Seconds for which a hand-off is kept after its peer was last heard of."""
    lifetime: float | None = None
    """Seconds that a hand-off lasts at most; None: as long as it is kept."""
    bytes: int | None = 1 << 32
    """Bytes that are passed on for one, both ways together; None: any number."""
    punches: int = 8
    """Punches through random NATs at once; 1 for peers that are no proxies."""
    punch_interval: float = 0.0
    """Seconds from the end of one such punch to the start of the next; 20 for peers that are no proxies. Peers behind
    a random NAT are themselves reached through one, and want another at once."""
    early_packets: int = 16
    """Packets that are kept for a path that is still being punched."""
    queue: int = 4096
    """Packets that may wait to be sent."""
