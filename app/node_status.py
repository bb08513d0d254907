"""What a running node shows of itself, frozen at one moment. Made by `app.live_node`, drawn by `app.draw.node`.

Spans of time are seconds before or after that moment, so that whoever draws needs no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from protocol.dht.health import Health
from protocol.messages import Address

if TYPE_CHECKING:
    from app.hand.desk import DeskControl
    from app.intercept_status import Interception


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
    sees_us: Address
    """This node as that one sees it."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """How far a server of ours is known to the network."""

    public_key: bytes
    state: str
    """What is being done about it, in a few words."""
    relays: tuple[Relay, ...] = ()
    due: float | None = None
    """Seconds until something is done again."""
    clients: int = 0
    """Handshakes that are kept."""


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection, under way, open, or lately over."""

    attempt: bytes
    """8 bytes that name it in the list of attempts; empty before its handshake."""
    initiator: bool
    """Whether this node is the client."""
    remote_public_key: bytes
    remote: Address | None
    """Where its packets go; None before there is a path."""
    stage: str
    """How far it is, in words."""
    age: float
    """Seconds since it began, or of its life."""
    opened: bool
    closing: str = ""
    """Why it is over; empty while it is not."""
    failed: bool = False
    said: str = ""
    """The last message that came, as far as it fits a line."""


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
    connections: tuple[ConnectionStatus, ...]
    """The newest first."""
    refused: tuple[tuple[str, int], ...]
    """Most frequent first."""
    counts: tuple[tuple[str, int], ...]
    trouble: str = ""
    """One sentence: what keeps it from working, if anything."""
    local: tuple[Address, ...] = ()
    """Where others in networks of this machine reach the server socket."""
    events: tuple[tuple[float, str], ...] = ()
    """What happened lately, the newest first: seconds since then, and a sentence."""


class RunningNode(Protocol):
    """What runs while the screens show its packets: a node, or a network of many; in their event loop or its own."""

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
    def interception(self) -> Interception | None:
        """What holds messages on their way through it; None where nothing does."""
        ...

    @property
    def desk(self) -> DeskControl | None:
        """Where steps of its own wait for a person; None where nothing goes by hand."""
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
