"""Rules files: what to do with which datagrams, unattended.

```toml
says = "the token of the other side never comes back"

[[rule]]
name = "strip"
match = "command == PEER_HOLEPUNCH and mode == FROM_RELAY"
do = "edit"
set = { remote_token = "strip" }
```

docs/intercept.md has every key. A rule applies to each datagram that `match` holds for, on its way in and on its way
out; all rules that apply are taken together, up to the first that says ``pass``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from protocol.intercept.values import PATIENCE, Direction
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.filter import Filter


class Deed(StrEnum):
    """What a rule does."""

    HOLD = "hold"
    PASS = "pass"
    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    EDIT = "edit"
    REDIRECT = "redirect"
    REORDER = "reorder"
    REPLAY = "replay"


class Per(StrEnum):
    """What `times`, `skip` and `after` are counted for."""

    ALL = "all"
    ATTEMPT = "attempt"
    """Each attempt for itself; of messages that no attempt is known of, each target."""


class RulesError(ValueError):
    """A rules file, or a rule, that is none.

    Attributes:
        place: the file, or what stands for it, and the rule.
        reason: what is wrong, one clause.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    name: str
    match: Filter
    deeds: tuple[Deed, ...]
    changes: Mapping[str, str] = field(default_factory=dict)
    """Fields to set; ``destination`` and ``ttl`` among them."""
    direction: Direction | None = None
    times: int | None = None
    """At most so often; None for always."""
    skip: int = 0
    """Not the first so many."""
    after: Filter | None = None
    """Not before a datagram passed that this holds for."""
    per: Per = Per.ALL
    seconds: float | None = None
    copies: int = 1
    behind: int = 1
    patience: float = PATIENCE
    to: Address | None = None
    ttl: int | None = None
    origin: str = ""
    """The file or preset that it is from."""
    on: bool = True

    @property
    def does(self) -> str:
        """What it does, in words."""
        words = []
        for deed in self.deeds:
            if deed is Deed.EDIT:
                words.append(
                    "set " + ", ".join(f"{name} = {text or '(nothing)'}" for name, text in self.changes.items())
                )
            elif deed is Deed.REDIRECT:
                words.append(f"redirect to {self.to}")
            elif deed is Deed.DELAY:
                words.append(f"delay by {self.seconds:g} s")
            elif deed is Deed.DUPLICATE:
                words.append(f"duplicate {self.copies} times" if self.copies > 1 else "duplicate")
            elif deed is Deed.REORDER:
                words.append(f"reorder behind the next {self.behind}" if self.behind > 1 else "reorder behind the next")
            elif deed is Deed.REPLAY:
                after = f"after {self.seconds:g} s" if self.seconds is not None else f"behind the next {self.behind}"
                words.append(f"replay {after}")
            else:
                words.append(str(deed))
        return "; ".join(words)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one file."""

    rules: tuple[Rule, ...]
    says: str = ""
    """What they are for."""


@dataclass(frozen=True, slots=True)
class Intercepting:
    """What a node does to datagrams from the start."""

    rules: tuple[Rule, ...] = ()
    expression: str = ""
    """What is held; empty for nothing."""


NO_INTERCEPTING: Final = Intercepting()
