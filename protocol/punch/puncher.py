"""Punching for one attempt, on one side: its socket, what is known of both NATs, and the course that is taken.

A puncher begins with a socket of its own, whose NAT it samples. It ends in one of three ways: a punch arrives at the
initiator (`on_connect`), it is destroyed before that, by its owner or at the end of its course (`on_abort`), or its
owner destroys it since the path was found otherwise. The side that does not initiate answers every punch, and learns of
the path when the first packet of the stream arrives.

| ours | the peer's | needs | course |
|---|---|---|---|
| CONSISTENT, OPEN | CONSISTENT, OPEN | any address | `ConsistentProbe` |
| CONSISTENT, OPEN | RANDOM | a verified one | `RandomProbes` |
| RANDOM | CONSISTENT, OPEN | a verified one | `BirthdayProbes`, after opening 256 sockets |
| anything else | | | none: it can't be punched |

Source: npm hyperdht 6.34.0 (lib/holepuncher.js).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from protocol.constants import LOW_TTL, PUNCH, Firewall
from protocol.dht.contact import is_reachable
from protocol.dht.node import Node
from protocol.dht.session import Session
from protocol.messages import Address
from protocol.punch.budget import PunchBudget
from protocol.punch.nat_analysis import NatAnalysis, Sampling, ask_at_once
from protocol.punch.pool import SocketPool
from protocol.punch.probing import (
    BIRTHDAY_DELAY,
    BIRTHDAY_SOCKETS,
    CONSISTENT_INTERVAL,
    BirthdayProbes,
    ConsistentProbe,
    Course,
    RandomProbes,
    RemoteAddress,
)
from protocol.punch.stability import OnStable, Stability, coerced

if TYPE_CHECKING:
    from random import Random

MAX_ADDRESSES: Final = 8
"""Addresses of the peer that are punched, the first ones; the reference's peers tell four at most."""
MAX_ECHOES: Final = 4096
"""Punches that one attempt answers, more than an honest peer sends; not limited by the reference, where two servers
that a third party makes known to each other answer each other for ever."""

CATCH_UP: Final = 0.2
"""Seconds of its course that a puncher makes up for when it is told the time late: ten random probes, so that 1750 of
them take 35 s on a busy machine, too. The reference begins every pause anew, and ends as much later as it was late."""

OnConnect = Callable[[int, Address, float], None]
OnAbort = Callable[[float], None]
Shoot = Callable[[Address | None, int | None, bytes], None]
"""Sends a punch with this TTL and these bytes, or none at all."""
Echoing = Callable[[Address, Shoot, float], None]
"""Gets where a punch came from, and lets it be answered, now or later."""


def echo_at_once(addr: Address, shoot: Shoot, _now: float) -> None:
    """Nobody has a hand in it."""
    shoot(addr, None, PUNCH)


class PunchHost(Protocol):
    """The peer that the attempts belong to."""

    @property
    def node(self) -> Node:
        """Its node."""

    @property
    def pool(self) -> SocketPool:
        """Its sockets."""

    @property
    def punches(self) -> PunchBudget:
        """What its attempts share."""


