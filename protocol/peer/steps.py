"""What a connection attempt says, one value for each step, before it is sealed and sent.

Both machines build every step in one place and give it to the peer's *gate* with a function that sends it. The usual
gate sends at once. A person at the controls may have it held, changed, or left out instead: the machine behind waits
for whatever happens, as it would for a slow network.

A step that is let go as None is left out. A request left out counts as one that nobody answered; an answer left out is
not sent; a punch left out was never fired; a stream left out ends the attempt. `Skipped` in its place lets the machine
go on as if there were no such step, where that has a meaning: without a search to the relays that are known, without a
probe to the punch round, without a round to the punches.

A step that went its way may go it once more, if its release is a `Sending` with `again`: the same message or another
one to the same place, with a seal of its own. Its answer is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from protocol.constants import PUNCH
from protocol.messages import Address, Handshake, Holepunch, HolepunchInfo, HolepunchPayload, NoisePayload
from protocol.peer.events import Stage
from protocol.peer_values import encode_handshake, encode_holepunch
from protocol.sealed_values import encode_holepunch_payload, encode_noise_payload


class Attempt(Protocol):
    """What a step belongs to: a connection, or an attempt that is punched on behalf of another peer."""

    @property
    def attempt(self) -> bytes:
        """8 bytes that name the attempt in a key log and in a capture; empty where they are not known."""

    def set_stage(self, stage: Stage) -> None:
        """It got further."""


class Act(Enum):
    """What a step is for, in the order in which attempts usually come to them."""

    FIND = auto()
    """The search for relays of the server."""
    OFFER = auto()
    """Noise message 1, to the server. Sealed once, then sent over each relay."""
    ASK = auto()
    """The choice of a relay: noise message 1 goes over this one."""
    ANSWER = auto()
    """Noise message 2, to the client. Kept, and sent again to whoever repeats message 1."""
    SAMPLE = auto()
    """Pings that tell what our NAT does."""
    SESSION = auto()
    """One punch with a low TTL, that opens our own NAT."""
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
    PING = auto()
    """One punch meant to arrive."""
    ECHO = auto()
    """The server's answer to a punch of the client's: one byte back."""
    BARRAGE = auto()
    """Begin to punch for good."""
    STREAM = auto()
    """Open the stream on the path that was found."""


@dataclass(frozen=True, slots=True)
class FindStep:
    """A search by FIND_PEER."""

    act: Act
    connection: Attempt
    target: bytes
    """32 bytes: the hash of the server's key."""
    nodes: tuple[Address, ...] = ()
    """Where it begins; nowhere said: with the nearest nodes of the routing table."""


@dataclass(frozen=True, slots=True)
class RelayStep:
    """A handshake over one relay."""

    act: Act
    connection: Attempt
    relay: Address
    noise: bytes = b""
    """Noise message 1, sealed."""
    mode: int | None = None
    """None here and in the next is what is usual."""
    peer_address: Address | None = None
    relay_address: Address | None = None
    """A second relay, through which the first is to reach the server."""
    value: bytes | None = None
    """The whole value, in the place of all the above but `relay`."""

    def encoded(self, usual: Handshake) -> bytes:
        """The value that is sent in the place of the usual one."""
        if self.value is not None:
            return self.value
        mode = usual.mode if self.mode is None else self.mode
        return encode_handshake(Handshake(mode, self.noise or usual.noise, self.peer_address, self.relay_address))


