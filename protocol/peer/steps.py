"""What a connection attempt says, one value for each step, before it is sealed and sent.

Both machines build every step in one place and give it to the peer's *gate* with a function that sends it. The usual
gate sends at once. A person at the controls may have it held, changed, or left out instead: the machine behind waits
for whatever happens, as it would for a slow network.

A step that is let go as None is left out. A request left out counts as one that nobody answered; an answer left out is
not sent; a punch left out was never fired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from protocol.messages import Address, HolepunchPayload, NoisePayload
from protocol.peer.events import Stage


class Attempt(Protocol):
    """What a step belongs to: a connection, or an attempt that is punched on behalf of another peer."""

    @property
    def attempt(self) -> bytes:
        """8 bytes that name the attempt in a key log and in a capture; empty where they are not known."""

    def set_stage(self, stage: Stage) -> None:
        """It got further."""


class Act(Enum):
    """What a step is for."""

    OFFER = auto()
    """Noise message 1, to the server. Sealed once, then sent over each relay."""
    ANSWER = auto()
    """Noise message 2, to the client. Kept, and sent again to whoever repeats message 1."""
    PROBE = auto()
    """The client's first round: what we know of our NAT."""
    PUNCH = auto()
    """The client's last round: we punch now."""
    DELAY = auto()
    """The client is busy with another random NAT."""
    REPLY = auto()
    """The server's answer to any round."""
    ABORT = auto()
    """Either side gives up."""
    SESSION = auto()
    """One punch with a low TTL, that opens our own NAT."""
    PING = auto()
    """One punch meant to arrive."""
    BARRAGE = auto()
    """Begin to punch for good."""


@dataclass(frozen=True, slots=True)
class NoiseStep:
    """A noise message."""

    act: Act
    connection: Attempt
    payload: NoisePayload


@dataclass(frozen=True, slots=True)
class HolepunchStep:
    """A PEER_HOLEPUNCH payload."""

    act: Act
    connection: Attempt
    payload: HolepunchPayload
    relay: Address | None = None
    """The relay a request goes to; of an answer None, which goes back the way the request came."""
    peer_address: Address | None = None
    """Where the relay passes a request on to."""


@dataclass(frozen=True, slots=True)
class PunchStep:
    """One punch, or the start of many."""

    act: Act
    connection: Attempt
    to: Address | None = None
    """None where the puncher knows where to."""


Step = NoiseStep | HolepunchStep | PunchStep
Release = Callable[[Step | None, float], None]
"""Sends a step, which may be another one than was built, or None to leave it out. Call it once."""
Gate = Callable[[Step, Release, float], None]
"""Gets every step of a peer."""


def pass_at_once(step: Step, release: Release, now: float) -> None:
    """The usual gate."""
    release(step, now)
