"""A server that has a proxy answer the rounds of its clients, and punch.

The link is one for all attempts of the server, and is made anew when it is lost. The first round of an attempt that the
proxy is to answer hands the attempt over; that round, and those that still come here, are passed on. What the client
then sends goes through the proxy, over the link, and is the attempt's path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.messages import Holepunch
from protocol.peer.failures import Cause
from protocol.proxy.handoff import (
    ID_SIZE,
    HandoffCommand,
    Named,
    ProxyRole,
    ProxyState,
    Round,
    Start,
    Status,
    encode_named,
    encode_round,
    encode_start,
)
from protocol.proxy.link import ProxyLink

if TYPE_CHECKING:
    from protocol.dht.contact import Incoming
    from protocol.peer.agenda import Timer
    from protocol.peer.answering import Answering
    from protocol.peer.listening import Server
    from protocol.peer.options import ProxyUse

RECONNECT_WAIT: Final = 2.0
"""Seconds until a lost link is made anew."""
KEEP_INTERVAL: Final = 2.0
"""Seconds between two questions about a hand-off."""


class ServerProxy:
    """The proxy of one server."""

    def __init__(self, server: Server, use: ProxyUse, now: float) -> None:
        self.use = use
        self.trouble = ""
        """Why there is no link."""
        self._server = server
        self._peer = server.peer
        self._timer: Timer | None = None
        self._handoffs: dict[Answering, ServerHandoff] = {}
        self.link = ProxyLink(self._peer, use.public_key, self._lost, now)

    def takes(self, handshake: Answering, *, punching: bool) -> bool:
        """Whether a round of this attempt is the proxy's to answer.

        Args:
            handshake: the attempt.
            punching: whether the client punches, with this round.
        """
        if handshake in self._handoffs:
            return True
        return self.link.path is not None and not self.link.is_over and (punching or not self.use.after_probe)

    def pass_on(self, handshake: Answering, value: Holepunch, request: Incoming, now: float) -> None:
        """Have the proxy answer a round."""
        known = self._handoffs.get(handshake)
        if known is None:
            known = self._handoffs[handshake] = ServerHandoff(self, handshake, now)
            handshake.stand_back(now)
        known.pass_on(value, request, now)

    def is_from(self, socket: int, addr: object) -> bool:
        """Whether a packet that came there is one that the proxy passed on."""
        return self.link.path == (socket, addr)

    def forget(self, handshake: Answering, now: float) -> None:
        """An attempt is over, and its connection."""
        handoff = self._handoffs.pop(handshake, None)
        if handoff is not None:
            handoff.end(now)

    def close(self, now: float) -> None:
        """The server closes or is suspended."""
        if self._timer is not None:
            self._timer.cancel()
        for handshake in tuple(self._handoffs):
            self.forget(handshake, now)
        self.link.close(now)

    def _lost(self, reason: str, now: float) -> None:
        self.trouble = reason
        for handoff in tuple(self._handoffs.values()):
            handoff.fail(Cause.NO_PROXY, reason, now)
        self._timer = self._peer.agenda.call_at(now + RECONNECT_WAIT, self._connect)

    def _connect(self, now: float) -> None:
        self.link = ProxyLink(self._peer, self.use.public_key, self._lost, now)


class ServerHandoff:
    """One attempt of a server, at its proxy."""

    def __init__(self, proxy: ServerProxy, handshake: Answering, now: float) -> None:
        self._proxy = proxy
        self._link = proxy.link
        self._handshake = handshake
        self._peer = handshake.peer
        self._id = self._peer.random_bytes(ID_SIZE)
        self._timer: Timer | None = None
        self._over = False
        offer, connection, secure, result = (handshake.offer, handshake.connection, handshake.secure, handshake.result)
        assert offer is not None
        assert offer.udx is not None
        assert connection is not None
        assert secure is not None
        assert result is not None
        start = Start(
            self._id,
            ProxyRole.SERVER,
            handshake.server.target,
            handshake.id,
            result.holepunch_secret,
            connection.stream_id,
            offer.udx.id,
            offer.firewall,
            handshake.server.announcer.relays,
            token_key=secure.token_key,
        )
        self._link.ask(HandoffCommand.START, encode_start(start), now, self._heard)

    def pass_on(self, value: Holepunch, request: Incoming, now: float) -> None:
        """A round that came here."""
        if self._over or value.peer_address is None:
            return
        one = Round(
            self._id,
            request.message.tid,
            request.sender.address,
            value.peer_address,
            value.payload,
            request.size,
        )
        self._link.ask(HandoffCommand.ROUND, encode_round(one), now, self._heard)

    def fail(self, cause: Cause, detail: str, now: float) -> None:
        """No path this way."""
        if not self._over:
            self._stop()
            self._proxy.forget(self._handshake, now)
            self._handshake.give_up(cause, now, detail)

    def end(self, now: float) -> None:
        """The attempt is over: let the proxy know."""
        if self._over:
            return
        self._stop()
        if not self._link.is_over:
            self._link.ask(HandoffCommand.END, encode_named(Named(self._id)), now, lambda _status, _now: None)

    def _heard(self, status: Status | str, now: float) -> None:
        if self._over:
            return
        if isinstance(status, str):
            self.fail(Cause.NO_PROXY, status, now)
        elif status.state is ProxyState.REFUSED:
            self.fail(Cause.PROXY_REFUSED, status.cause, now)
        elif status.state in (ProxyState.FAILED, ProxyState.ENDED):
            self.fail(Cause.PROXY_FAILED, status.cause, now)
        elif self._timer is None:
            self._timer = self._peer.agenda.call_at(now + KEEP_INTERVAL, self._keep)

    def _keep(self, now: float) -> None:
        self._timer = None
        connection = self._handshake.connection
        if connection is None or connection.is_over:
            self._proxy.forget(self._handshake, now)
        elif not self._over:
            self._link.ask(HandoffCommand.KEEP, encode_named(Named(self._id)), now, self._heard)

    def _stop(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
