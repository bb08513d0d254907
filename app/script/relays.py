"""The relays of a script's network: all that its DHT nodes pass on can be held, changed and ruled over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from app.hand.interception import LiveInterception
from app.hand.preset_files import preset
from app.hand.rules import Rule, RulesError
from app.hand.rules_reading import load_rules, parse_rules
from app.intercept_status import InterceptError
from app.script.expectations import PATIENCE, ExpectationFailed, patience
from app.script.messages import MessageInHand
from capture.tap import Tap

if TYPE_CHECKING:
    from app.intercept_status import TouchedMessage

LOOK: Final = 0.01
"""Seconds between two looks at what relays hold."""


class ScriptRelays:
    """All nodes of a network of ours, as one: whichever a client and a server choose, what passes is in hand."""

    def __init__(self) -> None:
        self.nodes: list[LiveInterception] = []
        """Each node's own."""
        self._given: set[tuple[int, int]] = set()

    def added(self, number: int) -> LiveInterception:
        """A node is about to start."""
        node = LiveInterception(Tap(f"relay-{number}"))
        self.nodes.append(node)
        return node

    async def hold(self, expression: str) -> None:
        """From here on hold what an expression of the filter language finds, as ``command == PEER_HOLEPUNCH``.

        Raises:
            ExpectationFailed: the expression is none, or asks of attempts alone.
        """
        try:
            for node in self.nodes:
                await node.intercept(expression, on=True)
        except InterceptError as error:
            raise ExpectationFailed(f"relays can't hold {expression!r}: {error}") from None

    async def pass_on(self) -> None:
        """From here on hold nothing, and let everything go that is held."""
        for node in self.nodes:
            await node.intercept("", on=False)
            await node.forward_all()

    async def held(self, within: float = PATIENCE) -> MessageInHand:
        """Wait for the next message that is held; each is given once.

        Raises:
            ExpectationFailed: none came in time.
        """
        async with patience(within, self._what):
            while True:
                for index, node in enumerate(self.nodes):
                    status = node.status()
                    for held in () if status is None else status.held:
                        if (index, held.number) not in self._given:
                            self._given.add((index, held.number))
                            return MessageInHand(node, held)
                await asyncio.sleep(LOOK)

    async def preset(self, name: str) -> None:
        """Put the rules of a preset in use, as ``lost-reply``.

        Raises:
            ExpectationFailed: there is none of this name, or it is in use.
        """
        try:
            await self._add(preset(name).rules)
        except RulesError as error:
            raise ExpectationFailed(str(error)) from None

    async def rules(self, text: str) -> None:
        """Put rules in use, written as in docs/intercept.md; `rules_file` takes a file.

        Raises:
            ExpectationFailed: they are none.
        """
        try:
            await self._add(parse_rules(text, "the script").rules)
        except RulesError as error:
            raise ExpectationFailed(str(error)) from None

    async def rules_file(self, path: str) -> None:
        """Put the rules of a file in use.

        Raises:
            ExpectationFailed: it can't be read, or they are none.
        """
        try:
            await self._add(load_rules(path).rules)
        except RulesError as error:
            raise ExpectationFailed(str(error)) from None

    @property
    def touched(self) -> tuple[TouchedMessage, ...]:
        """What was done to messages, the latest first, node by node."""
        found: list[TouchedMessage] = []
        for node in self.nodes:
            status = node.status()
            found += () if status is None else status.touched
        return tuple(found)

    async def _add(self, rules: Iterable[Rule]) -> None:
        wanted = tuple(rules)
        try:
            for node in self.nodes:
                await node.add_rules(wanted)
        except InterceptError as error:
            raise ExpectationFailed(f"the relays: {error}") from None

    def _what(self) -> str:
        done = [str(one.fate) for one in self.touched[:6]]
        return f"a message that relays hold; done so far: {', '.join(done) or 'nothing'}"
