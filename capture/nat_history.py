"""How the NAT class of a side came about, sample by sample, and what would have made it another one.

The reference gives each puncher's socket a sampler of its own. It stops deciding ("freezes") when it tells the other
side: a server with its first answer that names a class, a client before the round that punches. Samples after that are
counted and change nothing.

Source: npm hyperdht 6.34.0 (lib/nat.js, lib/server.js, lib/connect.js).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from capture.flow import Flow
from capture.model import NatEvidence, NatSample
from protocol.address import Address
from protocol.constants import ErrorCode, Firewall
from protocol.nat import NatSampler, classify

MOST_FURTHER: Final = 4
"""How many more samples are thought of: the reference asks for four."""

_Seen = tuple[Address, Address]
"""What a node saw, and the node."""


@dataclass(frozen=True, slots=True)
class CountedSample:
    """A sample, and what the sampler made of it."""

    sample: NatSample
    counted: bool
    """False: the node was counted for this socket before."""
    hits: int
    """How many nodes saw this address so far, this one included."""
    firewall: Firewall
    """The class after it."""
    frozen: bool
    """It came after the side had told its class: the class stays."""


@dataclass(frozen=True, slots=True)
class SocketHistory:
    """The samples of one socket."""

    socket: Address
    samples: tuple[CountedSample, ...]
    firewall: Firewall
    """The class in the end."""
    rule: str
    """The rule that decided, in words."""
    hits: tuple[tuple[Address, int], ...]
    """Each address that nodes saw, with how many did; the most seen first."""


@dataclass(frozen=True, slots=True)
class Change:
    """The fewest further samples that would make another class."""

    firewall: Firewall
    again: int
    """How many of them see an address once more that was seen before."""
    address: Address | None
    """That address."""
    others: int
    """How many see an address that nobody saw yet."""


@dataclass(frozen=True, slots=True)
class NatHistory:
    """One side."""

    sockets: tuple[SocketHistory, ...]
    """In the order in which they were first sampled; a client with an unstable NAT takes a new one."""
    frozen: float | None
    """When the side told its class, epoch seconds; None if it never did in this capture."""
    change: Change | None
    """For the deciding socket; None: nothing that `MOST_FURTHER` samples could say would change the class."""

    @property
    def deciding(self) -> SocketHistory | None:
        """The socket with most samples, of equal ones the last."""
        return max(reversed(self.sockets), key=lambda one: min(len(one.samples), 3), default=None)


def nat_history(flow: Flow, *, client: bool) -> NatHistory | None:
    """The history of one side of an attempt; None where the capture has no sample of it."""
    evidence: NatEvidence | None = flow.client_nat if client else flow.server_nat
    if evidence is None or not evidence.samples:
        return None
    frozen = _frozen(flow, client=client)
    by_socket: dict[Address, list[NatSample]] = {}
    for sample in evidence.samples:
        by_socket.setdefault(sample.socket, []).append(sample)
    history = NatHistory(
        tuple(_history(socket, samples, frozen) for socket, samples in by_socket.items()), frozen, None
    )
    deciding = history.deciding
    if deciding is None:
        return history
    seen = [(one.sample.seen_as, one.sample.seen_by) for one in deciding.samples if not one.frozen]
    return NatHistory(history.sockets, frozen, nearest_change(seen))


def nearest_change(seen: Sequence[_Seen]) -> Change | None:
    """The fewest further samples that would change what is concluded from `seen`."""
    present = classify(seen).firewall
    counts: dict[Address, int] = {}
    for address, _ in seen:
        counts[address] = counts.get(address, 0) + 1
    known = sorted(counts, key=lambda address: -counts[address])[:2]
    host = known[0].host if known else ""
    for number in range(1, MOST_FURTHER + 1):
        for choice in product(range(len(known) + 1), repeat=number):
            if list(choice) != sorted(choice):
                continue
            further = [known[one] if one < len(known) else Address(host, -1 - at) for at, one in enumerate(choice)]
            after = classify([*seen, *((address, Address("", at)) for at, address in enumerate(further))])
            if after.firewall != present:
                again = [address for address in further if address in counts]
                return Change(after.firewall, len(again), again[0] if again else None, number - len(again))
    return None


def _history(socket: Address, samples: Sequence[NatSample], frozen: float | None) -> SocketHistory:
    sampler = NatSampler()
    hits: dict[Address, int] = {}
    counted: list[CountedSample] = []
    for sample in samples:
        late = frozen is not None and sample.time > frozen
        fresh = sampler.add(sample.seen_as, sample.seen_by, decide=not late)
        hits[sample.seen_as] = hits.get(sample.seen_as, 0) + fresh
        counted.append(CountedSample(sample, fresh, hits[sample.seen_as], sampler.firewall, late))
    ranked = sorted(hits.items(), key=lambda one: -one[1])
    return SocketHistory(socket, tuple(counted), sampler.firewall, sampler.rule, tuple(ranked))


def _frozen(flow: Flow, *, client: bool) -> float | None:
    for one in flow.rounds:
        if client and one.request is not None and one.request.punching:
            return one.sent
        reply = one.reply
        if not client and reply is not None and reply.error == ErrorCode.NONE and reply.firewall != Firewall.UNKNOWN:
            return one.answered
    return None
