"""What the NAT in front of one socket does: nodes that are pinged from it tell, and so do the replies to rounds.

Four samples are wanted. The nodes heard of last are pinged, once each without a retry; the five latest are left out
where eight or more are known. Should too few answer, as many others are asked once more. The analysis has come to its
end when the class is known to be CONSISTENT or OPEN, when there are four samples, or when nobody is left to be asked.

Source: npm hyperdht 6.34.0 (lib/nat.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.constants import Firewall
from protocol.dht.contact import Reply
from protocol.dht.node import Node
from protocol.dht.session import Session
from protocol.messages import Address
from protocol.nat import NatSampler

WANTED: Final = 4
"""Samples."""
MANY_NODES: Final = 8
LEFT_OUT: Final = 5
"""Nodes heard of last that are left out where there are many."""
FEWEST: Final = 3
"""Samples needed for a class."""

OnAnalyzed = Callable[[float], None]
Ask = Callable[[tuple[Address, ...] | None, float], None]
"""Pings these nodes, perhaps others than were meant, or leaves the sampling out. Called once."""
Again = Callable[[tuple[Address, ...], float], None]
"""Pings nodes once more; not awaited."""
Sampling = Callable[[tuple[Address, ...], Ask, Again, float], None]
"""Gets the nodes that are to be pinged, and lets that happen, now or later."""


def ask_at_once(nodes: tuple[Address, ...], ask: Ask, _again: Again, now: float) -> None:
    """Nobody has a hand in it."""
    ask(nodes, now)


class NatAnalysis:
    """Samples of one socket, and the class and addresses that follow.

    Args:
        node: whose nodes are pinged.
        session: sends the pings.
        socket: the socket.
        by_samples: go by the samples even where the node's port is open, as a proxy does: an open client needs no
            rounds and tells no addresses in them, but who punches in another's place has to say where it is.
        sampling: gets the nodes before they are pinged.
    """

    def __init__(
        self,
        node: Node,
        session: Session,
        socket: int,
        *,
        by_samples: bool = False,
        sampling: Sampling = ask_at_once,
    ) -> None:
        self._gate = sampling
        self._by_samples = by_samples
        self.firewall = Firewall.UNKNOWN if by_samples or node.reachability.firewalled else Firewall.OPEN
        self.addresses: tuple[Address, ...] | None = None
        """What the peer is told: None while UNKNOWN."""
        self.frozen = False
        """Whether samples are only counted: the peer was told a class, and should not see another."""
        self.analyzed = False
        """Whether the analysis has come to its end."""
        self._node = node
        self._session = session
        self._socket = socket
        self._sampler = NatSampler()
        self._wanted = WANTED
        self._asked: set[Address] = set()
        self._sampling = False
        self._waiting: list[OnAnalyzed] = []

    @property
    def sampled(self) -> int:
        """Samples so far."""
        return self._sampler.sampled

    @property
    def rule(self) -> str:
        """The rule that decided the class."""
        return self._sampler.rule

    def start(self, now: float) -> None:
        """Ping nodes, and others if too few of these answer."""
        self._sample(now, again=True)

    def when_analyzed(self, now: float, on_analyzed: OnAnalyzed) -> None:
        """Call `on_analyzed` once, when the analysis has come to its end; at once if it has."""
        if self.analyzed:
            on_analyzed(now)
        else:
            self._waiting.append(on_analyzed)

    def add(self, seen_as: Address, seen_by: Address, now: float) -> None:
        """Count a sample: a node that saw the socket at an address; each node counts once."""
        self._asked.add(seen_by)
        if not self._sampler.add(seen_as, seen_by, decide=not self.frozen):
            return
        if not self.frozen and (self.sampled >= FEWEST or self._is_open):
            self._update()
        if self.firewall in (Firewall.CONSISTENT, Firewall.OPEN) or self.sampled >= self._wanted:
            self._end(now)

    def freeze(self) -> None:
        """Keep class and addresses as they are."""
        self.frozen = True

    def unfreeze(self) -> None:
        """Let class and addresses follow the samples again, those of the meantime included."""
        self.frozen = False
        self._sampler.decide()
        self._update()

    def destroy(self, now: float) -> None:
        """Ask nobody any more; whoever waits is told."""
        self._sampling = True
        self._wanted = 0
        self._end(now)

    @property
    def _is_open(self) -> bool:
        return not (self._by_samples or self._node.reachability.firewalled)

    def _update(self) -> None:
        if self._is_open:
            self.firewall = Firewall.OPEN
            return
        if self.sampled >= FEWEST:
            self.firewall = self._sampler.firewall
        self.addresses = self._sampler.addresses

    def _sample(self, now: float, *, again: bool) -> None:
        if self._sampling:
            return
        self._sampling = True
        known = len(self._node.membership)
        nodes = self._node.membership.latest(known)[LEFT_OUT if known >= MANY_NODES else 0 :]
        fresh = tuple(node.address for node in nodes if node.address not in self._asked)
        chosen = fresh[: max(0, self._wanted - self.sampled)]
        if not chosen:
            self._ask((), now, again=again)
            return
        self._gate(chosen, lambda wanted, now: self._ask(wanted, now, again=again), self._ping, now)

    def _ping(self, nodes: tuple[Address, ...], now: float) -> None:
        for address in nodes:
            self._session.ping(
                address,
                now,
                lambda reply, now: self.add(reply.to, reply.sender.address, now),
                lambda _failure, _now: None,
                retries=0,
                socket=self._socket,
            )

    def _ask(self, nodes: tuple[Address, ...] | None, now: float, *, again: bool) -> None:
        if nodes is None or not self._wanted:
            # Left out, or destroyed while somebody thought about it. A class that is known already ends nothing.
            self._end(now)
            return
        # One is pending until all are asked, so that the end does not come while some are left.
        pending = 1

        def replied(reply: Reply, now: float) -> None:
            self.add(reply.to, reply.sender.address, now)
            ended(now)

        def ended(now: float) -> None:
            nonlocal pending
            pending -= 1
            if pending or self.sampled >= self._wanted:
                return
            if again:
                self._sampling = False
                self._sample(now, again=False)
            else:
                self._end(now)

        for address in nodes:
            self._asked.add(address)
            pending += 1
            self._session.ping(address, now, replied, lambda _, now: ended(now), retries=0, socket=self._socket)
        ended(now)

    def _end(self, now: float) -> None:
        if self.analyzed:
            return
        self.analyzed = True
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told(now)
