"""Finding relays of a server and asking several at once, until one brings its answer.

Relays known from before are asked one after the other while a search goes on; what the search finds is asked as it
comes, two at a time (three, with the known ones). With known relays a first search starts from them and a second one
from the routing table.

Source: npm hyperdht 6.34.0 (lib/connect.js: findAndConnect, connectThroughNodes, connectThroughNode).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from protocol.constants import Command
from protocol.dht.contact import Ask, Contact, Reply
from protocol.dht.node import Node
from protocol.dht.query import Query
from protocol.dht.query_host import QueryFailure, QueryResult
from protocol.errors import DecodeError
from protocol.messages import Address
from protocol.peer.steps import Act, Attempt, FindStep, Gate, Let, Sending, Step, pass_at_once
from protocol.peer_values import decode_peer_record

RETRIES: Final = 3
"""Sends after the first to each node of a search; other searches have five."""
PARALLEL: Final = 2
"""Relays asked at once."""

AskRelay = Callable[[Address, float, Callable[[float], None]], None]
"""Ask this relay at this time, and call back when it has answered or not; perhaps at once."""


class RelayRace:
    """One search for a way to a server.

    Args:
        node: who searches.
        public_key: the server's.
        target: where its record is kept.
        known: relays known from before.
        ask: asks one relay.
        on_lost: called when nothing is left to try, with the failure of a search if that was why.
        connection: whose race it is.
        gate: gets each search before it begins.
    """

    def __init__(
        self,
        node: Node,
        public_key: bytes,
        target: bytes,
        known: tuple[Address, ...],
        ask: AskRelay,
        on_lost: Callable[[QueryFailure | None, float], None],
        connection: Attempt,
        gate: Gate = pass_at_once,
    ) -> None:
        self.asked: list[Address] = []
        """Relays asked so far."""
        self.found = 0
        """Relays that searches found."""
        self._node = node
        self._public_key = public_key
        self._target = target
        self._known = known
        self._ask = ask
        self._on_lost = on_lost
        self._waiting: deque[Address] = deque()
        self._places = PARALLEL + bool(known)
        self._active = 0
        self._searches_left = 2 if known else 1
        self._query: Query | None = None
        self._held = False
        """Whether a search waits at the gate."""
        self._connection = connection
        self._gate = gate
        self._failure: QueryFailure | None = None
        self._over = False

    def start(self, now: float) -> None:
        """Begin."""
        if self._known:
            self._active += 1
            self._ask_known(iter(self._known), now)
        self._go_on(now)

    def stop(self, now: float) -> None:
        """The race is won, or nobody needs it any more."""
        self._over = True
        self._waiting.clear()
        if self._query is not None:
            query, self._query = self._query, None
            query.cancel(now)

    def _ask_known(self, relays: object, now: float) -> None:
        relay = next(relays, None)  # type: ignore[call-overload]
        if relay is None or self._over:
            self._ended(now)
            return
        self.asked.append(relay)
        self._ask(relay, now, lambda now: self._ask_known(relays, now))

    def _search(self, now: float) -> None:
        nodes = self._known if self._searches_left == 2 else ()
        self._searches_left -= 1
        self._held = True
        step = FindStep(Act.FIND, self._connection, self._target, nodes)
        self._gate(step, Sending(self._released, self._search_again), now)

    def _released(self, step: Let, now: float) -> None:
        self._held = False
        if self._over:
            return
        if not isinstance(step, FindStep):
            self._go_on(now)
            return
        ended: list[QueryResult] = []

        def finished(result: QueryResult, now: float) -> None:
            ended.append(result)
            self._query = None
            if self._over:
                return
            self._failure = result.failure
            self._go_on(now)

        query = self._begin(step, now, finished)
        if not ended:
            self._query = query

    def _begin(self, step: FindStep, now: float, finished: Callable[[QueryResult, float], None]) -> Query:
        return self._node.searches.start(
            Ask(Command.FIND_PEER, target=step.target),
            now,
            on_reply=self._replied,
            on_finished=finished,
            nodes=tuple(Contact(address) for address in step.nodes),
            retries=RETRIES,
        )

    def _search_again(self, step: Step, now: float) -> None:
        """One search more; what it finds counts while the race goes on."""
        if isinstance(step, FindStep):
            self._begin(step, now, lambda _result, _now: None)

    def _replied(self, reply: Reply, now: float) -> None:
        if self._over or reply.value is None:
            return
        try:
            record = decode_peer_record(reply.value)
        except DecodeError:
            return
        address = reply.sender.address
        if record.public_key == self._public_key and address not in self._known and address not in self.asked:
            self._waiting.append(address)
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        while self._waiting and self._active < self._places and not self._over:
            relay = self._waiting.popleft()
            self._active += 1
            self.found += 1
            self.asked.append(relay)
            self._ask(relay, now, self._ended)
        if self._over or self._waiting or self._held or self._query is not None:
            return
        if self._searches_left and (not self._active or not self.found):
            self._search(now)
        elif not self._active and not self._searches_left:
            self._over = True
            self._on_lost(self._failure, now)

    def _ended(self, now: float) -> None:
        self._active -= 1
        if not self._over:
            self._go_on(now)
