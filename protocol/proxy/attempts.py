"""The attempts of other peers at their proxy: the same rounds and punches, from the proxy's own sockets.

| role | rounds | path |
|---|---|---|
| client | `ClientRounds`, from the probe round or from the punch round on | a punch of the server's arrives |
| server | `ServerRounds`, for what the peer passes on and relays bring here | the first packet of the stream |

Whoever is on the other side sees a peer that punches as every peer does. What it tells of its address and NAT is the
proxy's; what it seals with is the secret of the attempt, which the hand-off has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.constants import Command, Mode
from protocol.dht.contact import Contact, Incoming
from protocol.dht.local_server import Answer
from protocol.messages import Address, Holepunch, Request
from protocol.peer.client_rounds import ClientRounds
from protocol.peer.failures import Cause, Closing, ErrorName
from protocol.peer.options import ConnectOptions, punch_always
from protocol.peer.refusals import ServerRefusal
from protocol.peer.rounds import Probed, PunchOffer
from protocol.peer.server_rounds import ServerRounds
from protocol.proxy.handoff import ProxyState, Round, Start
from protocol.punch.secure_payload import SecurePayload

if TYPE_CHECKING:
    from protocol.peer.events import Stage
    from protocol.peer.options import HolepunchPolicy
    from protocol.peer.peer import Peer
    from protocol.punch.puncher import Puncher


class _Proxied:
    """What both roles have in common.

    Attributes:
        start: the hand-off.
        state: how far it has come.
        cause: why it failed.
        path: socket and address of the other peer, once it was heard.
    """

    def __init__(self, peer: Peer, start: Start) -> None:
        self.peer = peer
        self.start = start
        self.state = ProxyState.PUNCHING
        self.cause = ""
        self.path: tuple[int, Address] | None = None
        self.attempt = b""
        """The steps of a hand-off name no attempt of a key log: the proxy has seen no noise message."""
        self.on_refused: Callable[[ServerRefusal], None] = lambda _: None
        self.on_path: Callable[[], None] = lambda: None

    @property
    def connection(self) -> _Proxied:
        """What the steps belong to."""
        return self

    @property
    def may_wait(self) -> bool:
        """No blind relay carries this stream."""
        return False

    def set_stage(self, stage: Stage) -> None:
        """Nobody here is told."""

    def path_found(self, socket: int, addr: Address, now: float) -> None:
        """The other peer was heard; the first path counts."""
        if self.state is not ProxyState.PUNCHING:
            return
        self.state = ProxyState.CONNECTED
        self.path = socket, addr
        self.peer.pool.attach(socket)
        self._stop_punching(now)
        self.on_path()

    def end(self, now: float, cause: str = "") -> None:
        """The hand-off is over: let go of everything."""
        if self.path is not None:
            self.peer.pool.detach(self.path[0], now)
            self.path = None
        if self.state is not ProxyState.FAILED:
            self.state, self.cause = ProxyState.ENDED, cause
        self._stop_punching(now)

    def _failed(self, cause: str, now: float) -> None:
        if self.state is ProxyState.PUNCHING:
            self.state, self.cause = ProxyState.FAILED, cause
            self._stop_punching(now)

    def _stop_punching(self, now: float) -> None:
        raise NotImplementedError


class ProxiedClient(_Proxied):
    """A client's attempt."""

    def __init__(self, peer: Peer, start: Start, now: float) -> None:
        assert start.relay is not None
        assert start.server is not None
        super().__init__(peer, start)
        self.target = start.target
        self.session = peer.node.session()
        self.options = ConnectOptions(fast_open=start.fast_open)
        offer = PunchOffer(start.id, start.firewall, start.relays, start.relay, start.server)
        secure = SecurePayload(start.secret, peer.random)
        self._rounds = ClientRounds(self, offer, secure, now, by_samples=True)

    @property
    def is_done(self) -> bool:
        """Whether nobody waits for a path any more."""
        return self.state is not ProxyState.PUNCHING

    @property
    def sockets(self) -> tuple[int, ...]:
        """Where it punches from."""
        return tuple(self._rounds.puncher.sockets)

    def begin(self, now: float) -> None:
        """Begin with the round that the hand-off asks for."""
        known = self.start.known
        if known is None:
            self._rounds.start(now)
        else:
            # The server's token proves the client's host; this one has to be believed without.
            probed = Probed(known.round, known.firewall, known.addresses, known.server, known.token)
            self._rounds.go_on(probed, now)

    def fail(self, error: ErrorName, cause: Cause, now: float, detail: str = "") -> None:
        """The rounds or the punches led nowhere."""
        self._failed(Closing(error, cause, detail).text, now)

    def _stop_punching(self, now: float) -> None:
        self._rounds.stop(now)
        self.session.destroy(now)


class ProxiedServer(_Proxied):
    """A server's attempt. To the router it is the server that listens here, for rounds of this one attempt."""

    def __init__(self, peer: Peer, start: Start, now: float) -> None:
        assert start.token_key is not None
        super().__init__(peer, start)
        self.secure: SecurePayload | None = SecurePayload(start.secret, peer.random, start.token_key)
        self.puncher: Puncher | None = peer.make_puncher(
            initiator=False,
            remote_firewall=start.firewall,
            on_connect=self.path_found,
            on_abort=self._aborted,
            now=now,
            by_samples=True,
            connection=self,
        )
        self._cause: tuple[Cause, str] = (Cause.NO_SOCKET, "")
        self._own_relays = {relay.relay_address for relay in start.relays}
        self._rounds = ServerRounds(self)

    @property
    def holepunch(self) -> HolepunchPolicy:
        """The server has decided when it handed over."""
        return punch_always

    @property
    def sockets(self) -> tuple[int, ...]:
        """Where it punches from."""
        return () if self.puncher is None else tuple(self.puncher.sockets)

    def begin(self, now: float) -> None:
        """The client's rounds come by themselves."""

    def serve(self, one: Round, now: float) -> None:
        """Answer a round that still came to the server, over the relay that brought it there."""
        node = self.peer.node
        message = Request(one.tid, one.relay, Command.PEER_HOLEPUNCH, target=self.start.target)
        request = Incoming(Contact(one.relay), message, node.requests.main_socket, external=False, size=one.size)
        value = Holepunch(Mode.FROM_RELAY, self.start.id, one.payload, one.client)
        node.router.answer_holepunch(self, request, value, now)

    def serve_holepunch(self, value: Holepunch, request: Incoming, now: float, answer: Answer) -> None:
        """Answer a round; see `LocalServer`."""
        if self.state is ProxyState.PUNCHING:
            self._rounds.serve(value, request, answer, now)

    def is_own_relay(self, address: Address) -> bool:
        """Whether the server is announced there."""
        return address in self._own_relays

    def refuse(self, refusal: ServerRefusal) -> None:
        """A round is not answered."""
        self.on_refused(refusal)

    def round_came(self) -> None:
        """The hand-off has a lease; nothing else waits for the client."""

    def punches_fired(self) -> None:
        """From now on the attempt can end because none of them arrives."""
        self._cause = (Cause.PUNCHES_LOST, "")

    def give_up(self, cause: Cause, now: float, detail: str = "") -> None:
        """No path this way."""
        self._cause = (cause, detail)
        self._aborted(now)

    def _aborted(self, now: float) -> None:
        self._failed(Closing(ErrorName.HOLEPUNCH_ABORTED, *self._cause).text, now)

    def _stop_punching(self, now: float) -> None:
        if self.puncher is not None and not self.puncher.destroyed:
            self.puncher.destroy(now)
