"""The searches of a node: starting them, keeping the table fresh with them, and the down hints that they send.

Source: npm dht-rpc 6.27.0 (index.js, lib/query.js).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from protocol.constants import InternalCommand
from protocol.dht.bootstrap import BootstrapFinder
from protocol.dht.contact import Ask, Contact, OnFailure, OnReply, Reply
from protocol.dht.flight_table import RETRIES, InFlight
from protocol.dht.membership import Membership
from protocol.dht.query import CONCURRENCY, Query
from protocol.dht.query import RETRIES as QUERY_RETRIES
from protocol.dht.query_host import Commit, QueryResult
from protocol.dht.requests import Requests
from protocol.dht.routing_table import K
from protocol.messages import Address
from protocol.node_values import encode_down_hint

if TYPE_CHECKING:
    from random import Random

REFRESH_TICKS: Final = 60
"""Ticks (5 min) without a search until the table is refreshed by one."""
SPARSE_TICKS: Final = 64
"""Ticks between refreshes of a table with fewer than 20 nodes."""
DOWN_HINTS_PER_TICK: Final = 50
BACKGROUND_CONCURRENCY: Final = 2
"""Of a search that keeps the table fresh, while other requests are under way."""

_QUIET: Final = 3
"""Requests in flight below which such a search may hurry."""

OnResult = Callable[[QueryResult, float], None]
"""Called once with the result of a search and the time."""


class Searches:
    """Starts searches and is the node that they see.

    Args:
        random: source of the first refresh's time, so that nodes do not act in step.
        requests: sends their requests.
        membership: the routing table they start from.
        finder: the bootstrap nodes they start from when the table is short of nodes.
        concurrency: requests of one search under way at once.
    """

    def __init__(
        self,
        random: Random,
        requests: Requests,
        membership: Membership,
        finder: BootstrapFinder,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._requests = requests
        self._membership = membership
        self._finder = finder
        self._concurrency = concurrency
        self._active: set[Query] = set()
        self._refresh_ticks = REFRESH_TICKS - random.randrange(REFRESH_TICKS // 2)
        self._down_hints = 0

    @property
    def active(self) -> int:
        """Searches that have not ended."""
        return len(self._active)

    def start(
        self,
        ask: Ask,
        now: float,
        *,
        on_reply: OnReply | None = None,
        on_finished: OnResult | None = None,
        commit: Commit | None = None,
        concurrency: int | None = None,
        nodes: Iterable[Contact] = (),
        retries: int = QUERY_RETRIES,
    ) -> Query:
        """Start a search; see `Query`."""

        def finished(result: QueryResult, now: float) -> None:
            self._active.discard(query)
            if on_finished is not None:
                on_finished(result, now)

        self._refresh_ticks = REFRESH_TICKS
        query = Query(
            self,
            ask,
            on_reply=on_reply,
            on_finished=finished,
            commit=commit,
            concurrency=concurrency or self._concurrency,
            nodes=nodes,
            retries=retries,
        )
        self._active.add(query)
        query.start(now)
        return query

    def background(
        self, target: bytes, now: float, on_finished: OnResult | None = None, on_reply: OnReply | None = None
    ) -> Query:
        """Search for the nodes around `target`, to fill the table; slowly while the node has other things to do."""
        ask = Ask(InternalCommand.FIND_NODE, internal=True, target=target)

        def replied(reply: Reply, now: float) -> None:
            quiet = self._requests.in_flight < _QUIET
            query.concurrency = self._concurrency if quiet else BACKGROUND_CONCURRENCY
            if on_reply is not None:
                on_reply(reply, now)

        query = self.start(ask, now, on_reply=replied, on_finished=on_finished, concurrency=BACKGROUND_CONCURRENCY)
        return query

    def refresh(self, now: float) -> None:
        """Search around any node that is known."""
        self.background(self._membership.random_id(), now)

    def refresh_soon(self) -> None:
        """Refresh with the next tick."""
        self._refresh_ticks = 1

    def tick(self, now: float) -> None:
        """Refresh when it is time; called every 5 s."""
        self._down_hints = 0
        self._refresh_ticks -= 1
        sparse = self._membership.tick % SPARSE_TICKS == 0 and len(self._membership) < K
        if sparse or self._refresh_ticks <= 0:
            self.refresh(now)

    def close(self, now: float) -> None:
        """End all searches."""
        for query in tuple(self._active):
            query.cancel(now)

    def closest_contacts(self, target: bytes, count: int) -> list[Contact]:
        """The closest nodes in the routing table."""
        return self._membership.closest(target, count)

    def find_bootstrap(self, now: float, on_found: Callable[[list[Contact], float], None]) -> None:
        """Find the addresses of the bootstrap nodes, perhaps at once."""
        self._finder.find(now, on_found)

    def is_own_id(self, id: bytes) -> bool:
        """Whether a node that others name is this node itself."""
        return id == self._membership.table.id

    def send_down_hint(self, to: Contact, down: Address, now: float) -> None:
        """Tell a node that another one did not answer, as long as not too many are told."""
        if self._down_hints >= DOWN_HINTS_PER_TICK:
            return
        self._down_hints += 1
        ask = Ask(InternalCommand.DOWN_HINT, internal=True, value=encode_down_hint(down))
        self.request(ask, to, now, lambda _reply, _now: None, lambda _failure, _now: None)

    def request(
        self,
        ask: Ask,
        to: Contact,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = RETRIES,
        on_late: Callable[[InFlight, float], None] | None = None,
    ) -> InFlight | None:
        """Send a request."""
        return self._requests.request(ask, to, now, on_reply, on_failure, retries=retries, on_late=on_late)

    def cancel(self, flight: InFlight) -> None:
        """Forget a request."""
        self._requests.cancel(flight)
