"""Claims: which attempts an endpoint takes part in.

Sockets outlive attempts: a server's DHT socket takes part in all of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from capture.flows.endpoints import host_claim, host_of
from capture.flows.sides import Sides

Claim = tuple[int, bytes]
"""Start and noise message 1 of an attempt."""

_FEW: Final = 8
"""Claims on one endpoint that are as quickly looked through as looked up."""
_UNCLAIMED: Final[list[Claim]] = []
"""The claims on an endpoint of no attempt; nothing is ever added to it."""
_LAST: Final = b"\xff" * 64
"""Not before any noise message 1 of attempts that begin at once."""


class Claims:
    """Attempts with their sides, by the endpoints that they use and by the hosts of their clients (`host_claim`)."""

    def __init__(self) -> None:
        self.sides: dict[bytes, Sides] = {}
        """Of every attempt that claimed something, by noise message 1."""
        self._of_endpoint: dict[int, list[Claim]] = {}
        """Oldest first."""
        self._sampling: dict[int, dict[bytes, None]] = {}
        """Of endpoints with many claims, the attempts of which a response to them can be a sample."""
        self._reached: dict[bytes, set[int]] = {}
        self._of_host: defaultdict[int, list[bytes]] = defaultdict(list)
        """Attempts by every host of theirs."""

    def take(self, claim: Claim, sides: Sides) -> set[int]:
        """Note what an attempt with these sides uses; what it used before stays claimed.

        Returns:
            What it had not claimed before.
        """
        before = self.sides.get(claim[1])
        self.sides[claim[1]] = sides
        for host in sides.hosts if before is None else sides.hosts - before.hosts:
            self._of_host[host].append(claim[1])
        new: set[int] = set()
        hosts = set(map(host_claim, sides.client.hosts))
        for endpoint in sides.client.endpoints | sides.server.endpoints | sides.link_ends | hosts:
            claims = self._of_endpoint.setdefault(endpoint, [])
            if not claims or claims[-1] < claim:
                claims.append(claim)
                new.add(endpoint)
            elif not _has(claims, claim):
                insort(claims, claim)
                new.add(endpoint)
            self._note_sampling(endpoint, claims, claim[1])
        return new

    def reach(self, noise1: bytes, hosts: set[int]) -> None:
        """Note further hosts that punches of an attempt were seen to come from or to go to."""
        if hosts:
            for host in hosts - self._reached.get(noise1, set()):
                self._of_host[host].append(noise1)
            self._reached[noise1] = hosts

    def release(self, noise1: bytes) -> None:
        """Give up every claim of an attempt that is no more."""
        reached, sides = self._reached.pop(noise1, set()), self.sides.pop(noise1, None)
        if sides is None:
            return
        for host in sides.hosts | reached:
            self._of_host[host] = [one for one in self._of_host[host] if one != noise1]
        for attempts in self._sampling.values():
            attempts.pop(noise1, None)
        for endpoint, claims in self._of_endpoint.items():
            self._of_endpoint[endpoint] = [claim for claim in claims if claim[1] != noise1]

    def on(self, endpoint: int) -> Sequence[Claim]:
        """The claims on an endpoint, oldest first."""
        return self._of_endpoint.get(endpoint, _UNCLAIMED)

    def between(self, endpoint: int, start_ns: int, stop_ns: int) -> Sequence[Claim]:
        """Those of attempts that began in a stretch of time, its end not included."""
        claims = self.on(endpoint)
        return claims[bisect_left(claims, (start_ns, b"")) : bisect_left(claims, (stop_ns, b""))]

    def began_before(self, endpoints: Iterable[int], time_ns: int) -> set[Claim]:
        """Those on any of some endpoints of attempts that began by then."""
        found: set[Claim] = set()
        for endpoint in endpoints:
            claims = self.on(endpoint)
            found.update(claims[: bisect_right(claims, (time_ns, _LAST))])
        return found

    def latest(self, claims: Iterable[Sequence[Claim]], time_ns: int, wanted: Callable[[Sides], bool]) -> Claim | None:
        """The one that began last before a time, among those whose sides are wanted."""
        latest: Claim | None = None
        for each in claims:
            for index in range(bisect_right(each, (time_ns, _LAST)) - 1, -1, -1):
                if latest is not None and each[index] <= latest:
                    break
                if wanted(self.sides[each[index][1]]):
                    latest = each[index]
                    break
        return latest

    def claimants(self, endpoint: int) -> set[bytes]:
        """Noise message 1 of every attempt that uses an endpoint."""
        return {noise1 for _, noise1 in self.on(endpoint)}

    def rivals(self, endpoint: int, claimers: list[bytes]) -> Iterable[bytes]:
        """Noise message 1 of attempts at an endpoint which may have packets there that belong to one of some others.

        Such a packet has its other end at a host that both have. A socket of the DHT is where thousands of attempts
        meet that have no other host in common.

        Args:
            endpoint: or the claim of a host.
            claimers: noise message 1 of those others.
        """
        claims = self.on(endpoint)
        if endpoint < 0 or len(claims) <= _FEW:
            return [noise1 for _, noise1 in claims]
        here, found = host_of(endpoint), dict[bytes, None]()
        for claimer in claimers:
            sides = self.sides[claimer]
            for host in (sides.hosts | self._reached.get(claimer, set())) - {here}:
                found.update(dict.fromkeys(self._of_host.get(host, ())))
            if sides.same_nat:
                found.update((noise1, None) for _, noise1 in claims)
        return found

    def meeting(self, endpoint: int, hosts: set[int]) -> list[bytes]:
        """Noise message 1 of every attempt that uses an endpoint, and at its other end one of some hosts."""
        return [
            noise1
            for _, noise1 in self.on(endpoint)
            if not hosts.isdisjoint(self.sides[noise1].hosts) or not hosts.isdisjoint(self._reached.get(noise1, ()))
        ]

    def sampling(self, endpoint: int) -> Iterable[bytes]:
        """Noise message 1 of the attempts that a response to an endpoint may say something of."""
        known = self._sampling.get(endpoint)
        return [noise1 for _, noise1 in self.on(endpoint)] if known is None else known

    def _note_sampling(self, endpoint: int, claims: list[Claim], noise1: bytes) -> None:
        if len(claims) <= _FEW:
            return
        known = self._sampling.get(endpoint)
        if known is None:
            known = self._sampling[endpoint] = {}
            known.update((other, None) for _, other in claims if endpoint in _sampling(self.sides[other]))
        elif endpoint in _sampling(self.sides[noise1]):
            known[noise1] = None


def sampled_sockets(sides: Sides) -> tuple[set[int], set[int]]:
    """Sockets of the client and of the server whose responses are samples."""
    return sides.client.punching, sides.server.punching - sides.server.main


def _sampling(sides: Sides) -> set[int]:
    """Sockets whose responses say something of an attempt: DHT sockets get some all the time, which mostly don't."""
    client, server = sampled_sockets(sides)
    # A client that shares its NAT with the server pings it from its DHT socket.
    return client | server | sides.client.main if sides.same_nat else client | server


def _has(claims: list[Claim], claim: Claim) -> bool:
    at = bisect_left(claims, claim)
    return at < len(claims) and claims[at] == claim
