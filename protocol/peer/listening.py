"""A server: listens on a key pair, is announced at three relays, and answers the handshakes that come through them.

Handshakes are kept by noise message 1, so that a repeated one gets the same answer and costs nothing, and by the
number under which the client's rounds come. Both are bounded, as the reference's are not: so many at once, and so many
new ones from one host in a second.

Source: npm hyperdht 6.34.0 (lib/server.js).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from protocol.dht.contact import Incoming
from protocol.dht.limits import Budgets
from protocol.dht.local_server import Answer
from protocol.hashes import target_of
from protocol.keys import KeyPair
from protocol.messages import Handshake, Holepunch
from protocol.peer.answering import Answering
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionAccepted, ServerClosed, ServerListening
from protocol.peer.options import ListenOptions
from protocol.peer.refusals import ServerRefusal
from protocol.proxy.server import ServerProxy
from protocol.punch.announcer import Announcer

if TYPE_CHECKING:
    from protocol.peer.peer import Peer


class Server:
    """One server. Made by `Peer.listen`.

    Attributes:
        key_pair: what it listens on.
        target: the hash of its key, under which it is found.
        announcer: where it is announced.
        refused: how often it did not answer, by reason.
        listening: whether it has been announced.
        closed: whether it answers nobody any more.
        proxy: who punches in its place, if anybody.
    """

    def __init__(self, peer: Peer, pair: KeyPair, options: ListenOptions) -> None:
        self.peer = peer
        self.key_pair = pair
        self.options = options
        self.target = target_of(pair.public_key)
        self.announcer = Announcer(peer.node, pair)
        self.refused: Counter[ServerRefusal] = Counter()
        self.listening = False
        self.closed = False
        self.on_accepted: Callable[[Connection, float], None] | None = None
        """Takes connections in the place of the application."""
        self.proxy: ServerProxy | None = None
        self._suspended = False
        limits = peer.limits
        self._budgets = Budgets(limits.handshake_rate, limits.handshake_burst, limits.hosts)
        self._by_noise: dict[bytes, Answering] = {}
        self._by_id: dict[int, Answering] = {}
        self._free_ids: list[int] = []

    @property
    def public_key(self) -> bytes:
        """What clients connect to."""
        return self.key_pair.public_key

    @property
    def record(self) -> bytes:
        """The encoded record that FIND_PEER is answered with here."""
        return self.announcer.record

    @property
    def handshakes(self) -> int:
        """Handshakes that are kept."""
        return len(self._by_id)

    @property
    def dials_too_many(self) -> bool:
        """Whether enough blind relays are being connected to because clients said so."""
        dialling = sum(
            handshake.dials_for_client
            and handshake.relay is not None
            and not (handshake.relay.is_over or handshake.relay.paired)
            for handshake in self._by_id.values()
        )
        return dialling >= self.peer.limits.relay_dials

    def start(self, now: float) -> None:
        """Answer what comes, and announce."""
        self.peer.node.router.add_server(self.target, self)
        self._link_proxy(now)
        self.announcer.start(now, self._announced)

    def serve_handshake(self, value: Handshake, request: Incoming, now: float, answer: Answer) -> None:
        """A client wants to connect; see `LocalServer`."""
        if self.closed or self._suspended:
            return
        known = self._by_noise.get(value.noise)
        if known is not None:
            known.serve(answer, now)
            return
        client = value.peer_address or request.sender.address
        if len(self._by_id) >= self.peer.limits.handshakes:
            self.refused[ServerRefusal.TABLE_FULL] += 1
        elif self.peer.pool.is_full:
            self.refused[ServerRefusal.NO_SOCKETS] += 1
        elif not self._budgets.take(client.host, 1, now):
            self.refused[ServerRefusal.TOO_MANY_FROM_HOST] += 1
        else:
            id = heappop(self._free_ids) if self._free_ids else len(self._by_id)
            handshake = Answering(self, id, value.noise, client, request, value.peer_address is None)
            self._by_noise[value.noise] = self._by_id[id] = handshake
            handshake.begin(now)
            handshake.serve(answer, now)

    def serve_holepunch(self, value: Holepunch, request: Incoming, now: float, answer: Answer) -> None:
        """A client that shook hands says how it wants to punch; see `LocalServer`."""
        if self.closed or self._suspended:
            return
        handshake = self._by_id.get(value.id)
        if handshake is None:
            self.refused[ServerRefusal.UNKNOWN_ID] += 1
        else:
            handshake.serve_round(value, request, answer, now)

    def accepted(self, connection: Connection, now: float) -> None:
        """A client has a path."""
        if self.on_accepted is not None:
            self.on_accepted(connection, now)
        else:
            self.peer.emit(ConnectionAccepted(self, connection))

    def forget(self, handshake: Answering, now: float) -> None:
        """A handshake is over and its time has passed."""
        if self._by_id.get(handshake.id) is handshake:
            del self._by_id[handshake.id]
            self._by_noise.pop(handshake.noise, None)
            heappush(self._free_ids, handshake.id)
            handshake.stop(now)

    def suspend(self, now: float, on_done: Callable[[float], None]) -> None:
        """Answer nobody until `resume`, drop attempts without a path, and take the announcements back."""
        self._suspended = True
        self._unlink_proxy(now)
        self._clear(now)
        self.announcer.suspend(now, on_done)

    def resume(self, now: float) -> None:
        """Announce again."""
        self._suspended = False
        self._link_proxy(now)
        self.announcer.resume(now, self._announced)

    def close(self, now: float) -> None:
        """Answer nobody any more and take the announcements back; `ServerClosed` follows. Connections go on."""
        if self.closed:
            return
        self.closed = True
        self.peer.node.router.remove_server(self.target)
        self._unlink_proxy(now)
        self._clear(now)
        self.announcer.stop(now, self._stopped)

    def _link_proxy(self, now: float) -> None:
        if self.options.proxy is not None and self.proxy is None:
            self.proxy = ServerProxy(self, self.options.proxy, now)

    def _unlink_proxy(self, now: float) -> None:
        proxy, self.proxy = self.proxy, None
        if proxy is not None:
            proxy.close(now)

    def _announced(self, _now: float) -> None:
        if not self.closed:
            self.listening = True
            self.peer.emit(ServerListening(self, len(self.announcer.relays)))

    def _stopped(self, now: float) -> None:
        self.peer.forget_server(self, now)
        self.peer.emit(ServerClosed(self))

    def _clear(self, now: float) -> None:
        handshakes = tuple(self._by_id.values())
        self._by_id.clear()
        self._by_noise.clear()
        self._free_ids.clear()
        for handshake in handshakes:
            handshake.stop(now)
