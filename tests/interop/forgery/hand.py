"""A hand between our peer and the network: it changes steps before they are sealed, and datagrams after that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from protocol.constants import Command, Mode
from protocol.dht.contact import Outgoing
from protocol.envelope import decode_request, decode_response, encode_request, encode_response
from protocol.errors import DecodeError
from protocol.messages import Holepunch, Request, Response
from protocol.noise_handshake import KeyLine
from protocol.peer.steps import Act, HolepunchStep, NoiseStep, Release, Step
from protocol.peer_values import decode_holepunch, encode_holepunch
from protocol.secretbox import NONCE_SIZE, open_payload, seal_payload

StepChange = Callable[["Hand", Step], Step | None]
DatagramChange = Callable[["Hand", Outgoing], list[Outgoing]]


@dataclass
class Hand:
    """What one case does to the messages of our peer."""

    step: StepChange
    datagram: DatagramChange
    random: Random = field(default_factory=lambda: Random(5))
    secrets: list[bytes] = field(default_factory=list)
    """Holepunch secrets of our attempts, oldest first."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What a case remembers."""
    keys: list[KeyLine] = field(default_factory=list)
    rewritten: dict[Holepunch, Holepunch] = field(default_factory=dict)
    active: bool = True

    def gate(self, step: Step, release: Release, now: float) -> None:
        """The gate of our peer."""
        if not self.active and step.act is Act.PUNCH and isinstance(step, HolepunchStep):
            self.kept["token"] = step.payload.remote_token
        release(self.step(self, step) if self.active else step, now)

    def took(self, line: KeyLine) -> None:
        """A line of our key log."""
        self.keys.append(line)
        if line.label == "HOLEPUNCH_SECRET":
            self.secrets.append(line.secret)

    def stand_before(self, machine: Any) -> None:
        """Change what a machine sends."""
        poll, waiting = machine.poll_datagram, deque[Outgoing]()

        def changed(now: float) -> Outgoing | None:
            while not waiting:
                outgoing = poll(now)
                if outgoing is None:
                    return None
                waiting.extend(self.datagram(self, outgoing) if self.active else [outgoing])
            return waiting.popleft()

        machine.poll_datagram = changed


def as_it_is(_: Hand, step: Step) -> Step | None:
    """No step is changed."""
    return step


def let_through(_: Hand, outgoing: Outgoing) -> list[Outgoing]:
    """No datagram is changed."""
    return [outgoing]


def edit(act: Act, **fields: Any) -> StepChange:
    """Other values in the payload of one kind of step; a callable is given the hand and the payload."""

    def change(hand: Hand, step: Step) -> Step | None:
        if step.act is not act or not isinstance(step, HolepunchStep | NoiseStep):
            return step
        new = {name: value(hand, step.payload) if callable(value) else value for name, value in fields.items()}
        return replace(step, payload=replace(step.payload, **new))  # type: ignore[arg-type]

    return change


def both(*changes: StepChange) -> StepChange:
    """Several changes, one after the other."""

    def change(hand: Hand, step: Step) -> Step | None:
        for one in changes:
            changed = one(hand, step)
            if changed is None:
                return None
            step = changed
        return step

    return change


def leave_out(act: Act) -> StepChange:
    """A step that is not taken."""
    return lambda _, step: None if step.act is act else step


def round_of(hand: Hand, data: bytes, mode: Mode) -> tuple[Request | Response, Holepunch, bytes] | None:
    """A PEER_HOLEPUNCH of a mode that can be opened: message, value and plaintext."""
    message: Request | Response
    try:
        message = decode_response(data) if mode is Mode.REPLY else decode_request(data)
        if isinstance(message, Request) and message.command != Command.PEER_HOLEPUNCH:
            return None
        value = decode_holepunch(message.value or b"")
    except DecodeError:
        return None
    if value.mode != mode:
        return None
    for secret in reversed(hand.secrets):
        plaintext = open_payload(secret, value.payload)
        if plaintext is not None:
            return message, value, plaintext
    return None


def rebuilt(outgoing: Outgoing, message: Request | Response, value: Holepunch) -> Outgoing:
    """The datagram with another value."""
    new = replace(message, value=encode_holepunch(value))
    return outgoing._replace(data=encode_response(new) if isinstance(new, Response) else encode_request(new))


def resealed(hand: Hand, plaintext: bytes) -> bytes:
    """A payload under the latest attempt's secret."""
    return seal_payload(hand.secrets[-1], plaintext, hand.random.randbytes(NONCE_SIZE))


Rewrite = Callable[[Hand, Holepunch, bytes], Holepunch]


def rewrite(mode: Mode, change: Rewrite, rounds: tuple[int, ...] = (0, 1)) -> DatagramChange:
    """Change the PEER_HOLEPUNCH value of our messages of some rounds."""

    def changed(hand: Hand, outgoing: Outgoing) -> list[Outgoing]:
        found = round_of(hand, outgoing.data, mode)
        if found is None or found[2][3] not in rounds:
            return [outgoing]
        message, value, plaintext = found
        if value not in hand.rewritten:  # what is sent again is the same again
            hand.rewritten[value] = change(hand, value, plaintext)
        return [rebuilt(outgoing, message, hand.rewritten[value])]

    return changed


def bare_again(outgoing: Outgoing, message: Request | Response, value: Holepunch, tid: int) -> Outgoing:
    """The same request once more as a new one, with another transaction id."""
    assert isinstance(message, Request)
    return rebuilt(outgoing, replace(message, tid=tid), value)
