"""What packets prove about the way of datagrams: which addresses are translated, and what TTL a passage costs.

Learned from datagrams whose content tells them apart, used for those that have none: a hole-punch packet is one zero
byte, and only the mapping that other packets proved says which of them left a NAT as which. Content may be equal by
chance, as two clients may use one transaction id: so translations are counted, and one that another contradicts at
least as often is not believed.
"""

from __future__ import annotations

from typing import NamedTuple

Endpoint = int
"""An address and port in one number: port, host above it (from bit 16), address family above that (bit 49)."""


class _Best(NamedTuple):
    """The translation seen most often of those that exclude each other; `tied` if another is as frequent."""

    endpoint: Endpoint
    times: int
    tied: bool


def host_of(endpoint: Endpoint) -> int:
    """The host part of an endpoint, family included."""
    return endpoint >> 16


class Knowledge:
    """Translations and TTL steps that telling datagrams proved.

    Attributes:
        ttl_steps: how much the TTL fell between two sightings.
        hosts: host before and after translation, and how often that was seen.
        ends: endpoint before translation to all the endpoints after it that were seen, whoever the peer.
    """

    __slots__ = ("_after", "_before", "_counts", "ends", "hosts", "ttl_steps")

    def __init__(self) -> None:
        self.ttl_steps: set[int] = set()
        self.hosts: dict[tuple[int, int], int] = {}
        self.ends: dict[Endpoint, set[Endpoint]] = {}
        self._counts: dict[tuple[Endpoint, Endpoint, Endpoint], int] = {}
        self._after: dict[tuple[Endpoint, Endpoint], _Best] = {}
        self._before: dict[tuple[Endpoint, Endpoint], _Best] = {}

    def learn(self, before: Endpoint, after: Endpoint, peer: Endpoint, times: int = 1) -> None:
        """Datagrams to or from `peer` had `before` on one side of a NAT and `after` on the other."""
        key = before, after, peer
        count = self._counts[key] = self._counts.get(key, 0) + times
        _vote(self._after, (before, peer), after, count)
        _vote(self._before, (after, peer), before, count)
        self.ends.setdefault(before, set()).add(after)
        pair = host_of(before), host_of(after)
        self.hosts[pair] = self.hosts.get(pair, 0) + times

    def take_in(self, other: Knowledge) -> None:
        """Add what another capture proved."""
        for (before, after, peer), count in other._counts.items():
            self.learn(before, after, peer, count)

    def rank(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> int:
        """How sure a translation is: 2 seen for this endpoint, 1 seen for its host only, 0 not seen or contradicted."""
        out, back = self._after.get((before, peer)), self._before.get((after, peer))
        if back is not None and (back.endpoint != before or back.tied):
            return 0
        if (before, after, peer) in self._counts:
            return 2
        if out is not None:
            return 0
        if after in self.ends.get(before, ()):
            return 2
        return int((host_of(before), host_of(after)) in self.hosts)

    def allows(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether this translation contradicts nothing that packets showed."""
        if self.rank(before, after, peer) > 0:
            return True
        known = (before, peer) in self._after or (after, peer) in self._before
        return not known and not self.hosts

    def allows_step(self, step: int) -> bool:
        """Whether a TTL that fell by this much can be one passage of the way."""
        return step in self.ttl_steps if self.ttl_steps else step <= 1


def _vote(
    votes: dict[tuple[Endpoint, Endpoint], _Best], key: tuple[Endpoint, Endpoint], candidate: Endpoint, count: int
) -> None:
    best = votes.get(key)
    if best is None or count > best.times or candidate == best.endpoint:
        tied = best is not None and candidate == best.endpoint and best.tied and count <= best.times
        votes[key] = _Best(candidate, count, tied)
    elif count == best.times:
        votes[key] = _Best(best.endpoint, best.times, True)
