"""What packets prove about the way of datagrams: which addresses are translated, and what TTL a passage costs.

Learned from datagrams whose content tells them apart, used for those that have none: a hole-punch packet is one zero
byte, and only the mapping that other packets proved says which of them left a NAT as which.
"""

from __future__ import annotations

Endpoint = int
"""An address and port in one number: port, host above it (from bit 16), address family above that (bit 49)."""


def host_of(endpoint: Endpoint) -> int:
    """The host part of an endpoint, family included."""
    return endpoint >> 16


class Knowledge:
    """Translations and TTL steps that telling datagrams proved.

    Attributes:
        ttl_steps: how much the TTL fell between two sightings.
        hosts: host before and after translation, and how often that was seen.
        flows: (endpoint before translation, its peer) to the endpoint after.
        back: (endpoint after translation, its peer) to the endpoint before.
        ends: endpoint before translation to all the endpoints after it that were seen, whoever the peer.
    """

    __slots__ = ("back", "ends", "flows", "hosts", "ttl_steps")

    def __init__(self) -> None:
        self.ttl_steps: set[int] = set()
        self.hosts: dict[tuple[int, int], int] = {}
        self.flows: dict[tuple[Endpoint, Endpoint], Endpoint] = {}
        self.back: dict[tuple[Endpoint, Endpoint], Endpoint] = {}
        self.ends: dict[Endpoint, set[Endpoint]] = {}

    def learn(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> None:
        """A datagram to or from `peer` had `before` on one side of a NAT and `after` on the other."""
        self.flows[before, peer] = after
        self.back[after, peer] = before
        self.ends.setdefault(before, set()).add(after)
        pair = host_of(before), host_of(after)
        self.hosts[pair] = self.hosts.get(pair, 0) + 1

    def take_in(self, other: Knowledge) -> None:
        """Add what another capture proved."""
        self.flows.update(other.flows)
        self.back.update(other.back)
        for before, after in other.ends.items():
            self.ends.setdefault(before, set()).update(after)
        for pair, count in other.hosts.items():
            self.hosts[pair] = self.hosts.get(pair, 0) + count

    def proves(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether packets already showed exactly this translation."""
        return self.flows.get((before, peer)) == after

    def rank(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> int:
        """How sure a translation is: 2 seen for this endpoint, 1 seen for its host only, 0 not seen or contradicted."""
        if self.flows.get((before, peer), after) != after or self.back.get((after, peer), before) != before:
            return 0
        if (before, peer) in self.flows or after in self.ends.get(before, ()):
            return 2
        return int((host_of(before), host_of(after)) in self.hosts)

    def allows(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether this translation contradicts nothing that packets showed."""
        if self.flows.get((before, peer), after) != after or self.back.get((after, peer), before) != before:
            return False
        return not self.hosts or (host_of(before), host_of(after)) in self.hosts

    def allows_step(self, step: int) -> bool:
        """Whether a TTL that fell by this much can be one passage of the way."""
        return step in self.ttl_steps if self.ttl_steps else step <= 1
