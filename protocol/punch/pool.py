"""Sockets besides the node's two: one for each attempt to punch, 256 for some, and those that streams live on.

A socket is known by a number, from 2 up, never used again. It stays open while somebody holds it, or a stream is
attached to it. One that is marked reusable and has carried a stream stays open for 3 s more, so that the next
connection to the same peer can take the same way.

| what is received | goes to |
|---|---|
| one byte | who acquired the socket: it is a punch |
| 0xff first | the owner's streams |
| anything else | the node: responses and requests as on its own sockets |

Source: npm hyperdht 6.34.0 (lib/socket-pool.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

from protocol.constants import UDX_MAGIC
from protocol.dht.events import SocketReleased
from protocol.dht.node import Node
from protocol.messages import Address

LINGER: Final = 3.0
"""Seconds for which a reusable socket stays open."""
FIRST: Final = 2
MAX_SOCKETS: Final = 4096
"""Open at once; not limited by the reference."""

OnPunch = Callable[[int, Address, float], None]
"""Called with the socket, who punched, and the time."""
OnFailed = Callable[[int, float], None]
"""Called with a socket that can't be opened, and the time."""


class SocketRoute(NamedTuple):
    """The way that the last connection to a peer took."""

    socket: int
    address: Address


@dataclass(slots=True)
class _Held:
    on_punch: OnPunch | None
    on_failed: OnFailed | None
    holders: int = 1
    streams: int = 0
    reusable: bool = False
    was_busy: bool = False


class SocketPool:
    """Gives out sockets and tells when they may close.

    Args:
        node: sends requests from them; what it has in flight from one that closes fails.
        emit: takes `SocketReleased`.
        max_sockets: how many may be open before `is_full`.
    """

    def __init__(self, node: Node, emit: Callable[[SocketReleased], None], max_sockets: int = MAX_SOCKETS) -> None:
        self.acquired = 0
        """Sockets given out so far."""
        self.unclaimed = 0
        """Punches that nobody waited for."""
        self._node = node
        self._emit = emit
        self._max = max_sockets
        self._numbers = count(FIRST)
        self._held: dict[int, _Held] = {}
        self._lingering: dict[int, float] = {}
        self._routes: dict[bytes, SocketRoute] = {}

    def __len__(self) -> int:
        """Sockets that are open."""
        return len(self._held)

    @property
    def is_full(self) -> bool:
        """Whether nobody should take another one."""
        return len(self._held) >= self._max

    def is_open(self, socket: int) -> bool:
        """Whether a socket of the pool, or of the node, is open."""
        return socket < FIRST or socket in self._held

    def acquire(self, now: float, on_punch: OnPunch | None = None, on_failed: OnFailed | None = None) -> int:  # noqa: ARG002
        """A new socket, held once; it is bound when something is first sent from it.

        Args:
            now: seconds.
            on_punch: called with punches that arrive on it, until the holder releases it.
            on_failed: called when it can't be bound; it is released by then.
        """
        socket = next(self._numbers)
        self._held[socket] = _Held(on_punch, on_failed)
        self._node.requests.sockets.add(socket)
        self.acquired += 1
        return socket

    def release(self, socket: int, now: float) -> None:
        """The one who acquired it needs it no more; punches go to nobody."""
        held = self._held.get(socket)
        if held is not None:
            held.on_punch = held.on_failed = None
            held.holders -= 1
            self._close_maybe(socket, held, now)

    def hold(self, socket: int) -> bool:
        """Keep a socket open, as for trying an old route; False where it is closed. `let_go` ends it."""
        held = self._held.get(socket)
        if held is None:
            return False
        held.holders += 1
        self._lingering.pop(socket, None)
        return True

    def let_go(self, socket: int, now: float) -> None:
        """The end of `hold`."""
        held = self._held.get(socket)
        if held is not None:
            held.holders -= 1
            self._close_maybe(socket, held, now)

    def attach(self, socket: int) -> None:
        """A stream lives on this socket; one of the node's own needs no attaching and is passed over."""
        held = self._held.get(socket)
        if held is not None:
            held.streams += 1
            held.was_busy = True
            self._lingering.pop(socket, None)

    def detach(self, socket: int, now: float) -> None:
        """A stream has left it."""
        held = self._held.get(socket)
        if held is not None:
            held.streams -= 1
            self._close_maybe(socket, held, now)

    def is_udx(self, data: bytes) -> bool:
        """Whether a datagram is one of a stream."""
        return len(data) > 1 and data[0] == UDX_MAGIC

    def receive_punch(self, data: bytes, addr: Address, now: float, socket: int) -> bool:
        """Take a datagram if it is a punch on one of these sockets; whether it was one."""
        if len(data) != 1 or socket < FIRST:
            return False
        held = self._held.get(socket)
        if held is not None and held.on_punch is not None:
            held.on_punch(socket, addr, now)
        else:
            self.unclaimed += 1
        return True

    def socket_failed(self, socket: int, now: float) -> None:
        """A socket can't be bound: it is gone, and its holder is told."""
        held = self._held.get(socket)
        if held is None:
            return
        on_failed = held.on_failed
        self._close(socket, now)
        if on_failed is not None:
            on_failed(socket, now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return min(self._lingering.values(), default=None)

    def handle_timeout(self, now: float) -> None:
        """Close what has lingered long enough."""
        for socket, close_at in tuple(self._lingering.items()):
            if close_at <= now:
                self._close(socket, now)

    def close(self, now: float) -> None:
        """Close all."""
        for socket in tuple(self._held):
            self._close(socket, now)

    def add_route(self, public_key: bytes, socket: int, address: Address) -> None:
        """A stream to this peer lives on this socket, and both sides may use it again; the first such route stays."""
        self._routes.setdefault(public_key, SocketRoute(socket, address))
        if (held := self._held.get(socket)) is not None:
            held.reusable = True

    def route(self, public_key: bytes) -> SocketRoute | None:
        """The way that a connection to this peer took, as long as its socket is open."""
        return self._routes.get(public_key)

    def route_failed(self, public_key: bytes, socket: int) -> None:
        """A stream on this route ended with an error: it is not used again."""
        if (held := self._held.get(socket)) is not None:
            held.reusable = False
        route = self._routes.get(public_key)
        if route is not None and route.socket == socket:
            del self._routes[public_key]

    def _close_maybe(self, socket: int, held: _Held, now: float) -> None:
        if held.holders > 0 or held.streams > 0 or socket in self._lingering:
            return
        if held.reusable and held.was_busy:
            held.was_busy = False
            self._lingering[socket] = now + LINGER
        else:
            self._close(socket, now)

    def _close(self, socket: int, now: float) -> None:
        del self._held[socket]
        self._lingering.pop(socket, None)
        self._routes = {key: route for key, route in self._routes.items() if route.socket != socket}
        self._node.requests.sockets.discard(socket)
        self._node.socket_failed(socket, now)
        self._emit(SocketReleased(socket))
