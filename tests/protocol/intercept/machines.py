"""A machine that keeps what it gets and sends what it is told to, and an interceptor around it with its own clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from protocol.dht.contact import Outgoing
from protocol.dht.events import Event
from protocol.intercept.interceptor import Interceptor
from protocol.intercept.values import LET_PASS, Action, Countdown, Passing, Ruling, Touched
from protocol.messages import Address

REMOTE = Address("10.0.0.1", 1)
OTHER = Address("10.0.0.2", 2)
Rulings = Callable[[Passing], Ruling]


class Echoes:
    """Keeps what it received."""

    local_addresses: tuple[Address, ...] = ()

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Address]] = []
        self.to_send: deque[Outgoing] = deque()
        self.calls: list[str] = []
        self.due: float | None = None

    def start(self, server_port: int, now: float) -> None:
        self.calls.append(f"start {server_port}")

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        self.received.append((data, addr))

    def handle_timeout(self, now: float) -> None:
        self.calls.append("timeout")
        self.due = None

    def next_timeout(self) -> float | None:
        return self.due

    def poll_datagram(self, now: float) -> Outgoing | None:
        return self.to_send.popleft() if self.to_send else None

    def poll_event(self) -> Event | None:
        return None

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        self.calls.append(f"name {host}")

    def socket_failed(self, socket: int, now: float) -> None:
        self.calls.append(f"failed {socket}")

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:
        self.calls.append("addresses")

    def suspend(self, now: float) -> None:
        self.calls.append("suspend")

    def resume(self, server_port: int, now: float) -> None:
        self.calls.append(f"resume {server_port}")

    def close(self, now: float) -> None:
        self.calls.append("close")
        self.to_send.append(Outgoing(b"bye", REMOTE, 0))


class World:
    """An interceptor, what is in it, and what came out."""

    def __init__(self, judge: Rulings, room: int = 500) -> None:
        self.machine = Echoes()
        self.touched: list[Touched] = []
        self.inside = Interceptor(self.machine, judge, self.touched.append, self.timers, room)
        self.now = 0.0

    def timers(self, passing: Passing) -> tuple[Countdown, ...]:
        return (Countdown("late", passing.time + 4), Countdown("soon", passing.time + 1))

    def receive(self, data: bytes, addr: Address = REMOTE) -> None:
        self.inside.receive_datagram(data, addr, self.now, 1)

    def send(self, data: bytes, to: Address = REMOTE, ttl: int | None = None) -> list[Outgoing]:
        self.machine.to_send.append(Outgoing(data, to, 1, ttl))
        return self.sent()

    def sent(self) -> list[Outgoing]:
        found = []
        while (outgoing := self.inside.poll_datagram(self.now)) is not None:
            found.append(outgoing)
        return found

    def wait(self, seconds: float) -> None:
        """Let time pass, with every timeout when it is due."""
        end = self.now + seconds
        while (due := self.inside.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.inside.handle_timeout(self.now)
        self.now = end

    @property
    def got(self) -> list[bytes]:
        """What the machine received."""
        return [data for data, _ in self.machine.received]

    @property
    def fates(self) -> list[str]:
        """What was done, in order."""
        return [str(one.fate) for one in self.touched]


def when(head: bytes, *actions: Action, rule: str | None = "r") -> Rulings:
    """Rules for datagrams that begin so; others pass."""

    def judge(passing: Passing) -> Ruling:
        if not passing.data.startswith(head):
            return LET_PASS
        return Ruling(actions, rule, groups=frozenset({"r"}))

    return judge
