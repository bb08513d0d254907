"""What passes an interceptor, what may be done with it, and what was done.

A datagram that a socket received passes before the machine behind sees it; one that the machine sends passes before the
socket gets it. For each a *judge* rules what happens: nothing, or one or more actions, which all hold:

| action | effect |
|---|---|
| `Drop` | it ends here; no other action counts |
| `Edit` | its bytes are others; several are done one after the other, before anything else |
| `Redirect` | a sent one goes elsewhere; a received one seems to come from elsewhere |
| `Duplicate` | it goes on its way, and copies of it right behind |
| `Replay` | it goes on its way, and once more later |
| `Delay`, `Reorder` | it goes on its way later |
| `Hold` | it waits for somebody to decide |

All times are in seconds of the machine's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from protocol.messages import Address

PATIENCE = 10.0
"""Seconds after which what waits for later datagrams goes on its way without them."""


class Direction(Enum):
    """Which way a datagram goes."""

    RECEIVED = "received"
    SENT = "sent"


class Passing(NamedTuple):
    """One datagram on its way through."""

    number: int
    """Counts all datagrams from 1, both directions together."""
    direction: Direction
    remote: Address
    """Who sent it, or where it goes."""
    socket: int
    """The machine's number for the socket."""
    ttl: int | None
    """TTL that it is to be sent with; None for the usual one, and for received ones."""
    data: bytes
    """The UDP payload."""
    time: float
    """When it came."""


class EditFailedError(ValueError):
    """An edit can't be made to these bytes; the message says why. Raised by the change of an `Edit`."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep it until somebody decides."""

    label: str = ""
    """Why, for whoever decides."""


@dataclass(frozen=True, slots=True)
class Drop:
    """End it here."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Let it go later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Let it go, and copies of it with it."""

    copies: int = 1


@dataclass(frozen=True, slots=True)
class Redirect:
    """Let it go elsewhere; a received one seems to come from there."""

    to: Address


@dataclass(frozen=True, slots=True)
class Edit:
    """Let it go with other bytes."""

    change: Callable[[bytes], bytes]
    """Gives the new payload, or raises `EditFailedError`: then it goes on as it was, and that is told."""


@dataclass(frozen=True, slots=True)
class Reorder:
    """Let it go behind later ones of its group."""

    behind: int = 1
    patience: float = PATIENCE
    group: str = ""
    """Later ones count where `Ruling.groups` has this; empty: those that go the same way between the same two."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Let it go, and once more: after some seconds, or behind some later ones as in `Reorder`."""

    after: float | None = None
    behind: int = 0
    patience: float = PATIENCE
    group: str = ""


Action = Hold | Drop | Delay | Duplicate | Redirect | Edit | Reorder | Replay


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a judge says of a datagram."""

    actions: tuple[Action, ...] = ()
    """None to let it pass."""
    rule: str | None = None
    """What the rule that says so is called; of several, all of them."""
    ttl: int | None = None
    """Another TTL; None to leave it."""
    groups: frozenset[str] = frozenset()
    """What it counts for: see `Reorder`."""


LET_PASS = Ruling()
Judge = Callable[[Passing], Ruling]
"""Rules what happens to a datagram; called once for each."""


class Countdown(NamedTuple):
    """A timer of the protocol that runs while a message is held."""

    name: str
    """What happens then, as in: the client sends it again."""
    due: float
    """When."""
    source: str = ""
    """Where the reference has the timer."""
    estimated: bool = False
    """The time is not known exactly: it depends on round trips that only the other side knows."""
    final: bool = False
    """From then on nobody waits for what is held."""


@dataclass(frozen=True, slots=True)
class Held:
    """A datagram that waits for somebody to decide."""

    passing: Passing
    """As it came; `passing.number` names it."""
    data: bytes
    """As it is now, edited or not."""
    to: Address
    """Where it goes, or seems to come from, as it is now."""
    ttl: int | None
    since: float
    """When it was held."""
    label: str
    rule: str | None = None
    timers: tuple[Countdown, ...] = ()
    """The protocol's timers that run meanwhile, next first."""
    until: float | None = None
    """When it goes by itself, after `delay`; None for never."""

    @property
    def number(self) -> int:
        """What names it."""
        return self.passing.number

    @property
    def edited(self) -> bool:
        """Whether anything of it is not as it came."""
        return (self.data, self.to, self.ttl) != (self.passing.data, self.passing.remote, self.passing.ttl)


class Fate(StrEnum):
    """What became of a datagram that was touched."""

    HELD = "held"
    """It waits; another `Touched` tells what comes of it."""
    FORWARDED = "forwarded"
    """It was held and went on as it came."""
    EDITED = "edited"
    REDIRECTED = "redirected"
    """It went elsewhere; its bytes may be edited, too."""
    DROPPED = "dropped"
    DELAYED = "delayed"
    """It went later than it came."""
    REORDERED = "reordered"
    """It went behind later ones."""
    DUPLICATED = "duplicated"
    """A copy of it went."""
    REPLAYED = "replayed"
    """It went once more."""
    OVERTAKEN = "overtaken"
    """It was held until too many were; it went on as it was then."""
    UNEDITED = "unedited"
    """A rule wanted to edit it and could not; `Touched.reason` says why."""
    ABANDONED = "abandoned"
    """It was still held, or on its way, when the node closed: it went nowhere."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Something was done to a datagram."""

    passing: Passing
    """As it came."""
    fate: Fate
    data: bytes | None
    """What went on its way; None if nothing did."""
    to: Address
    """Where it went, or seemed to come from."""
    ttl: int | None
    rule: str | None
    """What the rule is called; None where a person did it."""
    time: float
    reason: str = ""

    @property
    def ends(self) -> bool:
        """Whether nothing more comes of this datagram itself; copies of it may still go."""
        return self.fate not in (Fate.HELD, Fate.DUPLICATED, Fate.REPLAYED, Fate.UNEDITED)


class NotHeldError(LookupError):
    """No held datagram has this number: it has gone, by itself perhaps."""
