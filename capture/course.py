"""When each stage of an attempt began and ended, and what each relay was asked: what statistics are made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from protocol.address import Address


class Stage(StrEnum):
    """A part of an attempt that is waited for."""

    FIND = "find"
    """From the first FIND_PEER to the first answer with the server's record."""
    HANDSHAKE = "handshake"
    """From the first PEER_HANDSHAKE to its first answer."""
    PROBE = "probe"
    """From the first round that only probes to the last answer of such a round."""
    PUNCH = "punch"
    """From the round that punches, or for a fast open from the first one-byte packet, to the first stream packet."""
    STREAM = "stream"
    """From the first stream packet to the first in the other direction."""


class StageTime(NamedTuple):
    """One stage of one attempt."""

    stage: Stage
    started: float
    ended: float | None
    """None if it never ended, or not in this capture."""


class Asked(NamedTuple):
    """One request over a relay, and what came of it."""

    command: str
    relay: Address | None
    sent: float
    answered: float | None
    sends: int
    """How often it was sent."""
    no_route: bool
    """The relay answered that it knows no route to the server."""
    error: int | None
    """The error code in the server's answer, where that could be opened; 0 is none."""


@dataclass(frozen=True, slots=True)
class Course:
    """The course of an attempt."""

    stages: tuple[StageTime, ...]
    """Those that began, in their order."""
    asked: tuple[Asked, ...]
    """Every relayed request, in time order."""

    def took(self, stage: Stage) -> float | None:
        """Seconds of a stage; None if it did not begin or did not end."""
        for one in self.stages:
            if one.stage is stage and one.ended is not None:
                return one.ended - one.started
        return None
