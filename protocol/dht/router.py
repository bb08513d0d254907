"""Relaying PEER_HANDSHAKE and PEER_HOLEPUNCH between clients and the servers that announced here.

| leg | from | what this node sends |
|---|---|---|
| FROM_CLIENT, handshake | client | FROM_RELAY to the relay it names, or to the server; with no route, closer nodes |
| FROM_CLIENT, holepunch | client | FROM_RELAY to the server's address that it names, or that announced |
| FROM_RELAY, handshake | another relay | FROM_SECOND_RELAY to the server, naming the first relay |
| FROM_SERVER | server | REPLY to the client |

All legs keep tid, command and target. With a second relay, the server answers to the first. What is meant for a server
of our own (`LocalServer`) is not passed on, but answered by it.

The reference passes anything on to any address. Here a client can only have something sent to a host that announced
here, or that proves its address, for which it is asked before anything else is sent there (`protocol.dht.proofs`); an
answer only goes to a client that lately asked for it, with its tid and target, and once for each time that it asked;
and each host has a budget. So nobody is reached through this node who does not take part.

Source: npm hyperdht 6.34.0 (lib/router.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from protocol.constants import Command, Mode
from protocol.dht.aged_cache import AgedCache
from protocol.dht.contact import Incoming, is_reachable
from protocol.dht.limits import Guard, Limits
from protocol.dht.local_server import Answer, HolepunchServer, LocalReply, LocalServer
from protocol.dht.refusals import Refusal
from protocol.dht.requests import Requests
from protocol.dht.routes import Routes
from protocol.errors import DecodeError
from protocol.messages import Address, Handshake, Holepunch
from protocol.peer_values import decode_handshake, decode_holepunch, encode_handshake, encode_holepunch


class Forward(NamedTuple):
    """A request that was passed on: whoever answers it has to name all of this."""

    command: int
    tid: int
    target: bytes | None
    client: Address


class Router:
    """Passes messages on; it keeps which answers are awaited, not what was said."""

    def __init__(
        self,
        requests: Requests,
        routes: Routes,
        guard: Guard,
        limits: Limits,
        own_address: Callable[[], Address | None],
    ) -> None:
        self.relayed = 0
        """Messages passed on."""
        self.stand_ins: list[Callable[[bytes, int], HolepunchServer | None]] = []
        """Who may answer rounds of servers elsewhere: called with target and id."""
        self._requests = requests
        self._routes = routes
        self._guard = guard
        self._own_address = own_address
        # How many bytes the client's request had: its answer is measured against them.
        self._forwards: AgedCache[Forward, int] = AgedCache(limits.forwards, limits.forward_age)
        self._handshakes: Final = {
            Mode.FROM_CLIENT: self._handshake_from_client,
            Mode.FROM_RELAY: self._handshake_from_relay,
            Mode.FROM_SERVER: self._handshake_from_server,
        }

    @property
    def forwards(self) -> int:
        """Requests passed on whose answer is still waited for."""
        return len(self._forwards)

    def add_server(self, target: bytes, server: LocalServer) -> None:
        """Have a server of our own answer what is meant for its target."""
        self._routes.servers[target] = server

    def remove_server(self, target: bytes) -> None:
        """Forget a server of our own."""
        self._routes.servers.pop(target, None)

    def handshake(self, request: Incoming, now: float) -> None:
        """Pass on a PEER_HANDSHAKE, or have our own server answer it."""
        message = request.message
        try:
            value = decode_handshake(message.value or b"", message.value_offset)
        except DecodeError:
            self._refuse(Refusal.BAD_VALUE)
            return
        server = self._server(request)
        if server is not None:
            self._serve_handshake(server, request, value, now)
            return
        leg = next((leg for mode, leg in self._handshakes.items() if mode == value.mode), None)
        if leg is None:
            self._refuse(Refusal.NO_ROUTE)
        elif not value.noise:
            self._refuse(Refusal.BAD_VALUE)
        elif self._guard.admits_relaying(request.sender.address.host, now):
            leg(request, value, now)
        else:
            self._refuse(Refusal.TOO_MANY_REQUESTS)

    def holepunch(self, request: Incoming, now: float) -> None:
        """Pass on a PEER_HOLEPUNCH, or have our own server answer it."""
        message = request.message
        try:
            value = decode_holepunch(message.value or b"", message.value_offset)
        except DecodeError:
            self._refuse(Refusal.BAD_VALUE)
            return
        server = self._server(request) or self._stand_in(request, value.id)
        if server is not None and value.mode == Mode.FROM_RELAY:
            self._serve_holepunch(server, request, value, now)
        elif value.mode not in (Mode.FROM_CLIENT, Mode.FROM_SERVER):
            self._refuse(Refusal.NO_ROUTE)
        elif not self._guard.admits_relaying(request.sender.address.host, now):
            self._refuse(Refusal.TOO_MANY_REQUESTS)
        elif value.mode == Mode.FROM_CLIENT:
            self._holepunch_from_client(request, value, now)
        else:
            self._holepunch_from_server(request, value, now)

    def answer_holepunch(self, server: HolepunchServer, request: Incoming, value: Holepunch, now: float) -> None:
        """Have a server of ours, or one that stands in for another's, answer a round that came by way of a relay."""
        self._serve_holepunch(server, request, value, now)

    def _stand_in(self, request: Incoming, id: int) -> HolepunchServer | None:
        target = request.message.target
        found = (find(target, id) for find in self.stand_ins) if target is not None else iter(())
        return next((server for server in found if server is not None), None)

    def _server(self, request: Incoming) -> LocalServer | None:
        target = request.message.target
        return None if target is None else self._routes.servers.get(target)

    def _serve_handshake(self, server: LocalServer, request: Incoming, value: Handshake, now: float) -> None:
        """The answer goes back the way that the request came: straight, over its relay, or over the first of two."""
        back = value.relay_address if value.mode == Mode.FROM_SECOND_RELAY else request.sender.address
        if value.mode not in (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY):
            self._refuse(Refusal.NO_ROUTE)
        elif not value.noise or back is None or not is_reachable(back):
            self._refuse(Refusal.BAD_VALUE)
        elif value.mode == Mode.FROM_CLIENT:
            # It came straight from the client, whatever address that claims to have.
            server.serve_handshake(
                replace(value, peer_address=None),
                request,
                now,
                self._once(request, None, lambda noise: Handshake(Mode.REPLY, noise)),
            )
        else:
            server.serve_handshake(
                value,
                request,
                now,
                self._once(
                    request,
                    back,
                    lambda noise: Handshake(Mode.FROM_SERVER, noise, value.peer_address),
                ),
            )

    def _serve_holepunch(self, server: HolepunchServer, request: Incoming, value: Holepunch, now: float) -> None:
        if value.peer_address is None:
            self._refuse(Refusal.BAD_VALUE)
            return
        answer = self._once(
            request,
            request.sender.address,
            lambda payload: Holepunch(Mode.FROM_SERVER, 0, payload, value.peer_address),
        )
        server.serve_holepunch(value, request, now, answer)

    def _once(self, request: Incoming, relay: Address | None, wrap: Callable[[bytes], Handshake | Holepunch]) -> Answer:
        """What takes a server's answer: a request to the relay, or a reply where there is none."""
        answered = False

        def answer(reply: LocalReply, now: float) -> None:
            nonlocal answered
            if answered and not reply.again:
                return
            answered = True
            value = (reply.encode or _encoded)(wrap(reply.payload))
            if relay is None:
                self._requests.replies.reply(request, now, value, token=False, closer_nodes=False, socket=reply.socket)
            else:
                self._requests.replies.relay_reply(request, now, value, relay, reply.socket)

        return answer

    def _handshake_from_client(self, request: Incoming, value: Handshake, now: float) -> None:
        to = value.relay_address or self._announced(request, now)
        if to is None:
            self._requests.replies.reply(request, now, token=False)
            return
        passed_on = Handshake(Mode.FROM_RELAY, value.noise, peer_address=request.sender.address)
        self._pass_on(request, encode_handshake(passed_on), to, now)

    def _handshake_from_relay(self, request: Incoming, value: Handshake, now: float) -> None:
        to = self._announced(request, now)
        if to is None:
            self._refuse(Refusal.NO_ROUTE)
            return
        passed_on = Handshake(Mode.FROM_SECOND_RELAY, value.noise, value.peer_address, request.sender.address)
        self._pass_on(request, encode_handshake(passed_on), to, now, expect=False)

    def _handshake_from_server(self, request: Incoming, value: Handshake, now: float) -> None:
        answer = encode_handshake(Handshake(Mode.REPLY, value.noise, peer_address=request.sender.address))
        self._answer(request, answer, value.peer_address, now)

    def _holepunch_from_client(self, request: Incoming, value: Holepunch, now: float) -> None:
        to = value.peer_address or self._announced(request, now)
        if to is None:
            self._refuse(Refusal.NO_ROUTE)
            return
        passed_on = Holepunch(Mode.FROM_RELAY, value.id, value.payload, request.sender.address)
        self._pass_on(request, encode_holepunch(passed_on), to, now)

    def _holepunch_from_server(self, request: Incoming, value: Holepunch, now: float) -> None:
        answer = encode_holepunch(Holepunch(Mode.REPLY, value.id, value.payload, request.sender.address))
        self._answer(request, answer, value.peer_address, now)

    def _announced(self, request: Incoming, now: float) -> Address | None:
        """Where the server that the request is for announced from."""
        route = None if request.message.target is None else self._routes.get(request.message.target, now)
        return None if route is None else route.relay

    def _pass_on(self, request: Incoming, value: bytes, to: Address, now: float, *, expect: bool = True) -> None:
        """Send the request on; `expect` that its answer comes back here."""

        def go_on(proved: bool, now: float) -> None:
            if not proved:
                self._refuse(Refusal.BAD_DESTINATION)
                return
            if expect:
                self._forwards.set(_forward(request, request.sender.address), request.size, now)
            self.relayed += 1
            self._requests.replies.relay(request, value, to)

        if not is_reachable(to) or to == self._own_address():
            self._refuse(Refusal.BAD_DESTINATION)
        elif self._routes.leads_to(to.host, now) or self._guard.is_verified(to.host, now):
            go_on(True, now)
        else:
            self._requests.replies.when_proved(to, request, now, go_on)

    def _answer(self, request: Incoming, value: bytes, client: Address | None, now: float) -> None:
        asked = None if client is None else self._forwards.get(_forward(request, client), now)
        if client is None or asked is None:
            self._refuse(Refusal.UNKNOWN_FORWARD)
            return
        self._forwards.pop(_forward(request, client))
        # The client's next request may have to be passed on to where this came from.
        self._requests.replies.prove(request.sender.address, request.socket, now)
        self.relayed += 1
        self._requests.replies.reply(request, now, value, token=False, closer_nodes=False, to=client, received=asked)

    def _refuse(self, refusal: Refusal) -> None:
        self._requests.refused[refusal] += 1


def _encoded(value: Handshake | Holepunch) -> bytes:
    return encode_handshake(value) if isinstance(value, Handshake) else encode_holepunch(value)


def _forward(request: Incoming, client: Address) -> Forward:
    message = request.message
    return Forward(Command(message.command), message.tid, message.target, client)
