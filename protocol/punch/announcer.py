"""Keeping a server findable: its record at the three best nodes around its target, which are then its relays.

| phase | what happens | then |
|---|---|---|
| UPDATING | search for the target, announce at the three closest that answer, take back older ones | PINGING |
| PINGING | all relays are pinged; fewer than three alive, or than there are, ask for an update | RESTING, UPDATING |
| RESTING | 3 s; after a hundred of these, about 5 min, comes an update | PINGING |
| OFFLINE | an update was made while the network did not answer: wait until it does | PINGING |
| SUSPENDED | everything is taken back; `resume` announces again | UPDATING |
| STOPPED | everything is taken back | |

Relays of the last three updates still count as ours (`is_relay`): clients may have been told of them.

Source: npm hyperdht 6.34.0 (lib/announcer.js).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from protocol.constants import Command
from protocol.dht.contact import Ask, Contact, Reply
from protocol.dht.health import Health
from protocol.dht.node import Node
from protocol.dht.query import Query
from protocol.dht.query_host import QueryResult
from protocol.hashes import target_of
from protocol.keys import KeyPair
from protocol.messages import Address, PeerRecord, RelayInfo
from protocol.peer_values import encode_peer_record
from protocol.punch.placement import Placement

RELAYS: Final = 3
PING_INTERVAL: Final = 3.0
ROUNDS: Final = 100
"""Rounds of pings until the next update."""
ROUNDS_WITHOUT_RELAYS: Final = 10
"""The same, while no node has taken the announcement; the reference waits as long as ever."""

OnEnded = Callable[[float], None]


class Phase(StrEnum):
    """What an announcer is doing."""

    NEW = "not started"
    UPDATING = "announcing"
    PINGING = "pinging relays"
    RESTING = "waiting to ping relays again"
    OFFLINE = "waiting for the network"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


class Announcer:
    """Announces one key pair, from `start` to `stop`.

    Args:
        node: who announces.
        key_pair: what is announced, under the hash of its public key.
    """

    def __init__(self, node: Node, key_pair: KeyPair) -> None:
        self.target = target_of(key_pair.public_key)
        self.record = encode_peer_record(PeerRecord(key_pair.public_key, ()))
        """Encoded; without relay addresses, since clients find the relays where they find the record."""
        self.relays: tuple[RelayInfo, ...] = ()
        """Those that took the last announcement, and this node as they see it."""
        self.relay_addresses: tuple[Address, ...] = ()
        """Where clients may ask next time: this node itself where it is reachable, and relays, three at most."""
        self.phase = Phase.NEW
        self.rounds = 0
        """Rounds of pings since the last update."""
        self.updates = 0
        """Updates that have come to their end."""
        self._node = node
        self._placement = Placement(node, key_pair, self.target)
        self._older: list[dict[Address, Contact]] = [{}, {}, {}]
        self._closest: tuple[Contact, ...] = ()
        self._query: Query | None = None
        self._pings = node.session()
        self._due: float | None = None
        self._refresh = False
        self._suspended = False
        self._stopped = False
        self._updating = False
        self._taking_back = 0
        self._after_update: list[OnEnded] = []
        self._after_taking_back: list[OnEnded] = []

    def is_relay(self, addr: Address) -> bool:
        """Whether this is one of the relays of the last three updates."""
        return any(addr in relays for relays in self._older)

    def start(self, now: float, on_announced: OnEnded | None = None) -> None:
        """Announce, and go on doing so.

        Args:
            now: seconds.
            on_announced: called once, when the first update has come to its end, with or without relays.
        """
        if self.phase is not Phase.NEW:
            return
        self._node.health_listeners.append(self._health_changed)
        if on_announced is not None:
            self._after_update.append(on_announced)
        self._update(now)

    def refresh(self, now: float) -> None:
        """Update as soon as the pings under way have ended."""
        self._refresh = True
        if self.phase is Phase.RESTING:
            self._next_round(now)

    def suspend(self, now: float, on_done: OnEnded) -> None:
        """Take everything back and wait for `resume`; `on_done` is called when that is done."""
        if self._suspended or self._stopped:
            on_done(now)
            return
        self._suspended = True
        self._interrupt(now)
        self._when_updated(now, lambda now: self._take_back_unless_resumed(now, on_done))

    def resume(self, now: float, on_announced: OnEnded | None = None) -> None:
        """Announce again; `on_announced` is called once that has come to its end, with or without relays."""
        if not self._suspended or self._stopped:
            return
        self._suspended = False
        self._refresh = True
        if on_announced is not None:
            self._after_update.append(on_announced)
        if self.phase is Phase.SUSPENDED:
            self._update(now)

    def stop(self, now: float, on_done: OnEnded) -> None:
        """Take everything back and end; `on_done` is called when that is done."""
        if not self._stopped:
            self._stopped = True
            if self._health_changed in self._node.health_listeners:
                self._node.health_listeners.remove(self._health_changed)
            self._interrupt(now)
        self._when_updated(now, lambda now: self._take_back_all(now, on_done))

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Ping the relays again."""
        if self._due is not None and self._due <= now:
            self._next_round(now)

    def _interrupt(self, now: float) -> None:
        """Whatever is waited for ends now."""
        self._due = None
        self._pings.destroy(now)
        if self._query is not None:
            self._query.cancel(now)
        if not self._updating:
            self.phase = Phase.STOPPED if self._stopped else Phase.SUSPENDED

    def _when_updated(self, now: float, then: OnEnded) -> None:
        if self._updating:
            self._after_update.append(then)
        else:
            then(now)

    def _take_back_unless_resumed(self, now: float, on_done: OnEnded) -> None:
        if self._suspended and not self._stopped:
            self._take_back_all(now, on_done)
        else:
            on_done(now)

    def _take_back_all(self, now: float, on_done: OnEnded) -> None:
        """Take back the current announcements, after what is being taken back already."""
        if self._taking_back:
            self._after_taking_back.append(lambda now: self._take_back_all(now, on_done))
            return
        self._taking_back += 1

        def ended(now: float) -> None:
            self._taking_back -= 1
            self._older[2] = {}
            on_done(now)
            waiting, self._after_taking_back = self._after_taking_back, []
            for told in waiting:
                told(now)

        self._placement.take_back(tuple(self._older[2].values()), now, ended)

    def _update(self, now: float) -> None:
        self.phase = Phase.UPDATING
        self._updating = True
        self._due = None
        if self._taking_back:
            self._after_taking_back.append(self._search)
        else:
            self._search(now)

    def _search(self, now: float) -> None:
        if self._is_over:
            self._updated(now)
            return
        self._refresh = False
        self._older = [self._older[1], self._older[2], {}]
        ended = False

        def found(result: QueryResult, now: float) -> None:
            nonlocal ended
            ended = True
            self._query = None
            self._announce(result, now)

        ask = Ask(Command.FIND_PEER, target=self.target)
        query = self._node.searches.start(ask, now, on_finished=found, nodes=self._closest)
        if not ended:
            self._query = query

    def _announce(self, result: QueryResult, now: float) -> None:
        """Send the record to the best of those who answered."""

        def taken(reply: Reply) -> None:
            # At once: a client may come over this relay while another one is still being asked.
            self._older[2][reply.sender.address] = reply.sender

        best = () if self._is_over else result.closest[:RELAYS]
        self._placement.put(best, now, taken, lambda replies, now: self._announced(result, replies, now))

    def _announced(self, result: QueryResult, taken: list[Reply], now: float) -> None:
        if self._is_over:
            self._updated(now)
            return
        own = self._node.remote_address
        addresses = () if own is None else (own,)
        self._closest = result.closest_contacts
        self.relays = tuple(RelayInfo(reply.sender.address, reply.to) for reply in taken)
        self.relay_addresses = (*addresses, *(relay.relay_address for relay in self.relays))[:RELAYS]
        gone = [contact for address, contact in self._older[1].items() if address not in self._older[2]]
        self._placement.take_back(gone, now, self._updated)

    def _updated(self, now: float) -> None:
        self._updating = False
        self.updates += 1
        self.rounds = 0
        if self._is_over:
            self.phase = Phase.STOPPED if self._stopped else Phase.SUSPENDED
        elif self._node.health is Health.OFFLINE:
            self.phase = Phase.OFFLINE
        else:
            self._next_round(now)
        waiting, self._after_update = self._after_update, []
        for told in waiting:
            told(now)

    def _health_changed(self, health: Health, now: float) -> None:
        if self.phase is Phase.OFFLINE and health is not Health.OFFLINE:
            self._next_round(now)

    def _next_round(self, now: float) -> None:
        """Ping all relays, unless it is time for an update."""
        self._due = None
        if self._refresh or self.rounds >= (ROUNDS if self.relays else ROUNDS_WITHOUT_RELAYS):
            self._update(now)
            return
        self.phase = Phase.PINGING
        relays = tuple(self._older[2])
        waiting, alive = len(relays) + 1, 0

        def ended(now: float, *, answered: bool = False) -> None:
            nonlocal waiting, alive
            waiting -= 1
            alive += answered
            if not waiting and self.phase is Phase.PINGING and not self._is_over:
                self._pinged(alive < min(len(relays), RELAYS), now)

        for address in relays:
            self._pings.ping(address, now, lambda _, now: ended(now, answered=True), lambda _, now: ended(now))
        ended(now)

    def _pinged(self, lost: bool, now: float) -> None:
        self.rounds += 1
        if lost or self._refresh:
            self._update(now)
        else:
            self.phase = Phase.RESTING
            self._due = now + PING_INTERVAL

    @property
    def _is_over(self) -> bool:
        return self._stopped or self._suspended
