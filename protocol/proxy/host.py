"""The proxy: a server whose clients have it punch for them.

A client connects to its key as to any server; that connection is the link. Hand-offs come as PLUGIN requests sealed for
the link, and end with it. Made by `host_proxy`; closing its server ends it.

| a request | needs | does |
|---|---|---|
| any | a link that sealed it; a count above the last one's. The last one again is answered as before | |
| START | room, streams that nobody has | a hand-off begins to punch |
| ROUND | a server's hand-off of this link | the round is answered over the relay that brought it |
| KEEP | a hand-off of this link | its lease begins anew |
| END | a hand-off of this link | it is over |
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from protocol.dht.contact import Incoming, Outgoing
from protocol.errors import DecodeError
from protocol.messages import Address, PluginRequest
from protocol.peer.connection import Connection
from protocol.peer.events import ConnectionClosed
from protocol.peer.listening import Server
from protocol.peer.options import ListenOptions
from protocol.peer.refusals import ServerRefusal
from protocol.proxy.attempts import ProxiedClient, ProxiedServer
from protocol.proxy.forwarding import Forward, Forwarding
from protocol.proxy.handoff import (
    PLUGIN,
    VERSION,
    HandoffCommand,
    ProxyRole,
    ProxyState,
    Status,
    decode_named,
    decode_round,
    decode_start,
    encode_status,
)
from protocol.proxy.limits import ProxyLimits, ProxyRefusal
from protocol.proxy.sealing import LinkKeys, link_keys, open_request, seal_response, split_request
from protocol.stream.events import RemoteEnded

if TYPE_CHECKING:
    from protocol.keys import KeyPair
    from protocol.peer.peer import Peer
    from protocol.proxy.limits import Admits

OVER = 30.0
"""Seconds for which the end of a hand-off can still be asked for."""


class Handoff(Forward):
    """A hand-off and its lease."""

    __slots__ = ("began", "expires")

    def __init__(self, link: Connection, attempt: ProxiedClient | ProxiedServer, now: float, lease: float) -> None:
        super().__init__(link, attempt)
        self.began = now
        self.expires = now + lease


class _Link:
    """A peer that is connected to the proxy."""

    def __init__(self, connection: Connection, keys: LinkKeys) -> None:
        self.connection = connection
        self.keys = keys
        self.count = -1
        self.answer: bytes | None = None
        self.handoffs: dict[bytes, Handoff] = {}


class ProxyHost:
    """One proxy.

    Attributes:
        server: what peers connect to.
        refused: what was not done, by reason.
        rounds_refused: rounds of clients that were not answered, by reason.
        begun: hand-offs taken so far.
        connected: those of them that found a path.
    """

    def __init__(self, peer: Peer, server: Server, limits: ProxyLimits) -> None:
        self.server = server
        self.begun = 0
        self.connected = 0
        self.rounds_refused: Counter[ServerRefusal] = Counter()
        self._peer = peer
        self._limits = limits
        self._forwarding = Forwarding(limits)
        self.refused = self._forwarding.refused
        self._links: dict[int, _Link] = {}
        self._looked: set[bytes] = set()
        server.on_accepted = self._accept

    @property
    def handoffs(self) -> tuple[Handoff, ...]:
        """Those that are kept."""
        return tuple(handoff for link in self._links.values() for handoff in link.handoffs.values())

    @property
    def forwarded(self) -> int:
        """Bytes passed on so far."""
        return self._forwarding.forwarded

    @property
    def counts(self) -> dict[str, int]:
        """What was done for others, by name."""
        return {
            "hand-offs of peers that this node punches for": self.begun,
            "hand-offs that found a path": self.connected,
            "bytes of streams passed on": self.forwarded,
        }

    @property
    def refusals(self) -> dict[str, int]:
        """What was not done for others, by reason."""
        refused = {str(reason): count for reason, count in self.refused.items()}
        return refused | {str(reason): count for reason, count in self.rounds_refused.items()}

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> bool:
        """Pass a packet on, if it is of one of the streams."""
        return self._forwarding.receive_datagram(data, addr, now, socket)

    def poll_datagram(self) -> Outgoing | None:
        """The next packet to pass on."""
        return self._forwarding.poll_datagram()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        return min((handoff.expires for handoff in self.handoffs), default=None)

    def handle_timeout(self, now: float) -> None:
        """Forget hand-offs that nobody keeps."""
        for link in self._links.values():
            for name, handoff in tuple(link.handoffs.items()):
                if handoff.expires <= now:
                    self._end(handoff, now, "nobody kept it")
                    del link.handoffs[name]

    def serve_plugin(self, asked: PluginRequest, request: Incoming, now: float) -> None:
        """A PLUGIN request to proxies."""
        sealed = split_request(asked.value or b"")
        link = None if sealed is None else self._links.get(sealed.link)
        if sealed is None or link is None:
            self.refused[ProxyRefusal.UNKNOWN_LINK] += 1
            return
        # The command is sealed, too: whoever could change it would turn a KEEP into an END.
        plain = open_request(link.keys, sealed, asked.command) if asked.command < 256 else None
        if plain is None:
            self.refused[ProxyRefusal.NOT_SEALED] += 1
            return
        if sealed.number < link.count or (sealed.number == link.count and link.answer is None):
            self.refused[ProxyRefusal.REPEATED] += 1
            return
        if sealed.number > link.count:
            link.count, link.answer = sealed.number, None
            status = self._serve(link, asked.command, plain, now)
            if status is None:
                self.refused[ProxyRefusal.MALFORMED] += 1
                return
            link.answer = seal_response(link.keys, sealed.number, asked.command, encode_status(status))
        self._peer.node.requests.replies.reply(request, now, link.answer, token=False, closer_nodes=False)

    def find(self, target: bytes, id: int) -> ProxiedServer | None:
        """The hand-off that answers rounds of this attempt, for the router."""
        for handoff in self.handoffs:
            attempt = handoff.attempt
            if isinstance(attempt, ProxiedServer) and attempt.start.target == target and attempt.start.id == id:
                return attempt
        return None

    def close(self, now: float) -> None:
        """End all hand-offs."""
        for link in tuple(self._links.values()):
            self._forget(link, now)

    # Links.

    def _accept(self, connection: Connection, now: float) -> None:
        keys = link_keys(connection.keys.rx, connection.keys.tx)
        link = self._links[connection.stream_id] = _Link(connection, keys)
        connection.reader = lambda now: self._read(link, now)
        self._read(link, now)

    def _read(self, link: _Link, now: float) -> None:
        """Nothing is said on a link; its end counts."""
        while (event := link.connection.poll_event()) is not None:
            if isinstance(event, RemoteEnded) and link.connection.may_send:
                link.connection.end()
            if isinstance(event, RemoteEnded | ConnectionClosed):
                self._forget(link, now)

    def _forget(self, link: _Link, now: float) -> None:
        if self._links.pop(link.connection.stream_id, None) is not None:
            for handoff in link.handoffs.values():
                self._end(handoff, now, "the peer is gone")
            link.handoffs.clear()

    # Hand-offs.

    def _serve(self, link: _Link, command: int, plain: bytes, now: float) -> Status | None:
        """What a request leads to; None for one that is malformed."""
        try:
            if command == HandoffCommand.START:
                return self._start(link, plain, now)
            if command == HandoffCommand.ROUND:
                one = decode_round(plain)
                handoff = link.handoffs.get(one.handoff)
                if handoff is not None and isinstance(handoff.attempt, ProxiedServer):
                    handoff.attempt.serve(one, now)
                return self._status(one.handoff, handoff, now)
            if command in (HandoffCommand.KEEP, HandoffCommand.END):
                name = decode_named(plain).handoff
                handoff = link.handoffs.get(name)
                if handoff is not None and command == HandoffCommand.END:
                    self._end(handoff, now, "ended by the peer")
                return self._status(name, handoff, now)
        except DecodeError:
            return None
        return None

    def _start(self, link: _Link, plain: bytes, now: float) -> Status:
        start = decode_start(plain)
        known = link.handoffs.get(start.handoff)
        if known is not None:
            return self._status(start.handoff, known, now)
        if len(link.handoffs) >= self._limits.handoffs_per_peer or len(self.handoffs) >= self._limits.handoffs:
            return self._refuse(start.handoff, ProxyRefusal.TOO_MANY)
        if self._peer.pool.is_full:
            return self._refuse(start.handoff, ProxyRefusal.TOO_MANY)
        if start.role is ProxyRole.SERVER and self.find(start.target, start.id) is not None:
            return self._refuse(start.handoff, ProxyRefusal.TAKEN)
        role = ProxiedClient if start.role is ProxyRole.CLIENT else ProxiedServer
        attempt = role(self._peer, start, now)
        handoff = Handoff(link.connection, attempt, now, self._limits.lease)
        if not self._forwarding.add(handoff):
            attempt.end(now)
            return self._refuse(start.handoff, ProxyRefusal.TAKEN)
        if isinstance(attempt, ProxiedServer):
            attempt.on_refused = self._round_refused
        self.begun += 1
        link.handoffs[start.handoff] = handoff
        attempt.on_path = lambda: self._path_found(handoff)
        attempt.begin(now)
        return self._status(start.handoff, handoff, now)

    def _path_found(self, handoff: Handoff) -> None:
        self.connected += 1
        self._forwarding.flush(handoff)

    def _status(self, name: bytes, handoff: Handoff | None, now: float) -> Status:
        if handoff is None:
            return self._refuse(name, ProxyRefusal.UNKNOWN_HANDOFF)
        attempt, lifetime = handoff.attempt, self._limits.lifetime
        if handoff.full:
            self._end(handoff, now, "all its bytes are used up")
        if attempt.state in (ProxyState.PUNCHING, ProxyState.CONNECTED):
            handoff.expires = now + self._limits.lease
            if lifetime is not None:
                handoff.expires = min(handoff.expires, handoff.began + lifetime)
        return Status(name, attempt.state, attempt.cause, handoff.forwarded, max(0.0, handoff.expires - now))

    def _refuse(self, name: bytes, refusal: ProxyRefusal) -> Status:
        self.refused[refusal] += 1
        return Status(name, ProxyState.REFUSED, str(refusal))

    def _round_refused(self, refusal: ServerRefusal) -> None:
        self.rounds_refused[refusal] += 1

    def _end(self, handoff: Handoff, now: float, cause: str) -> None:
        self._forwarding.remove(handoff)
        handoff.attempt.end(now, cause)
        handoff.expires = min(handoff.expires, now + OVER)


def host_proxy(
    peer: Peer,
    pair: KeyPair,
    now: float,
    admits: Admits | None = None,
    limits: ProxyLimits | None = None,
) -> ProxyHost:
    """Have a peer be a proxy under this key.

    Args:
        peer: who punches.
        pair: what its clients connect to.
        now: seconds.
        admits: who may use it; everybody who knows the key if None.
        limits: how much of it.

    Raises:
        LocalProtocolError: the peer is closed, or listens on this key already.
    """
    options = ListenOptions(
        firewall=lambda key, _offer, _client: admits is not None and not admits(key), share_local_address=False
    )
    limits = limits or ProxyLimits()
    host = ProxyHost(peer, peer.listen(pair, now, options), limits)
    peer.punches.limit, peer.punches.interval = limits.punches, limits.punch_interval
    peer.add_host(host)
    peer.node.plugins.register(PLUGIN, VERSION, host.serve_plugin)
    peer.node.router.stand_ins.append(host.find)
    return host
