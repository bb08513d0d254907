"""How a server answers the rounds of a client.

| step | what it does |
|---|---|
| open | a payload that does not open, or an error in it, ends it: an abort is answered with one |
| verify | our token, echoed over one of our own relays, proves the address that the relay names |
| learn | the client's firewall and addresses, unless a later round said more; a NAT sample if it reached our puncher |
| wait | for the classification of our own NAT; a socket that stays unknown is replaced, unless the client punches |
| fast open | a ping, if we are consistent and the client has opened its NAT for one of our addresses |
| punch | if the client does; at a random NAT only when no other such punch is, or just was, under way |
| answer | our NAT, which from now on stays as told, the client's token, and ours if this came over our own relay |

The budget of random punches is told with TRY_LATER.

Source: npm hyperdht 6.34.0 (lib/server.js: _onpeerholepunch, _abort).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.constants import ErrorCode, Firewall, Mode
from protocol.dht.contact import Incoming
from protocol.dht.local_server import Answer, LocalReply
from protocol.messages import Address, Holepunch, HolepunchPayload
from protocol.peer.events import Stage
from protocol.peer.failures import Cause
from protocol.peer.punch_steps import fire, fire_again
from protocol.peer.refusals import ServerRefusal
from protocol.peer.rounds import RoundsServer
from protocol.peer.steps import Act, HolepunchStep, Let, PunchStep, Sending
from protocol.punch.stability import known_class

if TYPE_CHECKING:
    from protocol.punch.puncher import Puncher


class ServerRounds:
    """The rounds of one handshake."""

    def __init__(self, handshake: RoundsServer) -> None:
        self._hs = handshake
        self._peer = handshake.peer
        self._round = 0

    def serve(self, value: Holepunch, request: Incoming, answer: Answer, now: float) -> None:
        """Answer one round, now or when our NAT is known."""
        hs = self._hs
        if hs.secure is None:
            self._refuse(ServerRefusal.UNKNOWN_ID)
            return
        said = hs.secure.decrypt(value.payload)
        if said is None or value.peer_address is None:
            self._refuse(ServerRefusal.NOT_OPENED)
            return
        puncher = hs.puncher
        if puncher is None or puncher.destroyed:
            self._refuse(ServerRefusal.DESTROYED)
            self._abort(Cause.REMOTE_ABORTED, answer, now, value.peer_address)
            return
        if said.error != ErrorCode.NONE:
            self._round = max(self._round, said.round)
            detail = f"error {said.error} in round {said.round}"
            self._abort(Cause.REMOTE_ABORTED, answer, now, value.peer_address, detail=detail)
            return
        one = _Round(self, puncher, said, value.peer_address, request, answer)
        one.learn(now)
        one.analyze(now)

    def _refuse(self, refusal: ServerRefusal) -> None:
        self._hs.refuse(refusal)

    def _abort(
        self,
        cause: Cause,
        answer: Answer,
        now: float,
        client: Address,
        *,
        error: ErrorCode = ErrorCode.ABORTED,
        detail: str = "",
    ) -> None:
        """Answer with an error and give up."""
        payload = HolepunchPayload(error, Firewall.UNKNOWN, self._round)
        self._say(Act.ABORT, payload, answer, self._peer.node.requests.main_socket, now, client)
        self._hs.give_up(cause, now, detail)

    def _say(
        self,
        act: Act,
        payload: HolepunchPayload,
        answer: Answer,
        socket: int,
        now: float,
        client: Address,
        heard_token: bytes | None = None,
    ) -> None:
        hs = self._hs
        assert hs.connection is not None

        def send(step: Let, now: float, *, again: bool = False) -> None:
            if isinstance(step, HolepunchStep) and hs.secure is not None:
                answer(LocalReply(hs.secure.seal(step.sealed_bytes), socket, step.encoded, again), now)

        step = HolepunchStep(
            act,
            hs.connection,
            payload,
            peer_address=client,
            id=0,
            mode=Mode.FROM_SERVER,
            own_token=None if hs.secure is None else hs.secure.token(client.host),
            heard_token=heard_token,
        )
        self._peer.gate(step, Sending(send, lambda step, now: send(step, now, again=True)), now)


class _Round:
    """One round that is being answered."""

    def __init__(
        self,
        rounds: ServerRounds,
        puncher: Puncher,
        said: HolepunchPayload,
        client: Address,
        request: Incoming,
        answer: Answer,
    ) -> None:
        self._rounds = rounds
        self._hs = rounds._hs
        self._peer = rounds._peer
        self._puncher = puncher
        self._said = said
        self._client = client
        self._request = request
        self._answer = answer
        self._over_own_relay = self._hs.is_own_relay(request.sender.address)
        assert self._hs.secure is not None
        self._token = self._hs.secure.token(client.host)

    def learn(self, now: float) -> None:
        """Take in what the client says."""
        puncher, said = self._puncher, self._said
        if self._request.socket == puncher.socket:
            puncher.nat.add(self._request.message.to, self._request.sender.address, now)
        if said.round < self._rounds._round:
            return
        self._rounds._round = said.round
        echoed = self._over_own_relay and said.remote_token == self._token
        limit = self._peer.limits.remote_addresses
        puncher.update_remote(
            punching=said.punching,
            firewall=said.firewall,
            addresses=None if said.addresses is None else said.addresses[:limit],
            verified=self._client.host if echoed else None,
        )

    def analyze(self, now: float) -> None:
        """Wait for what can be known of our NAT."""
        puncher = self._puncher

        def looked(stable: bool, now: float) -> None:
            if puncher.destroyed:
                return
            if stable or puncher.remote_punching:
                self._go_on(now)
            else:
                puncher.analyze(True, now, reopened)

        def reopened(stable: bool, now: float) -> None:
            if puncher.destroyed:
                return
            if stable:
                self._go_on(now)
            else:
                double = puncher.nat.firewall >= Firewall.RANDOM
                self._abort(Cause.DOUBLE_RANDOM if double else Cause.PROBE_TIMED_OUT, now)

        puncher.analyze(False, now, looked)

    def _go_on(self, now: float) -> None:
        nat, opened = self._puncher.nat, self._said.remote_address
        if (
            nat.firewall in (Firewall.OPEN, Firewall.CONSISTENT)
            and opened is not None
            and opened in (nat.addresses or ())
        ):
            self._ping(now)
        elif self._puncher.remote_punching:
            self._punch(now)
        else:
            self._reply(now)

    def _ping(self, now: float) -> None:
        """Fast open: the client's NAT lets us in already."""
        assert self._hs.connection is not None

        def released(step: Let, now: float) -> None:
            if self._puncher.destroyed:
                return
            if isinstance(step, PunchStep):
                fire(self._puncher, step, now)
            if self._puncher.remote_punching:
                self._punch(now)
            else:
                self._reply(now)

        step = PunchStep(Act.PING, self._hs.connection, self._client)
        self._peer.gate(step, Sending(released, fire_again(self._puncher)), now)

    def _punch(self, now: float) -> None:
        puncher, hs = self._puncher, self._hs
        assert hs.connection is not None
        if not hs.holepunch(
            known_class(puncher.remote_firewall),
            puncher.nat.firewall,
            tuple(known.address for known in puncher.remote_addresses),
            puncher.nat.addresses or (),
        ):
            self._abort(Cause.POLICY, now)
            return
        hs.round_came()
        random = puncher.remote_firewall >= Firewall.RANDOM or puncher.nat.firewall >= Firewall.RANDOM
        if random and not puncher.punching and not self._peer.punches.may_start(now):
            self._peer.punches.try_later += 1
            if not hs.may_wait:
                self._abort(Cause.BUDGET, now, error=ErrorCode.TRY_LATER)
            else:
                self._reply(now, error=ErrorCode.TRY_LATER)
            return
        hs.connection.set_stage(Stage.PUNCHING)

        def fired(step: Let, now: float) -> None:
            if puncher.destroyed:
                return
            if not isinstance(step, PunchStep):
                self._reply(now)
                return
            if step.to is not None:
                puncher.aim(step.to)
            if puncher.punch(now):
                hs.punches_fired()
                self._peer.follow(puncher)
                self._reply(now)
            else:
                self._abort(Cause.NO_ADDRESS, now)

        self._peer.gate(PunchStep(Act.BARRAGE, hs.connection), Sending(fired, fire_again(puncher)), now)

    def _reply(self, now: float, *, error: ErrorCode = ErrorCode.NONE) -> None:
        puncher = self._puncher
        if error is ErrorCode.NONE and puncher.nat.firewall != Firewall.UNKNOWN:
            # The client plans with what it is told now.
            puncher.nat.freeze()
        payload = HolepunchPayload(
            error,
            puncher.nat.firewall,
            self._rounds._round,
            connected=puncher.connected,
            punching=puncher.punching,
            addresses=puncher.nat.addresses,
            token=self._token if self._over_own_relay else None,
            remote_token=self._said.token,
        )
        self._rounds._say(Act.REPLY, payload, self._answer, puncher.socket, now, self._client, self._said.token)

    def _abort(self, cause: Cause, now: float, *, error: ErrorCode = ErrorCode.ABORTED) -> None:
        self._rounds._abort(cause, self._answer, now, self._client, error=error)
