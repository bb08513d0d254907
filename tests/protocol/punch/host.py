"""A peer with a node, a pool and a budget, alone, with its time in the test's hands."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from protocol.constants import LOW_TTL, Firewall
from protocol.dht.contact import NodeSocket, Outgoing
from protocol.dht.events import SocketReleased
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.envelope import decode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import Address, Request, Response
from protocol.punch.budget import PunchBudget
from protocol.punch.pool import SocketPool
from protocol.punch.puncher import Puncher

OURS = Address("203.0.113.5", 40000)
"""Our first socket as the network sees it, where its NAT is consistent."""
THEIRS = Address("198.51.100.7", 50000)


class Sent(NamedTuple):
    """One punch."""

    at: float
    to: Address
    socket: int
    low_ttl: bool


class PunchHostUnderTest:
    """What a puncher needs of its peer."""

    def __init__(self, nodes: int = 4, *, firewalled: bool = True) -> None:
        self.now = 100.0
        self.random = Random(7)
        self.node = Node(NodeOptions(firewalled=firewalled, ephemeral=True), Random(1), self.now)
        for number in range(nodes):
            self.node.membership.add(node_address(number), self.now)
        self.released: list[int] = []
        self.pool = SocketPool(self.node, self._released)
        self.punches = PunchBudget()
        self.punchers: list[Puncher] = []
        self.punched: list[Sent] = []
        self.requests: list[tuple[float, Outgoing]] = []

    def _released(self, event: SocketReleased) -> None:
        self.released.append(event.socket)

    def pump(self) -> None:
        """Take out what is to be sent."""
        while (out := self.node.poll_datagram(self.now)) is not None:
            if out.data == b"\0":
                assert out.ttl in (None, LOW_TTL)
                self.punched.append(Sent(self.now, out.to, out.socket, out.ttl is not None))
            else:
                self.requests.append((self.now, out))

    def advance(self, seconds: float) -> None:
        """Let time pass, serving each timer when it is due."""
        end = self.now + seconds
        while True:
            machines = (self.node, self.pool, *self.punchers)
            due = min((at for machine in machines if (at := machine.next_timeout()) is not None), default=None)
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            for machine in machines:
                machine.handle_timeout(self.now)
            self.pump()
        self.now = end

    def pings(self) -> list[tuple[Request, Outgoing]]:
        """The pings sent from pool sockets since the last call, oldest first."""
        self.pump()
        sent = [out for _, out in self.requests if out.socket > NodeSocket.SERVER]
        self.requests.clear()
        return [(decode_request(out.data), out) for out in sent]

    def answer(self, request: Request, out: Outgoing, seen_as: Address) -> None:
        """Answer a ping: the node saw its sender at this address."""
        response = Response(request.tid, seen_as, id=node_id(out.to))
        self.node.receive_datagram(encode_response(response), out.to, self.now, out.socket)
        self.pump()

    def answer_all(self, *seen_as: Address) -> None:
        """Answer all pings in their order, the last address for all that are left."""
        for index, (request, out) in enumerate(self.pings()):
            self.answer(request, out, seen_as[min(index, len(seen_as) - 1)])

    def puncher(self, *, initiator: bool = True, remote: Firewall = Firewall.UNKNOWN, **given: object) -> Puncher:
        """A puncher whose timers `advance` serves."""
        puncher = Puncher(self, self.random, self.now, initiator=initiator, remote_firewall=remote, **given)  # type: ignore[arg-type]
        self.punchers.append(puncher)
        return puncher

    def sampled(self, firewall: Firewall, **given: object) -> Puncher:
        """A puncher that found its NAT to be of this class; needs four nodes."""
        puncher = self.puncher(**given)  # type: ignore[arg-type]
        if firewall == Firewall.RANDOM:
            self.answer_all(*(Address(OURS.host, OURS.port + number) for number in range(4)))
        elif firewall == Firewall.CONSISTENT:
            self.answer_all(OURS)
        assert puncher.nat.firewall == firewall
        self.punched.clear()
        return puncher


def node_address(number: int) -> Address:
    """The node of the routing table with this number; higher ones were heard of later."""
    return Address(f"192.0.2.{number + 1}", 49737)
