"""What an intercepting node shows of itself, frozen at one moment. Drawn by `app.draw.held`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from protocol.editing.values import NOTHING_KNOWN, Draft, Opener
from protocol.messages import Address


class Countdown(NamedTuple):
    """Something that the protocol does by itself while a message is held."""

    what: str
    due: float
    """Seconds until then; negative where it is over."""
    estimated: bool = False
    """It depends on what only the other side knows."""
    final: bool = False
    """From then on nobody waits for the message."""


@dataclass(frozen=True, slots=True)
class Version:
    """A datagram with all that can be changed of it."""

    data: bytes
    source: Address
    to: Address
    ttl: int | None
    """None for what the system gives, or where it is not known."""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A datagram that waits for a person."""

    number: int
    sent: bool
    """Our node is about to send it; else it was received and our node has not seen it yet."""
    age: float
    """Seconds that it has been held."""
    was: Version
    """As it came."""
    now: Version
    """As it goes on."""
    label: str
    """Why it is held: the expression, or the rule."""
    countdowns: tuple[Countdown, ...] = ()
    """The nearest first."""
    opener: Opener = NOTHING_KNOWN
    """What is known beyond its bytes."""
    attempt: bytes = b""
    """8 bytes that name its attempt in the list of attempts; empty where that is not known."""

    @property
    def edited(self) -> bool:
        """Whether anything of it is not as it came."""
        return self.was != self.now

    @property
    def draft(self) -> Draft:
        """It as it is now, to be edited."""
        return Draft(self.now.data, self.now.to if self.sent else self.now.source, self.now.ttl)


@dataclass(frozen=True, slots=True)
class TouchedMessage:
    """A datagram that is on its way again, or is not, after something was done to it."""

    number: int
    key: int
    """What it is called for another look, or to send it again."""
    sent: bool
    at: float
    """When it went, by the clock of `InterceptStatus.now`."""
    was: Version
    now: Version | None
    """As it went on; None if it did not."""
    fate: str
    """What was done, in a word or two: ``forwarded``, ``dropped``."""
    label: str
    opener: Opener = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule, and how often it was applied."""

    name: str
    match: str
    """The expression."""
    does: str
    """What it does, in words."""
    origin: str
    """The file or preset that it comes from."""
    on: bool
    hits: int
    left: int | None = None
    """How often it may still be applied; None for any number."""


@dataclass(frozen=True, slots=True)
class InterceptStatus:
    """Everything that is shown of an interceptor."""

    on: bool
    """Whether the expression holds messages."""
    expression: str
    held: tuple[HeldMessage, ...]
    """In the order in which they go on their way."""
    touched: tuple[TouchedMessage, ...]
    """The newest first."""
    rules: tuple[RuleStatus, ...]
    passed: int
    """Datagrams that were looked at, held or not."""
    now: float
    """This moment, by the node's clock."""
    overflowed: int = 0
    """Went on their way because too many were held."""


class InterceptError(Exception):
    """What was wanted can't be done; the message says why."""


class Preset(NamedTuple):
    """Rules that reproduce a known failure."""

    name: str
    says: str


class Interception(Protocol):
    """The interceptor of a running node. It runs in the node's own thread; what is asked of it is done there.

    Everything but what only tells raises `InterceptError` where it can't be done, as when the message is gone by then.
    """

    @property
    def presets(self) -> tuple[Preset, ...]:
        """What `add_preset` knows."""
        ...

    @property
    def holding(self) -> int:
        """How many messages are held; cheaper than `status`."""
        ...

    def held(self) -> tuple[HeldMessage, ...]:
        """The held messages alone."""
        ...

    def status(self) -> InterceptStatus | None:
        """How it was lately; None before the node has started and after it has ended."""
        ...

    async def intercept(self, expression: str, *, on: bool) -> None:
        """Hold what passes an expression from now on, or with `on` unset let everything pass."""
        ...

    async def forward(self, number: int) -> None:
        """Send a held message on, as it is now."""
        ...

    async def forward_all(self) -> int:
        """Send all held messages on, in order; how many there were."""
        ...

    async def drop(self, number: int) -> None:
        """Let a held message be lost."""
        ...

    async def duplicate(self, number: int) -> None:
        """Send a copy of a held message on; it stays held."""
        ...

    async def delay(self, number: int, seconds: float) -> None:
        """Let a held message go by itself later."""
        ...

    async def edit(self, number: int, draft: Draft) -> None:
        """Let a held message be another one."""
        ...

    async def move(self, number: int, before: int | None) -> None:
        """Put a held message before another one, or with None behind all."""
        ...

    async def replay(self, key: int) -> None:
        """Send once more what went, or did not go, before."""
        ...

    async def use_rule(self, index: int, *, on: bool) -> None:
        """Use a rule, or not."""
        ...

    async def remove_rule(self, index: int) -> None:
        """Forget a rule."""
        ...

    async def add_preset(self, name: str) -> None:
        """Add the rules of a preset, in use."""
        ...
