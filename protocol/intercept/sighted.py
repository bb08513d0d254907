"""What is known of a datagram on its way through, beyond its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.constants import Mode
from protocol.editing.values import Opener, TokenSource
from protocol.intercept.values import Direction, Passing
from protocol.messages import (
    Handshake,
    Holepunch,
    HolepunchPayload,
    Message,
    Request,
    Response,
)

FROM_CLIENTS_SIDE = (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY)
"""Modes of the legs that go towards the server."""


@dataclass(slots=True)
class Offered:
    """A connection attempt, as whoever passes its messages on knows it."""

    noise1: bytes
    id: bytes
    """8 bytes; see `protocol.noise.attempt_id`."""
    target: bytes
    began: float
    noise2: bytes | None = None
    secret: bytes | None = None
    """Of its holepunch payloads."""
    answered: float | None = None
    """When the server's noise message was first seen."""
    punched: float | None = None
    """When a round in which the client punches was first passed on towards the server."""
    client_token: bytes | None = None
    """Secret that makes the client's tokens, where it is known: 32 bytes."""
    server_token: bytes | None = None


@dataclass(slots=True)
class Asked:
    """A request, and how often it was sent."""

    request: Request
    first: float
    last: float
    times: int = 1
    gap: float | None = None
    """Seconds between the last two times."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """A datagram, decoded as far as possible."""

    passing: Passing
    message: Message
    asked: Asked | None = None
    """The request that it is, or that it answers."""
    value: Handshake | Holepunch | None = None
    payload: HolepunchPayload | None = None
    attempt: Offered | None = None
    again: bool = False
    """The same request was sent before."""
    waited: Asked | None = None
    """The request that somebody waits for an answer to: of a relayed leg, the client's."""

    @property
    def request(self) -> Request | None:
        """The request that it is, or that it answers."""
        return None if self.asked is None else self.asked.request

    @property
    def mode(self) -> int | None:
        """Which leg of a relayed exchange it is."""
        return None if self.value is None else self.value.mode

    @property
    def target(self) -> bytes | None:
        """What its request names."""
        return None if self.request is None else self.request.target

    def opener(self, secrets: tuple[bytes, ...], lack: str) -> Opener:
        """What opens it for editing.

        Args:
            secrets: holepunch secrets of attempts to the same server.
            lack: why there are none.
        """
        asked = self.request if isinstance(self.message, Response) else None
        token, remote_token = self._token_sources()
        return Opener(asked, secrets, lack, token, remote_token)

    def _token_sources(self) -> tuple[TokenSource | None, TokenSource | None]:
        """What makes the token that its sender issues, and the one that it sends back."""
        attempt, value = self.attempt, self.value
        if attempt is None or not isinstance(value, Holepunch):
            return None, None
        client, server = self._hosts(value)
        of_client, of_server = _source(attempt.client_token, server), _source(attempt.server_token, client)
        return (of_client, of_server) if value.mode in FROM_CLIENTS_SIDE else (of_server, of_client)

    def _hosts(self, value: Holepunch) -> tuple[str | None, str | None]:
        """The hosts of client and server, each as the relay sees it: that is what tokens are made for."""
        remote, sent = self.passing.remote.host, self.passing.direction is Direction.SENT
        named = None if value.peer_address is None else value.peer_address.host
        hosts: dict[int, tuple[str | None, str | None]] = {
            Mode.FROM_CLIENT: (None if sent else remote, named),
            Mode.FROM_RELAY: (named, remote if sent else None),
            Mode.FROM_SERVER: (named, None if sent else remote),
            Mode.REPLY: (remote if sent else None, named),
        }
        return hosts.get(value.mode, (None, None))


def _source(secret: bytes | None, host: str | None) -> TokenSource | None:
    return None if secret is None or host is None else TokenSource(secret, host)
