"""A node in a thread and an event loop of its own, so that painting does not hold its timers and packets up.

On a busy screen a call of the loop that paints comes a tenth of a second late now and then, which is longer than a
round trip; so the node does not share that loop. What is shown of it is taken down in its own thread.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Final, TypeVar

from app.live_node import LiveNode
from app.node_status import NodeStatus

if TYPE_CHECKING:
    from app.hand.desk import DeskControl
    from app.intercept_status import Interception

TICK: Final = 0.2
"""Seconds between two looks at the node: countdowns are in tenths."""
SWITCH: Final = 0.001
"""Seconds after which Python takes the processor from one thread for another; 0.005 by default."""

T = TypeVar("T")


class NodeThread:
    """Runs one `LiveNode`; see `app.node_status.RunningNode`. The node's callbacks are called in the thread."""

    def __init__(self, node: LiveNode) -> None:
        self._node = node
        self._status: NodeStatus | None = None
        self._farewell = ""
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    @property
    def name(self) -> str:
        """What it is called on screen."""
        return self._node.name

    async def start(self) -> None:
        """Start the thread, and the node in it.

        Raises:
            CommandError: no socket could be bound.
        """
        sys.setswitchinterval(SWITCH)
        self._thread.start()
        await asyncio.to_thread(self._ready.wait)
        if self._error is not None:
            raise self._error

    def status(self) -> NodeStatus | None:
        """How it was lately; None before it has started and after it has ended."""
        return self._status

    @property
    def desk(self) -> DeskControl | None:
        """Where steps of its own wait for a person."""
        return self._node.desk

    @property
    def interception(self) -> Interception | None:
        """What holds messages on their way through it."""
        return self._node.interception

    @property
    def farewell(self) -> str:
        """What `stop` has to wait for; empty where it ends at once."""
        return self._farewell

    async def stop(self) -> None:
        """Take back the announcement, close, and end the thread. May be called again, and while it goes on."""
        await self._end(self._node.stop())

    async def close_now(self) -> None:
        """Close without telling anybody, also while `stop` waits."""
        await self._end(self._node.close_now())

    async def _end(self, work: Coroutine[None, None, None]) -> None:
        loop = self._loop
        if loop is None or not self._thread.is_alive() or self._leave.is_set():
            work.close()
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._work_and_leave(work), loop))
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    async def _work_and_leave(self, work: Coroutine[None, None, None]) -> None:
        await work
        self._leave.set()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        finally:
            self._status = None
            self._ready.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._node.start()
        except Exception as error:  # noqa: BLE001  raised by `start`
            self._error = error
            return
        self._look()
        self._ready.set()
        while not self._leave.is_set():
            try:
                async with asyncio.timeout(TICK):
                    await self._leave.wait()
            except TimeoutError:
                self._look()

    def _look(self) -> None:
        self._status, self._farewell = self._node.status(), self._node.farewell
