"""How one looks at a ladder: level of detail, time, colour, bursts, marks."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum


class TimeMode(Enum):
    """What the time column counts from."""

    RELATIVE = "since start"
    CLOCK = "of day"
    DELTA = "since last"
    MARK = "since mark"


class ColourMode(Enum):
    """What the colour of an arrow stands for. Words and glyphs say the same."""

    PHASE = "phase"
    SIDE = "sender"
    TOKEN = "tokens"
    ATTEMPT = "attempt"
    """Only where a ladder shows several."""


class Bursts(Enum):
    """How one-byte punches are shown."""

    FOLDED = "folded"
    UNFOLDED = "one by one"
    HIDDEN = "hidden"


class Level(Enum):
    """How much of an attempt is drawn."""

    NORMAL = ""
    COMPRESSED = "compressed"
    """Relays and nodes share a lane."""
    GIST = "gist"
    """What client and server say to each other, each message once, without notes."""
    EXTENDED = "extended"
    """Every datagram, every node, every hop."""


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """How to look at a ladder. Steps are numbered as they are shown: `LadderPlan.flow.steps`."""

    time: TimeMode = TimeMode.RELATIVE
    colour: ColourMode = ColourMode.PHASE
    bursts: Bursts = Bursts.FOLDED
    level: Level = Level.NORMAL
    unfolded: frozenset[int] = frozenset()
    """Steps shown one by one whatever `bursts` says."""
    marked: tuple[int, ...] = ()
    """At most two steps, the latest mark last; `TimeMode.MARK` counts from that."""
    zone: datetime.tzinfo | None = None
    """Time zone of `TimeMode.CLOCK`; None is the machine's own."""
    now: float | None = None
    """When the newest packet of the source came, epoch seconds: what may still come then is not missing yet. None:
    nothing more will come."""
