"""How the NAT class of a side came about, sample by sample, and what would have made it another one.

The reference gives each puncher's socket a sampler of its own. It stops deciding ("freezes") when it tells the other
side: a server with its first answer that names a class, a client before the round that punches. Samples after that are
counted and change nothing.

Source: npm hyperdht 6.34.0 (lib/nat.js, lib/server.js, lib/connect.js).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from capture.course import Stage
from capture.flow import Flow, Sighting
from capture.model import NatEvidence, NatSample
from protocol.address import Address
from protocol.constants import ErrorCode, Firewall
from protocol.nat import NatSampler, classify

MOST_FURTHER: Final = 4
"""How many more samples are thought of: the reference asks for four."""

_Seen = tuple[Address, Address]
"""What a node saw, and the node."""


class SampleUse(StrEnum):
    """What the reference does with a sample."""

    COUNTED = "counted"
    AGAIN = "asked before"
    """The node was counted for this socket before."""
    FROZEN = "frozen"
    """It came after the side had told its class."""
    OVER = "over"
    """A relay's answer that came when the client was connected."""
    NO_SAMPLE = "no sample"
    """An answer in a round that does not only probe: the reference does not look at where it was sent."""


@dataclass(frozen=True, slots=True)
class CountedSample:
    """A sample, and what the sampler made of it."""

    sample: NatSample
    use: SampleUse
    hits: int
    """How many nodes saw this address so far, this one included if it counts."""
    firewall: Firewall
    """The class after it."""


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
    again: tuple[Address, ...]
    """Addresses that were seen before, each as often as it has to be seen once more."""
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
    frozen, over, replies = _frozen(flow, client=client), _over(flow), _replies(flow)
    by_socket: dict[Address, list[NatSample]] = {}
    for sample in evidence.samples:
        by_socket.setdefault(sample.socket, []).append(sample)

    def unused(sample: NatSample) -> SampleUse | None:
        probing = replies.get(sample.sighting) if client else None
        if probing is False:
            return SampleUse.NO_SAMPLE
        if frozen is not None and sample.time > frozen:
            return SampleUse.FROZEN
        return SampleUse.OVER if probing and over is not None and sample.time > over else None

    sockets = tuple(_history(socket, samples, unused) for socket, samples in by_socket.items())
    deciding = NatHistory(sockets, frozen, None).deciding
    seen = [
        (one.sample.seen_as, one.sample.seen_by)
        for one in (() if deciding is None else deciding.samples)
        if one.use is SampleUse.COUNTED
    ]
    return NatHistory(sockets, frozen, nearest_change(seen))


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
                again = tuple(address for address in further if address in counts)
                return Change(after.firewall, again, number - len(again))
    return None


def _history(
    socket: Address, samples: Sequence[NatSample], unused: Callable[[NatSample], SampleUse | None]
) -> SocketHistory:
    sampler = NatSampler()
    hits: dict[Address, int] = {}
    counted: list[CountedSample] = []
    for sample in samples:
        use = unused(sample)
        if use is None:
            fresh = sampler.add(sample.seen_as, sample.seen_by)
            use = SampleUse.COUNTED if fresh else SampleUse.AGAIN
            hits[sample.seen_as] = hits.get(sample.seen_as, 0) + fresh
        counted.append(CountedSample(sample, use, hits.get(sample.seen_as, 0), sampler.firewall))
    ranked = sorted(hits.items(), key=lambda one: -one[1])
    return SocketHistory(socket, tuple(counted), sampler.firewall, sampler.rule, tuple(ranked))


def _frozen(flow: Flow, *, client: bool) -> float | None:
    for index, one in enumerate(flow.rounds):
        if client and one.request is not None and one.request.punching:
            return one.sent
        reply = one.reply
        if not client and reply is not None and reply.error == ErrorCode.NONE and reply.firewall != Firewall.UNKNOWN:
            said = (
                message.time for message in flow.messages if (message.round, message.mode) == (index, "FROM_SERVER")
            )
            return next(said, one.answered)
    return None


def _over(flow: Flow) -> float | None:
    """When the client was connected: by the first punch that reached it, else with the first stream packet."""
    stages = () if flow.course is None else flow.course.stages
    times = [one.started for one in stages if one.stage is Stage.STREAM]
    times += [one.received.arrival for one in flow.candidates if one.of_server and one.received.arrival is not None]
    return min(times, default=None)


def _replies(flow: Flow) -> dict[Sighting, bool]:
    """The relays' answers to the client, with whether their round only probes."""
    found: dict[Sighting, bool] = {}
    for message in flow.messages:
        if message.mode == "REPLY" and message.round is not None:
            request = flow.rounds[message.round].request
            probing = request is None or not (request.punching or request.error)
            found.update(dict.fromkeys((message.sighting, *message.copies), probing))
    return found
