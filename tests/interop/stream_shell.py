"""A thin UDP shell for one stream machine, for tests and the benchmark: a socket, the loop's clock, artificial loss."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Protocol

from protocol.messages import Address

BATCH = 64
"""Datagrams read before the machine is asked what to send."""


class Machine(Protocol):
    """What the shell needs of a UDX or secret stream."""

    def receive_datagram(self, datagram: bytes, addr: Address, now: float) -> None: ...
    def poll_datagram(self, now: float) -> tuple[bytes, Address] | None: ...
    def next_timeout(self) -> float | None: ...
    def handle_timeout(self, now: float) -> None: ...


class StreamShell:
    """Moves datagrams and time between a machine and the world; `on_change` is called after each move."""

    def __init__(
        self, machine: Machine, on_change: Callable[[], None], *, port: int = 0, loss: float = 0.0, seed: int = 1
    ) -> None:
        self.machine = machine
        self.on_change = on_change
        self.loss = loss
        self.rng = random.Random(seed)
        self.loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
        self.socket.bind(("127.0.0.1", port))
        self.port: int = self.socket.getsockname()[1]
        self.seen: list[int] = []
        """Flags of each packet that came in."""
        self.lost = 0
        self._timer: asyncio.TimerHandle | None = None
        self.loop.add_reader(self.socket, self._readable)

    @property
    def now(self) -> float:
        return self.loop.time()

    def close(self) -> None:
        self.loop.remove_reader(self.socket)
        self.socket.close()
        if self._timer is not None:
            self._timer.cancel()

    def pump(self) -> None:
        """Tell the owner, send what there is, and set the timer."""
        self.on_change()
        while (out := self.machine.poll_datagram(self.now)) is not None:
            datagram, addr = out
            if self._loses():
                continue
            try:
                self.socket.sendto(datagram, addr)
            except BlockingIOError:
                self.lost += 1
        self.on_change()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.machine.next_timeout()
        if at is not None:
            self._timer = self.loop.call_at(at, self._due)

    def _due(self) -> None:
        self._timer = None
        self.machine.handle_timeout(self.now)
        self.pump()

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                datagram, (host, port) = self.socket.recvfrom(2048)
            except BlockingIOError:
                break
            if self._loses():
                continue
            self.seen.append(datagram[2])
            self.machine.receive_datagram(datagram, Address(host, port), self.now)
        self.pump()

    def _loses(self) -> bool:
        if self.loss and self.rng.random() < self.loss:
            self.lost += 1
            return True
        return False


class Forwarder:
    """A port that passes everything on to another one."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.target: Address | None = None
        self.forwarded = 0
        asyncio.get_running_loop().add_reader(self.socket, self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _readable(self) -> None:
        datagram = self.socket.recv(2048)
        if self.target is not None:
            self.forwarded += 1
            self.socket.sendto(datagram, self.target)
