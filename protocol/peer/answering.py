"""The server's side of one handshake: from noise message 1 to a path, or to nothing.

| what the client said | what happens |
|---|---|
| nothing that opens, or what the firewall policy turns away | no answer; repeated messages get none either |
| another version, or no stream | the answer names the error |
| that it is OPEN, or it asked without a relay | the path is there at once: the server sends first |
| addresses, one of them near ours, behind our public host | the usual socket answers; the client's ping opens the way |
| anything else | a puncher, whose socket answers; the client has 10 s for its first round |

A server whose own port is open, or that never punches, waits 10 s for the client's first packet instead. Whatever
happens, the answer is kept for repeated messages until 10 s after the end.

Each round is answered after the puncher knows what it can of our NAT; see `serve_round`.

Source: npm hyperdht 6.34.0 (lib/server.js: _addHandshake, _onpeerholepunch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.constants import ErrorCode, Firewall, Mode
from protocol.dht.contact import Incoming
from protocol.dht.local_server import Answer, LocalReply
from protocol.errors import DecodeError
from protocol.messages import Address, Holepunch, HolepunchInfo, NoisePayload, RelayInfo
from protocol.noise import attempt_id
from protocol.noise_handshake import SEED_SIZE, HandshakeResult, NoiseResponder
from protocol.peer.addresses import is_near
from protocol.peer.answer_payload import answer_to
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, Closing, ErrorName
from protocol.peer.refusals import ServerRefusal
from protocol.peer.relay_paths import RelayPath
from protocol.peer.server_rounds import ServerRounds
from protocol.peer.steps import Act, Let, NoiseStep, Sending, Step, StreamStep
from protocol.punch.secure_payload import SecurePayload
from protocol.sealed_values import decode_noise_payload

if TYPE_CHECKING:
    from protocol.peer.agenda import Timer
    from protocol.peer.listening import Server
    from protocol.peer.options import HolepunchPolicy
    from protocol.punch.puncher import Puncher

FIRST_ROUND_WAIT: Final = 10.0
"""Seconds for a client to go on after the handshake."""

_REPLY_OVERHEAD: Final = 20
"""Bytes around message 2 in the answer to a client that came without a relay, at most."""


class Answering:
    """One handshake of a server.

    Attributes:
        id: what the client names it by in its rounds.
        connection: None where the client was turned away.
    """

    def __init__(self, server: Server, id: int, noise: bytes, client: Address, request: Incoming, direct: bool) -> None:
        self.server = server
        self.peer = server.peer
        self.id = id
        self.noise = noise
        self.connection: Connection | None = None
        self.offer: NoisePayload | None = None
        """What the client offered."""
        self.result: HandshakeResult | None = None
        self.secure: SecurePayload | None = None
        self.puncher: Puncher | None = None
        self.relay: RelayPath | None = None
        """The path through a blind relay, where one of us wants it."""
        self.dials_for_client = False
        """Whether that relay is of the client's choice."""
        self.found = False
        self._client = client
        self._server_address = request.message.to
        self._brought_by = RelayInfo(request.sender.address, request.message.to)
        self._socket = request.socket
        self._credit = request.size
        self._direct = direct
        self._reply: LocalReply | None = None
        self._waiting: list[Answer] = []
        self._last_answer: Answer | None = None
        """To the latest repetition of message 1."""
        self._refused = False
        self._timer: Timer | None = None
        self._clearing: Timer | None = None
        self._rounds = ServerRounds(self)
        self._cause: tuple[Cause, str] = (Cause.NO_SOCKET, "")

    def begin(self, now: float) -> None:
        """Read message 1 and prepare the answer."""
        responder = NoiseResponder(self.server.key_pair, self.peer.random_bytes(SEED_SIZE))
        try:
            offer = decode_noise_payload(responder.read_message_1(self.noise))
        except DecodeError:
            self._refuse(ServerRefusal.NOT_SEALED, now)
            return
        if self.server.options.firewall(responder.remote_public_key, offer, self._client):
            self._refuse(ServerRefusal.FIREWALLED, now)
            return
        self.offer = offer
        self.connection = self.peer.connections.new(
            initiator=False,
            public_key=self.server.key_pair.public_key,
            remote_public_key=responder.remote_public_key,
        )
        self.connection.attempt = attempt_id(self.noise)
        self.connection.on_path = self.path_found
        self.connection.on_over = self._over
        mode = Mode.REPLY if self._direct else Mode.FROM_SERVER
        payload = answer_to(offer, self.server, self.id, self.connection.stream_id, self._relays)
        offer_punching = HolepunchInfo(self.id, self._relays)
        step = NoiseStep(Act.ANSWER, self.connection, payload, mode=mode, offer=offer_punching)
        self.peer.gate(step, Sending(lambda step, now: self._seal(step, responder, now), self._answer_again), now)

    def serve(self, answer: Answer, now: float) -> None:
        """Answer message 1, now or as soon as there is an answer."""
        self._last_answer = answer
        if self._reply is not None:
            answer(self._reply, now)
        elif not self._refused:
            self._waiting.append(answer)

    def serve_round(self, value: Holepunch, request: Incoming, answer: Answer, now: float) -> None:
        """Answer a round of holepunching, or have the proxy answer it."""
        proxy = self.server.proxy
        said = None if proxy is None or self.secure is None else self.secure.decrypt(value.payload)
        if proxy is not None and said is not None and proxy.takes(self, punching=said.punching):
            self.round_came()
            proxy.pass_on(self, value, request, now)
        else:
            self._rounds.serve(value, request, answer, now)

    def path_found(self, socket: int, addr: Address, now: float) -> None:
        """A packet of the client's stream came from there, or its offer says so. The first one counts."""
        connection, offer, result = self.connection, self.offer, self.result
        if self.found or connection is None or connection.closing is not None or not addr.port:
            return
        if self.relay is not None and self.relay.is_from(socket, addr):
            return
        if offer is None or offer.udx is None or result is None:
            return
        self.found = True
        connection.on_path = None
        self.round_came()
        self.peer.connections.hold_socket(connection, socket, now)
        if connection.has_path:
            self.clear_later(now)
            connection.change_path(socket, addr, offer.udx.id)
            if self.relay is not None:
                self.relay.replaced()
            self._drop_puncher(now)
        else:
            step = StreamStep(Act.STREAM, connection, addr, offer.udx.id)
            self.peer.gate(step, lambda step, now: self._open_stream(step, socket, connection, result, now), now)

    def _open_stream(self, step: Let, socket: int, connection: Connection, result: HandshakeResult, now: float) -> None:
        self.clear_later(now)
        if connection.closing is not None:
            return
        if isinstance(step, StreamStep):
            proved = self.peer.node.requests.replies.is_proved(step.to.host, now)
            credit = None if proved else self._credit
            connection.open_path(socket, step.to, step.remote_id, result, now, credit=credit)
            self.server.accepted(connection, now)
            if self.relay is not None:
                self.relay.stop(now)
        else:
            connection.close(Closing(ErrorName.PEER_CONNECTION_FAILED, Cause.SKIPPED), now)
        self._drop_puncher(now)

    @property
    def holepunch(self) -> HolepunchPolicy:
        """The server's."""
        return self.server.options.holepunch

    def is_own_relay(self, address: Address) -> bool:
        """Whether the server is announced there."""
        return self.server.announcer.is_relay(address)

    def refuse(self, refusal: ServerRefusal) -> None:
        """A message is not answered."""
        self.server.refused[refusal] += 1

    def round_came(self) -> None:
        """The client goes on, or need not: stop waiting for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def punches_fired(self) -> None:
        """From now on the attempt can end because none of them arrives."""
        self._cause = (Cause.PUNCHES_LOST, "")

    def stand_back(self, now: float) -> None:
        """The proxy punches from now on."""
        if self.puncher is not None:
            self.puncher.on_abort = None
            self.puncher.destroy(now)
            self.puncher = None

    def give_up(self, cause: Cause, now: float, detail: str = "") -> None:
        """No path this way."""
        self._cause = (cause, detail)
        if self.puncher is not None and not self.puncher.destroyed:
            self.puncher.destroy(now)
        else:
            self._aborted(now)

    def clear_later(self, now: float) -> None:
        """Forget the handshake after the time in which messages may be repeated."""
        if self._clearing is None:
            wait = self.server.options.handshake_clear_wait
            self._clearing = self.peer.agenda.call_at(now + wait, lambda now: self.server.forget(self, now))

    def stop(self, now: float) -> None:
        """The server closes or is suspended; connections with a path go on."""
        self._waiting.clear()
        for timer in (self._timer, self._clearing):
            if timer is not None:
                timer.cancel()
        self._drop_puncher(now)
        if self.connection is not None and not self.connection.has_path:
            self.connection.on_over = None
            self.connection.close(Closing(None, Cause.DESTROYED), now)

    def _refuse(self, refusal: ServerRefusal, now: float) -> None:
        self._refused = True
        self.refuse(refusal)
        self.clear_later(now)

    @property
    def _relays(self) -> tuple[RelayInfo, ...]:
        """Where the client may send its rounds: where we are announced, else by the way that it came.

        A handshake can come before the first announcement was answered by all, or after all relays were lost. Without a
        relay a client of the reference sends its stream blindly to our public address, where a NAT drops it.
        """
        return self.server.announcer.relays or (() if self._direct else (self._brought_by,))

    def _answer_again(self, step: Step, now: float) -> None:
        """The same message 2, in another envelope if that was changed: a noise message is sealed once."""
        if isinstance(step, NoiseStep) and self._reply is not None and self._last_answer is not None:
            self._last_answer(self._reply._replace(encode=step.encoded, again=True), now)

    def _seal(self, step: Let, responder: NoiseResponder, now: float) -> None:
        connection, offer = self.connection, self.offer
        if not isinstance(step, NoiseStep) or connection is None or offer is None or connection.closing is not None:
            self._refused = True
            if connection is not None:
                connection.close(Closing(None, Cause.SKIPPED), now)
            self.clear_later(now)
            return
        try:
            noise, self.result = responder.write_message_2(step.sealed_bytes)
        except DecodeError:
            self._refuse(ServerRefusal.NOT_SEALED, now)
            connection.close(Closing(ErrorName.HANDSHAKE_INVALID, Cause.BAD_KEY), now)
            return
        self.peer.log_keys(self.result.key_lines)
        if self._direct:
            # The answer goes to the same address as the stream's first packets, and both together are measured.
            self._credit = max(0, self._credit - len(noise) - _REPLY_OVERHEAD)
        from_puncher = False
        if step.payload.error != ErrorCode.NONE:
            self.clear_later(now)
            connection.close(Closing(ErrorName.SERVER_INCOMPATIBLE, Cause.INCOMPATIBLE), now)
        else:
            from_puncher = self._choose_path(step.payload, offer, now)
        socket = self.puncher.socket if from_puncher and self.puncher is not None else None
        self._reply = LocalReply(noise, socket, step.encoded)
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(self._reply, now)

    def _choose_path(self, said: NoisePayload, offer: NoisePayload, now: float) -> bool:
        """Decide how the client is going to come; whether the answer leaves from the puncher's socket."""
        assert self.connection is not None
        if offer.firewall == Firewall.OPEN or self._direct:
            self.peer.punches.open += 1
            socket = self._socket if self._direct else self.peer.node.requests.main_socket
            self.path_found(socket, self._client, now)
            return False
        self._begin_relay(said, offer, now)
        on_lan = self._is_on_lan(offer)
        if not on_lan and (said.firewall == Firewall.OPEN or self.server.options.never_punch):
            self.connection.set_stage(Stage.WAITING)
            self._timer = self.peer.agenda.call_at(now + FIRST_ROUND_WAIT, self._waited)
            return False
        self._timer = self.peer.agenda.call_at(now + FIRST_ROUND_WAIT, self._waited)
        if self.server.proxy is not None and self.server.proxy.takes(self, punching=False):
            # Whoever is reached here does not need the proxy: from now on only it answers punches.
            self._seal_rounds()
            return False
        self._make_puncher(offer, now)
        return not on_lan

    def _begin_relay(self, said: NoisePayload, offer: NoisePayload, now: float) -> None:
        """Connect to a blind relay, if either side named one; ours goes first."""
        through = said.relay_through or offer.relay_through
        if through is not None and said.relay_through is None and self.server.dials_too_many:
            self.server.refused[ServerRefusal.TOO_MANY_RELAYS] += 1
        elif through is not None and self.connection is not None:
            self.dials_for_client = said.relay_through is None
            self.relay = RelayPath(
                self.peer,
                self.connection,
                through.public_key,
                through.token,
                is_initiator=said.relay_through is not None,
                on_paired=self._paired,
                on_lost=self._relay_lost,
                now=now,
            )

    def _paired(self, socket: int, addr: Address, remote_id: int, now: float) -> None:
        if self.found or self.connection is None or self.result is None or self.connection.closing is not None:
            return
        self.round_came()
        self.peer.connections.hold_socket(self.connection, socket, now)
        self.connection.open_path(socket, addr, remote_id, self.result, now, relayed=True)
        self.server.accepted(self.connection, now)

    def _relay_lost(self, now: float) -> None:
        """Without the relay the attempt is over, unless punching still goes on."""
        if self.puncher is None or self.puncher.destroyed:
            self._cause = (Cause.RELAY_LOST, self._cause[0])
            self._aborted(now)

    @property
    def may_wait(self) -> bool:
        """Whether a blind relay carries the stream, or may still do so, while punching takes its time."""
        return self.relay is not None and not self.relay.is_over

    def _is_on_lan(self, offer: NoisePayload) -> bool:
        """Whether the client seems to be in our own network."""
        if self._direct or self._client.host != self._server_address.host:
            return False
        listed = offer.addresses4[: self.peer.limits.remote_addresses]
        return self.server.options.share_local_address and is_near(self.peer.local_addresses, listed)

    def _seal_rounds(self) -> None:
        assert self.result is not None
        assert self.connection is not None
        self.connection.set_stage(Stage.PROBING)
        self.secure = self.peer.secure_payload(self.result)

    def _make_puncher(self, offer: NoisePayload, now: float) -> None:
        self._seal_rounds()
        self.puncher = self.peer.make_puncher(
            initiator=False,
            remote_firewall=offer.firewall,
            on_connect=self.path_found,
            on_abort=self._aborted,
            now=now,
            connection=self.connection,
        )

    def _waited(self, now: float) -> None:
        self._timer = None
        self.give_up(Cause.NO_ROUND if self.puncher is not None else Cause.NO_FIRST_PACKET, now)

    def _aborted(self, now: float) -> None:
        """The puncher is destroyed without a path, or there was none."""
        self.round_came()
        connection = self.connection
        if self.found or connection is None:
            return
        if connection.closing is None and not connection.has_path and not self.may_wait:
            connection.close(Closing(ErrorName.HOLEPUNCH_ABORTED, *self._cause), now)
        if connection.closing is not None:
            self.clear_later(now)

    def _over(self, now: float) -> None:
        """The connection is over, by whatever reason."""
        if self.server.proxy is not None:
            self.server.proxy.forget(self, now)
        self._drop_puncher(now)
        self.round_came()
        self.clear_later(now)
        if self.relay is not None:
            self.relay.stop(now)

    def _drop_puncher(self, now: float) -> None:
        if self.puncher is not None and not self.puncher.destroyed:
            self.found = True
            self.puncher.destroy(now)
