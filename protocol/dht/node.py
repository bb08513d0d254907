"""A node of the DHT: bootstraps, keeps its table, serves what others ask, relays, and searches.

It has no clock and no socket. Its owner calls `receive_datagram` with what its two sockets received, `handle_timeout`
when `next_timeout` is reached, and after each call sends what `poll_datagram` returns and looks at what `poll_event`
returns, until both return None. Time is in seconds of any clock that does not go back.

What it is asked for, such as a search, tells its result to a callback, which runs inside one of these calls; the
operations of hyperdht are in `protocol.dht.operations`.

Source: npm dht-rpc 6.27.0 (index.js), hyperdht 6.34.0 (index.js).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.constants import Command, ResponseError
from protocol.dht.announcements import Announcements
from protocol.dht.bootstrap import BootstrapFinder
from protocol.dht.contact import Ask, Contact, Incoming, OnFailure, OnReply, Outgoing, Reply
from protocol.dht.events import AddressesChanged, Bootstrapped, Event, HealthChanged, NameWanted
from protocol.dht.flight_table import RETRIES
from protocol.dht.health import Health, NetworkHealth
from protocol.dht.internal_commands import InternalCommands
from protocol.dht.limits import Guard
from protocol.dht.membership import OLD, TICK, Membership
from protocol.dht.options import NodeOptions
from protocol.dht.plugins import Plugins
from protocol.dht.reachability import Reachability
from protocol.dht.refusals import Refusal, Refusals
from protocol.dht.requests import Requests
from protocol.dht.router import Router
from protocol.dht.routes import Routes
from protocol.dht.searches import Searches
from protocol.dht.session import PING, Session
from protocol.dht.value_store import ValueStore
from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

SLEEP: Final = 3 * TICK
"""Seconds between two ticks after which the machine must have slept."""
PING_TICKS: Final = 8

_SETTLE: Final = 2
"""Ticks from waking to the first pings."""


class Node:
    """One node.

    Args:
        options: what kind of node.
        random: source of ids, tokens and the order of things; it must be unpredictable on a real network.
        now: seconds.
    """

    def __init__(self, options: NodeOptions, random: Random, now: float) -> None:
        limits = options.limits
        self._events: deque[Event] = deque()
        self._guard = Guard(limits)
        self.requests = Requests(
            random,
            now,
            self._guard,
            closest=self._closest_addresses,
            on_request=self._serve,
            on_reply=self._heard_reply,
            on_proved=lambda sender, to, now: self._heard(sender, to, now, external=True),
            on_timeout=lambda to, _: self.membership.timed_out(to.id),
            max_window=options.max_window,
            adaptive_timeout=options.adaptive_timeout,
        )
        self.membership = Membership(random, self.requests, self._sample, self._events.append)
        self._finder = BootstrapFinder(options.bootstrap, self._ping_once, self._want_name)
        self.searches = Searches(random, self.requests, self.membership, self._finder, options.concurrency)
        self.reachability = Reachability(
            self.requests,
            self.membership,
            self._finder,
            self._events.append,
            ephemeral=options.ephemeral,
            firewalled=options.firewalled,
            quick=options.quick_firewall,
        )
        self.plugins = Plugins(self.requests)
        self.routes = Routes(limits.routes, limits.record_age)
        self.router = Router(self.requests, self.routes, self._guard, limits, lambda: self.reachability.nat.address)
        self.announcements = Announcements(
            random, self.requests, self.routes, limits, lambda: self.reachability.id, options.epoch
        )
        self.values = ValueStore(self.requests, limits)
        self.health = Health.ONLINE
        self.local_addresses: tuple[Address, ...] = ()
        """The server socket's addresses in networks that the host is part of; its owner sets it before `start`."""
        self.health_listeners: list[Callable[[Health, float], None]] = []
        """Called when the network answers better or worse than before."""
        self._internal = InternalCommands(self.requests, self.membership, limits)
        self._network_health = NetworkHealth()
        self._known = options.nodes
        self._public_address = options.public_address
        self._next_tick: float | None = None
        self._last_tick = now
        self._closed = False
        self._suspended = False
        # Whether only persistent nodes serve it, and what serves it.
        self._commands: Final[dict[int, tuple[bool, Callable[[Incoming, float], None]]]] = {
            Command.PEER_HANDSHAKE: (False, self.router.handshake),
            Command.PEER_HOLEPUNCH: (False, self.router.holepunch),
            Command.FIND_PEER: (True, self.announcements.find_peer),
            Command.LOOKUP: (True, self.announcements.look_up),
            Command.ANNOUNCE: (True, self.announcements.announce),
            Command.UNANNOUNCE: (True, self.announcements.unannounce),
            Command.MUTABLE_PUT: (True, self.values.put_mutable),
            Command.MUTABLE_GET: (True, self.values.get_mutable),
            Command.IMMUTABLE_PUT: (True, self.values.put_immutable),
            Command.IMMUTABLE_GET: (True, self.values.get_immutable),
            Command.PLUGIN: (True, self.plugins.serve),
        }

    @property
    def id(self) -> bytes | None:
        """The id of a persistent node."""
        return self.reachability.id

    @property
    def remote_address(self) -> Address | None:
        """Where everybody reaches the server socket; None unless that is known."""
        return self.reachability.remote_address

    @property
    def bootstrapped(self) -> bool:
        """Whether the first search for the node's own place has ended."""
        return self.reachability.bootstrapped

    @property
    def refused(self) -> Refusals:
        """How often the node refused to do what a datagram asked for, and why."""
        return self.requests.refused

    def start(self, server_port: int, now: float) -> None:
        """Join the network.

        Args:
            server_port: local port of the server socket.
            now: seconds.
        """
        self.reachability.server_port = server_port
        if self._public_address is not None:
            self.reachability.sample(self._public_address)
        for address in self._known:
            self.membership.add(address, now)
        self._last_tick = now
        self._next_tick = now + TICK
        self.reachability.bootstrap(self.searches, now, self._bootstrap_ended)

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in what a socket received.

        Args:
            data: the UDP payload.
            addr: its sender, IPv4.
            now: seconds.
            socket: which socket, a `NodeSocket` or one that requests were sent from.
        """
        if not (self._closed or self._suspended):
            self.requests.receive(data, addr, now, socket)

    def poll_datagram(self, now: float) -> Outgoing | None:  # noqa: ARG002 - streams, where an owner has some, need it
        """The next datagram to send."""
        return self.requests.outbox.popleft() if self.requests.outbox else None

    def poll_event(self) -> Event | None:
        """The next thing that happened."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due, in seconds; None on a closed or suspended node."""
        if self._closed or self._suspended:
            return None
        due = (self.requests.next_timeout(), self._internal.next_timeout(), self._next_tick)
        return min((at for at in due if at is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        if self._closed or self._suspended:
            return
        self.requests.handle_timeout(now)
        self._internal.handle_timeout(now)
        if self._next_tick is not None and self._next_tick <= now:
            self._next_tick = now + TICK
            self._tick(now)

    def request(
        self,
        ask: Ask,
        to: Address,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = RETRIES,
        socket: int | None = None,
    ) -> None:
        """Send one request to one node; see `Requests.request`."""
        self.requests.request(ask, Contact(to), now, on_reply, on_failure, retries=retries, socket=socket)

    def ping(
        self,
        to: Address,
        now: float,
        on_reply: OnReply,
        on_failure: OnFailure,
        *,
        retries: int = RETRIES,
        socket: int | None = None,
    ) -> None:
        """Ping a node."""
        self.request(PING, to, now, on_reply, on_failure, retries=retries, socket=socket)

    def session(self) -> Session:
        """For requests that are given up together."""
        return Session(self.requests)

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        """Take in the IPv4 address of a name that `NameWanted` asked for; None where it has none."""
        if not self._closed:
            self._finder.resolved(host, address, now)

    def socket_failed(self, socket: int, now: float) -> None:
        """A socket can't be opened: fail what was to be sent from it."""
        if not self._closed:
            self.requests.socket_failed(socket, now)

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:  # noqa: ARG002 - a machine's face
        """An interface of the host came or went."""
        if not self._closed:
            self.local_addresses = addresses
            self._events.append(AddressesChanged(addresses))

    def suspend(self, now: float) -> None:
        """Fail everything that is under way; the sockets are about to close until `resume`."""
        if self._closed or self._suspended:
            return
        self._suspended = True
        self.requests.suspend(now)
        self.requests.outbox.clear()

    def resume(self, server_port: int, now: float) -> None:
        """The sockets are open again: the node behaves as after a sleep.

        Args:
            server_port: local port of the server socket.
            now: seconds.
        """
        if self._closed or not self._suspended:
            return
        self._suspended = False
        self.reachability.server_port = server_port
        self.requests.resume(now)
        self._wake_up(now)
        self._last_tick = now
        self._next_tick = now + TICK
        self.searches.refresh(now)

    def close(self, now: float) -> None:
        """Fail everything that is under way; nothing is sent or received any more."""
        if self._closed:
            return
        self._closed = True
        self.requests.close(now)
        self.searches.close(now)
        self.requests.outbox.clear()

    def _serve(self, request: Incoming, now: float) -> None:
        self._heard_request(request, now)
        if request.message.internal:
            self._internal.serve(request, now)
            return
        persistent_only, serve = self._commands.get(request.message.command, (True, None))
        if request.message.command == Command.PLUGIN:
            # A proxy, or what else an application offers, may well be behind a NAT.
            persistent_only = not self.plugins.any_registered
        if serve is None or (persistent_only and self.id is None):
            self.requests.refused[Refusal.UNKNOWN_COMMAND] += 1
            self.requests.replies.reply(request, now, error=ResponseError.UNKNOWN_COMMAND, token=False)
        else:
            serve(request, now)

    def _heard_request(self, request: Incoming, now: float) -> None:
        """Who has an id enters the table, once it has proved its address: anybody can write one that fits it."""
        if request.sender.id is None:
            return
        sender, replies = request.sender, self.requests.replies
        if self._guard.is_verified(sender.address.host, now):
            self._heard(sender, request.message.to, now, request.external)
            return

        def go_on(proved: bool, now: float) -> None:
            if proved:
                self.membership.claimed(sender, request.message.to, now)

        # The proof may come without the id: nodes that join together are strangers to each other, as we are to it.
        replies.prove(sender.address, request.socket, now)
        replies.proofs.hold(sender.address.host, (sender.address, self._heard_request), now, go_on)

    def _heard_reply(self, reply: Reply, now: float) -> None:
        if reply.sender.id is None:
            self.reachability.sample_without_id(reply.sender.address, reply.to)
        self._heard(reply.sender, reply.to, now, reply.external)

    def _heard(self, sender: Contact, to: Address, now: float, external: bool) -> None:
        self.membership.heard(sender, to, now, sample=not external)

    def _sample(self, address: Address) -> None:
        self.reachability.sample(address)

    def _closest_addresses(self, target: bytes) -> tuple[Address, ...]:
        return tuple(node.address for node in self.membership.table.closest(target))

    def _want_name(self, host: str) -> None:
        self._events.append(NameWanted(host))

    def _ping_once(self, to: Address, now: float, on_done: Callable[[bool, float], None]) -> None:
        self.ping(to, now, lambda _, now: on_done(True, now), lambda _, now: on_done(False, now))

    def _bootstrap_ended(self, _: float) -> None:
        if self._closed or self.bootstrapped:
            return
        self.reachability.bootstrapped = True
        self.membership.swapping = True
        self._events.append(Bootstrapped(len(self.membership)))

    def _tick(self, now: float) -> None:
        if now - self._last_tick > SLEEP:
            self._wake_up(now)
        else:
            self.membership.tick += 1
        self._last_tick = now
        if not self.bootstrapped:
            return
        self.reachability.tick(now)
        if self.membership.tick % PING_TICKS == 0:
            if len(self.membership):
                self.membership.ping_some(now)
            else:
                self.searches.refresh(now)
        self.searches.tick(now)
        counts = self.requests.counts
        self._set_health(self._network_health.update(counts.responses, counts.timeouts), now)

    def _wake_up(self, now: float) -> None:
        """Everything known is old: ping it in two ticks, search in the next."""
        tick = self.membership.tick + 2 * OLD
        self.membership.tick = tick + PING_TICKS - tick % PING_TICKS - _SETTLE
        self.reachability.wake_up()
        self.searches.refresh_soon()
        self._network_health.reset()
        self._set_health(self._network_health.state, now)

    def _set_health(self, health: Health, now: float) -> None:
        if health is not self.health:
            self.health = health
            self._events.append(HealthChanged(health))
            for told in tuple(self.health_listeners):
                told(health, now)
