"""The client's side of PEER_HANDSHAKE and PEER_HOLEPUNCH: ask a relay, or the server itself, and check what comes back.

Both are ordinary requests: sent up to four times, 1 s apart. The answer has to come from the very address that was
asked, in mode REPLY; what does not is the reference's BAD_HANDSHAKE_REPLY or BAD_HOLEPUNCH_REPLY.

Source: npm hyperdht 6.34.0 (lib/router.js).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from protocol.constants import Command, Mode
from protocol.dht.contact import Ask, Contact, Failure, OnFailure, OnReply, Reply
from protocol.dht.flight_table import InFlight
from protocol.errors import DecodeError
from protocol.messages import Address, Handshake, Holepunch
from protocol.peer_values import decode_handshake, decode_holepunch, encode_handshake, encode_holepunch


class BadReply(StrEnum):
    """A reply that is none, by the reference's name of the error."""

    HANDSHAKE = "BAD_HANDSHAKE_REPLY"
    HOLEPUNCH = "BAD_HOLEPUNCH_REPLY"


@dataclass(frozen=True, slots=True)
class HandshakeReply:
    """A server answered."""

    noise: bytes
    relayed: bool
    server_address: Address
    """The server as the relay sees it; the address that was asked, if that was the server."""
    client_address: Address
    """This client as who was asked sees it."""


@dataclass(frozen=True, slots=True)
class HolepunchReply:
    """A server answered."""

    payload: bytes
    """Sealed."""
    sender: Address
    to: Address
    """The socket that asked as the sender sees it: one NAT sample."""
    peer_address: Address
    """The server as the relay sees it."""


@dataclass(frozen=True, slots=True)
class RelayFailed:
    """No answer, or none that can be used."""

    reason: Failure | BadReply
    no_route: bool = False
    """Whether the node said that it does not know the server: it answered with nothing but closer nodes."""


class Asking(Protocol):
    """Who sends requests: a `Requests` or a `Session`."""

    def request(
        self, ask: Ask, to: Contact, now: float, on_reply: OnReply, on_failure: OnFailure, *, socket: int | None = ...
    ) -> InFlight | None:
        """Send a request."""


def peer_handshake(
    asking: Asking,
    target: bytes,
    noise: bytes,
    to: Address,
    now: float,
    on_done: Callable[[HandshakeReply | RelayFailed, float], None],
    *,
    peer_address: Address | None = None,
    relay_address: Address | None = None,
    socket: int | None = None,
    encode: Callable[[Handshake], bytes] = encode_handshake,
) -> None:
    """Ask a server for a connection.

    Args:
        asking: sends the request.
        target: hash of the server's key.
        noise: noise message 1.
        to: a relay, or the server.
        now: seconds.
        on_done: called once, unless the request is cancelled silently.
        peer_address: part of the message; clients of the reference leave it out.
        relay_address: a second relay, through which `to` is to reach the server.
        socket: where it is sent from, if not from the main socket.
        encode: makes the value, for who wants to send another one.
    """
    value = encode(Handshake(Mode.FROM_CLIENT, noise, peer_address, relay_address))

    def replied(reply: Reply, now: float) -> None:
        answer = _handshake_of(reply)
        if answer is None or answer.mode != Mode.REPLY or reply.sender.address != to or not answer.noise:
            on_done(RelayFailed(BadReply.HANDSHAKE, no_route=reply.value is None and not reply.error), now)
            return
        server = answer.peer_address
        on_done(HandshakeReply(answer.noise, server is not None, server or to, reply.to), now)

    ask = Ask(Command.PEER_HANDSHAKE, target=target, value=value)
    asking.request(
        ask, Contact(to), now, replied, lambda failure, now: on_done(RelayFailed(failure), now), socket=socket
    )


def peer_holepunch(
    asking: Asking,
    target: bytes,
    id: int,
    payload: bytes,
    to: Address,
    now: float,
    on_done: Callable[[HolepunchReply | RelayFailed, float], None],
    *,
    peer_address: Address | None = None,
    socket: int | None = None,
    encode: Callable[[Holepunch], bytes] = encode_holepunch,
) -> None:
    """Send one round of holepunching to a server.

    Args:
        asking: sends the request.
        target: hash of the server's key.
        id: the server's number for the attempt, from its handshake.
        payload: sealed.
        to: a relay.
        now: seconds.
        on_done: called once, unless the request is cancelled silently.
        peer_address: the server as that relay sees it.
        socket: where it is sent from: the socket that is to be punched.
        encode: makes the value, for who wants to send another one.
    """
    value = encode(Holepunch(Mode.FROM_CLIENT, id, payload, peer_address))

    def replied(reply: Reply, now: float) -> None:
        answer = _holepunch_of(reply)
        if answer is None or answer.mode != Mode.REPLY or reply.sender.address != to:
            on_done(RelayFailed(BadReply.HOLEPUNCH), now)
            return
        on_done(HolepunchReply(answer.payload, reply.sender.address, reply.to, answer.peer_address or to), now)

    ask = Ask(Command.PEER_HOLEPUNCH, target=target, value=value)
    asking.request(
        ask, Contact(to), now, replied, lambda failure, now: on_done(RelayFailed(failure), now), socket=socket
    )


def _handshake_of(reply: Reply) -> Handshake | None:
    try:
        return None if reply.value is None else decode_handshake(reply.value)
    except DecodeError:
        return None


def _holepunch_of(reply: Reply) -> Holepunch | None:
    try:
        return None if reply.value is None else decode_holepunch(reply.value)
    except DecodeError:
        return None
