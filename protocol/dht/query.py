"""The iterative search for the nodes closest to a target, and what is sent to them at the end.

Nodes are visited with a bounded concurrency, each answer names closer ones, and the search ends when the 20 closest
that answered are known and no closer one is left. A request whose first send went unanswered no longer counts against
the concurrency. A node that timed out is reported to those that named it (DOWN_HINT). A search that starts from
nodes of an earlier one begins slowly, with three at a time, and falls back to the routing table when too few of them
answer. With a commit, each of the closest nodes is then sent one more request; the search succeeds if one answers.

Source: npm dht-rpc 6.27.0 (lib/query.js).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Final

from protocol.dht.contact import Ask, Contact, Failure, OnReply, Reply, id_at, may_be_named
from protocol.dht.flight_table import InFlight
from protocol.dht.query_host import Commit, QueryFailure, QueryHost, QueryResult
from protocol.dht.routing_table import K, distance
from protocol.messages import Address

CONCURRENCY: Final = 10
RETRIES: Final = 5
"""Sends after the first, to each node."""

_SLOW_START: Final = 3


_FAILURES: Final = {
    Failure.CLOSED: QueryFailure.CLOSED,
    Failure.SUSPENDED: QueryFailure.SUSPENDED,
    Failure.NO_ROOM: QueryFailure.NO_ROOM,
    # Searches have their sockets to themselves, and cancel their requests silently.
    Failure.CANCELLED: QueryFailure.CLOSED,
    Failure.NO_SOCKET: QueryFailure.CLOSED,
}


class _Visited(Enum):
    DONE = auto()
    DOWN = auto()


class Query:
    """One search. It starts with `start` and calls `on_finished` exactly once.

    Args:
        host: the node that searches.
        ask: what every node is asked; it has the target.
        on_reply: called with each answer without an error, while the search goes on.
        on_finished: called at the end.
        commit: see `Commit`.
        concurrency: requests under way at once.
        nodes: where to start, if not at the routing table.
        retries: sends after the first, to each node.
    """

    def __init__(
        self,
        host: QueryHost,
        ask: Ask,
        *,
        on_reply: OnReply | None = None,
        on_finished: Callable[[QueryResult, float], None] | None = None,
        commit: Commit | None = None,
        concurrency: int = CONCURRENCY,
        nodes: Iterable[Contact] = (),
        retries: int = RETRIES,
    ) -> None:
        if ask.target is None:
            raise ValueError("a search needs a target")
        self.concurrency = concurrency
        self.target = ask.target
        self.successes = 0
        self.errors = 0
        self._retries = retries
        self._host = host
        self._ask = ask
        self._on_reply = on_reply
        self._on_finished = on_finished
        self._commit = commit
        self._pending: list[Contact] = []
        self._seen: dict[Address, _Visited | list[Contact]] = {}
        self._flights: set[InFlight] = set()
        self._late: set[InFlight] = set()
        self._closest: list[tuple[int, Reply]] = []
        self._from_table = False
        self._careful = False
        self._ending = False
        self._finished = False
        self._commits_left = 0
        self._committed = 0
        self._commit_replies: list[Reply] = []
        for node in reversed(tuple(nodes)):
            self._plan(node)

    def start(self, now: float) -> None:
        """Begin, from the given nodes, the routing table, and, where these are few, the bootstrap nodes."""
        self._add_from_table()
        if len(self._pending) >= K:
            self._visit_more(now)
        else:
            self._host.find_bootstrap(now, self._start_with)

    def cancel(self, now: float) -> None:
        """End now, as on a closed node."""
        self._finish(QueryFailure.CLOSED, now)

    def _start_with(self, nodes: list[Contact], now: float) -> None:
        for node in nodes:
            self._plan(node)
        self._visit_more(now)

    def _add_from_table(self) -> None:
        if len(self._pending) >= K:
            return
        self._from_table = True
        for node in self._host.closest_contacts(self.target, K - len(self._pending)):
            self._plan(node)

    def _is_closer(self, id: bytes) -> bool:
        return len(self._closest) < K or distance(id, self.target) < self._closest[-1][0]

    def _plan(self, node: Contact) -> bool:
        """Plan a visit to a node that is a gain and was not planned before; whether it is one."""
        closer = self._is_closer(_id_of(node))
        if closer and node.address not in self._seen:
            self._seen[node.address] = []
            self._pending.append(node)
        return closer

    def _named(self, node: Contact, by: Contact, now: float) -> bool:
        """Plan a visit to a node that another one named; whether it is a gain."""
        closer = self._plan(node)
        seen = self._seen.get(node.address)
        if seen is _Visited.DOWN:
            self._host.send_down_hint(by, node.address, now)
        elif isinstance(seen, list):
            seen.append(by)
        return closer

    def _visit_more(self, now: float) -> None:
        if self._finished or self._ending:
            return
        limit = _SLOW_START if self._careful else self.concurrency
        while self._pending and len(self._flights) - len(self._late) < limit:
            node = self._pending.pop()
            if self._is_closer(_id_of(node)):
                self._visit(node, now)
                if self._finished:
                    return
        if not self._from_table and not self.successes and not self.errors:
            self._careful = True
        if self._pending:
            return
        if not self._flights or (len(self._late) == len(self._flights) and len(self._closest) >= K):
            if not self._from_table and self.successes < K / 4:
                self._add_from_table()
                self._visit_more(now)
            else:
                self._end(now)

    def _visit(self, node: Contact, now: float) -> None:
        flight: InFlight | None = None
        flight = self._host.request(
            self._ask,
            node,
            now,
            lambda reply, now: self._answered(flight, node, reply, now),
            lambda failure, now: self._failed(flight, node, failure, now),
            retries=self._retries,
            on_late=self._is_late,
        )
        if flight is not None:
            self._flights.add(flight)

    def _is_late(self, flight: InFlight, now: float) -> None:
        if flight not in self._late:
            self._late.add(flight)
            self._visit_more(now)

    def _left(self, flight: InFlight | None) -> None:
        if flight is not None:
            self._flights.discard(flight)
            self._late.discard(flight)

    def _answered(self, flight: InFlight | None, node: Contact, reply: Reply, now: float) -> None:
        self._left(flight)
        self._seen[node.address] = _Visited.DONE
        if self._finished or self._ending:
            return
        if reply.error:
            self.errors += 1
        else:
            self.successes += 1
            if reply.sender.id is not None and self._is_closer(reply.sender.id):
                self._add_closest(reply.sender.id, reply)
        for address in reply.closer_nodes:
            if not may_be_named(address, reply.sender.address):
                continue
            id = id_at(address)
            # An answer lists the closest first; what follows a node that is no gain is no gain either.
            if not self._host.is_own_id(id) and not self._named(Contact(address, id), reply.sender, now):
                break
        if not self._from_table and self.successes + self.errors >= self.concurrency:
            self._careful = False
        if not reply.error and self._on_reply is not None:
            self._on_reply(reply, now)
        self._visit_more(now)

    def _failed(self, flight: InFlight | None, node: Contact, failure: Failure, now: float) -> None:
        self._left(flight)
        if failure is not Failure.TIMED_OUT:
            self._finish(_FAILURES[failure], now)
            return
        seen = self._seen.get(node.address)
        self._seen[node.address] = _Visited.DOWN
        if isinstance(seen, list):
            for named_by in seen:
                self._host.send_down_hint(named_by, node.address, now)
        self.errors += 1
        self._visit_more(now)

    def _add_closest(self, id: bytes, reply: Reply) -> None:
        gap = distance(id, self.target)
        if all(known != gap for known, _ in self._closest):
            insort(self._closest, (gap, reply), key=lambda entry: entry[0])
            del self._closest[K:]

    def _end(self, now: float) -> None:
        self._ending = True
        for flight in self._flights:
            self._host.cancel(flight)
        self._flights.clear()
        self._late.clear()
        if self._commit is None:
            self._finish(None, now)
            return
        self._commits_left = len(self._closest)
        if not self._closest:
            self._finish(QueryFailure.TOO_FEW_NODES, now)
        for _, reply in tuple(self._closest):
            ask = self._commit(reply)
            if ask is None:
                self._commit_ended(False, now)
            else:
                self._host.request(
                    ask,
                    reply.sender,
                    now,
                    self._commit_answered,
                    lambda _failure, now: self._commit_ended(False, now),
                )

    def _commit_answered(self, reply: Reply, now: float) -> None:
        self._commit_replies.append(reply)
        self._commit_ended(not reply.error, now)

    def _commit_ended(self, taken: bool, now: float) -> None:
        self._commits_left -= 1
        self._committed += taken
        if self._commits_left == 0:
            self._finish(None if self._committed else QueryFailure.COMMIT_FAILED, now)

    def _finish(self, failure: QueryFailure | None, now: float) -> None:
        if self._finished:
            return
        self._finished = self._ending = True
        for flight in self._flights:
            self._host.cancel(flight)
        self._flights.clear()
        self._late.clear()
        if self._on_finished is not None:
            closest = tuple(reply for _, reply in self._closest)
            self._on_finished(
                QueryResult(closest, self.successes, self.errors, failure, tuple(self._commit_replies)), now
            )


def _id_of(node: Contact) -> bytes:
    return node.id if node.id is not None else id_at(node.address)
