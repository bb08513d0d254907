"""Keeping the routing table alive: who enters, who is pinged, who leaves.

Time is counted in ticks of 5 s. Whoever is heard of with an id enters; when its row is full, the node of the row that
was left alone longest is pinged, and gives up its place if it does not answer. Every eighth tick the nodes that were
heard of longest ago are pinged, as is a node that others say is down; who does not answer leaves.

Source: npm dht-rpc 6.27.0 (index.js), time-ordered-set 2.0.1 (index.js).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from protocol.constants import InternalCommand
from protocol.dht.contact import Ask, Contact, is_reachable
from protocol.dht.events import Event, NodeAdded, NodeRemoved
from protocol.dht.requests import Requests
from protocol.dht.routing_table import RoutingTable, TableNode
from protocol.hashes import HASH_SIZE, node_id
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

TICK: Final = 5.0
"""Seconds."""
RECENT: Final = 12
"""Ticks (1 min): nodes pinged within them are left alone."""
OLD: Final = 360
"""Ticks (30 min): a node known longer is trusted; its view of our address is sampled again."""
MAX_CHECKS: Final = 10
"""Nodes being checked on down hints at once."""
MAX_CLAIMS: Final = 256
"""Nodes being pinged because a request had their id."""
MAX_SWAPS: Final = 3
"""Nodes being pinged for their place at once."""

_PING: Final = Ask(InternalCommand.PING, internal=True)


class Membership:
    """The routing table and what keeps it true.

    Args:
        random: source of the first id, and of the tick to start from, so that nodes do not act in step.
        requests: sends pings.
        on_sample: called with this node's address as another one sees it.
        emit: takes events.
    """

    def __init__(
        self,
        random: Random,
        requests: Requests,
        on_sample: Callable[[Address], None],
        emit: Callable[[Event], None],
    ) -> None:
        self.table = RoutingTable(random.randbytes(HASH_SIZE))
        self.tick = 100 - random.randrange(50)
        self.swapping = False
        """Whether full rows are tidied; not before the node is bootstrapped."""
        self._on_sample = on_sample
        self._emit = emit
        self._random = random
        self._requests = requests
        self._by_age: dict[bytes, TableNode] = {}
        self._checks = 0
        self._swaps = 0
        self._claims = 0

    def __len__(self) -> int:
        """Nodes in the routing table."""
        return len(self._by_age)

    def latest(self, count: int) -> list[Contact]:
        """The nodes heard of last, the last first."""
        return [Contact(node.address, node.id) for node in islice(reversed(self._by_age.values()), count)]

    def closest(self, target: bytes, count: int) -> list[Contact]:
        """The nodes closest to a target, closest first."""
        return [Contact(node.address, node.id) for node in self.table.closest(target, count)]

    def random_id(self) -> bytes:
        """The id of any node, of this one if it knows no other."""
        node = self.table.random(self._random)
        return self.table.id if node is None else node.id

    def add(self, address: Address, now: float) -> None:
        """Take in a node that was known before, without having heard it."""
        self._add(TableNode(node_id(address), address), now)

    def heard(self, sender: Contact, to: Address, now: float, *, sample: bool) -> None:
        """A node with an id said something.

        Args:
            sender: the node.
            to: this node as it sees it.
            now: seconds.
            sample: `to` is the address of the socket that this node sends from.
        """
        if sender.id is None:
            return
        node = self.table.get(sender.id)
        if node is None:
            self._add(TableNode(sender.id, sender.address, to), now)
            return
        if sample and (node.sampled == 0 or self.tick - node.sampled >= OLD):
            node.to = to
            node.sampled = self.tick
            self._on_sample(to)
        node.pinged = node.seen = self.tick
        self._touch(node)

    def claimed(self, sender: Contact, to: Address, now: float) -> None:
        """A node whose address is proved wrote its id into a request, and has not been heard with it otherwise.

        It is believed until a ping tells: a node that takes no part would enter because somebody else says so.

        Args:
            sender: the node.
            to: this node as it sees it.
            now: seconds.
        """
        if sender.id is None or sender.id in self._by_age or self._claims >= MAX_CLAIMS:
            return
        node = TableNode(sender.id, sender.address, to)
        self._add(node, now)
        if self._by_age.get(sender.id) is not node:
            return
        self._claims += 1

        def ended(alive: bool, _: float) -> None:
            self._claims -= 1
            if not alive:
                self._remove(node)

        self._ping(node, now, ended)

    def timed_out(self, id: bytes | None) -> None:
        """A request to a node was never answered."""
        node = self.table.get(id) if id is not None else None
        if node is not None:
            self._remove(node)

    def hinted_down(self, address: Address, now: float) -> bool:
        """Somebody says that this node is down: ping it; False where too many are being pinged for that."""
        if self._checks >= MAX_CHECKS:
            return False
        node = self.table.get(node_id(address))
        if node is not None and (node.pinged < self.tick or node.down_hints == 0):
            node.down_hints += 1
            self._check(node, now)
        return True

    def ping_some(self, now: float) -> None:
        """Ping those who were heard of longest ago; fewer when that is not long."""
        oldest = next(iter(self._by_age.values()), None)
        if oldest is None:
            return
        count = 2 if self.tick - oldest.pinged < RECENT else 3 if self._requests.in_flight > 2 else 5
        for node in list(islice(self._by_age.values(), count)):
            if node.pinged != self.tick:
                self._check(node, now)

    def rename(self, id: bytes) -> None:
        """Sort all nodes anew, around another id of this node."""
        nodes = list(self.table)
        self.table = RoutingTable(id)
        for node in nodes:
            if node.id == id or not self.table.add(node):
                self._by_age.pop(node.id, None)
                self._emit(NodeRemoved(node.address))

    def _touch(self, node: TableNode) -> None:
        self._by_age.pop(node.id, None)
        self._by_age[node.id] = node

    def _add(self, node: TableNode, now: float) -> None:
        if node.id in self._by_age or node.id == self.table.id or not is_reachable(node.address):
            return
        node.added = node.pinged = node.seen = self.tick
        if not self.table.add(node):
            self._make_room(node, now)
            return
        self._touch(node)
        if node.to is not None:
            node.sampled = self.tick
            self._on_sample(node.to)
        self._emit(NodeAdded(node.address))

    def _remove(self, node: TableNode) -> None:
        if self._by_age.get(node.id) is node:
            del self._by_age[node.id]
            self.table.remove(node.id)
            self._emit(NodeRemoved(node.address))

    def _make_room(self, newcomer: TableNode, now: float) -> None:
        if not self.swapping or self._swaps >= MAX_SWAPS:
            return
        row = [node for node in self.table.row(newcomer.id) if node.pinged != self.tick]
        oldest = min(row, key=lambda node: (node.pinged, node.added), default=None)
        if oldest is None or (self.tick - oldest.pinged < RECENT and self.tick - oldest.added > OLD):
            return
        oldest.pinged = self.tick
        self._swaps += 1

        def ended(alive: bool, now: float) -> None:
            self._swaps -= 1
            if not alive:
                self._remove(oldest)
                self._add(newcomer, now)

        self._ping(oldest, now, ended)

    def _check(self, node: TableNode, now: float) -> None:
        node.pinged = self.tick
        self._checks += 1

        def ended(alive: bool, _: float) -> None:
            self._checks -= 1
            if not alive:
                self._remove(node)

        self._ping(node, now, ended)

    def _ping(self, node: TableNode, now: float, ended: Callable[[bool, float], None]) -> None:
        """Ping; alive is who answers with its id. One that sends no id any more no longer takes part."""
        self._requests.request(
            _PING,
            Contact(node.address),
            now,
            lambda reply, now: ended(reply.sender.id == node.id, now),
            lambda _, now: ended(False, now),
        )
