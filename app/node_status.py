"""What a running node shows of itself, frozen at one moment. Made by `app.live_node`, drawn by `app.draw.node`.

Spans of time are seconds before or after that moment, so that whoever draws needs no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from protocol.dht.health import Health
from protocol.dht.refusals import Refusal
from protocol.messages import Address


@dataclass(frozen=True, slots=True)
class TableRow:
    """A node in the routing table."""

    id: bytes
    address: Address
    sees_us: Address | None
    """This node as that one sees it, where it said so."""
    row: int
    """First bit in which its id differs from ours."""
    added: float
    """Seconds since it entered the table, to the tick of 5 s."""
    heard: float
    """Seconds since it was last heard, to the tick."""
    down_hints: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that happens by itself unless an answer comes first."""

    due: float
    """Seconds until then; below 0 where it waits for room in the congestion window."""
    what: str
    remote: Address | None = None
    tid: int | None = None
    """Of the request that is sent again or given up."""
    attempt: bytes | None = None
    """Id of the attempt that it belongs to, where the machine says so."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A node that holds the announcement."""

    address: Address
    answered: float | None = None
    """Seconds since it last answered; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """How far a server of ours is known to the network."""

    public_key: bytes
    state: str
    """A word or two: announcing, announced, not announced."""
    relays: tuple[Relay, ...] = ()
    next_refresh: float | None = None
    """Seconds."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node at one moment."""

    server: Address
    """Local address of the server socket."""
    client: Address
    """Local address of the client socket."""
    id: bytes | None
    """Of a persistent node."""
    seen_at: tuple[str, int] | None
    """Host, and port or 0 where nodes see different ports; None where nodes do not agree on a host."""
    samples: int
    """Views of this node's address that this rests on."""
    firewall: int
    """Class of the NAT by the rules of a hole punch, a `protocol.constants.Firewall`."""
    firewall_rule: str
    firewalled: bool
    ephemeral: bool
    bootstrapped: bool
    health: Health
    age: float
    """Seconds since the start."""
    bootstrap: tuple[str, ...]
    """Where it was told to begin, as the user wrote it."""
    rows: tuple[TableRow, ...]
    timers: tuple[Timer, ...]
    next_timeout: float | None
    """Seconds until the machine wants to be called."""
    announcements: tuple[Announcement, ...]
    refused: tuple[tuple[Refusal, int], ...]
    """Most frequent first."""
    counts: tuple[tuple[str, int], ...]
    trouble: str = ""
    """One sentence: what keeps it from working, if anything."""


class RunningNode(Protocol):
    """What runs in the event loop of the screens while they show its packets: a node, or a network of many."""

    @property
    def name(self) -> str:
        """What it is called on screen."""
        ...

    async def start(self) -> None:
        """Bind sockets and begin to bootstrap.

        Raises:
            CommandError: no socket could be bound.
        """
        ...

    def status(self) -> NodeStatus | None:
        """How it is now; None before it has started, after it has ended, and for what is no single node."""
        ...

    @property
    def farewell(self) -> str:
        """What `stop` has to wait for, as ``unannouncing``; empty where it ends at once."""
        ...

    async def stop(self) -> None:
        """Tell the network, then close. May be called again."""
        ...

    async def close_now(self) -> None:
        """Close without telling anybody, also while `stop` waits."""
        ...
