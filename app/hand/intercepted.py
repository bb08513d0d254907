"""A machine with an interceptor around it, in the thread that it runs in: rules, what is held, what was touched.

What is shown is taken down here, so that another thread can look at it at any time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from app.hand.asking import UNKNOWN, datagram_filter
from app.hand.rules import Rule
from app.hand.ruling import RulingJudge, Standing, standing_of
from app.hand.touching import Framed, TouchKeeper
from app.intercept_status import InterceptError
from protocol.intercept.book import AttemptBook
from protocol.intercept.interceptor import Interceptor
from protocol.intercept.timers import timers_of
from protocol.intercept.values import Countdown, Fate, Held, NotHeldError, Passing, Ruling, Touched

if TYPE_CHECKING:
    from protocol.editing.values import Opener
    from protocol.intercept.sighted import Sighted
    from protocol.messages import Address
    from protocol.noise_handshake import KeyLine
    from protocol.udp_machine import Machine, Tapped

T = TypeVar("T")

LISTED: Final = 500
"""Touched datagrams that are shown."""
_TOKENS: Final = {"CLIENT_TOKEN_SECRET": "client", "SERVER_TOKEN_SECRET": "server"}


class Driven(Protocol):
    """As much of a shell as is needed: to have what waits sent."""

    def drive(self) -> None:
        """Send, tell, and set the timer."""


class _HeldNow(NamedTuple):
    held: Held
    local: Address
    opener: Opener
    attempt: bytes


class TouchedNow(NamedTuple):
    """A touched datagram, and what was known of it then."""

    key: int
    touched: Touched
    local: Address
    opener: Opener


class InterceptedMachine:
    """Made before the node; `attach` is called when it runs.

    Args:
        tap: where the node's packets go.
        rules: in use from the start.
        expression: what to hold from the start; empty for nothing.
        clock: that of the node's event loop, asked in any thread.

    Raises:
        FilterError: the expression does not parse.
        AskedTooMuchError: it asks of attempts alone.
    """

    def __init__(
        self,
        tap: Framed,
        rules: Iterable[Rule] = (),
        expression: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.book = AttemptBook()
        self.interceptor: Interceptor | None = None
        self.on_changed: list[Callable[[], None]] = []
        """Called in the node's thread when something was held, went, or was changed."""
        self._clock = clock
        epoch = time.time() - clock()
        self._keeper = TouchKeeper(tap, epoch)
        self._judge = RulingJudge(self.book, self._local, epoch, clock())
        self._judge.rules = [standing_of(rule) for rule in rules]
        self._expression = expression.strip()
        self._judge.wanted = datagram_filter(self._expression) if self._expression else None
        self._sighted: dict[int, Sighted] = {}
        """What is known of held datagrams."""
        self._touched: deque[TouchedNow] = deque(maxlen=LISTED)
        self._keys = 0
        self._shown_held: tuple[_HeldNow, ...] = ()
        self._shown_touched: tuple[TouchedNow, ...] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shell: Driven | None = None
        self._looking = False
        self._ended = False
        self._unedited = ""
        """Why the first datagram that a rule could not edit was left as it was."""

    # For whoever runs the node.

    def around(self, machine: Machine) -> Machine:
        """Put the interceptor between the sockets and a machine."""
        self.interceptor = Interceptor(machine, self._rule, self._told, self._timers)
        self._keeper.interceptor = self.interceptor
        self._loop = asyncio.get_running_loop()
        return self.interceptor

    def take(self, seen: Tapped) -> None:
        """The node's tap."""
        self._keeper.take(seen)

    def attach(self, shell: Driven) -> None:
        """The node runs."""
        self._shell = shell

    def detach(self) -> None:
        """The node has ended; nothing can be done any more."""
        self._ended = True
        self._look()

    def give_server_key(self, public_key: bytes) -> None:
        """Add a server's public key: of ours, or one that we connect to."""
        self.book.give_server_key(public_key, self._clock())

    def take_key(self, line: KeyLine) -> None:
        """Take in a line of our own key log."""
        side = _TOKENS.get(line.label)
        if side is not None:
            self.book.give_token_secret(line.attempt, side, line.secret, self._clock())

    # Inside: in the node's thread.

    async def _do(self, deed: Callable[[Interceptor, float], T]) -> T:
        loop = self._loop
        if loop is None or self._ended:
            raise InterceptError("the node does not run")
        if asyncio.get_running_loop() is loop:
            return self._act(deed)

        async def act() -> T:
            return self._act(deed)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(act(), loop))

    def _act(self, deed: Callable[[Interceptor, float], T]) -> T:
        interceptor = self.interceptor
        if interceptor is None or self._ended:
            raise InterceptError("the node does not run")
        try:
            result = deed(interceptor, asyncio.get_running_loop().time())
        except NotHeldError as error:
            raise InterceptError(f"#{error.args[0]} is not held any more") from None
        if self._shell is not None:
            self._shell.drive()
        self._look()
        return result

    def _standing(self, index: int) -> Standing:
        if not 0 <= index < len(self._judge.rules):
            raise InterceptError("that rule is gone")
        return self._judge.rules[index]

    def _local(self, socket: int) -> Address:
        return self._keeper.local(socket) or UNKNOWN

    def _rule(self, passing: Passing) -> Ruling:
        self._keeper.judged(passing)
        return self._judge(passing)

    def _timers(self, passing: Passing) -> tuple[Countdown, ...]:
        sighted = self._judge.sighted
        return () if sighted is None or sighted.passing is not passing else timers_of(sighted)

    def _told(self, touched: Touched) -> None:
        self._keeper.told(touched)
        passing, sighted = touched.passing, self._judge.sighted
        if sighted is not None and sighted.passing is not passing:
            sighted = None
        if touched.fate is Fate.UNEDITED and not self._unedited:
            self._unedited = f"{touched.rule}: {touched.reason}"
        if touched.fate is Fate.HELD:
            if sighted is not None:
                self._sighted[passing.number] = sighted
        else:
            known = self._sighted.get(passing.number, sighted)
            if touched.ends:
                self._sighted.pop(passing.number, None)
            self._keys += 1
            self._touched.append(TouchedNow(self._keys, touched, self._local(passing.socket), self._opener(known)))
        self._look_soon()

    def _opener(self, sighted: Sighted | None) -> Opener:
        from protocol.editing.values import NOTHING_KNOWN

        return NOTHING_KNOWN if sighted is None else self.book.opener(sighted)

    def _look_soon(self) -> None:
        if not self._looking and self._loop is not None:
            self._looking = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Take down what is shown."""
        self._looking = False
        interceptor = self.interceptor
        held = () if interceptor is None else interceptor.held
        self._shown_held = tuple(map(self._held_now, held))
        self._shown_touched = tuple(self._touched)
        for told in tuple(self.on_changed):
            told()

    def _held_now(self, held: Held) -> _HeldNow:
        sighted = self._sighted.get(held.number)
        attempt = b"" if sighted is None or sighted.attempt is None else sighted.attempt.id
        return _HeldNow(held, self._local(held.passing.socket), self._opener(sighted), attempt)
