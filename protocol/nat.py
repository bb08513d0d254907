"""NAT classification from samples, by the rules of the reference.

A sample is one remote node telling a socket the address its packets come from. The reference counts samples twice, by
host and by host and port, keeps both lists sorted by hits, and decides by the best entries. Each remote node counts
once for a socket.

Source: npm hyperdht 6.34.0 (lib/nat.js).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.address import Address
from protocol.constants import Firewall


@dataclass(frozen=True, slots=True)
class Classification:
    """A firewall class, the rule that decided it, and the addresses a peer would then announce."""

    firewall: Firewall
    rule: str
    addresses: tuple[Address, ...] | None
    sampled: int


@dataclass(slots=True)
class _Hits:
    address: Address
    hits: int


def _add(samples: list[_Hits], address: Address) -> None:
    """Count one sample, keeping the list sorted by hits; among equals the earlier stays first."""
    place = next((index for index, entry in enumerate(samples) if entry.address == address), None)
    if place is None:
        samples.append(_Hits(address, 1))
        return
    entry = samples.pop(place)
    entry.hits += 1
    while place > 0 and samples[place - 1].hits < entry.hits:
        place -= 1
    samples.insert(place, entry)


class NatSampler:
    """Adds samples one by one and classifies after each, as the reference does.

    Args:
        firewalled: False when the node knows that it is reachable from outside; the class is then OPEN.
    """

    def __init__(self, *, firewalled: bool = True) -> None:
        self._hosts: list[_Hits] = []
        self._full: list[_Hits] = []
        self._visited: set[Address] = set()
        self._firewalled = firewalled
        self.sampled = 0
        self.firewall = Firewall.UNKNOWN if firewalled else Firewall.OPEN
        self.rule = "no samples yet" if firewalled else "reachable from outside: OPEN"

    def add(self, seen_as: Address, seen_by: Address, *, decide: bool = True) -> bool:
        """Count the sample `seen_as` told by `seen_by`; False when that node was counted before.

        Without `decide` the class stays what it is until a later `decide`.
        """
        if seen_by in self._visited:
            return False
        self._visited.add(seen_by)
        _add(self._hosts, Address(seen_as.host, 0))
        _add(self._full, seen_as)
        self.sampled += 1
        if decide:
            self.decide()
        return True

    def decide(self) -> None:
        """Classify by the samples so far; where no rule decides, the class stays what it is."""
        if not self._firewalled:
            return
        sampled = self.sampled
        if sampled < 3:
            self.rule = f"{sampled} of at least 3 samples: still UNKNOWN"
            return
        best = self._full[0]
        if best.hits >= 3:
            self.firewall = Firewall.CONSISTENT
            self.rule = f"{best.hits} of {sampled} nodes saw {best.address}: CONSISTENT"
        elif best.hits == 1:
            self.firewall = Firewall.RANDOM
            self.rule = f"{sampled} nodes saw {sampled} different addresses: RANDOM"
        elif len(self._hosts) == 1 and sampled > 3:
            self.firewall = Firewall.RANDOM
            self.rule = f"one host, but no port was seen by more than 2 of {sampled} nodes: RANDOM"
        elif len(self._hosts) > 1 and self._full[1].hits > 1:
            self.firewall = Firewall.CONSISTENT
            self.rule = f"two addresses ({best.address}, {self._full[1].address}) were seen twice each: CONSISTENT"
        elif sampled > 4:
            self.firewall = Firewall.RANDOM
            self.rule = f"only one address was seen twice in {sampled} samples: RANDOM"
        else:
            self.rule = f"{sampled} samples, best address seen twice: no rule decides yet, {self.firewall.name}"

    @property
    def addresses(self) -> tuple[Address, ...] | None:
        """What the peer announces with this class: None, one host (port 0 when RANDOM), or its best addresses."""
        if self.firewall == Firewall.RANDOM:
            return (self._hosts[0].address,)
        if self.firewall != Firewall.CONSISTENT:
            return None
        chosen: list[Address] = []
        for entry in self._full:
            if entry.hits >= 2 or len(chosen) < 2:
                chosen.append(entry.address)
        return tuple(chosen)


def classify(samples: Iterable[tuple[Address, Address]], *, firewalled: bool = True) -> Classification:
    """Classify a whole list of (seen_as, seen_by) samples, in the order they came."""
    sampler = NatSampler(firewalled=firewalled)
    for seen_as, seen_by in samples:
        sampler.add(seen_as, seen_by)
    return Classification(sampler.firewall, sampler.rule, sampler.addresses, sampler.sampled)
