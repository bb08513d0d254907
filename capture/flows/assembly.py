"""Assembly: legs join to exchanges, exchanges to attempts.

What joins what:

- legs on their way to the server carry the same noise message, or the same sealed payload with its random nonce, byte
  for byte: the body names the exchange;
- an answer leaving the server repeats target and tid of the request leg and names the client's outside address;
- a REPLY is a dht-rpc response and joins its request by endpoints and tid, or by a body seen before;
- a holepunch exchange belongs to the attempt whose secret opens it. Where no secret is known, to the attempt on the
  same target that had its handshake last from the same client host.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import numpy as np

from capture.flows.altered import is_passed_on
from capture.flows.attaching import Attacher
from capture.flows.attempt import Attempt, Exchange
from capture.flows.copies import Copies
from capture.flows.cuts import Bodies, cut_name
from capture.flows.joining import LIFETIME_NS, SKEW_NS, Join, Rows
from capture.flows.legs import FROM_CLIENT, NO_VALUE, REQUEST_MODES, BadLeg, Leg, read_requests, read_responses
from capture.table import Kind, PacketTable
from protocol.constants import Command, Mode
from protocol.errors import DecodeError
from protocol.noise import attempt_id

# Python looks a member up in its enum as slowly as it joins a leg otherwise: these are looked up once.
_TO_SERVER: Final = frozenset(map(int, REQUEST_MODES))
_FROM_SERVER: Final = int(Mode.FROM_SERVER)
_FROM_RELAY: Final = int(Mode.FROM_RELAY)
_PEER_HOLEPUNCH: Final = int(Command.PEER_HOLEPUNCH)

TOLD_AFTER: Final = 1 << 13
"""Legs that are joined between two reports of progress."""


class Assembler:
    """Turns rows of a packet table into attempts, batch after batch."""

    def __init__(self, table: PacketTable, copies: Copies) -> None:
        self.table = table
        self._copies = copies
        self.attempts: dict[bytes, Attempt] = {}
        """By noise message 1, oldest first."""
        self.by_target: dict[bytes, list[Attempt]] = defaultdict(list)
        self.orphans: list[Leg] = []
        """Answers whose request was not seen yet."""
        self.orphaned = 0
        """How many answers were given up: the capture does not show their requests."""
        self.bad: list[BadLeg] = []
        self.searched_again: set[int] = set()
        """Rows of FIND_PEER requests that the last batch showed again, themselves or their responses."""
        self._new_searches: list[Rows] = []
        self._new_answered: list[Rows] = []
        self._new_answers: list[tuple[Rows, Rows]] = []
        self.search_answers: dict[int, int] = {}
        """Row of a FIND_PEER response, by the row of its request."""
        self.changed: dict[bytes, None] = {}
        """Noise message 1 of every attempt touched since this was last cleared; in order, as memory is then, too."""
        self.dropped: set[bytes] = set()
        """The same of attempts that are no more, since the set was last cleared."""
        self._attacher = Attacher(self.attempts, self.by_target, self.changed, self.dropped)
        self._join = Join(table)
        self._by_body: dict[bytes, Exchange] = {}
        self._bodies: Bodies | None = None
        """Kept from the first cut packet on."""
        self._by_row: dict[int, Exchange] = {}
        self._asked_by: dict[int, int] = {}
        """Row of a FIND_PEER request, by the row of its response; only for what the capture grew by."""
        self._by_client: dict[tuple[bytes | None, int, int | None], Exchange] = {}
        self._by_relay: dict[tuple[bytes | None, int, int], Exchange] = {}
        """The last holepunch exchange that a client sent to a relay, by target, tid and relay."""
        self._bad_rows: set[int] = set()
        self._done = 0

    def update(self, told: Callable[[int, int], None] | None = None) -> None:
        """Consume the rows that were appended since the last call.

        Args:
            told: gets the number of legs that were joined, and how many there are to be, now and then.
        """
        table = self.table
        start, stop = self._done, len(table)
        self.searched_again = set()
        if start == stop:
            return
        self._done = stop
        kind = table.kind[start:stop]
        external = (kind == Kind.REQUEST) & ~table.asked_internally(slice(start, stop))
        command = table.command[start:stop]
        wanted = np.flatnonzero(external & (command <= Command.FIND_PEER)) + start
        answers, asked = self._join.feed(wanted, start, stop)

        is_search = table.command[wanted] == Command.FIND_PEER
        is_primary = table.copy_of[wanted] < 0
        self._new_searches.append(wanted[is_search & is_primary])
        answer_command = table.command[asked]
        for_search = answer_command == Command.FIND_PEER
        self._new_answered.append(asked[for_search])
        self._new_answers.append((asked[for_search], answers[for_search]))
        self.search_answers.update(zip(asked[for_search].tolist(), answers[for_search].tolist(), strict=True))
        if start:
            self._touch_copied(dict(zip(answers[for_search].tolist(), asked[for_search].tolist(), strict=True)))

        answering = answers[~for_search]
        legs = read_requests(table, self._copies, wanted[~is_search & is_primary], self.bad)
        legs += read_responses(table, self._copies, answering, answer_command[~for_search].astype(np.int64), self.bad)
        if self._bodies is None and (table.wire_length[start:stop] > table.length[start:stop]).any():
            self._bodies = Bodies()
            self._bodies.complete([leg for attempt in self.attempts.values() for leg in attempt.legs])
        if self._bodies is not None:
            self._bodies.complete(legs)
        requests = dict(zip(answers[~for_search].tolist(), asked[~for_search].tolist(), strict=True))
        legs.sort(key=lambda leg: leg.row)
        for start in range(0, len(legs), TOLD_AFTER):
            for leg in legs[start : start + TOLD_AFTER]:
                self._take(leg, requests)
            if told is not None:
                told(min(start + TOLD_AFTER, len(legs)), len(legs))
        self._retry_orphans()

    def _touch_copied(self, searched: dict[int, int]) -> None:
        """Touch what has old messages that the last batch showed again; `searched` is as `_asked_by`, of that batch."""
        self._asked_by = self._asked_by or {answer: asked for asked, answer in self.search_answers.items()}
        self._asked_by.update(searched)
        seen_again = {primary for _, primary in self._copies.late}
        for row in seen_again:
            exchange = self._by_row.get(row)
            if exchange is not None and exchange.owner is not None:
                self._touch(exchange.owner)
        asked = {self._asked_by.get(row, row) for row in seen_again}
        commands = self.table.command
        self.searched_again = {row for row in asked if commands[row] == Command.FIND_PEER}

    def take_searches(self) -> tuple[Rows, Rows]:
        """Rows of FIND_PEER requests that are new since the last call, and of those answered since; primaries only."""
        empty = [np.empty(0, dtype=np.int64)]
        fresh, answered = np.concatenate(empty + self._new_searches), np.concatenate(empty + self._new_answered)
        self._new_searches, self._new_answered = [], []
        return fresh, answered

    def take_answers(self) -> list[tuple[Rows, Rows]]:
        """Rows of FIND_PEER requests and of the response to each, joined since the last call; primaries only."""
        taken, self._new_answers = self._new_answers, []
        return taken

    def _take(self, leg: Leg, requests: dict[int, int]) -> None:
        if leg.response:
            exchange = self._by_row.get(requests[leg.row]) or (self._by_body.get(leg.body) if leg.body else None)
            if exchange is None:
                self.orphans.append(leg)
                return
        elif leg.mode in _TO_SERVER:
            exchange = self._exchange_for_request(leg)
            client = leg.peer if leg.mode != FROM_CLIENT else leg.src
            if client is not None:
                self._by_client[leg.target, leg.tid, client] = exchange
            if self._bodies is not None:
                # Whoever asked last: an answer that is cut no longer names its client.
                self._by_client[leg.target, leg.tid, None] = exchange
        elif leg.mode == _FROM_SERVER and (leg.peer is not None or leg.kept is not None):
            found = self._by_client.get((leg.target, leg.tid, leg.peer))
            if found is None or abs(leg.time_ns - found.legs[-1].time_ns) > LIFETIME_NS:
                found = self._by_body.get(leg.body)
            if found is None:
                self.orphans.append(leg)
                return
            exchange = found
        else:
            self.orphans.append(leg)
            return
        self._add(exchange, leg)

    def _exchange_for_request(self, leg: Leg) -> Exchange:
        name = leg.body if leg.whole else cut_name(leg)
        if leg.command == _PEER_HOLEPUNCH:
            exchange = self._by_body.get(name)
            if exchange is None and leg.mode == _FROM_RELAY:
                exchange = self._changed_by_relay(leg, name)
            if exchange is None:
                exchange = Exchange(leg.command, leg.tid, leg.target, leg.body, hid=leg.hid, whole=leg.whole)
                self._by_body[name] = exchange
                self._attacher.loose.append(exchange)
            if leg.mode == FROM_CLIENT:
                self._by_relay[leg.target, leg.tid, leg.dst] = exchange
            return exchange
        attempt = self.attempts.get(name)
        if attempt is not None:
            attempt.started_ns = min(attempt.started_ns, leg.time_ns)
        else:
            attempt = Attempt(attempt_id(name), leg.target or b"", name, started_ns=leg.time_ns)
            self.attempts[name] = attempt
            self.by_target[attempt.target].append(attempt)
        for exchange in attempt.handshakes:
            if exchange.tid == leg.tid:
                return exchange
        exchange = Exchange(leg.command, leg.tid, leg.target, leg.body, owner=attempt, whole=leg.whole)
        attempt.handshakes.append(exchange)
        return exchange

    def _changed_by_relay(self, leg: Leg, name: bytes) -> Exchange | None:
        """The exchange that a relay passes on with another payload."""
        asked = self._by_relay.get((leg.target, leg.tid, leg.src))
        if asked is None or abs(leg.time_ns - asked.last_ns) > LIFETIME_NS or not is_passed_on(asked, leg):
            return None
        self._by_body[name] = asked
        return asked

    def _add(self, exchange: Exchange, leg: Leg) -> None:
        for other in exchange.legs:
            if other.mode == leg.mode and other.src == leg.src and other.dst == leg.dst:
                leg.retransmission = True
                break
        exchange.legs.append(leg)
        exchange.last_ns = max(exchange.last_ns, leg.time_ns)
        self._by_row[leg.row] = exchange
        if leg.mode not in _TO_SERVER and leg.mode != NO_VALUE and leg.whole and leg.body not in exchange.answers:
            exchange.answers.append(leg.body)
            self._by_body.setdefault(leg.body, exchange)
        if exchange.owner is not None:
            self._touch(exchange.owner)

    def note_bad(self, row: int, error: DecodeError) -> None:
        """Remember a row whose value does not decode, once."""
        if row not in self._bad_rows:
            self._bad_rows.add(row)
            self.bad.append(BadLeg(row, error))

    def _touch(self, attempt: Attempt) -> None:
        self.changed[attempt.noise1] = None

    def _retry_orphans(self) -> None:
        """Answers seen before the request that explains them, as merged vantages can show them."""
        if not self.orphans:
            return
        waiting, self.orphans = self.orphans, []
        now = int(self.table.time_ns[-1])
        for leg in waiting:
            exchange = self._by_body.get(leg.body) if leg.body else None
            apart = LIFETIME_NS
            if exchange is None and not leg.response and (leg.peer is not None or leg.kept is not None):
                exchange = self._by_client.get((leg.target, leg.tid, leg.peer))
                apart = SKEW_NS
            if exchange is not None and abs(leg.time_ns - exchange.started_ns) <= apart:
                self._add(exchange, leg)
            elif now - leg.time_ns > LIFETIME_NS:
                self.orphaned += 1
            else:
                self.orphans.append(leg)

    def exchange_of(self, row: int) -> Exchange | None:
        """The exchange that a relayed message is part of, by its primary row."""
        return self._by_row.get(row)

    def attach(self) -> list[Attempt]:
        """Give every loose holepunch exchange to the attempt that it belongs to.

        Returns:
            Attempts that had to be made for it: their handshake is not in the capture.
        """
        return self._attacher.attach()

    def reattach(self, attempt: Attempt) -> None:
        """A key was found for `attempt`: take back exchanges it can't open, and offer it those it can."""
        self._attacher.reattach(attempt)
