"""The judge of an interceptor: rules first, then the expression that a person wants held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from app.hand.asking import packet_of
from app.hand.rules import Deed, Per, Rule
from protocol.dht.aged_cache import AgedCache
from protocol.editing.fields import with_fields
from protocol.editing.kinds import Ttl, read_address
from protocol.editing.values import EditError, Opener
from protocol.intercept.book import AttemptBook
from protocol.intercept.values import (
    LET_PASS,
    Action,
    Delay,
    Drop,
    Duplicate,
    Edit,
    EditFailedError,
    Hold,
    Passing,
    Redirect,
    Reorder,
    Replay,
    Ruling,
)
from protocol.messages import Address

if TYPE_CHECKING:
    from capture.filter import Filter
    from capture.filter.packet import Packet
    from protocol.intercept.sighted import Sighted

COUNTED: Final = 4096
"""Attempts that are counted for at a time."""
FOR_LONG: Final = 3600.0
"""Seconds for which an attempt is remembered."""
_TYPES: Final = (0x03, 0x13)
"""First bytes of what the book can learn from."""
_EVERYTHING: Final = b""


@dataclass(slots=True)
class Standing:
    """A rule, and how often it was applied."""

    rule: Rule
    on: bool
    hits: int = 0
    seen: AgedCache[bytes, int] = field(default_factory=lambda: AgedCache(COUNTED, FOR_LONG))
    """How many datagrams `match` held for, for each attempt."""
    begun: AgedCache[bytes, bool] = field(default_factory=lambda: AgedCache(COUNTED, FOR_LONG))
    """Attempts for which `after` has passed."""

    @property
    def left(self) -> int | None:
        """How often it may still be applied; None for any number, or where each attempt has a number of its own."""
        times = self.rule.times
        return None if times is None or self.rule.per is Per.ATTEMPT else max(times - self.hits, 0)


class RulingJudge:
    """Rules over every datagram of one node.

    Args:
        book: learns from every datagram.
        local: gives our own address of a socket.
        epoch: seconds since 1970 at time 0 of the machine's clock.
        began: when the session began, by that clock.
    """

    def __init__(
        self, book: AttemptBook, local: Callable[[int], Address], epoch: float = 0.0, began: float = 0.0
    ) -> None:
        self.book = book
        self.rules: list[Standing] = []
        self.wanted: Filter | None = None
        """What a person wants held; None for nothing."""
        self.sighted: Sighted | None = None
        """What is known of the datagram that was ruled over last; None of one that nobody asked of."""
        self._local = local
        self._epoch = epoch
        self._began = began

    def __call__(self, passing: Passing) -> Ruling:
        """What happens to a datagram."""
        idle = self.wanted is None and not any(one.on for one in self.rules)
        if idle and passing.data[:1] and passing.data[0] not in _TYPES:
            self.sighted = None
            return LET_PASS
        sighted = self.sighted = self.book.see(passing)
        if idle:
            return LET_PASS
        packet = packet_of(sighted, self._local(passing.socket), self._epoch, self._began)
        return self._rule(sighted, packet)

    def _rule(self, sighted: Sighted, packet: Packet) -> Ruling:
        actions: list[Action] = []
        names: list[str] = []
        groups: set[str] = set()
        ttl: int | None = None
        exempt = False
        for standing in self.rules:
            rule = standing.rule
            if not standing.on or not self._applies(standing, sighted, packet, groups):
                continue
            standing.hits += 1
            if Deed.PASS in rule.deeds:
                exempt = True
                break
            names.append(rule.name)
            actions += self._actions(rule, sighted)
            ttl = _ttl_of(rule) or ttl
        held = any(isinstance(action, Hold) for action in actions)
        if self.wanted is not None and not exempt and not held and self.wanted.matches_message(packet):
            actions.append(Hold(self.wanted.text))
        if not actions and not groups:
            return LET_PASS
        return Ruling(tuple(actions), ", ".join(names) or None, ttl, frozenset(groups))

    def _applies(self, standing: Standing, sighted: Sighted, packet: Packet, groups: set[str]) -> bool:
        rule, now = standing.rule, sighted.passing.time
        wanted = rule.direction is None or rule.direction is sighted.passing.direction
        keys = _keys(rule, sighted)
        begun = rule.after is None or any(standing.begun.get(key, now) for key in keys[:1])
        matched = wanted and begun and rule.match.matches_message(packet)
        if rule.after is not None and rule.after.matches_message(packet):
            for key in keys:
                standing.begun.set(key, True, now)
        if not matched:
            return False
        groups.add(rule.name)
        if rule.times is None and not rule.skip:
            return True
        seen = standing.seen.get(keys[0], now) or 0
        standing.seen.set(keys[0], seen + 1, now)
        return seen >= rule.skip and (rule.times is None or seen < rule.skip + rule.times)

    def _actions(self, rule: Rule, sighted: Sighted) -> list[Action]:
        found: list[Action] = []
        for deed in rule.deeds:
            if deed is Deed.HOLD:
                found.append(Hold(rule.name))
            elif deed is Deed.DROP:
                found.append(Drop())
            elif deed is Deed.DELAY:
                found.append(Delay(rule.seconds or 0.0))
            elif deed is Deed.DUPLICATE:
                found.append(Duplicate(rule.copies))
            elif deed is Deed.REDIRECT and rule.to is not None:
                found.append(Redirect(rule.to))
            elif deed is Deed.REORDER:
                found.append(Reorder(rule.behind, rule.patience, rule.name))
            elif deed is Deed.REPLAY:
                behind = rule.behind if rule.seconds is None else 0
                found.append(Replay(rule.seconds, behind, rule.patience, rule.name))
            elif deed is Deed.EDIT:
                found += _edits(rule, sighted, self.book.opener(sighted))
        return found


def _edits(rule: Rule, sighted: Sighted, opener: Opener) -> list[Action]:
    """The edits of a rule; another destination is a redirection."""
    found: list[Action] = []
    changes = {name: text for name, text in rule.changes.items() if name not in ("destination", "ttl")}
    if changes:

        def change(data: bytes) -> bytes:
            try:
                return with_fields(data, changes, opener)
            except EditError as error:
                raise EditFailedError(str(error)) from None

        found.append(Edit(change))
    if "destination" in rule.changes:
        found.append(Redirect(read_address(rule.changes["destination"], sighted.passing.remote)))
    return found


def _ttl_of(rule: Rule) -> int | None:
    text = rule.changes.get("ttl")
    if text is None:
        return rule.ttl
    ttl = Ttl().read(text, None, Opener())
    return ttl if isinstance(ttl, int) else None


def _keys(rule: Rule, sighted: Sighted) -> tuple[bytes, ...]:
    """What a rule counts for: the attempt, if it is known, and the target; what comes first is asked."""
    if rule.per is Per.ALL:
        return (_EVERYTHING,)
    target = sighted.target or _EVERYTHING
    return (target,) if sighted.attempt is None else (sighted.attempt.id, target)


def standing_of(rule: Rule) -> Standing:
    """A rule that was never applied."""
    return Standing(replace(rule), rule.on)
