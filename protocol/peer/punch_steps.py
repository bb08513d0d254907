"""The steps of a puncher: what it is about to send goes to the gate first, or comes from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.messages import Address
from protocol.peer.steps import Act, Attempt, Gate, Let, PunchStep, SampleStep, Sending, Step
from protocol.punch.nat_analysis import Again, Ask, Sampling
from protocol.punch.puncher import Echoing, Shoot

if TYPE_CHECKING:
    from protocol.punch.puncher import Puncher


def sampling_at(gate: Gate, connection: Attempt) -> Sampling:
    """Gives the pings for the NAT of an attempt's socket to the gate."""

    def sampling(nodes: tuple[Address, ...], ask: Ask, again: Again, now: float) -> None:
        def released(step: Let, now: float) -> None:
            ask(step.nodes if isinstance(step, SampleStep) else None, now)

        def repeat(step: Step, now: float) -> None:
            if isinstance(step, SampleStep):
                again(step.nodes, now)

        gate(SampleStep(Act.SAMPLE, connection, nodes), Sending(released, repeat), now)

    return sampling


def echoing_at(gate: Gate, connection: Attempt) -> Echoing:
    """Gives the answers to punches to the gate."""

    def echoing(addr: Address, shoot: Shoot, now: float) -> None:
        def released(step: Let, _: float) -> None:
            if isinstance(step, PunchStep):
                shoot(step.to, step.ttl, step.data)
            else:
                shoot(None, None, b"")

        gate(PunchStep(Act.ECHO, connection, addr), Sending(released, released), now)

    return echoing


def fire(puncher: Puncher, step: PunchStep, now: float) -> None:
    """Send the one punch that a step is."""
    if step.to is not None:
        puncher.shoot(step.to, now, ttl=step.ttl, data=step.data)


def fire_again(puncher: Puncher) -> Callable[[Step, float], None]:
    """What sends a punch once more; of a step that began many, one to each address that the peer is known to have."""

    def again(step: Step, now: float) -> None:
        if not isinstance(step, PunchStep):
            return
        for to in (step.to,) if step.to is not None else (known.address for known in puncher.remote_addresses):
            puncher.shoot(to, now, ttl=step.ttl, data=step.data)

    return again
