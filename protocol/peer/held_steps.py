"""Steps on a desk, waiting or gone, and what became of them; see `protocol.peer.desk`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocol.peer.steps import Step
from protocol.peer.waits import Countdown


class Fate(StrEnum):
    """What became of a step."""

    BY_ITSELF = "went by itself"
    SENT = "sent"
    EDITED = "sent, edited"
    LEFT_OUT = "left out"
    SKIPPED = "skipped"
    LATE = "sent after others"
    REPEATED = "repeated"
    OVERTAKEN = "sent: too many were held"
    TOO_LATE = "its attempt was over"


class NotHeldError(LookupError):
    """There is no such step, or what is wanted can't be done with it; the message says why."""


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that waits."""

    number: int
    came: Step
    """As it was built."""
    step: Step
    """As it is now."""
    since: float
    timers: tuple[Countdown, ...] = ()
    """What others do if it goes on waiting, next first."""
    due: float | None = None
    """When it goes by itself; None for never."""
    put_off: bool = False
    """The machine has gone on without it."""

    @property
    def edited(self) -> bool:
        """Whether it is not as it was built."""
        return self.step != self.came


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step that went, or did not."""

    number: int
    came: Step
    sent: Step | None
    """As it went; None if it did not."""
    fate: Fate
    time: float
    repeatable: bool
