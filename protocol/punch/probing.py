"""The three courses that punching can take, as schedules: what is sent when, until it works or is given up.

| course | NATs | sends | for |
|---|---|---|---|
| `ConsistentProbe` | both CONSISTENT | each second to verified addresses, each fourth to all | 10 s |
| `RandomProbes` | the peer's RANDOM | each 20 ms to a random port of its host | 1750 sends, 35 s |
| `BirthdayProbes` | ours RANDOM | each 20 ms from the next of 256 sockets, first with a low TTL | 1750, 35 s |

A server waits a second before its first consistent round, for it has just answered the client's session opener. The
birthday sockets each send once, with a low TTL, when they are opened; the first of the rounds comes 100 ms later.

Source: npm hyperdht 6.34.0 (lib/holepuncher.js).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from protocol.messages import Address

if TYPE_CHECKING:
    from random import Random

CONSISTENT_ROUNDS: Final = 10
CONSISTENT_INTERVAL: Final = 1.0
UNVERIFIED_EVERY: Final = 4
"""Rounds: an address that is not verified may be another's."""
RANDOM_PROBES: Final = 1750
RANDOM_INTERVAL: Final = 0.02
LOWEST_PORT: Final = 1000
BIRTHDAY_SOCKETS: Final = 256
BIRTHDAY_DELAY: Final = 0.1


class RemoteAddress(NamedTuple):
    """An address of the peer."""

    address: Address
    verified: bool
    """The peer showed that it receives what is sent to this host."""


class Prober(Protocol):
    """What sends for a course."""

    @property
    def socket(self) -> int:
        """The socket of the attempt."""

    @property
    def sockets(self) -> list[int]:
        """All sockets of the attempt."""

    @property
    def remote_addresses(self) -> tuple[RemoteAddress, ...]:
        """What the peer said last."""

    def probe(self, to: Address, socket: int, now: float, *, low_ttl: bool = False) -> None:
        """Send one punch."""

    def may_probe_stranger(self, host: str, now: float) -> bool:
        """Whether one more punch may go to an address that the peer named without proof."""


class Course(Protocol):
    """A schedule of probes."""

    left: int
    """Steps that are left."""

    def step(self, now: float) -> float | None:
        """Take one step; when the next is due, None after the last one's pause."""


class ConsistentProbe:
    """Both sides know where the other one is."""

    def __init__(self, prober: Prober) -> None:
        self.left = CONSISTENT_ROUNDS
        self._prober = prober

    def step(self, now: float) -> float | None:
        """Send to the addresses whose turn it is."""
        if not self.left:
            return None
        self.left -= 1
        turn = CONSISTENT_ROUNDS - self.left
        for remote in self._prober.remote_addresses:
            due = turn % UNVERIFIED_EVERY == 0
            if remote.verified or (due and self._prober.may_probe_stranger(remote.address.host, now)):
                self._prober.probe(remote.address, self._prober.socket, now)
        return now + CONSISTENT_INTERVAL


class RandomProbes:
    """The peer has 256 ports open, nobody knows which."""

    def __init__(self, prober: Prober, host: str, random: Random) -> None:
        self.left = RANDOM_PROBES
        self._prober = prober
        self._host = host
        self._random = random

    def step(self, now: float) -> float | None:
        """Try one port."""
        if not self.left:
            return None
        self.left -= 1
        port = self._random.randrange(LOWEST_PORT, 65536)
        self._prober.probe(Address(self._host, port), self._prober.socket, now)
        return now + RANDOM_INTERVAL


class BirthdayProbes:
    """We have many ports open, and the peer tries to hit one."""

    def __init__(self, prober: Prober, to: Address) -> None:
        self.left = RANDOM_PROBES
        self._prober = prober
        self._to = to
        self._next = 0
        self._low_ttl = True

    def step(self, now: float) -> float | None:
        """Keep one port open."""
        if not self.left:
            return None
        self.left -= 1
        sockets = self._prober.sockets
        if self._next >= len(sockets):
            self._next = 0
            self._low_ttl = False
        self._prober.probe(self._to, sockets[self._next], now, low_ttl=self._low_ttl)
        self._next += 1
        return now + RANDOM_INTERVAL
