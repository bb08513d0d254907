"""The interceptor of a running node: rules and expression, what screens show of it, and what they may do.

The node runs in a thread of its own. What is asked for is done there; what is shown is a snapshot that was taken there,
whose ages are reckoned when it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.hand.asking import AskedTooMuchError, datagram_filter
from app.hand.intercepted import InterceptedMachine, TouchedNow
from app.hand.preset_files import preset
from app.hand.preset_names import PRESET_NAMES
from app.hand.rules import Rule, RulesError
from app.hand.ruling import standing_of
from app.hand.showing import held_message, rule_status, touched_message
from app.intercept_status import HeldMessage, InterceptError, InterceptStatus, Preset, TouchedMessage
from app.wording import counted
from protocol.intercept.interceptor import Interceptor
from protocol.intercept.values import Fate

if TYPE_CHECKING:
    from protocol.editing.values import Draft


class LiveInterception(InterceptedMachine):
    """See `app.intercept_status.Interception`, which everything here is part of."""

    @property
    def presets(self) -> tuple[Preset, ...]:
        """What `add_preset` knows."""
        return tuple(Preset(name, preset(name).says) for name in PRESET_NAMES)

    _made: tuple[tuple[TouchedNow, ...], tuple[TouchedMessage, ...]] = ((), ())
    """Touched messages as they were last asked for, and as they are shown."""

    @property
    def holding(self) -> int:
        """How many messages are held."""
        return 0 if self._ended else len(self._shown_held)

    def held(self) -> tuple[HeldMessage, ...]:
        """The held messages alone."""
        now = self._clock()
        return () if self._ended else tuple(held_message(*one, now) for one in self._shown_held)

    def status(self) -> InterceptStatus | None:
        """How it was lately."""
        interceptor = self.interceptor
        if interceptor is None or self._ended:
            return None
        shown = self._shown_touched
        if self._made[0] is not shown:
            self._made = shown, tuple(touched_message(*one) for one in reversed(shown))
        return InterceptStatus(
            self._judge.wanted is not None,
            self._expression,
            self.held(),
            self._made[1],
            tuple(rule_status(one) for one in tuple(self._judge.rules)),
            interceptor.passed,
            self._clock(),
            interceptor.counts[Fate.OVERTAKEN],
        )

    def summary(self) -> list[str]:
        """What was done, a sentence for each rule and each fate; also when the node has ended."""
        counts = {} if self.interceptor is None else self.interceptor.counts
        said = [f"rule {one.rule.name}: applied {counted(one.hits, 'time')}" for one in self._judge.rules]
        if self._unedited:
            said.append(f"{counts[Fate.UNEDITED]} could not be edited, the first: {self._unedited}")
        done = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count and fate is not Fate.UNEDITED)
        return [*said, f"datagrams: {done}"] if done else said

    async def intercept(self, expression: str, *, on: bool) -> None:
        """Hold what passes an expression from now on, or with `on` unset let everything pass."""
        from capture.filter.errors import FilterError

        text = expression.strip()
        try:
            wanted = datagram_filter(text) if text else None
        except (FilterError, AskedTooMuchError) as error:
            raise InterceptError(str(error)) from None

        def change(_: Interceptor, __: float) -> None:
            self._expression = text
            self._judge.wanted = wanted if on else None

        await self._do(change)

    async def forward(self, number: int) -> None:
        """Send a held message on, as it is now."""
        await self._do(lambda interceptor, now: interceptor.forward(number, now))

    async def forward_all(self) -> int:
        """Send all held messages on, in order; how many there were."""
        return await self._do(lambda interceptor, now: interceptor.forward_all(now))

    async def drop(self, number: int) -> None:
        """Let a held message be lost."""
        await self._do(lambda interceptor, now: interceptor.drop(number, now))

    async def duplicate(self, number: int) -> None:
        """Send a copy of a held message on; it stays held."""
        await self._do(lambda interceptor, now: interceptor.duplicate(number, now))

    async def delay(self, number: int, seconds: float) -> None:
        """Let a held message go by itself later."""
        await self._do(lambda interceptor, now: interceptor.delay(number, seconds, now))

    async def edit(self, number: int, draft: Draft) -> None:
        """Let a held message be another one."""
        await self._do(lambda interceptor, _: interceptor.edit(number, data=draft.data, to=draft.to, ttl=draft.ttl))

    async def revert(self, number: int) -> None:
        """Let a held message be as it came."""
        await self._do(lambda interceptor, _: interceptor.revert(number))

    async def move(self, number: int, before: int | None) -> None:
        """Put a held message before another one, or with None behind all."""
        await self._do(lambda interceptor, _: interceptor.move(number, before))

    async def replay(self, key: int) -> None:
        """Send once more what went, or did not go, before."""
        found = next((one for one in tuple(self._touched) if one.key == key), None)
        if found is None:
            raise InterceptError("that one is too long ago")
        touched = found.touched
        await self._do(lambda interceptor, now: interceptor.replay(touched, now))

    async def use_rule(self, index: int, *, on: bool) -> None:
        """Use a rule, or not."""

        def change(_: Interceptor, __: float) -> None:
            self._standing(index).on = on

        await self._do(change)

    async def remove_rule(self, index: int) -> None:
        """Forget a rule."""

        def change(_: Interceptor, __: float) -> None:
            self._judge.rules.remove(self._standing(index))

        await self._do(change)

    async def add_preset(self, name: str) -> None:
        """Add the rules of a preset, in use."""
        try:
            rules = preset(name).rules
        except RulesError as error:
            raise InterceptError(str(error)) from None
        await self.add_rules(rules)

    async def add_rules(self, rules: Iterable[Rule]) -> None:
        """Add rules behind those that there are."""
        wanted = tuple(rules)

        def change(_: Interceptor, __: float) -> None:
            known = {one.rule.name for one in self._judge.rules}
            twice = next((rule.name for rule in wanted if rule.name in known), None)
            if twice is not None:
                raise InterceptError(f"there is a rule {twice!r} already")
            self._judge.rules += [standing_of(rule) for rule in wanted]

        await self._do(change)