class Puncher:
    """One side of one attempt.

    Args:
        host: the peer.
        random: source of ports.
        now: seconds.
        initiator: whether this is the client.
        remote_firewall: what the peer said of its NAT so far.
        on_connect: called once, at the initiator, with socket and address of the path.
        on_abort: called once when it is destroyed without having connected; not where it was set to None before.
        session: for the pings; one of its own otherwise.
        by_samples: see `NatAnalysis`.
        sampling: see `NatAnalysis`.
        echoing: lets punches be answered; of those from one address, one at a time.
    """

    def __init__(
        self,
        host: PunchHost,
        random: Random,
        now: float,
        *,
        initiator: bool,
        remote_firewall: int = Firewall.UNKNOWN,
        on_connect: OnConnect | None = None,
        on_abort: OnAbort | None = None,
        session: Session | None = None,
        by_samples: bool = False,
        sampling: Sampling = ask_at_once,
        echoing: Echoing = echo_at_once,
    ) -> None:
        self.initiator = initiator
        self.on_connect = on_connect
        self.on_abort = on_abort
        self.punching = False
        self.connected = False
        self.destroyed = False
        self.remote_firewall: int = remote_firewall
        self.remote_addresses: tuple[RemoteAddress, ...] = ()
        self.remote_punching = False
        self.sockets: list[int] = []
        """All sockets of the attempt; one, but for a birthday attempt."""
        self.course: Course | None = None
        self.probes = 0
        """Punches sent, without answers to the peer's."""
        self.last_probe: float | None = None
        """When the last of these was sent."""
        self.echoes = 0
        """Punches answered."""
        self._host = host
        self._random = random
        self._session = session or host.node.session()
        self._by_samples = by_samples
        self._sampling = sampling
        self._echoing = echoing
        self._unanswered: set[Address] = set()
        """Where punches came from whose answer waits."""
        self._started: bool | None = None
        self._randomized = False
        self._stability = Stability(self)
        self._due: float | None = None
        self.socket = self._open(now)
        """The socket of the attempt; the one that connected, later."""
        self.nat = self._analysis()
        self.nat.start(now)

    def update_remote(
        self,
        *,
        punching: bool,
        firewall: int,
        addresses: Iterable[Address] | None,
        verified: str | None,
    ) -> None:
        """Take in what the peer says of itself.

        Args:
            punching: it punches, or is willing to.
            firewall: its class.
            addresses: where it can be reached.
            verified: a host that it has just proved to be its own. One that was proved before stays so.
        """
        proved = {remote.address.host for remote in self.remote_addresses if remote.verified}
        self.remote_addresses = tuple(
            RemoteAddress(address, address.host == verified or address.host in proved)
            for address in islice(filter(_may_be_punched, addresses or ()), MAX_ADDRESSES)
        )
        self.remote_firewall = firewall
        self.remote_punching = punching

    def ping(self, addr: Address, now: float, socket: int | None = None) -> None:
        """Send one punch."""
        self.probe(addr, self.socket if socket is None else socket, now)

    def open_session(self, addr: Address, now: float) -> None:
        """Send one punch that opens our own NAT and is not meant to arrive."""
        self.probe(addr, self.socket, now, low_ttl=True)

    def probe(self, to: Address, socket: int, now: float, *, low_ttl: bool = False) -> None:
        """Send one punch from one of the sockets."""
        self.probes += 1
        self.last_probe = now
        self._host.node.requests.send(PUNCH, to, socket, LOW_TTL if low_ttl else None)

    def shoot(self, to: Address, now: float, *, ttl: int | None = None, data: bytes = PUNCH) -> None:
        """Send one punch, or something else of one's own, as long as there is a socket for it."""
        if self._host.pool.is_open(self.socket):
            self.probes += 1
            self.last_probe = now
            self._host.node.requests.send(data, to, self.socket, ttl)

    def aim(self, to: Address) -> None:
        """Punch there alone, whatever the peer said of its addresses; its class is taken for CONSISTENT if unknown."""
        self.remote_addresses = (RemoteAddress(to, verified=True),)
        if self.remote_firewall == Firewall.UNKNOWN:
            self.remote_firewall = Firewall.CONSISTENT

    def analyze(self, allow_reopen: bool, now: float, on_done: OnStable) -> None:
        """Wait for the NAT's class, then say whether it can be punched with.

        Args:
            allow_reopen: where not, take another socket, up to three times, in the hope of a better one.
            now: seconds.
            on_done: called with the answer, perhaps at once; on a puncher that was destroyed meanwhile, too.
        """
        self._stability.analyze(allow_reopen, now, on_done)

    def may_probe_stranger(self, host: str, now: float) -> bool:
        """Whether one more punch may go to an address that the peer named without proof."""
        return self._host.punches.admits_stranger(host, now)

    @property
    def reopened(self) -> int:
        """How often another socket was taken."""
        return self._stability.reopened

    @property
    def is_settled(self) -> bool:
        """Whether the socket must stay."""
        return self.destroyed or self.connected or self.punching

    def reopen(self, now: float) -> None:
        """Take another socket in the place of the present one."""
        before = self.sockets.pop()
        self.socket = self._open(now)
        self._host.pool.release(before, now)
        self.nat.destroy(now)
        self.nat = self._analysis()
        self.nat.start(now)

    def punch(self, now: float) -> bool:
        """Begin to punch; whether it has begun. What the first call said, later ones say again."""
        if self._started is None:
            self._started = self._punch(now)
        return self._started

    def receive_punch(self, socket: int, addr: Address, now: float) -> None:
        """A punch arrived on one of the sockets."""
        if self.destroyed:
            return
        if not self.initiator:
            self._answer(socket, addr, now)
            return
        if self.connected:
            return
        self.connected = True
        self.punching = False
        self._due = None
        others = [other for other in self.sockets if other != socket]
        self.sockets = [socket]
        self.socket = socket
        for other in others:
            self._host.pool.release(other, now)
        self._derandomize(now)
        if self.on_connect is not None:
            self.on_connect(socket, addr, now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Take the steps of the course that are due; after the last one, give up."""
        if self._due is None or self.course is None:
            return
        self._due = max(self._due, now - CATCH_UP)
        while self._due is not None and self._due <= now:
            self._due = self.course.step(self._due)
        if self._due is None:
            self.destroy(now)

    def destroy(self, now: float) -> None:
        """End; all sockets are released, but that which has a stream stays open."""
        if self.destroyed:
            return
        self.destroyed = True
        self.punching = False
        self._due = None
        sockets, self.sockets = self.sockets, []
        for socket in sockets:
            self._host.pool.release(socket, now)
        if not self.connected:
            self._derandomize(now)
            if self.on_abort is not None:
                self.on_abort(now)
        self.nat.destroy(now)

    def _answer(self, socket: int, addr: Address, now: float) -> None:
        if self.echoes >= MAX_ECHOES:
            self._host.punches.echoes_refused += 1
            return
        if addr in self._unanswered:
            return
        self._unanswered.add(addr)

        def shoot(to: Address | None, ttl: int | None, data: bytes) -> None:
            self._unanswered.discard(addr)
            if to is not None and not self.destroyed:
                self.echoes += 1
                self._host.node.requests.send(data, to, socket, ttl)

        self._echoing(addr, shoot, now)

    def _analysis(self) -> NatAnalysis:
        return NatAnalysis(
            self._host.node, self._session, self.socket, by_samples=self._by_samples, sampling=self._sampling
        )

    def _open(self, now: float) -> int:
        socket = self._host.pool.acquire(now, self.receive_punch, self._socket_failed)
        self.sockets.append(socket)
        return socket

    def _socket_failed(self, socket: int, now: float) -> None:
        """A birthday attempt does with fewer sockets; without its first one there is nothing to go on with."""
        if socket in self.sockets:
            self.sockets.remove(socket)
        if socket == self.socket:
            self.destroy(now)

    def _punch(self, now: float) -> bool:
        if self.destroyed or self.connected or not self.remote_addresses:
            return False
        self.punching = True
        local, remote = coerced(self.nat.firewall), coerced(self.remote_firewall)
        counts = self._host.punches
        if local == remote == Firewall.CONSISTENT:
            counts.consistent += 1
            self._follow(ConsistentProbe(self), now, now if self.initiator else now + CONSISTENT_INTERVAL)
            return True
        verified = next((known.address for known in self.remote_addresses if known.verified), None)
        if verified is None:
            return False
        if local == Firewall.CONSISTENT and remote >= Firewall.RANDOM:
            counts.random += 1
            self._randomize()
            self._follow(RandomProbes(self, verified.host, self._random), now, now)
            return True
        if local >= Firewall.RANDOM and remote == Firewall.CONSISTENT:
            counts.random += 1
            self._randomize()
            self._open_birthday_sockets(verified, now)
            self._follow(BirthdayProbes(self, verified), now, now + BIRTHDAY_DELAY)
            return True
        return False

    def _follow(self, course: Course, now: float, first: float) -> None:
        self.course = course
        self._due = first if first > now else course.step(now)

    def _open_birthday_sockets(self, to: Address, now: float) -> None:
        while len(self.sockets) < BIRTHDAY_SOCKETS and not self._host.pool.is_full:
            self.probe(to, self._open(now), now, low_ttl=True)

    def _randomize(self) -> None:
        if not self._randomized:
            self._randomized = True
            self._host.punches.begin()

    def _derandomize(self, now: float) -> None:
        if self._randomized:
            self._randomized = False
            self._host.punches.end(now)


def _may_be_punched(address: Address) -> bool:
    """Whether this is an address of one host; that of a random NAT has no port."""
    return is_reachable(Address(address.host, address.port or 1))
