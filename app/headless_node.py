"""A node of ours without screens: what it tells on standard error, attempts on standard output as they conclude."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

from app.cli import complain
from app.node_saying import saying
from app.printed_flows import FlowPrinter

if TYPE_CHECKING:
    from app.live_feed import LiveFeed
    from app.live_node import LiveNode
    from capture.story import Story

TICK: Final = 0.25
"""Seconds between two looks at what happened."""


class HeadlessNode:
    """Runs a node until somebody wants it to end."""

    def __init__(self, node: LiveNode, story: Story, feed: LiveFeed, printer: FlowPrinter) -> None:
        self._node = node
        self._story = story
        self._feed = feed
        self._printer = printer

    async def run(self, duration: float | None, *, to_the_end: bool = False) -> None:
        """Run until SIGINT or SIGTERM, or for `duration` seconds; a second signal ends it without a farewell.

        Args:
            duration: None for as long as it takes.
            to_the_end: whether to leave when everything that the node is to do is done.

        Raises:
            CommandError: no socket could be bound, or the file can't be written.
        """
        leave, hurry = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def asked() -> None:
            (hurry if leave.is_set() else leave).set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked)
        await self._node.start()
        try:
            status = self._node.status()
            if status is not None:
                complain(f"node on port {status.server.port}; Ctrl-C ends")
            done = loop.create_task(self._leave_when_done(leave)) if to_the_end else None
            await self._look_on(leave, None if duration is None else loop.time() + duration)
            if done is not None:
                done.cancel()
            await self._end(hurry)
        finally:
            await self._node.close_now()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        self._tell()
        self._feed.finish()
        self._story.update()
        self._printer.print_rest()
        self._feed.tell_losses()
        for said in self._node.summary():
            complain(said)

    async def _leave_when_done(self, leave: asyncio.Event) -> None:
        await self._node.finished()
        leave.set()

    async def _look_on(self, leave: asyncio.Event, end: float | None) -> None:
        trouble = ""
        while not leave.is_set() and (end is None or asyncio.get_running_loop().time() < end):
            try:
                async with asyncio.timeout(TICK):
                    await leave.wait()
            except TimeoutError:
                pass
            await asyncio.to_thread(self._take_in)
            self._feed.tell_changes()
            self._tell()
            status = self._node.status()
            if status is not None and status.trouble != trouble:
                trouble = status.trouble
                complain(trouble or "nodes answer again")
            self._printer.print_fresh()
            await asyncio.to_thread(self._feed.let_go, self._printer.wants)

    async def _end(self, hurry: asyncio.Event) -> None:
        """Take leave of the network, unless asked to hurry."""
        if self._node.farewell:
            complain(f"{self._node.farewell}…")
        stopping, hurrying = asyncio.create_task(self._node.stop()), asyncio.create_task(hurry.wait())
        await asyncio.wait((stopping, hurrying), return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, hurrying):
            task.cancel()
        await asyncio.gather(stopping, hurrying, return_exceptions=True)

    def _tell(self) -> None:
        for event in self._node.take_events():
            said = saying(event)
            if said:
                complain(said)

    def _take_in(self) -> None:
        """In a thread: the node goes on meanwhile."""
        self._feed.poll()
        self._story.update()
