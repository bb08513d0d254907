"""What a search needs of its node, and what it ends with.

Source: npm dht-rpc 6.27.0 (lib/query.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from protocol.dht.contact import Ask, Contact, OnFailure, OnReply, Reply
from protocol.dht.flight_table import InFlight
from protocol.messages import Address


class QueryFailure(StrEnum):
    """Why a search did not succeed."""

    TOO_FEW_NODES = "too few nodes answered"
    COMMIT_FAILED = "none of the closest nodes took it"
    CLOSED = "the node is closed"
    SUSPENDED = "the node is suspended"
    NO_ROOM = "too many requests are in flight"


class QueryHost(Protocol):
    """What a search needs of its node."""

    def closest_contacts(self, target: bytes, count: int) -> list[Contact]:
        """The closest nodes in the routing table."""

    def find_bootstrap(self, now: float, on_found: Callable[[list[Contact], float], None]) -> None:
        """Find the addresses of the bootstrap nodes, perhaps at once."""

    def is_own_id(self, id: bytes) -> bool:
        """Whether a node that others name is this node itself."""

    def send_down_hint(self, to: Contact, down: Address, now: float) -> None:
        """Tell a node that another one did not answer."""

    def request(
        self,
        ask: Ask,
        to: Contact,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = ...,
        on_late: Callable[[InFlight, float], None] | None = ...,
    ) -> InFlight | None:
        """Send a request."""

    def cancel(self, flight: InFlight) -> None:
        """Forget a request."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """How a search ended."""

    closest: tuple[Reply, ...]
    """Answers of the closest nodes with an id, closest first."""
    successes: int
    errors: int
    failure: QueryFailure | None = None
    commits: tuple[Reply, ...] = ()
    """Answers to what was sent to the closest nodes at the end; some may be errors."""

    @property
    def closest_contacts(self) -> tuple[Contact, ...]:
        """The nodes behind `closest`."""
        return tuple(reply.sender for reply in self.closest)


Commit = Callable[[Reply], Ask | None]
"""Makes the request that ends a search from the answer of one of the closest nodes; None to leave that one out."""
