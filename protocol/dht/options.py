"""What a node is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.congestion import MAX_WINDOW
from protocol.dht.limits import Limits
from protocol.dht.query import CONCURRENCY
from protocol.messages import Address


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Defaults are those of the reference, except that no network is joined unless one is named."""

    bootstrap: tuple[BootstrapNode, ...] = ()
    nodes: tuple[Address, ...] = ()
    """Nodes known from an earlier run."""
    ephemeral: bool | None = None
    """False to be persistent from the start, True for never, None to become so after 20 steady minutes."""
    firewalled: bool = True
    """False when the server socket is known to be reachable."""
    quick_firewall: bool = True
    """Ask the first node that answers whether it reaches the server socket, and not only after 20 minutes."""
    public_address: Address | None = None
    """The address of a first node, which nobody can tell its own."""
    concurrency: int = CONCURRENCY
    max_window: int = MAX_WINDOW
    adaptive_timeout: bool = False
    limits: Limits = field(default_factory=Limits)
    epoch: float = 0.0
    """Seconds since 1970 at time 0 of the clock that the node is given."""
