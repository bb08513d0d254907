"""A peer's side of its link to a proxy: the connection, and the requests about hand-offs, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.constants import Command
from protocol.dht.contact import Ask, Contact, Failure, Reply
from protocol.errors import DecodeError
from protocol.messages import Address, PluginRequest
from protocol.peer.events import ConnectionClosed, ConnectionOpened
from protocol.proxy.handoff import PLUGIN, VERSION, HandoffCommand, Status, decode_status
from protocol.proxy.sealing import LinkKeys, link_keys, open_response, seal_request
from protocol.storage_values import encode_plugin_request
from protocol.stream.events import RemoteEnded

if TYPE_CHECKING:
    from protocol.peer.peer import Peer

OnStatus = Callable[[Status | str, float], None]
"""Called with what the proxy answered, or with why it did not."""

NO_PROXY = "it does not answer as a proxy does"


class ProxyLink:
    """One link. It is used by one attempt of a client, or by all of a server.

    Args:
        peer: whose link it is.
        proxy: public key of the proxy.
        on_lost: called once, with the reason, when the connection is over; not after `close`.
        now: seconds.
    """

    def __init__(self, peer: Peer, proxy: bytes, on_lost: Callable[[str, float], None], now: float) -> None:
        self.is_over = False
        self._peer = peer
        self._on_lost = on_lost
        self._connection = peer.connect(proxy, now)
        self._connection.reader = self._read
        self._session = peer.node.session()
        self._keys: LinkKeys | None = None
        self._count = 0
        self._waiting: deque[tuple[HandoffCommand, bytes, OnStatus]] = deque()
        self._busy = False
        peer.connections.touch(self._connection, stir=True)

    @property
    def path(self) -> tuple[int, Address] | None:
        """Our socket and the proxy's address there; None before there is a connection."""
        socket, remote = self._connection.socket, self._connection.remote
        return None if socket is None or remote is None else (socket, remote)

    def is_from(self, socket: int, addr: Address) -> bool:
        """Whether a packet that came there is one that the proxy passed on."""
        return self.path == (socket, addr)

    def ask(self, command: HandoffCommand, value: bytes, now: float, on_status: OnStatus) -> None:
        """Send a request, when the link is there and those before are answered."""
        if self.is_over:
            on_status("the link is over", now)
            return
        self._waiting.append((command, value, on_status))
        self._go_on(now)

    def close(self, now: float) -> None:
        """Nothing is handed over any more."""
        if not self.is_over:
            self._end(now)
            self._connection.destroy(now)

    def _read(self, now: float) -> None:
        while (event := self._connection.poll_event()) is not None:
            if isinstance(event, ConnectionOpened):
                keys = self._connection.keys
                self._keys = link_keys(keys.tx, keys.rx)
                self._go_on(now)
            elif isinstance(event, RemoteEnded):
                self._lost("the proxy ended the connection", now)
            elif isinstance(event, ConnectionClosed):
                self._lost(event.closing.text, now)

    def _go_on(self, now: float) -> None:
        path, keys, link = self.path, self._keys, self._connection.raw.remote_id
        if keys is None or path is None or link is None or self._busy or not self._waiting or self.is_over:
            return
        command, value, on_status = self._waiting.popleft()
        self._busy = True
        self._count += 1
        count = self._count
        sealed = seal_request(keys, link, count, command, value)

        def answered(status: Status | str, now: float) -> None:
            self._busy = False
            if not self.is_over:
                on_status(status, now)
                self._go_on(now)

        def replied(reply: Reply, now: float) -> None:
            plain = open_response(keys, count, command, reply.value or b"")
            if plain is None:
                answered(f"error {reply.error}: {NO_PROXY}" if reply.error else NO_PROXY, now)
                return
            try:
                answered(decode_status(plain), now)
            except DecodeError as error:
                answered(str(error), now)

        def failed(failure: Failure, now: float) -> None:
            answered(NO_PROXY if failure is Failure.TIMED_OUT else str(failure), now)

        request = PluginRequest(PLUGIN, VERSION, command, sealed)
        ask = Ask(Command.PLUGIN, value=encode_plugin_request(request))
        self._session.request(ask, Contact(path[1]), now, replied, failed, socket=path[0])

    def _lost(self, reason: str, now: float) -> None:
        if not self.is_over:
            self._end(now)
            self._connection.destroy(now)
            self._on_lost(reason, now)

    def _end(self, now: float) -> None:
        self.is_over = True
        self._session.destroy(now)
        waiting, self._waiting = self._waiting, deque()
        for _, _, on_status in waiting:
            on_status("the link is over", now)
