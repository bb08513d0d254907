"""The demo in a thread and an event loop of its own, so that neither a screen nor a report holds its packets up."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Final

from app.demo.fast_clock import FastLoop
from app.demo.show import Demo
from app.demo.surveying import survey
from app.demo_status import NetworkStatus

SURVEY: Final = 0.5
"""Seconds, on the demo's clock, between two looks at what is where."""


class DemoThread:
    """Runs a demo while the block that it is used in lasts.

    Args:
        demo: not begun yet. Its callbacks are called in the thread.
        speed: how many times as fast as the world everything goes, timers of the protocol included.
    """

    def __init__(self, demo: Demo, speed: float = 1.0) -> None:
        self.demo = demo
        self.network_status: NetworkStatus | None = None
        """What is where, as it was lately; None at first."""
        self._speed = speed
        self._error: Exception | None = None
        self._up = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo", daemon=True)
        self._loop: FastLoop | None = None
        self._leave: asyncio.Event | None = None

    def __enter__(self) -> DemoThread:
        """Start, and wait until the network is up.

        Raises:
            NoLoopbackError: this system has not the addresses.
            TooFewFilesError: nor the sockets.
            OSError: a socket can't be opened.
        """
        self._thread.start()
        self._ready.wait()
        if not self._up and self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all sockets and end the thread."""
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    @property
    def error(self) -> Exception | None:
        """Why the director could not go on."""
        return self._error

    @property
    def idle(self) -> bool:
        """Whether nothing is played any more, after `finish` or because of an error."""
        playing = self.demo.playing
        return playing is None or playing.done()

    @staticmethod
    def world_seconds() -> float:
        """Seconds of the clock on the wall."""
        return time.monotonic()

    def time_ns(self) -> int:
        """Epoch nanoseconds on the demo's clock, which is that of its packets."""
        return self.demo.network.loopback.time_ns()

    def finish(self) -> None:
        """Begin no more scenes; what is under way is played to its end."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.demo.director.finish)

    def _run(self) -> None:
        self._loop = FastLoop(self._speed)
        try:
            self._loop.run_until_complete(self._live())
        except Exception as error:  # noqa: BLE001  handed to whoever uses the block
            self._error = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _live(self) -> None:
        self._leave = asyncio.Event()
        async with self.demo:
            self._up = True
            self._ready.set()
            playing = self.demo.playing
            if playing is not None:
                playing.add_done_callback(self._played)
            surveying = asyncio.create_task(self._survey())
            await self._leave.wait()
            surveying.cancel()

    async def _survey(self) -> None:
        while True:
            self.network_status = survey(self.demo)
            await asyncio.sleep(SURVEY)

    def _played(self, playing: asyncio.Task[None]) -> None:
        error = None if playing.cancelled() else playing.exception()
        if isinstance(error, Exception):
            self._error = error
