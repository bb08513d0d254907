"""A client that has a proxy punch for it.

| step | goes on with |
|---|---|
| link | the proxy is connected to, as every server is |
| probe, where that is done here | what the probe round told |
| START | PUNCHING |
| KEEP, four times a second | CONNECTED: the stream starts, on the link's path; FAILED, REFUSED: it has failed |
| KEEP, every five seconds | the end of the connection: END, and the link is closed |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from protocol.peer.client_rounds import ClientRounds
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.rounds import Probed, PunchOffer, RoundsOwner
from protocol.proxy.handoff import (
    ID_SIZE,
    HandoffCommand,
    Known,
    Named,
    ProxyRole,
    ProxyState,
    Start,
    Status,
    encode_named,
    encode_start,
)
from protocol.proxy.link import ProxyLink

if TYPE_CHECKING:
    from protocol.noise_handshake import HandshakeResult
    from protocol.peer.agenda import Timer
    from protocol.peer.options import ProxyUse

PUNCHING_INTERVAL: Final = 0.25
"""Seconds between two questions whether the proxy has got through."""
KEEP_INTERVAL: Final = 5.0
"""Seconds between two that only keep the hand-off."""


class Rounds(Protocol):
    """What an attempt has in the place of rounds of its own."""

    def start(self, now: float) -> None:
        """Begin."""

    def stop(self, now: float) -> None:
        """A path was found, or nobody wants one any more."""


class ProxiedRounds:
    """The rounds of one attempt of a client, at a proxy.

    Args:
        attempt: who wants them.
        offer: the server's.
        result: what the handshake agreed on.
        streams: UDX ids of the client and of the server.
        use: the proxy.
        is_over: whether the client's connection is over.
        now: seconds.
    """

    def __init__(
        self,
        attempt: RoundsOwner,
        offer: PunchOffer,
        result: HandshakeResult,
        streams: tuple[int, int],
        use: ProxyUse,
        is_over: Callable[[], bool],
        now: float,
    ) -> None:
        self._attempt = attempt
        self._peer = attempt.peer
        self._offer = offer
        self._result = result
        self._streams = streams
        self._is_over = is_over
        self._handoff = self._peer.random_bytes(ID_SIZE)
        self._state = ProxyState.PUNCHING
        self._timer: Timer | None = None
        self._stopped = False
        self._link = ProxyLink(self._peer, use.public_key, self._lost, now)
        self._own: ClientRounds | None = None
        if use.after_probe:
            secure = self._peer.secure_payload(result)
            self._own = ClientRounds(attempt, offer, secure, now, hand_over=self._hand_over)

    def start(self, now: float) -> None:
        """Probe, or hand over at once."""
        if self._own is not None:
            self._own.start(now)
        else:
            self._attempt.connection.set_stage(Stage.PROBING)
            self._start(None, now)

    def stop(self, now: float) -> None:
        """A path was found, or nobody wants one any more; the proxy's own path is kept as long as the connection."""
        if self._own is not None:
            self._own.stop(now)
        if self._state is ProxyState.CONNECTED and not self._is_over():
            return
        self._end(now)

    def is_from(self, socket: int, addr: object) -> bool:
        """Whether a packet that came there is one that the proxy passed on."""
        return self._link.path == (socket, addr)

    def _hand_over(self, probed: Probed, now: float) -> None:
        known = Known(probed.round, probed.firewall, probed.addresses, probed.server, probed.token)
        self._start(known, now)

    def _start(self, known: Known | None, now: float) -> None:
        offer = self._offer
        start = Start(
            self._handoff,
            ProxyRole.CLIENT,
            self._attempt.target,
            offer.id,
            self._result.holepunch_secret,
            *self._streams,
            offer.firewall,
            offer.relays,
            offer.relay,
            offer.server,
            fast_open=self._attempt.options.fast_open,
            known=known,
        )
        self._link.ask(HandoffCommand.START, encode_start(start), now, self._heard)

    def _heard(self, status: Status | str, now: float) -> None:
        if self._stopped:
            return
        if isinstance(status, str):
            self._fail(Cause.NO_PROXY, status, now)
            return
        before, self._state = self._state, status.state
        path = self._link.path
        if status.state is ProxyState.CONNECTED and path is not None:
            if before is ProxyState.PUNCHING:
                self._attempt.path_found(*path, now)
            self._keep_later(KEEP_INTERVAL, now)
        elif status.state is ProxyState.PUNCHING:
            self._attempt.connection.set_stage(Stage.PUNCHING)
            self._keep_later(PUNCHING_INTERVAL, now)
        else:
            cause = Cause.PROXY_REFUSED if status.state is ProxyState.REFUSED else Cause.PROXY_FAILED
            self._fail(cause, status.cause, now)

    def _keep_later(self, wait: float, now: float) -> None:
        if not self._stopped:
            self._timer = self._peer.agenda.call_at(now + wait, self._keep)

    def _keep(self, now: float) -> None:
        if self._is_over():
            self._end(now)
        elif not self._stopped:
            self._link.ask(HandoffCommand.KEEP, encode_named(Named(self._handoff)), now, self._heard)

    def _lost(self, reason: str, now: float) -> None:
        if not self._stopped:
            self._fail(Cause.NO_PROXY, reason, now)

    def _fail(self, cause: Cause, detail: str, now: float) -> None:
        """Without the proxy there is no path; a stream that runs over it notices by itself."""
        self._end(now)
        self._attempt.fail(ErrorName.HOLEPUNCH_ABORTED, cause, now, detail)

    def _end(self, now: float) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._link.is_over:
            return
        # The proxy hears of it, or sees the link end.
        self._link.ask(
            HandoffCommand.END, encode_named(Named(self._handoff)), now, lambda _, now: self._link.close(now)
        )
