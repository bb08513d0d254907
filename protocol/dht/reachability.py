"""How the network reaches this node, and when it takes part as a persistent one.

Every node heard of tells the address it sees. If all tell the same host and port, up to five nodes are asked to answer
to the server socket's port (PING_NAT), to which nothing has been sent from here: answers from at least three of five
(one, where fewer are known), which see that port too, prove it open. Then requests are sent from the server socket, and
the node's id is the hash of its address. A node whose address was steady for 20 minutes, or that is told to, then
becomes persistent.

| when | what is tried |
|---|---|
| bootstrapping, one node answers a PING_NAT at once | whether the port is open |
| bootstrapping, told to be persistent | becoming persistent |
| 20 min later, and every hour on a new host | becoming persistent |

Source: npm dht-rpc 6.27.0 (index.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from protocol.constants import InternalCommand
from protocol.dht.bootstrap import BootstrapFinder
from protocol.dht.contact import Ask, Contact, Failure, NodeSocket, Reply
from protocol.dht.events import BecameEphemeral, BecamePersistent, Event, NatUpdated, PortFoundOpen
from protocol.dht.membership import Membership
from protocol.dht.nat_sampler import NatSampler
from protocol.dht.query_host import QueryResult
from protocol.dht.requests import Requests
from protocol.dht.searches import Searches
from protocol.hashes import node_id
from protocol.messages import Address
from protocol.node_values import encode_ping_nat

STABLE_TICKS: Final = 240
"""Ticks (20 min) after which a node tries to become persistent."""
MORE_STABLE_TICKS: Final = 3 * STABLE_TICKS
PROBES: Final = 5
"""Nodes asked whether the port is open."""
ENOUGH_PROBES: Final = 3

ROUNDS: Final = 2
"""Searches for the own place while bootstrapping, the second one after the port proved open."""

OnChecked = Callable[[bool, float], None]


@dataclass(slots=True)
class _Bootstrapping:
    """How far it has come."""

    to_probe: bool
    """The first node that answers is still to be asked whether it reaches the server socket."""
    looks_open: bool = False
    rounds: int = 0


class Reachability:
    """NAT samples, the firewall check, and the switch from ephemeral to persistent.

    Args:
        requests: sends probes; is told which socket to use and the id.
        membership: nodes to probe with; is told the id.
        finder: more nodes to probe with.
        emit: takes events.
        ephemeral: False to be persistent from the start, True for never, None to adapt.
        firewalled: False when the server socket is known to be reachable.
        quick: ask a first node while bootstrapping.
    """

    def __init__(
        self,
        requests: Requests,
        membership: Membership,
        finder: BootstrapFinder,
        emit: Callable[[Event], None],
        *,
        ephemeral: bool | None = None,
        firewalled: bool = True,
        quick: bool = True,
    ) -> None:
        self.nat = NatSampler()
        self.ephemeral = True
        self.bootstrapped = False
        self.server_port = 0
        self._requests = requests
        self._membership = membership
        self._finder = finder
        self._emit = emit
        self._force_persistent = ephemeral is False
        self._quick = quick
        self._adaptive = ephemeral is None
        self._stable_ticks = STABLE_TICKS
        self._last_host: str | None = None
        self._sampled_without_id: set[Address] = set()
        requests.firewalled = firewalled

    @property
    def firewalled(self) -> bool:
        """Whether the server socket may be out of reach."""
        return self._requests.firewalled

    @property
    def id(self) -> bytes | None:
        """The id of a persistent node."""
        return None if self.ephemeral else self._membership.table.id

    @property
    def remote_address(self) -> Address | None:
        """Where the server socket is reached, as far as that is sure: open, and seen with its local port."""
        seen = self.nat.address
        return None if self.firewalled or seen is None or seen.port != self.server_port else seen

    def sample(self, address: Address) -> None:
        """Count this node's address as another node sees it."""
        before = (self.nat.host, self.nat.port)
        self.nat.add(address)
        self._tell_change(before)

    def sample_without_id(self, sender: Address, to: Address) -> None:
        """Count the view of a node that sends no id, once each, of as many as there are bootstrap nodes."""
        if len(self._sampled_without_id) < max(1, len(self._finder.nodes)) and sender not in self._sampled_without_id:
            self._sampled_without_id.add(sender)
            self.sample(to)

    def bootstrap(self, searches: Searches, now: float, on_done: Callable[[float], None]) -> None:
        """Search for the own place, once more if the port proves open on the way."""
        self._searches = searches
        state = _Bootstrapping(to_probe=self.firewalled and self._quick and not self._force_persistent)

        def probed(reply: Reply | None, _: float) -> None:
            state.looks_open = reply is not None

        def replied(reply: Reply, now: float) -> None:
            if state.to_probe:
                state.to_probe = False
                self._probe(reply.sender, now, probed)

        def searched(_: QueryResult, now: float) -> None:
            state.rounds += 1
            if not (state.looks_open or self._force_persistent):
                on_done(now)
            else:
                self.update(now, checked, only_firewall=not self._force_persistent)

        def checked(changed: bool, now: float) -> None:
            if changed and state.rounds < ROUNDS:
                searches.background(self._membership.table.id, now, searched, replied)
            else:
                on_done(now)

        searches.background(self._membership.table.id, now, searched, replied)

    def tick(self, now: float) -> None:
        """Try to become persistent when it is time; called every 5 s once bootstrapped."""
        if not (self._adaptive and self.ephemeral):
            return
        self._stable_ticks -= 1
        if self._stable_ticks > 0:
            return
        if self._last_host == self.nat.host:
            self._stable_ticks = MORE_STABLE_TICKS
        else:
            self.update(now, lambda _changed, _now: None)

    def wake_up(self) -> None:
        """The node slept and may be on another network: ephemeral again, if it may be."""
        self._stable_ticks = MORE_STABLE_TICKS
        self._last_host = None
        if self._adaptive and not self.ephemeral:
            self.ephemeral = True
            self._requests.id = None
            self._emit(BecameEphemeral())

    def update(self, now: float, on_done: OnChecked, *, only_firewall: bool = False) -> None:
        """Check the firewall, and become persistent unless only that is wanted; tells whether anything changed."""
        host, port = self.nat.host, self.nat.port
        if not self.ephemeral or (only_firewall and not self.firewalled):
            on_done(False, now)
            return
        if not only_firewall:
            self._stable_ticks = MORE_STABLE_TICKS
            self._last_host = host
        if host is None or not port:
            on_done(False, now)
            return
        before = Address(host, port)
        if self.firewalled:
            sampler = NatSampler()
            self._check_firewall(
                sampler, now, lambda is_open, now: self._apply(is_open, sampler, before, now, on_done, only_firewall)
            )
        else:
            self._apply(True, self.nat, before, now, on_done, only_firewall)

    def _apply(
        self,
        is_open: bool,
        sampler: NatSampler,
        before: Address,
        now: float,
        on_done: OnChecked,
        only_firewall: bool,
    ) -> None:
        if not is_open:
            on_done(False, now)
            return
        if self.firewalled:
            self._requests.firewalled = False
            self._emit(PortFoundOpen())
        own = sampler.address
        if not self.ephemeral or before != self.nat.address or own is None or own.host != before.host:
            on_done(False, now)
            return
        if sampler is not self.nat:
            changed_from = (self.nat.host, self.nat.port)
            self._sampled_without_id.clear()
            self.nat = sampler
            self._tell_change(changed_from)
        id = node_id(own)
        if not only_firewall:
            self.ephemeral = False
            self._requests.id = id
        moved = self._membership.table.id != id
        if moved:
            self._membership.rename(id)
        if self.bootstrapped and (moved or not self.ephemeral):
            # Those around the new place hear the id with this, and not only when the next search is due.
            self._searches.refresh(now)
        if not only_firewall:
            self._emit(BecamePersistent(id))
        on_done(True, now)

    def _check_firewall(self, sampler: NatSampler, now: float, on_done: OnChecked) -> None:
        nodes = self._membership.latest(PROBES)
        if len(nodes) >= PROBES:
            self._probe_all(nodes, sampler, now, on_done)
        else:
            self._finder.find(now, lambda found, now: self._probe_all(nodes + found, sampler, now, on_done))

    def _probe_all(self, nodes: list[Contact], sampler: NatSampler, now: float, on_done: OnChecked) -> None:
        if not nodes:
            on_done(False, now)
            return
        answers: list[Reply | None] = []

        def ended(reply: Reply | None, now: float) -> None:
            answers.append(reply)
            if len(answers) < len(nodes):
                return
            arrived = [answer for answer in answers if answer is not None]
            for answer in arrived:
                sampler.add(answer.to)
            enough = len(arrived) >= (ENOUGH_PROBES if len(nodes) >= PROBES else 1)
            on_done(enough and sampler.address == Address(self.nat.host or "", self.server_port), now)

        for node in nodes:
            self._probe(node, now, ended)

    def _probe(self, node: Contact, now: float, ended: Callable[[Reply | None, float], None]) -> None:
        """Ask a node to answer to the server socket; None unless the answer arrives there."""
        ask = Ask(InternalCommand.PING_NAT, internal=True, value=encode_ping_nat(self.server_port))

        def answered(reply: Reply, now: float) -> None:
            ended(reply if reply.socket == NodeSocket.SERVER else None, now)

        def failed(_: Failure, now: float) -> None:
            ended(None, now)

        self._requests.request(ask, node, now, answered, failed)

    def _tell_change(self, before: tuple[str | None, int]) -> None:
        if before != (self.nat.host, self.nat.port):
            self._emit(NatUpdated(self.nat.host, self.nat.port))
