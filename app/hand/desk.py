"""The desk of a running node, for whoever is in another thread: what waits there, and what is to be done with it.

The desk itself is part of the machine and is touched in the node's event loop alone. Screens look at frozen views of it
and leave orders; what an order could not do is told when they look again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.peer.desk import Desk, DoneStep, HeldStep, NotHeldError
from protocol.peer.steps import Act

if TYPE_CHECKING:
    from protocol.peer.peer import Peer
    from protocol.udp_shell import UdpShell

Order = Callable[[Desk, float], object]
"""Does something to the desk at a time of the machine's clock."""

TROUBLES: Final = 20
"""Complaints that are kept until somebody looks."""


@dataclass(frozen=True, slots=True)
class DeskView:
    """A desk at one moment."""

    held: tuple[HeldStep, ...] = ()
    done: tuple[DoneStep, ...] = ()
    """The oldest first."""
    by_hand: frozenset[Act] = frozenset(Act)
    now: float = 0.0
    """The moment, by the machine's clock: all times of the steps are of that clock."""
    forgotten: int = 0
    """Steps that went and are no more in `done`."""


class DeskControl:
    """Hands views out and takes orders in.

    Args:
        desk: the gate of the node's peer.
        what: what goes by hand, in a few words of ours.
    """

    def __init__(self, desk: Desk, what: str = "") -> None:
        self.desk = desk
        self.what = what
        self.begin: Callable[[], None] | None = None
        """Begins another attempt, in the node's loop; None where clients come by themselves."""
        self._view = DeskView(by_hand=frozenset(desk.by_hand))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shell: UdpShell[Peer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False
        self._troubles: deque[str] = deque(maxlen=TROUBLES)
        desk.on_change = self._look_soon

    @property
    def view(self) -> DeskView:
        """How it was lately."""
        return self._view

    def bind(self, shell: UdpShell[Peer]) -> None:
        """The node runs; to be called in its event loop."""
        self._loop, self._shell = asyncio.get_running_loop(), shell
        self.look()

    def close(self) -> None:
        """The node has ended: orders do nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._shell = None

    def look(self) -> None:
        """Take the desk down as it is now; in the node's loop."""
        self._looking = False
        if self._shell is None:
            return
        now = self._shell.now
        self.desk.sweep(now)
        desk = self.desk
        self._view = DeskView(desk.held, desk.done, frozenset(desk.by_hand), now, desk.forgotten)

    def do(self, order: Order) -> None:
        """Leave an order; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._do, order)

    def take_troubles(self) -> list[str]:
        """What orders could not do, since the last call."""
        found = []
        while self._troubles:
            found.append(self._troubles.popleft())
        return found

    def begin_again(self) -> bool:
        """Begin another attempt, from any thread; False where that is not for us to do."""
        if self.begin is None or self._loop is None or self._loop.is_closed():
            return False
        self._loop.call_soon_threadsafe(self.begin)
        return True

    def _do(self, order: Order) -> None:
        shell = self._shell
        if shell is None:
            return
        try:
            shell.act(lambda _, now: order(self.desk, now))
        except NotHeldError as error:
            self._troubles.append(str(error))
        self._wind_up()
        self.look()

    def _look_soon(self) -> None:
        """Many changes in one turn of the loop are one look."""
        if self._loop is not None and not self._looking:
            self._looking = True
            self._loop.call_soon(self.look)

    def _wind_up(self) -> None:
        """Set the timer for what was delayed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.desk.next_timeout()
        if due is not None and self._shell is not None and self._loop is not None:
            wait = max(0.0, due - self._shell.now)
            self._timer = self._loop.call_later(wait, self._do, lambda desk, now: desk.handle_timeout(now))
