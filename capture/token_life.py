"""What happened to the address tokens of an attempt, one event after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capture.flow import Sighting
from protocol.address import Address

if TYPE_CHECKING:
    from capture.model import TokenState


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A token was issued, or its echo came back."""

    by_server: bool
    """The server issued the token; else the client."""
    echo: bool
    state: TokenState
    token: bytes
    round: int
    """Index into `Flow.rounds`."""
    in_reply: bool
    """It travels in the server's answer of the round; else in the client's request."""
    time: float
    """Of the first leg that carries it."""
    address: Address | None
    """The address for whose host it is issued, or from which its echo comes, as the relay of the round saw it."""
    age: float | None
    """Seconds from its first issue to this echo; None where the issue was not seen."""
    recomputed: bool | None
    """Whether the issuer's secret makes this token of the host; None where the secret is not known."""
    sighting: Sighting
