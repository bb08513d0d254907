"""The client: from a public key to a path.

| stage | what is under way | goes on with |
|---|---|---|
| FINDING | the search for relays | the first relay |
| HANDSHAKING | noise message 1 over up to three relays at once | the first answer that the server sealed |
| PROBING, PUNCHING | the two rounds (`client_rounds`); next to them the LAN shortcut | the first path |
| WAITING | nothing: our port is open, the server sends first | its first packet, 10 s |
| DIRECT | a path | |

What the answer decides:

| the server | path |
|---|---|
| answered without a relay | where it answered from |
| says that it is OPEN, or offers no punching | its first public address |
| is told that we are OPEN | it sends first |
| offers relays to punch over | rounds; and its local address too, if both sides have one public host |

A packet of the stream that arrives on any socket is a path as well: whatever comes first wins.

Source: npm hyperdht 6.34.0 (lib/connect.js).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.constants import ErrorCode, Firewall, Mode
from protocol.dht.contact import NodeSocket, Reply
from protocol.dht.query_host import QueryFailure
from protocol.dht.router_client import BadReply, HandshakeReply, RelayFailed, peer_handshake
from protocol.errors import DecodeError
from protocol.hashes import target_of
from protocol.keys import KeyPair
from protocol.messages import Address, NoisePayload, RelayThrough, UdxInfo
from protocol.noise import attempt_id
from protocol.noise_handshake import SEED_SIZE, NoiseInitiator
from protocol.peer.addresses import is_bogon, is_reserved, nearest
from protocol.peer.client_rounds import ClientRounds
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.failures import Cause, Closing, ErrorName
from protocol.peer.options import ConnectOptions
from protocol.peer.relay_paths import RelayPath
from protocol.peer.relay_race import RelayRace
from protocol.peer.rounds import PunchOffer
from protocol.peer.server_answer import Answer
from protocol.peer.steps import Act, Let, NoiseStep, RelayStep, Sending, Step, StreamStep
from protocol.proxy.client import ProxiedRounds, Rounds
from protocol.sealed_values import NOISE_PAYLOAD_VERSION, decode_noise_payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocol.peer.agenda import Timer
    from protocol.peer.peer import Peer

PASSIVE_WAIT: Final = 10.0
"""Seconds to wait for a server that was told that our port is open."""


class Connecting:
    """One attempt. It ends with a path for its connection, or closes it."""

    def __init__(self, peer: Peer, connection: Connection, pair: KeyPair, options: ConnectOptions) -> None:
        self.peer = peer
        self.connection = connection
        self.options = options
        self.target = target_of(connection.remote_public_key)
        self.answer: Answer | None = None
        self.is_open = False
        """Whether we told the server that our port is open."""
        self.relay: RelayPath | None = None
        """The path through a blind relay, where either side wants one."""
        self._relay_through: RelayThrough | None = None
        self._pair = pair
        self._initiator: NoiseInitiator | None = None
        self._noise: bytes | None = None
        self._pending: list[tuple[Address, Callable[[float], None]]] = []
        self.session = peer.node.session()
        self._race: RelayRace | None = None
        self._rounds: Rounds | None = None
        self._heard: tuple[int, Address] | None = None
        self._timer: Timer | None = None
        self._found = False
        self._over = False
        self._cause = Cause.NO_ANSWER
        self._without_route = 0
        """Relays that had forgotten the server."""
        self._failed: Closing | None = None
        connection.on_path = self.path_found
        connection.on_over = self._stop

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to try."""
        return self._over or self._found

    def start(self, now: float) -> None:
        """Begin to look for relays."""
        try:
            self._initiator = NoiseInitiator(
                self._pair, self.connection.remote_public_key, self.peer.random_bytes(SEED_SIZE)
            )
        except DecodeError as error:
            self._close(ErrorName.HANDSHAKE_INVALID, Cause.BAD_KEY, now, str(error))
            return
        self._race = RelayRace(
            self.peer.node,
            self.connection.remote_public_key,
            self.target,
            self._known_relays(now),
            self._ask_relay,
            self._race_lost,
            self.connection,
            self.peer.gate,
        )
        self._race.start(now)

    def path_found(self, socket: int, addr: Address, now: float) -> None:
        """A path to the server: a punch or a packet came from there, or the answer says so. The first one counts."""
        if self.is_done:
            return
        if self.answer is None:
            self._heard = self._heard or (socket, addr)
            return
        if self.relay is not None and self.relay.is_from(socket, addr):
            return
        self._found = True
        self.connection.on_path = None
        answer = self.answer
        self.peer.connections.hold_socket(self.connection, socket, now)
        if self.connection.has_path:
            self.connection.change_path(socket, addr, answer.udx.id)
            if self.relay is not None:
                self.relay.replaced()
            self._path_taken(answer, now)
        else:
            step = StreamStep(Act.STREAM, self.connection, addr, answer.udx.id)
            self.peer.gate(step, lambda step, now: self._open_stream(step, socket, answer, now), now)

    def _open_stream(self, step: Let, socket: int, answer: Answer, now: float) -> None:
        if self._over:
            return
        if not isinstance(step, StreamStep):
            self._close(ErrorName.PEER_CONNECTION_FAILED, Cause.SKIPPED, now)
            return
        self.connection.open_path(socket, step.to, step.remote_id, answer.result, now)
        if self.relay is not None:
            self.relay.stop(now)
        self._path_taken(answer, now)

    def _path_taken(self, answer: Answer, now: float) -> None:
        self.peer.remember_relays(
            self.connection.remote_public_key,
            answer.payload.relay_addresses or (() if self._race is None else tuple(self._race.asked)),
            now,
        )
        self._release(now)

    def fail(self, error: ErrorName, cause: Cause, now: float, detail: str = "") -> None:
        """Close the connection, unless another way may still lead somewhere."""
        if self.is_done or self.connection.has_path:
            return
        if self.may_wait:
            self._failed = Closing(error, cause, detail)
        else:
            self._close(error, cause, now, detail)

    @property
    def may_wait(self) -> bool:
        """Whether a blind relay carries the stream, or may still do so, while punching takes its time."""
        return self.relay is not None and not self.relay.is_over

    # Finding and the handshake.

    def _known_relays(self, now: float) -> tuple[Address, ...]:
        node = self.peer.node
        route = node.routes.get(self.target, now) if node.id is not None else None
        if route is not None:
            return (route.relay,)
        return self.options.relay_addresses or self.peer.remembered_relays(self.connection.remote_public_key, now)

    def _ask_relay(self, relay: Address, now: float, done: Callable[[float], None]) -> None:
        if self.is_done or self.answer is not None:
            done(now)
            return
        self.connection.set_stage(Stage.HANDSHAKING)
        if self._noise is not None:
            self._choose_relay(relay, now, done)
            return
        self._pending.append((relay, done))
        if len(self._pending) == 1:
            self.peer.gate(NoiseStep(Act.OFFER, self.connection, self._offer()), self._seal_offer, now)

    def _offer(self) -> NoisePayload:
        own = self.peer.open_address
        local = self.peer.local_addresses if self.options.local_connection else ()
        relay = self.peer.choose(self.options.relay_through)
        if relay is not None:
            self._relay_through = RelayThrough(1, relay, self.peer.random_bytes(32))
        return NoisePayload(
            NOISE_PAYLOAD_VERSION,
            ErrorCode.NONE,
            Firewall.UNKNOWN if own is None else Firewall.OPEN,
            addresses4=(*(() if own is None else (own,)), *local),
            udx=UdxInfo(1, False, self.connection.stream_id, 0),
            secret_stream_version=1,
            relay_through=self._relay_through,
        )

    def _seal_offer(self, step: Let, now: float) -> None:
        if self.is_done or self._initiator is None:
            return
        pending, self._pending = self._pending, []
        if not isinstance(step, NoiseStep):
            self._close(ErrorName.PEER_CONNECTION_FAILED, Cause.SKIPPED, now)
            return
        self.is_open = step.payload.firewall == Firewall.OPEN
        self._noise = self._initiator.write_message_1(step.sealed_bytes)
        self.connection.attempt = attempt_id(self._noise)
        self.peer.log_keys(self._initiator.key_lines)
        for relay, done in pending:
            self._choose_relay(relay, now, done)

    def _choose_relay(self, relay: Address, now: float, done: Callable[[float], None]) -> None:
        def released(step: Let, now: float) -> None:
            if self._over or not isinstance(step, RelayStep):
                done(now)
            else:
                self._send_offer(step, now, done)

        def again(step: Step, now: float) -> None:
            if isinstance(step, RelayStep):
                self._send_offer(step, now, lambda _: None)

        step = RelayStep(Act.ASK, self.connection, relay, self._noise or b"", Mode.FROM_CLIENT)
        self.peer.gate(step, Sending(released, again), now)

    def _send_offer(self, step: RelayStep, now: float, done: Callable[[float], None]) -> None:
        relay = step.relay

        def answered(reply: HandshakeReply | RelayFailed, now: float) -> None:
            if self.is_done or self.answer is not None:
                pass
            elif isinstance(reply, HandshakeReply):
                self._answered(reply, relay, now)
            elif reply.no_route:
                self._without_route += 1
            elif isinstance(reply.reason, BadReply):
                self._cause = Cause.BAD_ANSWER
            done(now)

        peer_handshake(self.session, self.target, self._noise or b"", relay, now, answered, encode=step.encoded)

    def _answered(self, reply: HandshakeReply, relay: Address, now: float) -> None:
        assert self._initiator is not None
        try:
            plain, result = self._initiator.read_message_2(reply.noise)
            payload = decode_noise_payload(plain)
        except DecodeError:
            # Another relay may bring the right one.
            self._cause = Cause.BAD_ANSWER
            return
        self.peer.log_keys(result.key_lines)
        if payload.version != NOISE_PAYLOAD_VERSION:
            self.fail(ErrorName.SERVER_INCOMPATIBLE, Cause.INCOMPATIBLE, now, f"version {payload.version}")
        elif payload.error != ErrorCode.NONE:
            self.fail(ErrorName.SERVER_ERROR, Cause.SERVER_ERROR, now, f"error {payload.error}")
        elif payload.udx is None:
            self.fail(ErrorName.SERVER_ERROR, Cause.NO_STREAM, now)
        else:
            relays = () if payload.holepunch is None else payload.holepunch.relays[: self.peer.limits.remote_addresses]
            self.answer = Answer(
                payload, result, payload.udx, relay, reply.server_address, reply.client_address, relays
            )
            self._choose_path(self.answer, reply.relayed, now)

    def _race_lost(self, failure: QueryFailure | None, now: float) -> None:
        if self.answer is not None:
            return
        asked, found = (0, 0) if self._race is None else (len(self._race.asked), self._race.found)
        if asked:
            error = ErrorName.PEER_CONNECTION_FAILED if found else ErrorName.PEER_NOT_FOUND
            if self._without_route == asked:
                self._cause = Cause.NO_ROUTE
            forgotten = f", {self._without_route} of them without a route" if self._without_route else ""
            self._close(error, self._cause, now, f"{asked} relays asked{forgotten}")
        elif failure is not None:
            self._close(ErrorName.PEER_NOT_FOUND, Cause.TOO_FEW_NODES, now, str(failure))
        else:
            self._close(ErrorName.PEER_NOT_FOUND, Cause.NOT_FOUND, now)

    # After the answer.

    def _choose_path(self, answer: Answer, over_relay: bool, now: float) -> None:
        self._stop_race(now)
        self._begin_relay(answer, now)
        if self._heard is not None:
            self.path_found(*self._heard, now)
        elif not over_relay:
            self.path_found(self.peer.node.requests.main_socket, answer.relay, now)
        elif answer.payload.firewall == Firewall.OPEN or (answer.relayed and not answer.relays):
            self.peer.punches.open += 1
            self.path_found(self.peer.node.requests.main_socket, self._public_address(answer), now)
        elif self.is_open:
            self.connection.set_stage(Stage.WAITING)
            nobody = ErrorName.HOLEPUNCH_ABORTED, Cause.NO_FIRST_PACKET
            self._timer = self.peer.agenda.call_at(now + PASSIVE_WAIT, lambda now: self.fail(*nobody, now))
        elif not answer.relays:
            self.fail(ErrorName.CANNOT_HOLEPUNCH, Cause.NOT_PUNCHABLE, now)
        else:
            self._try_lan(answer, now)
            self._begin_rounds(answer, now)

    def _begin_rounds(self, answer: Answer, now: float) -> None:
        """Punch, or have a proxy punch."""
        id = 0 if answer.payload.holepunch is None else answer.payload.holepunch.id
        offer = PunchOffer(id, answer.payload.firewall, answer.relays, answer.relay, answer.server)
        use = self.options.proxy
        if use is None:
            self._rounds = ClientRounds(self, offer, self.peer.secure_payload(answer.result), now)
        else:
            streams = self.connection.stream_id, answer.udx.id
            self._rounds = ProxiedRounds(self, offer, answer.result, streams, use, lambda: self.connection.is_over, now)
        self._rounds.start(now)

    def _begin_relay(self, answer: Answer, now: float) -> None:
        """Connect to a blind relay, if either side named one; the server's goes first."""
        through = answer.payload.relay_through or self._relay_through
        if through is not None:
            self.relay = RelayPath(
                self.peer,
                self.connection,
                through.public_key,
                through.token,
                is_initiator=answer.payload.relay_through is None,
                on_paired=self._paired,
                on_lost=self._relay_lost,
                now=now,
            )

    def _paired(self, socket: int, addr: Address, remote_id: int, now: float) -> None:
        if self.is_done or self.answer is None or self.relay is None:
            return
        self.peer.connections.hold_socket(self.connection, socket, now)
        self.connection.open_path(socket, addr, remote_id, self.answer.result, now, relayed=True)

    def _relay_lost(self, now: float) -> None:
        """Without the relay the connection is over, unless punching still goes on."""
        if self.is_done or self.connection.has_path:
            return
        if self._failed is not None:
            before = self._failed.text
            self._close(ErrorName.RELAY_ABORTED, Cause.RELAY_LOST, now, f"after {before}")

    def _public_address(self, answer: Answer) -> Address:
        listed = answer.payload.addresses4[: self.peer.limits.remote_addresses]
        return next((address for address in listed if not is_bogon(address.host)), answer.server)

    def _try_lan(self, answer: Answer, now: float) -> None:
        """Ping the server in our own network, where both of us seem to be in one."""
        if not (self.options.local_connection and answer.relayed and answer.client.host == answer.server.host):
            return
        listed = answer.payload.addresses4[: self.peer.limits.remote_addresses]
        theirs = tuple(address for address in listed if not is_reserved(address.host))
        if not theirs:
            return
        addr = nearest(self.peer.local_addresses, theirs) or theirs[0]

        def replied(_: Reply, now: float) -> None:
            self.path_found(NodeSocket.SERVER, addr, now)

        self.session.ping(addr, now, replied, lambda _failure, _now: None)

    # The end.

    def _close(self, error: ErrorName, cause: Cause, now: float, detail: str = "") -> None:
        self.connection.close(Closing(error, cause, detail), now)

    def _stop_race(self, now: float) -> None:
        if self._race is not None:
            self._race.stop(now)
        self._pending.clear()
        self.session.destroy(now)

    def _release(self, now: float) -> None:
        """Let go of everything but the path."""
        self._stop_race(now)
        if self._timer is not None:
            self._timer.cancel()
        if self._rounds is not None:
            self._rounds.stop(now)

    def _stop(self, now: float) -> None:
        self._over = True
        self._release(now)
        if self.relay is not None:
            self.relay.stop(now)
