"""Whose rounds are punched: what the machines of the rounds need to know of them, and to tell them.

A client and a server want their own rounds; a proxy wants those of another peer (`protocol.proxy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from protocol.messages import Address, RelayInfo
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.refusals import ServerRefusal
from protocol.peer.steps import Attempt

if TYPE_CHECKING:
    from protocol.dht.session import Session
    from protocol.peer.options import ConnectOptions, HolepunchPolicy
    from protocol.peer.peer import Peer
    from protocol.punch.puncher import Puncher
    from protocol.punch.secure_payload import SecurePayload


@dataclass(frozen=True, slots=True)
class PunchOffer:
    """What a server's answer to the handshake says of punching."""

    id: int
    """The server's number for the attempt."""
    firewall: int
    relays: tuple[RelayInfo, ...]
    """Its relays, at least one."""
    relay: Address
    """The relay of the handshake."""
    server: Address
    """The server as that relay sees it."""

    @property
    def first_relay(self) -> RelayInfo:
        """The server's relay that is ours as well, or its first."""
        return next((relay for relay in self.relays if relay.relay_address == self.relay), self.relays[0])


@dataclass(frozen=True, slots=True)
class Probed:
    """What the probe round told."""

    round: int
    """Number of the next round."""
    firewall: int
    addresses: tuple[Address, ...]
    """Where the server says it is."""
    server: Address
    token: bytes | None
    """The server's token for the one who asked."""


class RoundsOwner(Protocol):
    """Who wants the rounds: a client, or a proxy in its place."""

    peer: Peer
    target: bytes
    session: Session
    options: ConnectOptions

    @property
    def connection(self) -> Attempt:
        """What the steps belong to."""

    @property
    def is_done(self) -> bool:
        """Whether nobody waits for a path any more."""

    @property
    def may_wait(self) -> bool:
        """Whether a blind relay carries the stream meanwhile."""

    def path_found(self, socket: int, addr: Address, now: float) -> None:
        """A punch of the server's arrived."""

    def fail(self, error: ErrorName, cause: Cause, now: float, detail: str = "") -> None:
        """No path this way."""


class RoundsServer(Protocol):
    """Whose rounds are answered: those of a server's handshake, or a proxy's in its place."""

    peer: Peer
    secure: SecurePayload | None
    """None before there is anything to punch."""
    puncher: Puncher | None

    @property
    def connection(self) -> Attempt | None:
        """What the steps belong to."""

    @property
    def holepunch(self) -> HolepunchPolicy:
        """Whether to punch."""

    @property
    def may_wait(self) -> bool:
        """Whether a blind relay carries the stream meanwhile."""

    def is_own_relay(self, address: Address) -> bool:
        """Whether the server is announced there."""

    def refuse(self, refusal: ServerRefusal) -> None:
        """A round is not answered."""

    def round_came(self) -> None:
        """The client goes on."""

    def punches_fired(self) -> None:
        """From now on the attempt can end because none of them arrives."""

    def give_up(self, cause: Cause, now: float, detail: str = "") -> None:
        """No path this way."""
