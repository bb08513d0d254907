"""What the demo shows of itself, frozen at one moment. Made in `app.demo`, drawn by `app.draw.demo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from capture.model import VerdictCode
from protocol.messages import Address

if TYPE_CHECKING:
    from app.intercept_status import Interception


@dataclass(frozen=True, slots=True)
class NatStatus:
    """A NAT that is there now."""

    public_host: str
    kind: str
    """How it behaves, in a few words."""
    inside: tuple[str, ...]
    """Addresses of the hosts behind it."""
    mappings: int
    ports: int
    """Public ports that it holds."""
    refused: int
    """Datagrams that it did not let pass."""


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """The embedded network, and what is played on it."""

    bootstrap: Address
    nodes: tuple[tuple[Address, int], ...]
    """Address of each node of the DHT, and how many nodes its routing table has."""
    nats: tuple[NatStatus, ...]
    playing: tuple[str, ...]
    """Titles of the scenes that are under way."""
    played: int
    dropped: tuple[tuple[str, int], ...]
    """What was lost on the way, by reason, most frequent first."""


@dataclass(frozen=True, slots=True)
class Staged:
    """An attempt that is over, and what its packets say of it."""

    title: str
    again: bool
    """The second meeting, after the trouble was over."""
    wanted: tuple[VerdictCode, ...]
    verdict: VerdictCode | None
    """None where no attempt of the capture is this one."""
    attempt: str
    """Id in the list of attempts; empty where it is not there."""

    @property
    def agrees(self) -> bool:
        """Whether the packets say what was staged."""
        return self.verdict in self.wanted


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """The demo at one moment."""

    network: NetworkStatus
    judged: int
    agreed: int
    """How many of them got the verdict that was staged."""
    waiting: int
    """Attempts that are over and whose packets are not judged yet."""
    latest: tuple[Staged, ...]
    """The newest first."""


class RunningDemo(Protocol):
    """A demo whose packets are on screen."""

    @property
    def interception(self) -> Interception | None:
        """What holds messages on their way through its relays; None where nothing does."""
        ...

    def status(self) -> DemoStatus | None:
        """How it is now; None before it has begun."""
        ...