@dataclass(frozen=True, slots=True)
class NoiseStep:
    """A noise message."""

    act: Act
    connection: Attempt
    payload: NoisePayload
    plaintext: bytes | None = None
    """What is sealed, in the place of `payload`."""
    mode: int | None = None
    """Of an answer: None is the usual."""
    peer_address: Address | None = None
    """Of an answer: the client that the relay passes it on to. None is the one who asked, as that relay sees it: two
    relays may see it at two ports."""
    value: bytes | None = None
    """Of an answer: the whole value, in the place of all the above."""
    offer: HolepunchInfo | None = None
    """Of an answer: what could be offered for punching, whether or not the payload has it; not sent."""

    @property
    def sealed_bytes(self) -> bytes:
        """What is sealed."""
        return encode_noise_payload(self.payload) if self.plaintext is None else self.plaintext

    def encoded(self, usual: Handshake | Holepunch) -> bytes:
        """The value that is sent in the place of the usual one."""
        if self.value is not None:
            return self.value
        assert isinstance(usual, Handshake)
        mode = usual.mode if self.mode is None else self.mode
        return encode_handshake(replace(usual, mode=mode, peer_address=self.peer_address or usual.peer_address))


@dataclass(frozen=True, slots=True)
class HolepunchStep:
    """A PEER_HOLEPUNCH payload, and what is around it."""

    act: Act
    connection: Attempt
    payload: HolepunchPayload
    relay: Address | None = None
    """The relay a request goes to; of an answer None, which goes back the way the request came."""
    peer_address: Address | None = None
    """Where the relay passes it on to; of an answer None is the one who asked."""
    id: int | None = None
    """None here and in `mode` is what is usual."""
    mode: int | None = None
    plaintext: bytes | None = None
    """What is sealed, in the place of `payload`."""
    value: bytes | None = None
    """The whole value, in the place of all the above but `relay`."""
    own_token: bytes | None = None
    """The token that would prove the other side's address, whether or not the payload has it; 32 bytes, not sent."""
    heard_token: bytes | None = None
    """The token that the other side gave us, whether or not the payload echoes it; 32 bytes, not sent."""

    @property
    def sealed_bytes(self) -> bytes:
        """What is sealed."""
        return encode_holepunch_payload(self.payload) if self.plaintext is None else self.plaintext

    def encoded(self, usual: Handshake | Holepunch) -> bytes:
        """The value that is sent in the place of the usual one."""
        if self.value is not None:
            return self.value
        assert isinstance(usual, Holepunch)
        return encode_holepunch(
            Holepunch(
                usual.mode if self.mode is None else self.mode,
                usual.id if self.id is None else self.id,
                usual.payload,
                self.peer_address or usual.peer_address,
            )
        )


@dataclass(frozen=True, slots=True)
class SampleStep:
    """Pings from the socket that is to be punched."""

    act: Act
    connection: Attempt
    nodes: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class PunchStep:
    """One punch, or the start of many."""

    act: Act
    connection: Attempt
    to: Address | None = None
    """None where the puncher knows where to; said of many, they go there alone."""
    ttl: int | None = None
    """None is what is usual."""
    data: bytes = PUNCH


@dataclass(frozen=True, slots=True)
class StreamStep:
    """The first packets of a stream."""

    act: Act
    connection: Attempt
    to: Address
    remote_id: int
    """The other side's number for its stream."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """In the place of a step: go on as if there were none."""

    act: Act
    connection: Attempt


Step = FindStep | RelayStep | NoiseStep | SampleStep | HolepunchStep | PunchStep | StreamStep
Let = Step | Skipped | None
"""What a step may be let go as."""
Release = Callable[[Let, float], None]
"""Sends a step, which may be another one than was built, or None to leave it out. Call it once."""
Gate = Callable[[Step, Release, float], None]
"""Gets every step of a peer."""


class Sending:
    """A release whose step can be sent more than once.

    Args:
        send: the release.
        again: sends a step of the same kind once more, and expects nothing of it. Not before the step was let go.
    """

    __slots__ = ("_send", "again")

    def __init__(self, send: Release, again: Callable[[Step, float], None]) -> None:
        self._send = send
        self.again = again

    def __call__(self, step: Let, now: float) -> None:
        """Let the step go, or something else in its place."""
        self._send(step, now)


def pass_at_once(step: Step, release: Release, now: float) -> None:
    """The usual gate."""
    release(step, now)
