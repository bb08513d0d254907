"""Passing on the packets of streams between a peer and the path that its proxy has punched.

| a packet that names | from | goes to |
|---|---|---|
| the other peer's stream | the peer, on its link | the path |
| the peer's stream | the path; for a server's hand-off, until there is one, whoever reaches its sockets | the link |

Nothing of a packet but the UDX id is read, and nothing changed. What comes before there is a path waits, some packets
of it; everything else is counted.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from protocol.constants import UDX_HEADER_SIZE
from protocol.dht.contact import Outgoing
from protocol.messages import Address
from protocol.peer.connection import Connection
from protocol.proxy.attempts import ProxiedClient, ProxiedServer
from protocol.proxy.handoff import ProxyRole
from protocol.proxy.limits import ProxyLimits, ProxyRefusal

_STREAM_ID: Final = Struct("<I")
_STREAM_ID_AT: Final = 4


@dataclass(slots=True, eq=False)
class Forward:
    """A hand-off's two ends."""

    link: Connection
    """To the peer that handed over."""
    attempt: ProxiedClient | ProxiedServer
    forwarded: int = 0
    """Bytes passed on."""
    full: bool = False
    """Whether it has used up its bytes."""
    early: list[bytes] = field(default_factory=list)


class Forwarding:
    """The hand-offs of one proxy, as its packets see them."""

    def __init__(self, limits: ProxyLimits) -> None:
        self.refused: Counter[ProxyRefusal] = Counter()
        self.forwarded = 0
        """Bytes passed on, of all that ever were."""
        self._limits = limits
        self._outward: dict[int, list[Forward]] = {}
        self._inward: dict[int, Forward] = {}
        self._queue: deque[Outgoing] = deque()

    def add(self, forward: Forward) -> bool:
        """Pass on its packets from now on; False where its streams are taken."""
        start = forward.attempt.start
        others = self._outward.get(start.remote_stream, [])
        if start.local_stream in self._inward or any(other.link is forward.link for other in others):
            return False
        self._inward[start.local_stream] = forward
        self._outward.setdefault(start.remote_stream, []).append(forward)
        return True

    def remove(self, forward: Forward) -> None:
        """No longer."""
        start = forward.attempt.start
        if self._inward.get(start.local_stream) is forward:
            del self._inward[start.local_stream]
            left = [other for other in self._outward[start.remote_stream] if other is not forward]
            if left:
                self._outward[start.remote_stream] = left
            else:
                del self._outward[start.remote_stream]

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> bool:
        """Take a packet of a stream; whether it is one of these."""
        if len(data) < UDX_HEADER_SIZE:
            return False
        stream = _STREAM_ID.unpack_from(data, _STREAM_ID_AT)[0]
        for forward in self._outward.get(stream, ()):
            if forward.link.socket == socket and forward.link.remote == addr:
                self._out(forward, data)
                return True
        inwards = self._inward.get(stream)
        if inwards is not None:
            self._in(inwards, data, addr, now, socket)
        return inwards is not None

    def flush(self, forward: Forward) -> None:
        """There is a path now: what came before goes there."""
        early, forward.early = forward.early, []
        for data in early:
            self._out(forward, data)

    def poll_datagram(self) -> Outgoing | None:
        """The next packet to pass on."""
        return self._queue.popleft() if self._queue else None

    def _out(self, forward: Forward, data: bytes) -> None:
        path = forward.attempt.path
        if path is not None:
            self._send(forward, data, path[1], path[0])
        elif len(forward.early) < self._limits.early_packets:
            forward.early.append(data)
        else:
            self.refused[ProxyRefusal.STRANGERS] += 1

    def _in(self, forward: Forward, data: bytes, addr: Address, now: float, socket: int) -> None:
        attempt, link = forward.attempt, forward.link
        if attempt.path is None and attempt.start.role is ProxyRole.SERVER and socket in attempt.sockets:
            attempt.path_found(socket, addr, now)
        if attempt.path != (socket, addr) or link.remote is None or link.socket is None:
            self.refused[ProxyRefusal.STRANGERS] += 1
        else:
            self._send(forward, data, link.remote, link.socket)

    def _send(self, forward: Forward, data: bytes, to: Address, socket: int) -> None:
        most = self._limits.bytes
        if most is not None and forward.forwarded + len(data) > most:
            forward.full = True
        if forward.full or len(self._queue) >= self._limits.queue:
            self.refused[ProxyRefusal.STRANGERS] += 1
            return
        forward.forwarded += len(data)
        self.forwarded += len(data)
        self._queue.append(Outgoing(data, to, socket))
