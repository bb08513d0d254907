"""What a datagram is tied to, as lines that lead there: answer, request, relayed copies, retransmissions."""

from __future__ import annotations

from typing import NamedTuple

from app.draw.message import Fact
from app.draw.spans import Tone
from app.wording import counted
from capture.model import Sighting


class Neighbour(NamedTuple):
    """Another datagram, and how much later than this one it is, in seconds."""

    sighting: Sighting
    later: float
    mode: str = ""
    """Which leg of a relayed message it is."""
    turns: bool = False
    """Between the two the server answered: what the one seals is no copy of what the other does."""


class Ties(NamedTuple):
    """What a datagram is tied to."""

    is_request: bool
    is_message: bool
    """It is of dht-rpc at all."""
    answer: Neighbour | None = None
    asked: Neighbour | None = None
    """The request that it answers."""
    inward: Neighbour | None = None
    """The leg as which its content reached the node that sent it."""
    onward: Neighbour | None = None
    """The leg as which the node that got it passed its content on."""
    sends: tuple[Neighbour, ...] = ()
    """The other times that this request was sent."""
    first: Neighbour | None = None
    """The first sighting of the same datagram, where this is a copy."""


def tie_facts(ties: Ties) -> tuple[Fact, ...]:
    """One line for each tie."""
    facts: list[Fact] = []
    if ties.answer is not None:
        facts.append(_fact("reply", f"answered by {_after(ties.answer)}", ties.answer))
    elif ties.asked is not None:
        facts.append(
            _fact("reply", f"answers #{ties.asked.sighting.frame}, {_gap(-ties.asked.later)} later", ties.asked)
        )
    elif ties.is_message and ties.onward is None:
        said = "no answer in this capture" if ties.is_request else "its request is not in this capture"
        facts.append(Fact("reply", said, tone=Tone.DIM))
    if ties.inward is not None:
        verb = "answers" if ties.inward.turns else "came in as"
        said = f"{verb} #{ties.inward.sighting.frame} {ties.inward.mode}, {_gap(-ties.inward.later)} before"
        facts.append(_fact("relay", said, ties.inward))
    if ties.onward is not None:
        verb = "answered as" if ties.onward.turns else "went on as"
        said = f"{verb} #{ties.onward.sighting.frame} {ties.onward.mode}, {_gap(ties.onward.later)} later"
        facts.append(_fact("relay", said, ties.onward))
    if ties.sends:
        near = min(ties.sends, key=lambda one: abs(one.later))
        when = f"{_gap(near.later)} later" if near.later >= 0 else f"{_gap(-near.later)} before"
        said = f"sent {counted(len(ties.sends) + 1, 'time')}: also #{near.sighting.frame}, {when}"
        facts.append(_fact("again", said, near))
    if ties.first is not None:
        facts.append(_fact("seen", f"first as #{ties.first.sighting.frame}", ties.first))
    return tuple(facts)


def _fact(label: str, text: str, neighbour: Neighbour) -> Fact:
    return Fact(label, text, neighbour.sighting)


def _after(neighbour: Neighbour) -> str:
    return f"#{neighbour.sighting.frame} after {_gap(neighbour.later)}"


def _gap(seconds: float) -> str:
    """Milliseconds up to a second."""
    return f"{seconds * 1000:.1f} ms" if abs(seconds) < 1 else f"{seconds:.3f} s"
