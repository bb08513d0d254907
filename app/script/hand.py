"""What a script is given: networks to act in, attempts to look at, and expectations to state."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.script.attempts import ScriptAttempt
from app.script.expectations import PATIENCE, ExpectationFailed, differing
from app.script.network import RelayedNetwork, ScriptNetwork
from app.script.relays import ScriptRelays
from app.terminal_text import safe_text
from capture.tap import Tap
from protocol.dht.bootstrap import PUBLIC_BOOTSTRAP, BootstrapNode, parse_bootstrap

if TYPE_CHECKING:
    from capture.model import Flow, VerdictCode
    from capture.story import Story
    from protocol.noise_handshake import KeyLine
    from protocol.udp_machine import Tapped

NODES: Final = 14
LOOK: Final = 0.1
"""Seconds between two looks at what was seen."""
SETTLED: Final = 20.0
"""Seconds that a verdict may take: silence is evidence only when it has lasted."""


class Hand:
    """Everything of one run. `peephole script` makes it, and closes it when the script has ended.

    Args:
        args: what stood behind the file on the command line.
        seed: of addresses, keys and NATs of networks of our own.
        say: gets what the script says.
    """

    def __init__(self, args: Sequence[str] = (), *, seed: int = 0, say: Callable[[str], None] | None = None) -> None:
        self.args = tuple(args)
        self.seed = seed
        self.said: list[str] = []
        self.tap = Tap("script")
        """Everything that was seen: of a network of our own the wire, of another our own sockets."""
        self._say = say
        self._story: Story | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Hand:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # Places to act in.

    async def network(self, *, nodes: int = NODES) -> ScriptNetwork:
        """A DHT of our own on loopback addresses, with room for peers behind NATs: no root, nothing beyond the machine.

        Args:
            nodes: how many nodes it has; any of them may become a relay, and all are in hand.

        Raises:
            ExpectationFailed: this system has not the addresses, or too few files may be open.
        """
        from app.demo.embedded_network import TooFewFilesError
        from app.demo.loopback_network import NoLoopbackError

        relays = ScriptRelays()
        embedded = RelayedNetwork(relays, seed=self.seed, nodes=nodes, tap=self._take)
        try:
            await self._stack.enter_async_context(embedded)
        except (NoLoopbackError, TooFewFilesError) as error:
            raise ExpectationFailed(str(error)) from None
        bootstrap = (BootstrapNode(*embedded.bootstrap),)
        return self._made(bootstrap, embedded=embedded, relays=relays)

    async def join(self, *bootstrap: str, public: bool = False, host: str = "0.0.0.0") -> ScriptNetwork:
        """A network that exists.

        Args:
            bootstrap: where to begin, each as ``HOST:PORT``.
            public: whether to join the public HyperDHT network.
            host: local address of our sockets.

        Raises:
            ExpectationFailed: nothing is named, or something that is no address.
        """
        try:
            nodes = tuple(parse_bootstrap(text) for text in bootstrap) + (PUBLIC_BOOTSTRAP if public else ())
        except ValueError as error:
            raise ExpectationFailed(str(error)) from None
        if not nodes:
            raise ExpectationFailed("no network is named: join needs HOST:PORT, or public=True")
        return self._made(nodes, embedded=None, relays=None, host=host)

    # What was seen.

    @property
    def story(self) -> Story:
        """Everything that was seen so far, as the inspector has it."""
        self.tap.collect()
        if self._story is None:
            from capture.story import Story

            self._story = Story(self.tap.table)
        else:
            self._story.update()
        return self._story

    def attempts(self, expression: str = "") -> tuple[Flow, ...]:
        """Attempts that were seen, the oldest first; with an expression of the filter language those that it finds.

        Raises:
            ExpectationFailed: the expression is none.
        """
        story = self.story
        if not expression:
            return story.flows
        from capture.filter import parse_filter
        from capture.filter.errors import FilterError

        try:
            found = parse_filter(expression).on(story)
        except FilterError as error:
            raise ExpectationFailed(f"{expression!r} is no filter: {error}") from None
        return tuple(flow for flow in story.flows if found.matches(flow))

    def attempt(self, attempt: ScriptAttempt | str) -> Flow:
        """One attempt as it was seen.

        Raises:
            ExpectationFailed: nothing was seen of it.
        """
        wanted = attempt if isinstance(attempt, str) else attempt.id
        for flow in self.story.flows:
            if wanted and flow.id == wanted:
                return flow
        raise ExpectationFailed(f"nothing was seen of the attempt {wanted or 'that has no handshake'}")

    async def verdict(self, attempt: ScriptAttempt | str, wanted: VerdictCode | str, within: float = SETTLED) -> Flow:
        """Wait until an attempt has a verdict, and expect it to go on having it while nothing more comes.

        Raises:
            ExpectationFailed: it got no such verdict in time; the message has the one that it got.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while True:
            flow = self.attempt(attempt)
            if flow.verdict.code == wanted:
                return flow
            if loop.time() >= end:
                raise ExpectationFailed(differing(f"the verdict of {flow.id}", str(flow.verdict.code), str(wanted)))
            await asyncio.sleep(LOOK)

    def save(self, path: str) -> None:
        """Write everything that was seen so far to a pcapng file, secrets included."""
        from app.script.saving import save

        self.tap.collect()
        save(self.tap, Path(path))

    # What is expected.

    def check(self, what: str, got: object, wanted: object) -> None:
        """Expect two values to be equal.

        Raises:
            ExpectationFailed: they are not; the message has both.
        """
        if got != wanted:
            raise ExpectationFailed(differing(what, got, wanted))

    def expect(self, truth: object, text: str) -> None:
        """Expect something to hold.

        Raises:
            ExpectationFailed: it does not; `text` says what was expected.
        """
        if not truth:
            raise ExpectationFailed(text)

    def say(self, text: object) -> None:
        """Print a line; with ``--json`` it becomes part of the result."""
        line = safe_text(str(text))
        self.said.append(line)
        if self._say is not None:
            self._say(line)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def _made(
        self,
        bootstrap: tuple[BootstrapNode, ...],
        *,
        embedded: RelayedNetwork | None,
        relays: ScriptRelays | None,
        host: str = "0.0.0.0",
    ) -> ScriptNetwork:
        return ScriptNetwork(
            bootstrap,
            embedded=embedded,
            relays=relays,
            tap_of=self.tap.add_interface,
            on_key=self._took,
            stack=self._stack,
            host=host,
        )

    def _take(self, seen: Tapped) -> None:
        self.tap.take(seen)

    def _took(self, line: KeyLine) -> None:
        self.tap.add_secrets(line.text + "\n")


def print_line(line: str) -> None:
    """What a script says, on standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


__all__ = ("PATIENCE", "Hand", "print_line")
