"""An asyncio loop whose clock runs faster than the world's: every timer, delay and timeout shrinks alike.

Real sockets and real work stay as fast as they are, so there is a speed at which the machine no longer keeps up; peers
then give up on each other as they do on a slow machine.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Any


class _HastySelector(selectors.DefaultSelector):
    """Waits a fraction of the time that it is asked to."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        """Wait for events, at most `timeout` seconds of the fast clock."""
        return super().select(timeout if timeout is None or timeout <= 0 else timeout / self._speed)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop of its own speed."""

    def __init__(self, speed: float) -> None:
        """Make the loop.

        Args:
            speed: seconds of the loop's clock in one of the world's.
        """
        self._speed = speed
        self._began = time.monotonic()
        super().__init__(_HastySelector(speed))

    def time(self) -> float:
        """Seconds of the fast clock."""
        return self._began + (time.monotonic() - self._began) * self._speed
