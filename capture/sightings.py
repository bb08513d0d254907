"""What packets prove about the way of datagrams: which addresses are translated, and what TTL a hop costs.

Learned from datagrams whose content tells them apart, used for those that have none: a hole-punch packet is one zero
byte, and only the mapping that other packets proved says which of them left a NAT as which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from capture.arrays import I64
from capture.table import PacketTable

TELLING_LENGTH: Final = 8
"""Payloads of at least this many bytes are taken to be told apart by their content."""

Endpoint = int
"""An address and port in one number; see `endpoints`."""


def endpoints(table: PacketTable, rows: I64, *, source: bool) -> I64:
    """Source or destination of rows as one number each: port, host above it, family above that."""
    host = (table.src if source else table.dst)[rows].astype(np.int64)
    port = (table.sport if source else table.dport)[rows].astype(np.int64)
    return table.family6[rows].astype(np.int64) << 49 | host << 16 | port


def host_of(endpoint: Endpoint) -> int:
    """The host part of an endpoint, family included."""
    return endpoint >> 16


@dataclass(slots=True)
class Knowledge:
    """Translations and TTL steps that telling datagrams proved."""

    ttl_steps: set[int] = field(default_factory=set)
    """How much the TTL fell between two sightings."""
    hosts: dict[tuple[int, int], int] = field(default_factory=dict)
    """Host before and after translation, and how often that was seen."""
    flows: dict[tuple[Endpoint, Endpoint], Endpoint] = field(default_factory=dict)
    """(endpoint before translation, its peer) to the endpoint after."""
    back: dict[tuple[Endpoint, Endpoint], Endpoint] = field(default_factory=dict)
    """(endpoint after translation, its peer) to the endpoint before."""

    def learn(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> None:
        """A datagram to or from `peer` had `before` on one side of a NAT and `after` on the other."""
        self.flows[before, peer] = after
        self.back[after, peer] = before
        pair = host_of(before), host_of(after)
        self.hosts[pair] = self.hosts.get(pair, 0) + 1

    def proves(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether packets already showed exactly this translation."""
        return self.flows.get((before, peer)) == after

    def allows(self, before: Endpoint, after: Endpoint, peer: Endpoint) -> bool:
        """Whether this translation contradicts nothing that packets showed."""
        if self.flows.get((before, peer), after) != after or self.back.get((after, peer), before) != before:
            return False
        return not self.hosts or (host_of(before), host_of(after)) in self.hosts

    def allows_step(self, step: int) -> bool:
        """Whether a TTL that fell by this much can be one passage of the way."""
        return step in self.ttl_steps if self.ttl_steps else step <= 1
