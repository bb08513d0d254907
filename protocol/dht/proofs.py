"""Hosts that prove their address: an answer that is larger than its request waits until they do.

Anybody can write another's address into a datagram. Whoever is to get more than it sent, and has not proved its address
lately, is therefore sent a PING of 11 bytes first. Its answer, with the tid that only it can know, proves the host, and
releases what waits for it. Every node answers a PING, so that real peers lose one round trip, once. A request that is
repeated has the PING repeated, and its answer waits on. Who does not prove itself in time gets a shortened answer, or
none.

A tid has 16 bits. So a host that answers wrongly a few times is not asked again for a while, and only a few of its
ports are asked at once.

Source: none; npm dht-rpc 6.27.0 answers at once. The rule is that of address validation in RFC 9000, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.constants import InternalCommand
from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Outgoing
from protocol.dht.limits import Guard
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Request, Response

if TYPE_CHECKING:
    from random import Random

ANSWER_WITHIN: Final = 1.5
"""Seconds until what waits goes on without a proof: more than the 1 s after which requests are repeated."""
PROOF_WITHIN: Final = 2.0
"""Seconds in which an answer proves the host."""
REPEAT_AFTER: Final = 0.5
"""Seconds before a port is sent another PING."""
PORTS: Final = 4
"""Ports of one host that are asked at once."""
HELD: Final = 64
"""Answers that wait for one host."""
HELD_IN_ALL: Final = 4096
WRONG: Final = 3
"""Wrong answers after which a host is not asked for `WRONG_AGE`."""
WRONG_AGE: Final = 10.0
PROBE_SIZE: Final = 11
"""Bytes of the PING that asks for the proof."""

_TIDS: Final = 0x10000
_NODE_SIZE: Final = 6

Then = Callable[[bool, float], None]
"""Called once, with whether the host has proved itself, and the time."""


class _Probe(NamedTuple):
    tid: int
    address: Address
    until: float


class _Held(NamedTuple):
    host: str
    due: float
    then: Then


class Proofs:
    """PINGs that ask for proofs, and what waits for them.

    Args:
        random: source of tids, unpredictable on a real network.
        guard: is told of the hosts that have proved themselves.
        send: takes the PINGs.
    """

    def __init__(self, random: Random, guard: Guard, send: Callable[[Outgoing], None]) -> None:
        self.asked = 0
        """PINGs sent, since the start; these, and the following."""
        self.proved = 0
        self._random = random
        self._guard = guard
        self._send = send
        self._probes: dict[int, _Probe] = {}
        self._by_host: dict[str, list[int]] = {}
        self._waiting: dict[Hashable, _Held] = {}
        self._held: dict[str, int] = {}
        self._wrong: AgedCache[str, int] = AgedCache(HELD_IN_ALL, WRONG_AGE)

    def __len__(self) -> int:
        """Answers that wait."""
        return sum(self._held.values())

    @property
    def pending(self) -> int:
        """PINGs without an answer yet."""
        return len(self._probes)

    def ask(self, address: Address, socket: int, now: float, in_flight: Callable[[int], bool]) -> bool:
        """Ask for a proof; whether one is awaited now.

        Args:
            address: who is asked.
            socket: where it is sent from: where the request came to, since a NAT in between lets that back in.
            now: seconds.
            in_flight: whether a tid is taken by a request.
        """
        self._expire(now)
        asked = self._by_host.get(address.host, ())
        before = next((tid for tid in asked if self._probes[tid].address == address), None)
        if before is not None:
            if self._probes[before].until - PROOF_WITHIN + REPEAT_AFTER <= now:
                del self._probes[before]
                self._ping(before, address, socket, now)
            return True
        if len(asked) >= PORTS or len(self._probes) >= HELD_IN_ALL or self._is_barred(address.host, now):
            return bool(asked)
        tid = self._random.randrange(_TIDS)
        if tid in self._probes or in_flight(tid):
            return bool(asked)
        self._by_host.setdefault(address.host, []).append(tid)
        self._ping(tid, address, socket, now)
        return True

    def hold(self, host: str, key: Hashable, now: float, then: Then) -> None:
        """Call `then` when this host has proved itself or did not do so in time; at once where too much waits.

        Args:
            host: who is to prove itself.
            key: what waits; of two with one key the second takes the place of the first.
            now: seconds.
            then: what waits.
        """
        if key in self._waiting:
            self._less(self._waiting.pop(key).host)
        held = self._held.get(host, 0)
        if host not in self._by_host or held >= HELD or len(self._waiting) >= HELD_IN_ALL:
            then(self._guard.is_verified(host, now), now)
            return
        self._held[host] = held + 1
        self._waiting[key] = _Held(host, now + ANSWER_WITHIN, then)

    def answered(self, tid: int, sender: Address, now: float) -> bool:
        """Take in the tid of a response; whether it proves its sender's host, so that `release` is to follow.

        What was asked of other ports of the host, or twice, stays known: their answers are no wrong ones.
        """
        self._expire(now)
        probe = self._probes.get(tid)
        if probe is None or probe.address.host != sender.host:
            return False
        self.proved += not self._guard.is_verified(sender.host, now)
        self._guard.verify(sender.host, now)
        return True

    def wrong(self, host: str, now: float) -> None:
        """A response of this host matches nothing: it may be a guess."""
        if host in self._by_host:
            count = (self._wrong.get(host, now) or 0) + 1
            self._wrong.set(host, count, now)
            if count >= WRONG:
                self._drop(host)
                self.release(host, now)

    def release(self, host: str, now: float) -> None:
        """Let go on what waits for this host, in the order in which it came."""
        if not self._held.pop(host, 0):
            return
        keys = [key for key, held in self._waiting.items() if held.host == host]
        for held in [self._waiting.pop(key) for key in keys]:
            held.then(self._guard.is_verified(host, now), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return next((held.due for held in self._waiting.values()), None)

    def handle_timeout(self, now: float) -> None:
        """Let go on what has waited long enough."""
        while (due := self.next_timeout()) is not None and due <= now:
            held = self._waiting.pop(next(iter(self._waiting)))
            self._less(held.host)
            held.then(self._guard.is_verified(held.host, now), now)

    def clear(self) -> None:
        """Forget everything; what waits is not answered."""
        self._probes.clear()
        self._by_host.clear()
        self._waiting.clear()
        self._held.clear()

    def _ping(self, tid: int, address: Address, socket: int, now: float) -> None:
        self._probes[tid] = _Probe(tid, address, now + PROOF_WITHIN)
        self.asked += 1
        self._send(
            Outgoing(encode_request(Request(tid, address, InternalCommand.PING, internal=True)), address, socket)
        )

    def _is_barred(self, host: str, now: float) -> bool:
        return (self._wrong.get(host, now) or 0) >= WRONG

    def _expire(self, now: float) -> None:
        """Probes are kept in the order in which they were sent."""
        while self._probes:
            probe = next(iter(self._probes.values()))
            if probe.until > now:
                return
            del self._probes[probe.tid]
            left = self._by_host[probe.address.host]
            left.remove(probe.tid)
            if not left:
                del self._by_host[probe.address.host]

    def _drop(self, host: str) -> None:
        for tid in self._by_host.pop(host, ()):
            del self._probes[tid]

    def _less(self, host: str) -> None:
        left = self._held.pop(host, 0) - 1
        if left > 0:
            self._held[host] = left


def shortened(message: Response, room: int) -> bytes | None:
    """As much of a response as fits into so many bytes; None where it would say nothing.

    The id goes first. Where closer nodes or a token are offered, the value goes next, and of the rest the token stays
    before the nodes, with as many of these as fit: with either of them a search goes on.
    """
    whole = replace(message, id=None)
    if len(data := encode_response(whole)) <= room:
        return data
    if message.value is not None and message.closer_nodes is None and message.token is None:
        return None
    nodes = message.closer_nodes or ()
    for token in (message.token, None):
        bare = replace(whole, token=token, value=None, closer_nodes=None)
        left = room - len(encode_response(bare))
        if left >= 0:
            fit = nodes[: max(0, left - 1) // _NODE_SIZE]
            return encode_response(replace(bare, closer_nodes=fit or None))
    return None
