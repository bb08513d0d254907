"""The client's two rounds of holepunching, over the relays of a server.

| round | goes to | says | ends with |
|---|---|---|---|
| probe | the server's relay that is ours too, or its first | our NAT, where we opened a session | both NATs, a token |
| probe again | the same | the same, known better: if a NAT was unknown, no token came, or after a new socket | |
| punch | the relay of the handshake | that we punch, and the tokens | the server punches too |
| delay | the relay of the handshake | that we can't punch yet; only with a blind relay to wait on | |
| abort | the server's relay | that it is over | |

Before the probe round a punch with a low TTL opens our NAT for the address that the handshake came from (fast open).
When the server had said nothing of its NAT, it gets a second to find out. A socket whose NAT is unknown after four
samples, or random like the server's, is replaced up to three times.

The reference means to open a second session in the probe round, to an address in the server's answer, but reads a field
that payloads do not have; so it never does, and neither do we.

Source: npm hyperdht 6.34.0 (lib/connect.js: holepunch, probeRound, roundPunch, updateHolepunch, abort).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.constants import LOW_TTL, ErrorCode, Firewall
from protocol.dht.router_client import HolepunchReply, RelayFailed
from protocol.messages import Address, HolepunchPayload, RelayInfo
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.punch_steps import fire, fire_again
from protocol.peer.round_requests import RoundRequests
from protocol.peer.rounds import Probed, PunchOffer, RoundsOwner
from protocol.peer.steps import Act, HolepunchStep, Let, PunchStep, Sending
from protocol.punch.secure_payload import SecurePayload
from protocol.punch.stability import known_class

if TYPE_CHECKING:
    from protocol.peer.agenda import Timer
    from protocol.punch.puncher import Puncher

UNKNOWN_WAIT: Final = 1.0
"""Seconds for a server to learn of its NAT."""
TRY_LATER_WAIT: Final = 10.0
"""Least seconds until a random punch is tried again while a blind relay carries the stream; up to twice that."""


class ClientRounds:
    """The rounds of one attempt, and its puncher.

    Args:
        attempt: who wants them.
        offer: the server's.
        secure: seals and opens the payloads.
        now: seconds.
        hand_over: takes what the probe round told, in the place of the punch round: another one punches.
        by_samples: see `NatAnalysis`.
    """

    def __init__(
        self,
        attempt: RoundsOwner,
        offer: PunchOffer,
        secure: SecurePayload,
        now: float,
        hand_over: Callable[[Probed, float], None] | None = None,
        *,
        by_samples: bool = False,
    ) -> None:
        self.puncher: Puncher = attempt.peer.make_puncher(
            initiator=True,
            remote_firewall=offer.firewall,
            on_connect=attempt.path_found,
            on_abort=self._aborted,
            now=now,
            by_samples=by_samples,
            connection=attempt.connection,
        )
        self._attempt = attempt
        self._peer = attempt.peer
        self._connection = attempt.connection
        self._offer = offer
        self._server = offer.server
        self._relay = offer.first_relay
        self._secure = secure
        self._requests = RoundRequests(attempt, offer, secure, self.puncher, lambda: self._is_done)
        self._hand_over = hand_over
        self._round = 0
        self._token: bytes | None = None
        self._timer: Timer | None = None
        self._stopped = False
        self._cause: tuple[Cause, str] = (Cause.NO_SOCKET, "")
        self._delayed = False

    def start(self, now: float) -> None:
        """Begin with the probe round."""
        self._connection.set_stage(Stage.PROBING)
        self._probe(now, retry=True)

    def go_on(self, probed: Probed, now: float) -> None:
        """Begin with the punch round, after another one's probe round."""
        self._round, self._server, self._token = probed.round, probed.server, probed.token
        self.puncher.update_remote(punching=False, firewall=probed.firewall, addresses=probed.addresses, verified=None)

        def looked(_: bool, now: float) -> None:
            if not self._is_done:
                self._decide(now)

        self.puncher.analyze(True, now, looked)

    def stop(self, now: float) -> None:
        """A path was found, or nobody wants one any more."""
        if self._stopped:
            return
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._cause = (Cause.DESTROYED, "")
        self.puncher.destroy(now)

    @property
    def _is_done(self) -> bool:
        return self._stopped or self._attempt.is_done or self.puncher.connected

    def _probe(self, now: float, *, retry: bool) -> None:
        fast = self._server if self._attempt.options.fast_open else None

        def ask(now: float) -> None:
            payload = HolepunchPayload(
                ErrorCode.NONE,
                self.puncher.nat.firewall,
                self._next_round(),
                addresses=self.puncher.nat.addresses,
                remote_address=fast,
            )
            self._say(
                Act.PROBE,
                payload,
                self._relay,
                now,
                lambda reply, now: self._probed(*reply, now, retry=retry),
                self._skip_probe,
            )

        if fast is None:
            ask(now)
        else:
            self._open_session(fast, now, ask)

    def _skip_probe(self, now: float) -> None:
        """On to the punch round, without anything from the server."""

        def looked(_: bool, now: float) -> None:
            if not self._is_done:
                self._decide(now)

        self.puncher.analyze(False, now, looked)

    def _probed(self, reply: HolepunchReply, payload: HolepunchPayload, now: float, *, retry: bool) -> None:
        self.puncher.nat.add(reply.to, reply.sender, now)

        def looked(stable: bool, now: float) -> None:
            self._looked(stable, reply, payload, now, retry=retry)

        def look(now: float) -> None:
            if not self._is_done:
                self.puncher.analyze(False, now, looked)

        if self.puncher.remote_firewall == Firewall.UNKNOWN:
            self._timer = self._peer.agenda.call_at(now + UNKNOWN_WAIT, look)
        else:
            look(now)

    def _looked(
        self, stable: bool, reply: HolepunchReply, payload: HolepunchPayload, now: float, *, retry: bool
    ) -> None:
        if self._is_done:
            return
        if stable:
            self._weigh(reply, payload, now, retry=retry)
            return

        def reopened(stable: bool, now: float) -> None:
            if self._is_done:
                return
            if stable:
                self._probe(now, retry=False)
            else:
                self._weigh(reply, payload, now, retry=retry)

        self.puncher.analyze(True, now, reopened)

    def _weigh(self, reply: HolepunchReply, payload: HolepunchPayload, now: float, *, retry: bool) -> None:
        """Probe again, give up, or go on to punch."""
        remote, local = self.puncher.remote_firewall, self.puncher.nat.firewall
        if (remote == Firewall.UNKNOWN or payload.token is None) and retry:
            self._probe(now, retry=False)
        elif self._hand_over is not None:
            # Our own NAT does not count: another one punches.
            known = tuple(one.address for one in self.puncher.remote_addresses)
            self.stop(now)
            self._hand_over(Probed(self._round, remote, known, reply.peer_address, payload.token), now)
        elif Firewall.UNKNOWN in (remote, local):
            unknown = "the server's" if remote == Firewall.UNKNOWN else "ours"
            self._abort(Cause.PROBE_TIMED_OUT, now, unknown)
        elif remote >= Firewall.RANDOM and local >= Firewall.RANDOM:
            self._abort(Cause.DOUBLE_RANDOM, now)
        else:
            self._token = payload.token
            self._prepare(reply.peer_address, now)

    def _prepare(self, peer_address: Address, now: float) -> None:
        """Between the rounds: follow a server that has replaced its socket, and ask our own policy."""
        if self._relay.relay_address == self._offer.relay and peer_address != self._server:
            # Only where both rounds take one relay: to another one the server has no session from its new socket.
            self._server = peer_address
            self._open_session(peer_address, now, self._decide)
        else:
            self._decide(now)

    def _decide(self, now: float) -> None:
        puncher = self.puncher
        if self._attempt.options.holepunch(
            known_class(puncher.remote_firewall),
            puncher.nat.firewall,
            tuple(known.address for known in puncher.remote_addresses),
            puncher.nat.addresses or (),
        ):
            self._punch(now)
        else:
            self._abort(Cause.POLICY, now)

    def _punch(self, now: float) -> None:
        if self._is_done:
            return
        puncher = self.puncher
        puncher.nat.freeze()
        random = puncher.remote_firewall >= Firewall.RANDOM or puncher.nat.firewall >= Firewall.RANDOM
        if random and not self._peer.punches.may_start(now):
            self._wait_for_budget(now)
            return
        self._connection.set_stage(Stage.PUNCHING)
        relay, token = self._way()
        payload = HolepunchPayload(
            ErrorCode.NONE,
            puncher.nat.firewall,
            self._next_round(),
            punching=True,
            addresses=puncher.nat.addresses,
            token=token,
            remote_token=self._token,
        )

        def answered(answer: HolepunchPayload, now: float) -> None:
            if answer.error == ErrorCode.TRY_LATER:
                self._delayed = True
                self._try_later(now)
            elif not puncher.remote_punching:
                self._give_up(Cause.REMOTE_NOT_PUNCHING, now)
            else:
                self._fire(now)

        self._say(Act.PUNCH, payload, relay, now, lambda reply, now: answered(reply[1], now), self._fire, random=random)

    def _fire(self, now: float) -> None:
        def fired(step: Let, now: float) -> None:
            if self._is_done or not isinstance(step, PunchStep):
                return
            self._cause = (Cause.PUNCHES_LOST, "")
            if step.to is not None:
                self.puncher.aim(step.to)
            if self.puncher.punch(now):
                self._peer.follow(self.puncher)
            else:
                self._give_up(Cause.NO_ADDRESS, now)

        self._peer.gate(PunchStep(Act.BARRAGE, self._connection), Sending(fired, fire_again(self.puncher)), now)

    def _wait_for_budget(self, now: float) -> None:
        """One punch at a random NAT at a time; while a blind relay carries the stream there is time to wait."""
        if not self._attempt.may_wait:
            self._give_up(Cause.BUDGET, now)
        elif self._delayed:
            self._try_later(now)
        else:
            self._delayed = True
            payload = HolepunchPayload(
                ErrorCode.NONE,
                self.puncher.nat.firewall,
                self._next_round(),
                addresses=self.puncher.nat.addresses,
                token=self._secure.token(self._server.host),
                remote_token=self._token,
            )
            way = RelayInfo(self._offer.relay, self._server)
            self._say(Act.DELAY, payload, way, now, lambda _, now: self._try_later(now), self._try_later)

    def _try_later(self, now: float) -> None:
        wait = TRY_LATER_WAIT * (1 + self._peer.random.random())
        self._timer = self._peer.agenda.call_at(now + wait, self._punch)

    def _way(self) -> tuple[RelayInfo, bytes | None]:
        """The relay of the punch round, and our token for the server's address there: only our own relay proves it."""
        if self._delayed:
            return self._relay, None
        return RelayInfo(self._offer.relay, self._server), self._secure.token(self._server.host)

    # What all rounds have in common.

    def _open_session(self, to: Address, now: float, go_on: Callable[[float], None]) -> None:
        def opened(step: Let, now: float) -> None:
            if self._is_done:
                return
            if isinstance(step, PunchStep):
                fire(self.puncher, step, now)
            go_on(now)

        step = PunchStep(Act.SESSION, self._connection, to, LOW_TTL)
        self._peer.gate(step, Sending(opened, fire_again(self.puncher)), now)

    def _say(
        self,
        act: Act,
        payload: HolepunchPayload,
        way: RelayInfo,
        now: float,
        on_answer: Callable[[tuple[HolepunchReply, HolepunchPayload], float], object],
        on_skip: Callable[[float], object],
        *,
        random: bool = False,
    ) -> None:
        """Send one round and read its answer; everything but an answer that counts gives up, unless it is skipped."""

        def ended(reply: HolepunchReply | RelayFailed | None, step: HolepunchStep | None, now: float) -> None:
            if self._is_done:
                return
            if act is Act.ABORT:
                self.puncher.destroy(now)
            elif step is None:
                self._give_up(Cause.SKIPPED, now)
            elif isinstance(reply, HolepunchReply):
                answer = self._read(reply, step, now)
                if answer is not None:
                    on_answer((reply, answer), now)
            elif reply is not None:
                bad = Cause.ROUND_BAD_REPLY if reply.reason == "BAD_HOLEPUNCH_REPLY" else Cause.ROUND_TIMED_OUT
                self._give_up(bad, now, str(reply.reason))

        self._requests.say(act, payload, way, now, ended, on_skip, token=self._token, random=random)

    def _read(self, reply: HolepunchReply, step: HolepunchStep, now: float) -> HolepunchPayload | None:
        """The answer's payload, after the puncher was told; None where it ends the attempt."""
        answer = self._secure.decrypt(reply.payload)
        if answer is None:
            self._give_up(Cause.ROUND_INVALID, now)
            return None
        if answer.error == ErrorCode.TRY_LATER and self._attempt.may_wait and step.payload.punching:
            return answer
        if answer.error != ErrorCode.NONE:
            later = answer.error == ErrorCode.TRY_LATER
            cause = Cause.REMOTE_TRY_LATER if later else Cause.REMOTE_ABORTED
            self._give_up(cause, now, f"error {answer.error} in round {answer.round}")
            return None
        echoed = answer.remote_token is not None and answer.remote_token == step.payload.token
        self.puncher.update_remote(
            punching=answer.punching,
            firewall=answer.firewall,
            addresses=None if answer.addresses is None else answer.addresses[: self._peer.limits.remote_addresses],
            verified=step.peer_address.host if echoed and step.peer_address is not None else None,
        )
        return answer

    def _next_round(self) -> int:
        number = self._round
        self._round += 1
        return number

    def _abort(self, cause: Cause, now: float, detail: str = "") -> None:
        """Tell the server, then give up, whether or not it answers."""
        self._cause = (cause, detail)
        payload = HolepunchPayload(ErrorCode.ABORTED, Firewall.UNKNOWN, self._next_round())
        self._say(Act.ABORT, payload, self._relay, now, lambda _, _now: None, lambda _: None)

    def _give_up(self, cause: Cause, now: float, detail: str = "") -> None:
        self._cause = (cause, detail)
        self.puncher.destroy(now)

    def _aborted(self, now: float) -> None:
        """The puncher is destroyed without a path: by us, or when all its punches went unanswered."""
        if not self._stopped:
            self._stopped = True
            self._attempt.fail(ErrorName.HOLEPUNCH_ABORTED, self._cause[0], now, self._cause[1])
