"""What an interceptor has in hand, as screens show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.intercept_status import Countdown, HeldMessage, RuleStatus, TouchedMessage, Version
from protocol.intercept.values import Direction, Passing

if TYPE_CHECKING:
    from app.hand.ruling import Standing
    from protocol.editing.values import Opener
    from protocol.intercept.values import Held, Touched
    from protocol.messages import Address


def held_message(held: Held, local: Address, opener: Opener, attempt: bytes, now: float) -> HeldMessage:
    """A held datagram at some moment.

    Args:
        held: it.
        local: our own end.
        opener: what opens it.
        attempt: the id of its attempt; empty where that is not known.
        now: by the clock of the machine.
    """
    passing = held.passing
    due = () if held.until is None else (Countdown("it goes on by itself", held.until - now),)
    timers = tuple(Countdown(one.name, one.due - now, one.estimated, one.final) for one in held.timers)
    return HeldMessage(
        held.number,
        passing.direction is Direction.SENT,
        max(now - held.since, 0.0),
        _version(passing, local),
        _version(passing, local, held.data, held.to, held.ttl),
        held.label,
        tuple(sorted((*due, *timers), key=lambda one: one.due)),
        opener,
        attempt,
    )


def touched_message(key: int, touched: Touched, local: Address, opener: Opener) -> TouchedMessage:
    """A touched datagram; arguments as for `held_message`."""
    passing = touched.passing
    became = None if touched.data is None else _version(passing, local, touched.data, touched.to, touched.ttl)
    return TouchedMessage(
        passing.number,
        key,
        passing.direction is Direction.SENT,
        touched.time,
        _version(passing, local),
        became,
        f"{touched.fate}: {touched.reason}" if touched.reason else str(touched.fate),
        touched.rule or "",
        opener,
    )


def rule_status(standing: Standing) -> RuleStatus:
    """A rule, and how often it was applied."""
    rule = standing.rule
    return RuleStatus(rule.name, rule.match.text, rule.does, rule.origin, standing.on, standing.hits, standing.left)


def _version(
    passing: Passing,
    local: Address,
    data: bytes | None = None,
    other: Address | None = None,
    ttl: int | None = None,
) -> Version:
    """A datagram between its ends: as it came, unless something else is said."""
    remote = passing.remote if other is None else other
    ends = (local, remote) if passing.direction is Direction.SENT else (remote, local)
    return Version(passing.data if data is None else data, *ends, passing.ttl if data is None else ttl)
