"""A relay of ours with clients whose channels are carried by hand: what the tests of both sides share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from protocol.blind_relay.client import ClientEvent, Paired, RelayClient
from protocol.blind_relay.events import ServerEvent
from protocol.blind_relay.limits import RelayLimits
from protocol.blind_relay.link import Link
from protocol.blind_relay.server import RelayServer
from protocol.blind_relay.session import RelaySession
from protocol.constants import UDX_HEADER_SIZE
from protocol.messages import Address
from protocol.stream.packet import build

TOKEN, OTHER_TOKEN = bytes(range(32)), bytes(range(32, 64))
SOCKET = 1


class Customer:
    """One client, and the session that the relay has for it."""

    def __init__(self, name: str, number: int, server: RelayServer, key: bytes = b"") -> None:
        self.name = name
        self.address = Address(f"198.51.100.{number}", 4000 + number)
        key = key or name.encode().ljust(32, b"\0")
        self.client = RelayClient(key)
        accepted = server.accept(key, self.address)
        self.accepted = accepted
        self.events: list[ClientEvent] = []

    @property
    def session(self) -> RelaySession:
        assert self.accepted is not None
        return self.accepted

    @property
    def paired(self) -> list[Paired]:
        return [event for event in self.events if isinstance(event, Paired)]


class Relayed:
    """The relay and its customers; `settle` carries everything that is under way."""

    def __init__(self, limits: RelayLimits | None = None, ids: Iterator[int] | None = None) -> None:
        stream_ids = ids or count(1000)
        self.server = RelayServer(lambda: next(stream_ids), limits)
        self.customers: list[Customer] = []
        self.events: list[ServerEvent] = []
        self.now = 10.0

    def join(self, name: str) -> Customer:
        customer = Customer(name, len(self.customers) + 1, self.server)
        self.customers.append(customer)
        self.settle()
        return customer

    def settle(self) -> None:
        moved = True
        while moved:
            moved = False
            for customer in self.customers:
                while (message := customer.client.poll_message()) is not None:
                    if customer.accepted is not None:
                        customer.session.receive(message, self.now)
                    moved = True
                while (event := customer.client.poll_event()) is not None:
                    customer.events.append(event)
            for session in self.server.take_ready():
                customer = next(each for each in self.customers if each.accepted is session)
                while (message := session.poll_message()) is not None:
                    customer.client.receive(message)
                    moved = True
            while (told := self.server.poll_event()) is not None:
                self.events.append(told)

    def link(self, limits: RelayLimits | None = None) -> tuple[Link, Customer, Customer]:
        """Two customers that are paired: their streams are 11 and 22."""
        a, b = self.join("a"), self.join("b")
        a.client.pair(True, TOKEN, 11)
        b.client.pair(False, TOKEN, 22)
        self.settle()
        assert len(a.session.links) == len(b.session.links) == 1
        return a.session.links[0], a, b

    def send(self, customer: Customer, stream_id: int, *, port: int = 0, host: str = "", flags: int = 1) -> bool:
        """A packet of a customer's for one of the relay's streams."""
        source = Address(host or customer.address.host, port or customer.address.port)
        return self.server.receive_datagram(packet(stream_id, flags), source, SOCKET, self.now)

    def sent(self) -> list[tuple[bytes, Address, int]]:
        found = []
        while (out := self.server.poll_datagram()) is not None:
            found.append(tuple(out))
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass; the relay is woken when it asked for it."""
        end = self.now + seconds
        while (at := self.server.next_timeout()) is not None and at <= end:
            assert at >= self.now
            self.now = at
            self.server.handle_timeout(self.now)
            assert self.server.next_timeout() != at
        self.now = end
        self.server.handle_timeout(self.now)
        self.settle()

    def bounded(self, limits: RelayLimits) -> None:
        """What has to hold at all times."""
        server = self.server
        assert len(server.sessions) <= limits.max_sessions
        assert server.waiting <= limits.max_waiting
        assert server.links <= limits.max_links
        assert server.waiting == sum(len(session.waiting) for session in server.sessions.values())
        links = {link for session in server.sessions.values() for link in session.links}
        assert server.links == len(links)
        for session in server.sessions.values():
            assert len(session.waiting) <= limits.max_waiting_per_session
            assert len(session.links) <= limits.max_links_per_session
        for link in links:
            assert all(len(leg.held) <= limits.held_packets for leg in link.legs)
            assert limits.max_link_bytes is None or link.bytes_received <= limits.max_link_bytes


def packet(stream_id: int, flags: int = 1, data: bytes = b"sealed", seq: int = 5) -> bytes:
    return build(flags, stream_id, 1 << 20, seq, 3, data)


assert len(packet(1, data=b"")) == UDX_HEADER_SIZE
