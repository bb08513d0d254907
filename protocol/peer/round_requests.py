"""The client's rounds on their way: built as a step, given to the gate, sealed, sent, and their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.constants import Mode
from protocol.dht.router_client import HolepunchReply, RelayFailed, peer_holepunch
from protocol.messages import HolepunchPayload, RelayInfo
from protocol.peer.rounds import PunchOffer, RoundsOwner
from protocol.peer.steps import Act, HolepunchStep, Let, Sending, Skipped, Step
from protocol.punch.secure_payload import SecurePayload

if TYPE_CHECKING:
    from protocol.punch.puncher import Puncher

OnEnd = Callable[[HolepunchReply | RelayFailed | None, HolepunchStep | None, float], None]
"""Called with the answer, and what it answers; with None twice where the round was left out."""


class RoundRequests:
    """Sends the rounds of one attempt.

    Args:
        attempt: who wants them.
        offer: the server's.
        secure: seals.
        puncher: whose socket they leave from.
        is_done: whether nobody wants them any more.
    """

    def __init__(
        self,
        attempt: RoundsOwner,
        offer: PunchOffer,
        secure: SecurePayload,
        puncher: Puncher,
        is_done: Callable[[], bool],
    ) -> None:
        self._attempt = attempt
        self._peer = attempt.peer
        self._offer = offer
        self._secure = secure
        self._puncher = puncher
        self._is_done = is_done

    def say(
        self,
        act: Act,
        payload: HolepunchPayload,
        way: RelayInfo,
        now: float,
        on_end: OnEnd,
        on_skip: Callable[[float], object],
        *,
        token: bytes | None,
        random: bool,
    ) -> None:
        """Give one round to the gate, and send it once that lets it go.

        Where the punch is `random`, a place in the budget of such punches is reserved until the answer is here: two
        attempts must not both find the budget free and then punch.

        Args:
            act: what the round is for.
            payload: what it says.
            way: the relay that it goes over, and the server as that sees it.
            now: seconds.
            on_end: called once, unless the round is skipped.
            on_skip: called where it is.
            token: the server's for us, whether or not the round echoes it.
            random: whether one of the NATs is.
        """
        reservation: Callable[[], None] | None = None

        def replied(reply: HolepunchReply | RelayFailed, step: HolepunchStep, now: float) -> None:
            if reservation is not None:
                reservation()
            on_end(reply, step, now)

        def released(step: Let, now: float) -> None:
            nonlocal reservation
            if isinstance(step, Skipped) and act is not Act.ABORT and not self._is_done():
                on_skip(now)
            elif self._is_done() or not isinstance(step, HolepunchStep) or step.relay is None:
                on_end(None, None, now)
            else:
                sent = step
                reservation = self._peer.punches.reserve() if random else None
                self._send(step, now, lambda reply, now: replied(reply, sent, now))

        def again(step: Step, now: float) -> None:
            if isinstance(step, HolepunchStep) and step.relay is not None:
                self._send(step, now, lambda _reply, _now: None)

        step = HolepunchStep(
            act,
            self._attempt.connection,
            payload,
            way.relay_address,
            way.peer_address,
            self._offer.id,
            Mode.FROM_CLIENT,
            own_token=self._secure.token(way.peer_address.host),
            heard_token=token,
        )
        self._peer.gate(step, Sending(released, again), now)

    def _send(
        self, step: HolepunchStep, now: float, on_reply: Callable[[HolepunchReply | RelayFailed, float], None]
    ) -> None:
        assert step.relay is not None
        peer_holepunch(
            self._attempt.session,
            self._attempt.target,
            self._offer.id,
            self._secure.seal(step.sealed_bytes),
            step.relay,
            now,
            on_reply,
            peer_address=step.peer_address,
            socket=None if self._puncher.destroyed else self._puncher.socket,
            encode=step.encoded,
        )
