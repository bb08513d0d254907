"""Answers to requests, and who has to prove its address before it gets one.

An answer that is larger than its request goes to hosts only that have proved their address; others are asked to prove
it, and the answer waits (`protocol.dht.proofs`).

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Incoming, Outgoing, is_reachable
from protocol.dht.limits import Guard
from protocol.dht.proofs import Proofs, Then, shortened
from protocol.dht.refusals import Refusal, Refusals
from protocol.dht.tokens import TokenIssuer
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Request, Response

if TYPE_CHECKING:
    from random import Random

ASKED_AGE: Final = 10.0
"""Seconds for which a host that was asked something may ask for a proof of ours."""

_ASKED: Final = 4096
"""Hosts that are remembered for that."""
_RELAYED_OVERHEAD: Final = 80
"""Bytes of a request with id and target, without its value, at most."""


class Replies:
    """Answers and relayed requests on their way out.

    Args:
        random: source of the tids of proofs.
        guard: who has proved its address, and what others may get.
        tokens: what is issued with answers.
        refused: where it is counted what was not sent, or not whole.
        closest: gives the closest nodes to a target that replies offer.
        post: sends a datagram.
        id_on: the id that is shown on a socket.
        is_in_flight: whether a request with this tid waits for its reply.
    """

    def __init__(
        self,
        random: Random,
        guard: Guard,
        tokens: TokenIssuer,
        refused: Refusals,
        *,
        closest: Callable[[bytes], tuple[Address, ...]],
        post: Callable[[Outgoing], None],
        id_on: Callable[[int], bytes | None],
        is_in_flight: Callable[[int], bool],
    ) -> None:
        self.is_open = True
        """False while the node is closed or suspended: nobody is asked for a proof."""
        self.asked: AgedCache[str, bool] = AgedCache(_ASKED, ASKED_AGE)
        """Hosts that we have lately asked something."""
        self.proofs = Proofs(random, guard, post)
        """Hosts that are asked to prove their address, and the answers that wait for that."""
        self._guard = guard
        self._tokens = tokens
        self._refused = refused
        self._closest = closest
        self._post = post
        self._id_on = id_on
        self._is_in_flight = is_in_flight

    def reply(
        self,
        request: Incoming,
        now: float,
        value: bytes | None = None,
        *,
        error: int = 0,
        token: bool = True,
        closer_nodes: bool = True,
        to: Address | None = None,
        socket: int | None = None,
        received: int | None = None,
    ) -> None:
        """Answer a request: at once, or when a host that may be spoofed has proved its address, or in fewer bytes.

        Args:
            request: what is answered.
            now: seconds.
            value: the answer.
            error: number of an error, 0 for none.
            token: issue a token to the receiver.
            closer_nodes: offer the closest nodes to the request's target, if it has one.
            to: where the answer goes, if not to the sender.
            socket: where it is sent from, if not from where the request came to.
            received: bytes that the receiver sent for it, if not those of the request.
        """
        to = request.sender.address if to is None else to
        socket = request.socket if socket is None else socket
        target = request.message.target if closer_nodes else None

        def build() -> Response:
            closest = () if target is None else self._closest(target)
            return Response(
                tid=request.message.tid,
                to=to,
                id=self._id_on(socket),
                token=self._tokens.issue(to.host) if token else None,
                closer_nodes=closest or None,
                error=error,
                value=value,
            )

        message = build()
        room = request.size if received is None else received
        data = encode_response(message)
        # A node that joins is told of those that join now: they are known once they have proved themselves, as it has.
        joins = target is not None and request.sender.id is not None and not self.is_proved(to.host, now)
        if not joins and self._guard.admits_reply(to.host, len(data), room, now):
            self._post(Outgoing(data, to, socket))
            return
        bare = Response(message.tid, to, message.id)
        if request.message.target is None and message == bare and self.asked.get(to.host, now):
            # A PING from whom we have asked something: it wants a proof itself, and must not wait for ours.
            self._post(Outgoing(encode_response(replace(message, id=None)), to, socket))
            return

        def go_on(proved: bool, _: float) -> None:
            # Made anew: nodes that join together prove themselves together, and are to hear of each other.
            message = build()
            data = encode_response(message) if proved else shortened(message, room)
            if data is None:
                self._refused[Refusal.AMPLIFICATION] += 1
                return
            if not proved:
                self._refused[Refusal.SHORTENED] += 1
            self._post(Outgoing(data, to, socket))

        sender = request.sender.address
        self.when_proved(sender if sender.host == to.host else to, request, now, go_on)

    def relay_reply(self, request: Incoming, now: float, value: bytes, relay: Address, socket: int | None) -> None:
        """Send the answer of a server of our own to a relay, which may be one that does not know of it.

        Anybody can name a relay, so that this waits for a proof as `reply` does.
        """

        def go_on(proved: bool, _: float) -> None:
            if proved:
                self.relay(request, value, relay, socket)
            else:
                self._refused[Refusal.AMPLIFICATION] += 1

        if self._guard.admits_reply(relay.host, _RELAYED_OVERHEAD + len(value), request.size, now):
            self.relay(request, value, relay, socket)
        else:
            self.when_proved(relay, request, now, go_on)

    def relay(self, request: Incoming, value: bytes, to: Address, socket: int | None = None) -> None:
        """Pass a request on with another value: same tid, command and target.

        Args:
            request: what is passed on.
            value: its new value.
            to: where it goes.
            socket: where it is sent from, if not from where the request came to.
        """
        message = request.message
        socket = request.socket if socket is None else socket
        data = encode_request(
            Request(
                message.tid,
                to,
                message.command,
                message.internal,
                self._id_on(socket),
                target=message.target,
                value=value,
            )
        )
        self._post(Outgoing(data, to, socket))

    def is_proved(self, host: str, now: float) -> bool:
        """Whether the host has lately proved its address."""
        return self._guard.is_verified(host, now)

    def prove(self, address: Address, socket: int, now: float) -> None:
        """Ask a host to prove its address, unless it lately did.

        Args:
            address: who is asked.
            socket: where it expects to hear from us: where its request came to.
            now: seconds.
        """
        if self.is_open and is_reachable(address) and not self._guard.is_verified(address.host, now):
            self.asked.set(address.host, True, now)
            self.proofs.ask(address, socket, now, self._is_in_flight)

    def when_proved(self, address: Address, request: Incoming, now: float, then: Then) -> None:
        """Ask as `prove` does, and call `then` with whether the host has proved its address, perhaps at once.

        Args:
            address: who is asked.
            request: why. When it is repeated, the wait begins anew.
            now: seconds.
            then: what waits.
        """
        self.prove(address, request.socket, now)
        if self.is_open:
            key = address, request.sender.address, request.message.tid, request.message.command
            self.proofs.hold(address.host, key, now, then)
